"""What an adapter is, and how adapters are found.

An adapter carries rules into one framework. It is an instance of a subclass of :class:`Adapter`,
published under the entry-point group ``gradrules.adapters``; the entry point is named after the
import name of its framework (``jax``, ``torch``, ...), so that no adapter is imported before its
framework is. The adapters of this distribution are found in no other way.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Protocol

from ._dtypes import dtype_name
from ._functions import FlatFunction, Function, Given, flatten
from ._registry import lookup
from ._typing import Array, Arrays, MaybeArrays, Namespace, Options
from .errors import AdapterError, ArrayTypeError, UnsupportedTransformError

if TYPE_CHECKING:
    from ._rule import Rule
    from .testing import Row

__all__ = ["Adapter", "Native", "TraceKey", "Transforms", "available", "load", "lookup"]

GROUP = "gradrules.adapters"
_DTYPES = ("float32", "float64", "complex64", "complex128")


class Transforms(ABC):
    """How a framework spells its transformations, in our convention of complex cotangents.

    The tests and ``gradrules check`` drive every framework through these. A function `f` takes
    arrays and returns a tuple of arrays.

    Attributes
    ----------
    missing
        What the framework or its adapter does not have, with the reason: a law (``"vmap"``,
        ``"compile"``, ``"kept"``, ...), a dtype (``"complex128"``), or, under any other name, what
        is refused by an :class:`~gradrules.errors.UnsupportedTransformError` of that reason.
        The tests skip these, and nothing else.
    """

    missing: dict[str, str] = {}  # noqa: RUF012 (overridden, never changed)

    @abstractmethod
    def array(self, value: Any) -> Array:
        """A framework array from a NumPy array."""

    @abstractmethod
    def numpy(self, value: Array) -> Any:
        """A NumPy array from a framework array."""

    @abstractmethod
    def vjp(self, f: Callable[..., Arrays], primals: Arrays, cotangents: MaybeArrays) -> Arrays:
        """Reverse mode: cotangents of the primals, dense zeros where there is no path."""

    @abstractmethod
    def jvp(self, f: Callable[..., Arrays], primals: Arrays, tangents: MaybeArrays) -> Arrays:
        """Forward mode: tangents of the outputs."""

    def precise(self) -> AbstractContextManager[Any]:
        """A context in which float64 is float64, where a framework narrows it by default."""
        return nullcontext()

    def vmap(self, f: Callable[..., Arrays]) -> Callable[..., Arrays]:
        """`f` over a new leading axis of every argument."""
        raise NotImplementedError

    def compile(self, f: Callable[..., Arrays]) -> Callable[..., Arrays]:
        """`f` through the framework's compiler."""
        raise NotImplementedError

    def compilers(self) -> dict[str, Callable[[Callable[..., Arrays]], Callable[..., Arrays]]]:
        """All compilers by name, where a framework has several."""
        return {"compile": self.compile}

    def timed(
        self, f: Callable[..., Arrays], primals: Arrays, cotangents: Arrays
    ) -> dict[str, Callable[[], Any]]:
        """What ``gradrules bench`` times: ``"forward"``, ``"backward"`` and ``"both"``.

        Each runs as users run it who want it fast, and returns when the results are there.
        ``"backward"`` starts from a value that is there.
        """
        raise NotImplementedError

    def rows(self) -> "Iterable[Row]":
        """Further transformations, as the framework's users spell them, for the transform matrix."""
        return ()

    def refused(self, compiler: str, rule: "Rule", dtype: str) -> str:  # noqa: ARG002
        """Why a compiler cannot take a rule in some dtype; empty if it can.

        `compiler` is a name in `compilers`; with ``": vmap"`` behind it the mapped rule is meant.
        """
        return ""


def _no_options(**_: Hashable) -> Mapping[str, Hashable]:
    return {}


def _as_given(arrays: Arrays, **_: Hashable) -> Arrays:
    return arrays


def _all(axes: tuple[int, ...] | None, **arguments: Hashable) -> Mapping[str, Hashable]:  # noqa: ARG001
    return arguments


def _outputs(result: Any) -> Arrays:
    return tuple(result) if isinstance(result, tuple) else (result,)


def _unchanged(outputs: Arrays, arrays: Arrays) -> Arrays:  # noqa: ARG001
    return outputs


@dataclass(frozen=True)
class Native:
    """A function of a framework that a rule can stand in for; :func:`gradrules.override` reads it.

    Attributes
    ----------
    rule
        Name of the rule.
    paths
        Where the framework exposes the function, dotted, with blanks between them:
        ``"torch.det torch.Tensor.det"``. Paths that this version of the framework does not have are
        passed over.
    parameters
        Names of the function's parameters in order, with blanks between them. Some that come in one
        tuple are in parentheses, ``"c_and_lower=(c,lower) b"``, and those behind a ``*`` are given by
        name alone. A call with any other argument stays native.
    inputs
        Those of them that are the rule's inputs, in the rule's order; by default the first.
    options
        Of the other arguments, by name: the rule's options, or `None` if the rule has no
        counterpart for them, and the call stays native.
    before
        ``before(arrays, **arguments)``: the arrays that the rule shall see; `None` if the call
        stays native.
    within
        The way back of `before`, without derivatives: the arrays that the function shall get.
    handed
        ``handed(axes, **arguments)``: the other arguments that the function shall get, by default
        as they are. A function that takes an axis gets the array as the call has it, perhaps with
        more batch axes in front; `axes` are the rule's, counted from the end.
    outputs
        From the function's result to the rule's outputs.
    after
        ``after(outputs, arrays)``: back again, differentiably.
    """

    rule: str
    paths: str
    parameters: str
    options: Callable[..., Mapping[str, Hashable] | None] = _no_options
    before: Callable[..., Arrays | None] = _as_given
    outputs: Callable[[Any], Arrays] = _outputs
    after: Callable[[Arrays, Arrays], Arrays] = _unchanged
    within: Callable[[Arrays], Arrays] = _as_given
    handed: Callable[..., Mapping[str, Hashable]] = _all
    inputs: str = ""

    @cached_property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """The parameters: a name, or the name of a tuple and those in it."""
        return tuple(
            (name, *group.strip("()").split(",")) if group else (name,)
            for name, _, group in (word.partition("=") for word in self.parameters.split())
            if name != "*"
        )

    @cached_property
    def positional(self) -> int:
        """How many of the parameters may be given without their names."""
        words = self.parameters.split()
        return words.index("*") if "*" in words else len(words)

    @cached_property
    def arrays(self) -> tuple[str, ...]:
        """Names of the parameters that are the rule's inputs, in the rule's order."""
        count = len(lookup(self.rule).inputs)
        return tuple(self.inputs.split() or (name for name, *_ in self.names[:count]))

    @property
    def plain(self) -> bool:
        """Whether a call with the rule's inputs alone means what the rule means by its defaults."""
        rule = lookup(self.rule)
        if self.arrays != tuple(name for name, *_ in self.names[: len(rule.inputs)]):
            return False
        options = self.options()
        if options is None or (self.handed is not _all and self.after is not _unchanged):
            return False  # the function itself gives less than the rule
        # Which triangle of a Hermitian matrix is read is another matter.
        read = {"lower"} if rule.declaration.structure else set()
        return all(rule.keywords[name] == options[name] for name in options.keys() - read)


class TraceKey(Protocol):
    """A value that is part of what a framework caches its compiled functions by."""

    def __call__(self, value: Hashable, /) -> AbstractContextManager[Any]:
        """Set the value in this thread, within a context."""

    def set_global(self, value: Hashable, /) -> Any:
        """Set the value in all threads."""


class Adapter(ABC):
    """One framework's bridge. Subclasses are stateless; gradrules makes no second instance.

    Attributes
    ----------
    name
        Import name of the framework.
    xp
        The array namespace given to derivatives: what it computes, the framework can differentiate.
    transforms
        The framework's transformations, for tests.
    companions
        Array types of other libraries that the framework takes beside its own.
    natives
        The framework's own functions that rules can stand in for, see :func:`gradrules.override`.
    trace_key
        For a framework that compiles: what makes it trace a function again under an override.
    plain_function
        For a framework that differentiates functions of plain NumPy arrays: its kind of function.
    """

    name: str
    xp: Namespace
    transforms: Transforms | None = None
    companions: tuple[type, ...] = ()
    natives: Sequence[Native] = ()
    trace_key: TraceKey | None = None
    plain_function: type[Function] | None = None

    @abstractmethod
    def handles(self, kind: type) -> bool:
        """Whether arrays (or tracers) of this type belong to the framework."""

    @abstractmethod
    def apply(self, rule: "Rule", arrays: Arrays, options: Options) -> Arrays:
        """Evaluate `rule` so that the framework differentiates it by the rule's derivatives."""

    def apply_kept(
        self, rule: "Rule", arrays: Arrays, options: Options
    ) -> tuple[Arrays, Arrays | None]:
        """As `apply`, with the kept arrays where nothing will differentiate the result."""
        return self.apply(rule, arrays, options), None

    def opaque(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, which stands in for a native one, as the framework's compiler is to see it."""
        return function

    def adopt(self, arrays: Arrays) -> Arrays:
        """Arrays that may stand beside the framework's own, as the framework's own."""
        return arrays

    def flatten(self, tree: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """The leaves of a tree of parameters, and the function that puts others in their place."""
        return flatten(tree)

    def close(
        self,
        rule: str,
        f: FlatFunction,  # noqa: ARG002
        example: Arrays,  # noqa: ARG002
    ) -> tuple[Function, Arrays]:
        """A user's function as a function of all that it reads, and what it reads besides `example`.

        ``f(x, *params)`` is a pure function of arrays like those of `example`. What it captures are
        arguments of the result, behind `x` and before `params`: nothing that may have a gradient is
        left inside. Captured arrays that the adapter cannot find must be refused, by a
        :class:`~gradrules.errors.CapturedArrayError`.
        """
        msg = f"{rule}: the adapter of {self.name} does not take functions"
        raise UnsupportedTransformError(msg)

    def device(self, array: Array) -> Any:  # noqa: ARG002
        """Something that differs between arrays that cannot be used together."""
        return None

    def check(self, rule: "Rule", arrays: Arrays) -> Arrays:
        """Refuse dtypes and devices that do not fit; bring all inputs to one dtype."""
        if len(arrays) == 1 and dtype_name(arrays[0].dtype) in _DTYPES:
            return arrays
        # What a function reads is its own affair, but for its first argument.
        for position, array in enumerate(arrays[:1] if rule.signature.function else arrays):
            name = dtype_name(array.dtype)
            if name not in _DTYPES and rule.differentiable(position):
                msg = (
                    f"{rule.name}: argument {rule.inputs[position]!r} has dtype {name} and shape "
                    f"{tuple(array.shape)}; cast it to one of {', '.join(_DTYPES)} first"
                )
                raise ArrayTypeError(msg)
        return self._together(rule, arrays)

    def _together(self, rule: "Rule", arrays: Arrays) -> Arrays:
        devices = [self.device(array) for array in arrays]
        if any(device != devices[0] for device in devices[1:]):
            where = ", ".join(
                f"{name!r} on {device}" for name, device in zip(rule.inputs, devices, strict=True)
            )
            msg = f"{rule.name}: the arguments are on different devices ({where}); move them to one"
            raise ArrayTypeError(msg)
        if rule.signature.function:
            return arrays
        floating = [a for i, a in enumerate(arrays) if rule.differentiable(i)]
        if len({dtype_name(a.dtype) for a in floating}) < 2:
            return arrays
        common = self.xp.result_type(*(a.dtype for a in floating))
        return tuple(
            self.xp.astype(a, common) if rule.differentiable(i) else a for i, a in enumerate(arrays)
        )


class Plain(Adapter):
    """Arrays of any array-API library, without differentiation: NumPy, array-api-strict, ..."""

    def __init__(self, name: str, xp: Namespace) -> None:
        self.name, self.xp = name, xp

    def handles(self, kind: type) -> bool:  # noqa: ARG002
        return False

    def close(self, rule: str, f: FlatFunction, example: Arrays) -> tuple[Function, Arrays]:  # noqa: ARG002
        """As it is: plain arrays have no gradient to lose."""
        return Given(self.xp, f, jvp=f.jvp, vjp=f.vjp, name=rule, otherwise=_plain_function), ()

    def apply(self, rule: "Rule", arrays: Arrays, options: Options) -> Arrays:
        return rule.evaluate(arrays, options, xp=self.xp)

    def apply_kept(
        self, rule: "Rule", arrays: Arrays, options: Options
    ) -> tuple[Arrays, Arrays | None]:
        return rule.evaluate_keep(arrays, options, xp=self.xp)


def _plain_function() -> type[Function] | None:
    """What differentiates functions of plain arrays, among the frameworks that are imported."""
    known, _ = imported()
    return next((a.plain_function for a in known if a.plain_function is not None), None)


def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def available() -> list[str]:
    """Names of all installed adapters, whether their framework is installed or not."""
    return sorted(_entry_points())


_LOADED: dict[str, Adapter] = {}


def load(name: str) -> Adapter:
    """Import the adapter called `name`.

    Raises
    ------
    AdapterError
        If there is no such adapter, its framework is not installed, or importing it fails.
    """
    adapter = _LOADED.get(name)
    if adapter is None:
        adapter = _LOADED[name] = _import(name)
    return adapter


def _import(name: str) -> Adapter:
    point = _entry_points().get(name)
    if point is None:
        msg = f"there is no adapter {name!r}; installed: {', '.join(available()) or 'none'}"
        raise AdapterError(msg)
    try:
        adapter = point.load()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == name:
            msg = f"adapter {name!r} needs {name!r}; try: pip install {_requirement(point)}"
            raise AdapterError(msg) from error
        msg = f"adapter {name!r} ({point.value}) cannot be imported: {error}"
        raise AdapterError(msg) from error
    except Exception as error:
        msg = f"adapter {name!r} ({point.value}) cannot be imported: {error!r}"
        raise AdapterError(msg) from error
    if not isinstance(adapter, Adapter):
        msg = f"adapter {name!r} ({point.value}) is no instance of gradrules.Adapter"
        raise AdapterError(msg)
    return adapter


def _requirement(point: EntryPoint) -> str:
    """What to install for the framework: the extra of the adapter's distribution, if it has one."""
    about = None if point.dist is None else point.dist.metadata
    if about is not None and point.name in (about.get_all("Provides-Extra") or ()):
        return f"'{about['Name']}[{point.name}]'"
    return point.name


def imported() -> tuple[list[Adapter], list[str]]:
    """The adapters whose framework this process has imported; and what failed to load."""
    adapters, failures = [], []
    for name in available():
        if name in sys.modules:
            try:
                adapters.append(load(name))
            except AdapterError as error:
                failures.append(str(error))
    return adapters, failures
