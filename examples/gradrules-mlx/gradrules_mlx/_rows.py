"""What users of MLX write, for the transform matrix; it adds to what follows from `_transforms`."""

from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx

from gradrules.testing import Problem, Row

Function = Callable[..., Any]


def rows() -> Iterator[Row]:
    """All of them."""
    yield Row("grad", 1, lambda p: [_slope(p, p.loss, p.d)(*p.x)])
    yield Row("value_and_grad of a tree", 1, _tree)
    yield Row("grad of grad", 2, lambda p: [_slope(p, _slope(p, p.loss, p.d), p.e)(*p.x)])
    yield Row("grad of checkpoint", 1, lambda p: [_slope(p, mx.checkpoint(p.loss), p.d)(*p.x)])
    yield Row("grad of compile", 1, lambda p: [_slope(p, mx.compile(p.loss), p.d)(*p.x)])
    yield Row("grad of vmap", 1, _grad_of_vmap)
    yield Row("vmap of grad, last axis, one argument", 1, _vmap_last)


def _gradient(f: Function, count: int) -> Function:
    """By all arguments, as a list; MLX returns that of a single one alone."""
    gradient = mx.grad(f, argnums=list(range(count)))
    return (lambda *x: [gradient(*x)]) if count == 1 else gradient


def _slope(p: Problem, f: Function, along: tuple[Any, ...]) -> Function:
    """The derivative along a direction, by ``mlx.core.grad``."""
    gradient = _gradient(f, len(p.x))
    return lambda *x: p.inner(gradient(*x), along)


def _tree(p: Problem) -> list[Any]:
    _, gradient = mx.value_and_grad(lambda tree: p.loss(*tree["x"]))({"x": list(p.x)})
    return [p.inner(gradient["x"], p.d)]


def _grad_of_vmap(p: Problem) -> list[Any]:
    def total(*points: Any) -> Any:
        return mx.sum(mx.vmap(p.loss)(*points))

    gradients = _gradient(total, len(p.points))(*p.points)
    return [p.inner([g[i] for g in gradients], p.d) for i in range(p.points[0].shape[0])]


def _vmap_last(p: Problem) -> list[Any]:
    axes = (-1, *[None] * (len(p.x) - 1))
    mapped = mx.vmap(_slope(p, p.loss, p.d), in_axes=axes)
    return list(mapped(mx.moveaxis(p.points[0], 0, -1), *p.x[1:]))
