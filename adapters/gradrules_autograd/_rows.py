"""Transformations of autograd beyond those of `_transforms`, for the transform matrix."""

from collections.abc import Callable, Iterator
from typing import Any

import autograd
import autograd.numpy as np
from autograd.builtins import tuple as traced_tuple
from autograd.misc import const_graph

from gradrules.testing import Problem, Row

Array = Any
Arrays = tuple[Array, ...]
Function = Callable[..., Any]

_REAL = "autograd's Jacobians and Hessians are those of real inputs"


def _all(p: Problem) -> tuple[int, ...]:
    return tuple(range(len(p.x)))


def _down(p: Problem, f: Function, along: Arrays) -> Function:
    return lambda *x: p.pair(autograd.grad(f, _all(p))(*x), along)


def _up(p: Problem, f: Function, along: Arrays) -> Function:
    return lambda *x: autograd.make_jvp(f, _all(p))(*x)(traced_tuple(along))[1]


def _first(p: Problem, f: Function | None = None) -> Function:
    return _down(p, f or p.loss, p.d)


def _reversed(p: Problem, f: Function | None = None) -> Function:
    return _down(p, _first(p, f), p.e)


def _packed(f: Function) -> Function:
    """A function of one tuple."""
    return lambda x: f(*x)


def rows() -> Iterator[Row]:
    """All of them."""
    yield Row("grad", 1, lambda p: [_first(p)(*p.x)])
    yield Row(
        "value_and_grad",
        1,
        lambda p: [p.pair(autograd.value_and_grad(_packed(p.loss))(p.x)[1], p.d)],
    )
    yield Row("grad of grad", 2, lambda p: [_reversed(p)(*p.x)])
    yield Row("grad of one of two inputs", 1, _one_input, inputs=2)
    yield Row(
        "make_vjp", 1, lambda p: [p.pair(autograd.make_vjp(p.loss, _all(p))(*p.x)[0](p.one), p.d)]
    )
    yield Row("make_jvp", 1, lambda p: [_up(p, p.loss, p.d)(*p.x)])
    yield Row("make_jvp of grad", 2, lambda p: [_up(p, _first(p), p.e)(*p.x)])
    yield Row("grad of make_jvp", 2, lambda p: [_down(p, _up(p, p.loss, p.d), p.e)(*p.x)])
    yield Row("jacobian", 1, _jacobian, real=_REAL)
    yield Row("hessian", 2, _hessian, real=_REAL)
    yield Row("make_hvp", 2, _make_hvp, real=_REAL)
    yield Row("hessian_vector_product", 2, _hessian_vector_product, real=_REAL)
    yield Row("checkpoint", 1, lambda p: [_first(p, autograd.checkpoint(p.loss))(*p.x)])
    yield Row(
        "checkpoint, to second order",
        2,
        lambda p: [_reversed(p, autograd.checkpoint(p.loss))(*p.x)],
    )
    yield Row("in a nested container", 1, _container)
    yield Row(
        "in a loop",
        1,
        lambda p: [_first(p, lambda *x: sum(p.loss(*x) / 3 for _ in range(3)))(*p.x)],
    )
    yield Row(
        "const_graph", 1, lambda p: [p.pair(autograd.grad(const_graph(_packed(p.loss)))(p.x), p.d)]
    )


def _one_input(p: Problem) -> list[Array]:
    return [p.pair([autograd.grad(p.loss, i)(*p.x) for i in _all(p)], p.d)]


def _jacobian(p: Problem) -> list[Array]:
    return [p.pair([autograd.jacobian(p.vector, i)(*p.x) for i in _all(p)], p.d)]


def _joined(p: Problem) -> tuple[Function, Array, Array, Array]:
    """All inputs in one vector: the function, the point, and two directions."""
    sizes = np.cumsum([a.size for a in p.x])[:-1]

    def f(flat: Array) -> Array:
        parts = np.split(flat, sizes)
        return p.loss(*(np.reshape(v, a.shape) for v, a in zip(parts, p.x, strict=True)))

    return f, *(np.concatenate([a.ravel() for a in arrays]) for arrays in (p.x, p.d, p.e))


def _hessian(p: Problem) -> list[Array]:
    f, x, d, e = _joined(p)
    return [d @ autograd.hessian(f)(x) @ e]


def _make_hvp(p: Problem) -> list[Array]:
    f, x, d, e = _joined(p)
    return [autograd.make_hvp(f)(x)[0](d) @ e]


def _hessian_vector_product(p: Problem) -> list[Array]:
    f, x, d, e = _joined(p)
    return [autograd.hessian_vector_product(f)(x, d) @ e]


def _container(p: Problem) -> list[Array]:
    found = autograd.grad(lambda tree: p.loss(*tree["x"]))({"x": list(p.x)})
    return [p.pair(found["x"], p.d)]
