"""The backends that a rule is tried on: plain array libraries, and frameworks by their adapters."""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

from gradrules import Rule, Transforms, adapters

PLAIN = {"numpy": "array_api_compat.numpy", "array_api_strict": "array_api_strict"}
NO_AUTODIFF = "{} has no differentiation: the rule's jvp and vjp are called on plain arrays"

Function = Callable[..., tuple[Any, ...]]


class Backend:
    """One array library. Methods that it lacks are in `missing`, with the reason."""

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

    def value(self, rule: Rule, options: dict[str, Any], primals: Any) -> tuple[Any, ...]:
        """The outputs, as NumPy arrays."""
        arrays = tuple(self.array(p) for p in primals)
        return tuple(self.numpy(y) for y in as_tuple(rule(*arrays, **options)))


class PlainBackend(Backend):
    """Rules on plain arrays, by `Rule.jvp` and `Rule.vjp`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.xp = importlib.import_module(PLAIN[name])
        reason = NO_AUTODIFF.format(name)
        self.missing = dict.fromkeys(("order2", "vmap", "compile"), reason)

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
        self.transforms: Transforms = adapter.transforms
        self.missing = dict(self.transforms.missing)

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
        outs = [self.numpy(y) for y in as_tuple(rule(*arrays, **options))]
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
            outputs = as_tuple(rule(*arrays, **options))
            return tuple(y for y, k in zip(outputs, keep, strict=True) if k)

        return f, keep


def as_tuple(outputs: Any) -> tuple[Any, ...]:
    """The outputs of a rule as a tuple, also if there is one."""
    return tuple(outputs) if isinstance(outputs, tuple) else (outputs,)


def installed() -> list[str]:
    """Names of the backends that can be tried here."""
    plain = [name for name in PLAIN if name == "numpy" or importlib.util.find_spec(name)]
    return plain + [name for name in adapters.available() if importlib.util.find_spec(name)]


def load(name: str) -> Backend:
    """The backend of that name."""
    return PlainBackend(name) if name in PLAIN else FrameworkBackend(name)
