"""Functions as arguments of rules: graph functions, whose captured tensors are made arguments.

Derivatives are graph functions too, made by ``tf.gradients``: a call of a function is what tapes and
accumulators, and graphs that are differentiated later, all differentiate rightly.
"""

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from gradrules import FlatFunction, Function
from gradrules.errors import CapturedArrayError

from . import _namespace as xp
from ._graph import inexact

__all__ = ["TensorFlowFunction", "close"]

Tensors = tuple[Any, ...]
Call = Callable[..., Any]


class TensorFlowFunction(Function):
    """Differentiated and vectorized by TensorFlow."""

    xp = xp

    def __init__(self, call: Call, *, batch: int = 0) -> None:
        super().__init__(call, batch=batch)
        self._functions: dict[Any, Any] = {}

    def jvp(self, xs: Tensors, dxs: tuple[Any | None, ...]) -> Any | None:
        """The transpose of the vjp, which is linear in its cotangent."""
        moving = [i for i, dx in enumerate(dxs) if dx is not None]
        if not moving:
            return None

        def derivative(*operands: Any) -> Any:
            y, sources = self._at(operands[: len(xs)], moving)
            cotangent = tf.zeros_like(y)
            back = tf.gradients(y, sources, cotangent, unconnected_gradients="zero")
            tangents = list(operands[len(xs) :])
            return tf.gradients(back, cotangent, tangents, unconnected_gradients="zero")[0]

        return self._called("jvp", moving, derivative, (*xs, *(dxs[i] for i in moving)))

    def vjp(self, xs: Tensors, cotangent: Any, wrt: Iterable[int]) -> tuple[Any | None, ...]:
        """By `tf.gradients`."""
        wrt = list(wrt)
        moving = [i for i in wrt if inexact(xs[i])]
        if not moving:
            return (None,) * len(wrt)

        def derivative(*operands: Any) -> Any:
            y, sources = self._at(operands[: len(xs)], moving)
            return tf.gradients(y, sources, operands[len(xs)], unconnected_gradients="zero")

        found = self._called("vjp", moving, derivative, (*xs, cotangent))
        at = dict(zip(moving, found, strict=True))
        return tuple(at.get(i) for i in wrt)

    @staticmethod
    def vmap(f: Call) -> Call:
        """`tf.vectorized_map`."""
        return lambda *xs: tf.vectorized_map(lambda x: f(*x), xs)

    def _at(self, xs: Tensors, moving: list[int]) -> tuple[Any, list[Any]]:
        """The value, as a function of copies of some arguments: others may be the same tensor."""
        there = list(xs)
        for i in moving:
            there[i] = tf.identity(xs[i])
        return self._call(*there), [there[i] for i in moving]

    def _called(self, mode: str, moving: list[int], derivative: Call, operands: Tensors) -> Any:
        """``derivative(*operands)`` as a call of one graph function, which is made once."""
        specs = tuple(tf.TensorSpec(x.shape, x.dtype) for x in operands)
        key = (mode, tuple(moving), specs)
        if key not in self._functions:
            self._functions[key] = _graph_function(derivative, specs)
        return self._functions[key](*operands)


def close(rule: str, f: FlatFunction, example: Tensors) -> tuple[TensorFlowFunction, Tensors]:
    """`f` as a function of all that it reads, and what it captured."""
    graph = _graph_function(f, tuple(tf.TensorSpec(x.shape, x.dtype) for x in example))
    captured = tuple(graph.captured_inputs)
    variables = [v.name for v in graph.graph.variables]
    if variables or any(x.dtype == tf.resource for x in captured):
        names = ", ".join(variables) or "a resource"
        msg = (
            f"{rule}: the function reads a variable that is not one of its arguments ({names}); pass "
            f"it as a parameter"
        )
        raise CapturedArrayError(msg)
    count = len(captured)

    def call(x: Any, *arrays: Any) -> Any:
        # No public function calls a graph with other tensors in the place of those it captured.
        found = graph._call_flat([x, *arrays[count:]], captured_inputs=list(arrays[:count]))
        return found[0] if isinstance(found, list | tuple) else found

    return TensorFlowFunction(call), captured


def _graph_function(f: Call, specs: tuple[Any, ...]) -> Any:
    return tf.function(f, autograph=False).get_concrete_function(*specs)
