"""The adapter: a rule becomes a ``mlx.core.custom_function`` with the rule's derivatives.

MLX differentiates the graph that a function leaves behind, so every derivative is built in its closed
form, which has rules in it again. What a rule keeps for speed is left out: MLX computes all outputs of
an operation or none, and would compute kept arrays for whoever asks for the value alone.
"""

from typing import Any

import mlx.core as mx

from gradrules import Adapter, Rule

from . import _hooks  # noqa: F401 (imported for what it provides)
from . import _namespace as xp
from ._transforms import MlxTransforms, inexact

Arrays = tuple[Any, ...]
Options = tuple[tuple[str, Any], ...]


class MlxAdapter(Adapter):
    """MLX arrays. One type serves plain and traced ones: MLX knows what is traced, we need not."""

    name = "mlx"
    xp = xp
    transforms = MlxTransforms()

    def handles(self, kind: type) -> bool:
        """Whether `kind` is MLX's array type."""
        return issubclass(kind, mx.array)

    def apply(self, rule: Rule, arrays: Arrays, options: Options) -> Arrays:
        """Evaluate `rule` as one operation of MLX."""
        return tuple(_operation(rule, options)(list(arrays)))


# An operation is made at each call: a cache would keep the functions that users give as options.
def _operation(rule: Rule, options: Options) -> Any:
    @mx.custom_function
    def operation(primals: list[Any]) -> list[Any]:
        # MLX's jvp looks for derivatives inside, and fails where one is missing, though it has ours.
        values = tuple(map(mx.stop_gradient, primals))
        return list(rule.evaluate(values, options, xp=xp))

    @operation.vjp
    def vjp(primals: list[Any], cotangents: list[Any], outputs: list[Any]) -> list[Any]:
        bars = tuple(
            bar if inexact(y) else None for bar, y in zip(cotangents, outputs, strict=True)
        )
        values = rule.linear("vjp", tuple(primals), tuple(outputs), bars, options, xp=xp)
        return [
            _without_path(rule, position, x) if value is None else value
            for position, (value, x) in enumerate(zip(values, primals, strict=True))
        ]

    @operation.jvp
    def jvp(primals: list[Any], tangents: list[Any]) -> list[Any]:
        # MLX does not pass the outputs on: they are a second call, which is differentiable in turn.
        outputs = tuple(_operation(rule, options)(primals))
        dots = tuple(dot if inexact(x) else None for dot, x in zip(tangents, primals, strict=True))
        values = rule.linear("jvp", tuple(primals), outputs, dots, options, xp=xp)
        return [
            mx.zeros_like(y) if value is None else value
            for value, y in zip(values, outputs, strict=True)
        ]

    @operation.vmap
    def vmap(primals: list[Any], axes: list[int | None]) -> tuple[list[Any], list[int]]:
        outputs = _operation(rule, options)(_mapped_in_front(primals, axes))
        return outputs, [0] * len(outputs)

    return operation


def _without_path(rule: Rule, position: int, primal: Any) -> Any:
    """Zero; and NaN for an input without derivative, since MLX does not say which it asks for."""
    if rule.differentiable(position) or not inexact(primal):
        return mx.zeros_like(primal)
    return mx.full_like(primal, float("nan"))


def _mapped_in_front(primals: list[Any], axes: list[int | None]) -> list[Any]:
    (size, *_) = (x.shape[a] for x, a in zip(primals, axes, strict=True) if a is not None)
    return [
        mx.broadcast_to(x, (size, *x.shape)) if axis is None else mx.moveaxis(x, axis, 0)
        for x, axis in zip(primals, axes, strict=True)
    ]
