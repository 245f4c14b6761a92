"""Functions as arguments of rules: what they capture is found by recording them on a trace of our own.

autograd finds out what a function depends on by running it on boxes. A box that belongs to another
trace, and meets one of ours or is the result itself, is something that the function captured. The
record can be run again with other arrays in its place: the function with the captured arrays as
arguments. It is made afresh at every call, because Python may branch on values.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from autograd import make_jvp, make_vjp
from autograd.builtins import tuple as traced_tuple
from autograd.core import VJPNode
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import Node, isbox, new_box, notrace_primitives, trace_stack

from gradrules import FlatFunction, Function
from gradrules.errors import CapturedArrayError

from . import _namespace as xp

__all__ = ["AutogradFunction", "close"]

Array = Any
Arrays = tuple[Array, ...]


class AutogradFunction(Function):
    """Differentiated by autograd."""

    xp = xp

    @staticmethod
    def push(f: Callable[..., Array], xs: Sequence[Array], dxs: Sequence[Array]) -> Array:
        """By `make_jvp`."""
        with _quiet():
            return make_jvp(f, tuple(range(len(xs))))(*xs)(traced_tuple(list(dxs)))[1]

    @staticmethod
    def pull(f: Callable[..., Array], xs: Sequence[Array], cotangent: Array) -> Sequence[Array]:
        """By `make_vjp`, whose convention is the complex conjugate of ours."""
        with _quiet():
            pullback, _ = make_vjp(f, tuple(range(len(xs))))(*xs)
            found = pullback(xp.conj(cotangent))
        return [xp.conj(found[i]) for i in range(len(xs))]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without autograd's warning that a derivative is zero."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Output seems independent of input")
        yield


class _Recorded(Node):  # type: ignore[misc]  # autograd is untyped
    """An operation as it was called; it joins the record that is being made."""

    __slots__ = ("call",)
    records: ClassVar[list[list["_Recorded"]]] = []

    def __init__(
        self, _value: Any, fun: Any, args: Any, kwargs: Any, argnums: Any, parents: Any
    ) -> None:
        self.call: Any = fun, args, kwargs, argnums, parents
        self.records[-1].append(self)

    def initialize_root(self) -> None:
        self.call = None


notrace_primitives[_Recorded] = notrace_primitives[VJPNode]


@dataclass(frozen=True)
class _Record:
    """What a function did with `roots`; `captured` are boxes of other traces, in order."""

    nodes: list[_Recorded]
    roots: list[_Recorded]
    result: Any
    captured: Arrays

    def replayed(self, xs: Sequence[Array], captured: Sequence[Array]) -> Array:
        """The same operations on other arrays."""
        at = {id(root): x for root, x in zip(self.roots, xs, strict=True)}
        instead = {id(box): x for box, x in zip(self.captured, captured, strict=True)}
        for node in self.nodes:
            fun, args, kwargs, argnums, parents = node.call
            there = [instead.get(id(a), a) for a in args]
            for position, parent in zip(argnums, parents, strict=True):
                there[position] = at[id(parent)]
            at[id(node)] = fun(*there, **kwargs)
        if isinstance(self.result, _Recorded):
            return at[id(self.result)]
        return instead.get(id(self.result), self.result)


def _record(f: Callable[..., Any], xs: Sequence[Array]) -> _Record:
    """Run `f` at the values of `xs`, on a trace above all others."""
    top = trace_stack.top
    # In a pull-back the traces of captured boxes have ended, and their numbers would be given again.
    trace_stack.top = trace = max(top, 0) + 1000
    nodes: list[_Recorded] = []
    _Recorded.records.append(nodes)
    try:
        roots = [_Recorded.new_root() for _ in xs]
        y = f(*(new_box(_value(x), trace, root) for x, root in zip(xs, roots, strict=True)))
    finally:
        _Recorded.records.pop()
        trace_stack.top = top
    result = y._node if isbox(y) and y._trace == trace else y
    captured: dict[int, Any] = {}
    for node in nodes:
        _, args, _, argnums, _ = node.call
        for i, a in enumerate(args):
            if isbox(a) and i not in argnums:  # the value of one of ours may be a box as well
                captured.setdefault(id(a), a)
    if isbox(result):
        captured.setdefault(id(result), result)
    return _Record(nodes, roots, result, tuple(captured.values()))


def close(rule: str, f: FlatFunction, example: Arrays) -> tuple[AutogradFunction, Arrays]:
    """`f` as a function of all that it reads, and what it captured."""
    first = _record(f, example)
    captured = first.captured
    if not all(isinstance(box, ArrayBox) for box in captured):
        msg = f"{rule}: the function captures a traced container; pass it as a parameter"
        raise CapturedArrayError(msg)
    count = len(captured)
    kinds = [_value(box) for box in captured]

    def closed(x: Array, *arrays: Array) -> Array:
        given, params = arrays[:count], arrays[count:]
        again = _record(f, (x, *params))
        if not _alike(kinds, [_value(box) for box in again.captured]):
            msg = (
                f"{rule}: the arrays that the function captures are not those that it captured when "
                f"{rule} was called; pass them as parameters"
            )
            raise CapturedArrayError(msg)
        return again.replayed((x, *params), given)

    def plain(x: Array, *arrays: Array) -> Array:
        # Nothing is captured and nothing traced: there is nothing to record.
        traced = any(map(isbox, (x, *arrays)))
        return closed(x, *arrays) if traced else f(x, *arrays)

    return AutogradFunction(closed if count else plain), captured


def _value(x: Any) -> Any:
    while isbox(x):
        x = x._value
    return x


def _alike(values: Sequence[Array], others: Sequence[Array]) -> bool:
    return len(values) == len(others) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(values, others, strict=True)
    )
