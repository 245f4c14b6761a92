"""The backends that a rule is tried on: plain array libraries, and frameworks by their adapters."""

import importlib.util
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from gradrules import Rule, Transforms, adapters
from gradrules._override import resolve
from gradrules.adapters import Native

PLAIN = {"numpy": "array_api_compat.numpy", "array_api_strict": "array_api_strict"}
NO_AUTODIFF = "{} has no differentiation: the rule's jvp and vjp are called on plain arrays"

Function = Callable[..., tuple[Any, ...]]


class NotOffered(Exception):  # noqa: N818 (it says what a framework does not have)
    """The framework has no such function, or no such transformation of it, for the reason given."""


class Backend:
    """One array library.

    Attributes
    ----------
    name
        As in ``gradrules check --backend``.
    xp
        The array namespace.
    missing
        Laws, dtypes and operations that it lacks, with the reason.
    """

    xp: Any

    def __init__(self, name: str) -> None:
        self.name = name
        self.missing: dict[str, str] = {}

    def array(self, value: Any) -> Any:
        """The library's array of a NumPy array."""
        raise NotImplementedError

    def numpy(self, value: Any) -> Any:
        """The NumPy array of one of the library's."""
        raise NotImplementedError

    def jvp(self, rule: Rule, options: dict[str, Any], primals: Any, tangents: Any) -> Any:
        """``(outputs, output tangents)`` of a rule: tuples of NumPy arrays."""
        raise NotImplementedError

    def vjp(self, rule: Rule, options: dict[str, Any], primals: Any, cotangents: Any) -> Any:
        """Input cotangents of a rule: a tuple of NumPy arrays."""
        raise NotImplementedError

    def precise(self) -> AbstractContextManager[Any]:
        """Within it, the library's float64 is float64."""
        return nullcontext()

    def defines(self, rule: Rule, mode: str) -> bool:
        """Whether there is a ``"jvp"`` or ``"vjp"`` to try."""
        return rule.defines(mode)

    def call(self, rule: Rule, arrays: Sequence[Any], options: dict[str, Any]) -> tuple[Any, ...]:
        """What is tried: the outputs for the library's arrays."""
        return as_tuple(rule(*arrays, **options))

    def value(self, rule: Rule, options: dict[str, Any], primals: Any) -> tuple[Any, ...]:
        """The outputs, as NumPy arrays."""
        arrays = tuple(self.array(p) for p in primals)
        return tuple(self.numpy(y) for y in self.call(rule, arrays, options))


class PlainBackend(Backend):
    """Rules on plain arrays, by `Rule.jvp` and `Rule.vjp`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.xp = importlib.import_module(PLAIN[name])
        reason = NO_AUTODIFF.format(name)
        self.missing = dict.fromkeys(("order2", "order3", "vmap", "compile"), reason)

    def array(self, value: Any) -> Any:
        """The library's array of a NumPy array."""
        return self.xp.asarray(np.array(value))

    def numpy(self, value: Any) -> Any:
        """The NumPy array of one of the library's."""
        return np.asarray(value)

    def jvp(self, rule: Rule, options: dict[str, Any], primals: Any, tangents: Any) -> Any:
        """By `Rule.jvp`."""
        y, y_dot = rule.jvp(
            [self.array(p) for p in primals],
            [None if t is None else self.array(t) for t in tangents],
            **options,
        )
        outs = [self.numpy(v) for v in as_tuple(y)]
        return outs, [None if v is None else self.numpy(v) for v in as_tuple(y_dot)]

    def vjp(self, rule: Rule, options: dict[str, Any], primals: Any, cotangents: Any) -> Any:
        """By `Rule.vjp`."""
        _, pullback = rule.vjp(*(self.array(p) for p in primals), **options)
        bars = tuple(None if c is None else self.array(c) for c in cotangents)
        return [self.numpy(v) for v in pullback(bars if len(bars) > 1 else bars[0])]


class FrameworkBackend(Backend):
    """Rules differentiated by a framework, which calls our derivatives."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        adapter = adapters.load(name)
        if adapter.transforms is None:
            msg = f"adapter {name!r} declares no transforms, so it cannot be tested"
            raise NotImplementedError(msg)
        self.xp = adapter.xp
        self.transforms: Transforms = adapter.transforms
        self.missing = dict(self.transforms.missing)

    def precise(self) -> AbstractContextManager[Any]:
        """As the framework spells it."""
        return self.transforms.precise()

    def array(self, value: Any) -> Any:
        """The framework's array of a NumPy array."""
        return self.transforms.array(np.array(value))

    def numpy(self, value: Any) -> Any:
        """The NumPy array of one of the framework's."""
        return np.asarray(self.transforms.numpy(value))

    def jvp(self, rule: Rule, options: dict[str, Any], primals: Any, tangents: Any) -> Any:
        """By the framework's forward mode."""
        f, keep = self.function(rule, options, primals)
        arrays = tuple(self.array(p) for p in primals)
        dots = self.transforms.jvp(
            f, arrays, tuple(None if t is None else self.array(t) for t in tangents)
        )
        found = iter([self.numpy(d) for d in dots])
        outs = [self.numpy(y) for y in self.call(rule, arrays, options)]
        return outs, [next(found) if k else None for k in keep]

    def vjp(self, rule: Rule, options: dict[str, Any], primals: Any, cotangents: Any) -> Any:
        """By the framework's reverse mode."""
        f, keep = self.function(rule, options, primals)
        bars = tuple(
            None if c is None else self.array(c) for c, k in zip(cotangents, keep, strict=True) if k
        )
        arrays = tuple(self.array(p) for p in primals)
        return [self.numpy(g) for g in self.transforms.vjp(f, arrays, bars)]

    def function(
        self, rule: Rule, options: dict[str, Any], primals: Any
    ) -> tuple[Function, list[bool]]:
        """The rule as a function to a tuple of its floating outputs, and which those are."""
        keep = [np.issubdtype(y.dtype, np.inexact) for y in self.value(rule, options, primals)]

        def f(*arrays: Any) -> tuple[Any, ...]:
            outputs = self.call(rule, arrays, options)
            return tuple(y for y, k in zip(outputs, keep, strict=True) if k)

        return f, keep

    def refused(self, compiler: str, rule: Rule, dtype: str) -> str:
        """Why a compiler cannot take the rule in that dtype; empty if it can."""
        return self.transforms.refused(compiler, rule, dtype)


class NativeBackend(FrameworkBackend):
    """The framework's own functions in the rules' place, differentiated by the framework."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.missing = {}

    def defines(self, rule: Rule, mode: str) -> bool:  # noqa: ARG002
        """Always: it is the framework that differentiates."""
        return True

    def call(self, rule: Rule, arrays: Sequence[Any], options: dict[str, Any]) -> tuple[Any, ...]:
        """The native function's outputs, as the rule has them."""
        if options:
            msg = f"the framework's own function is tried without the rule's options {options}"
            raise NotOffered(msg)
        return self.native(rule)(*arrays)

    def native(self, rule: Rule) -> Function:
        """The framework's own function for a rule, with the rule's outputs.

        Natives differ in what they read of a Hermitian matrix; they are given its Hermitian part.

        Raises
        ------
        NotOffered
            If the framework has none.
        """
        return self.stand_in(rule, *framework_function(rule, self.name))

    def stand_in(self, rule: Rule, function: Any, outputs: Callable[[Any], Any]) -> Function:
        """A native function with the inputs and outputs of a rule."""
        xp, structure = self.xp, rule.declaration.structure

        def hermitian(name: str, a: Any) -> Any:
            if structure.get(name) != "hermitian":
                return a
            return (a + xp.conj(xp.matrix_transpose(a))) / 2

        return lambda *arrays: outputs(function(*map(hermitian, rule.inputs, arrays)))

    def refused(self, compiler: str, rule: Rule, dtype: str) -> str:  # noqa: ARG002
        """Nothing: the framework's own compiler says it."""
        return ""


def framework_function(rule: Rule, framework: str) -> tuple[Function, Callable[[Any], Any]]:
    """The framework's own function for a rule, and what makes the rule's outputs of its own.

    Raises
    ------
    NotOffered
        If the framework has none.
    """
    for candidate in natives_of(framework, rule.name):
        for path in candidate.paths.split():
            function = resolve(path)
            if function is not None:
                return function, candidate.outputs
    msg = f"{framework} has no function for {rule.name}"
    raise NotOffered(msg)


def natives_of(framework: str, rule: str) -> list[Native]:
    """The framework's functions that can be called with the rule's inputs alone, and mean the same."""
    return [n for n in adapters.load(framework).natives if n.rule == rule and n.plain]


def as_tuple(outputs: Any) -> tuple[Any, ...]:
    """What a function returns as a tuple, also if it is one thing."""
    return tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)


def installed() -> list[str]:
    """Names of the backends that can be tried here."""
    plain = [name for name in PLAIN if name == "numpy" or importlib.util.find_spec(name)]
    return plain + [name for name in adapters.available() if importlib.util.find_spec(name)]


def load(name: str) -> Backend:
    """The backend of that name."""
    return PlainBackend(name) if name in PLAIN else FrameworkBackend(name)
