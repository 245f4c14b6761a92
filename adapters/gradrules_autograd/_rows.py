"""Transformations of autograd beyond those of `_transforms`, for the transform matrix."""

from collections.abc import Callable, Iterator
from typing import Any

import autograd
import autograd.numpy as np
from autograd.builtins import tuple as traced_tuple
from autograd.misc import const_graph

from gradrules.testing import NotOffered, Problem, Row

Array = Any
Arrays = tuple[Array, ...]
Function = Callable[..., Any]
Run = Callable[[Problem], Any]


def _all(p: Problem) -> tuple[int, ...]:
    return tuple(range(len(p.x)))


def _pair(gradients: Any, along: Arrays) -> Array:
    """Autograd's gradients are the conjugates of ours: paired without conjugation."""
    return sum(np.sum(np.real(g * d)) for g, d in zip(gradients, along, strict=True))


def _down(p: Problem, f: Function, along: Arrays) -> Function:
    return lambda *x: _pair(autograd.grad(f, _all(p))(*x), along)


def _up(p: Problem, f: Function, along: Arrays) -> Function:
    return lambda *x: autograd.make_jvp(f, _all(p))(*x)(traced_tuple(along))[1]


def _first(p: Problem, f: Function | None = None) -> Function:
    return _down(p, f or p.loss, p.d)


def _reversed(p: Problem, f: Function | None = None) -> Function:
    return _down(p, _first(p, f), p.e)


def _packed(f: Function) -> Function:
    """A function of one tuple."""
    return lambda x: f(*x)


def _real_only(run: Callable[[Problem], Array]) -> Run:
    def guarded(p: Problem) -> list[Array]:
        if p.dtype.startswith("complex"):
            msg = "autograd's Jacobians and Hessians are those of real inputs"
            raise NotOffered(msg)
        return [run(p)]

    return guarded


def rows() -> Iterator[Row]:
    """All of them."""
    yield Row("grad", 1, lambda p: [_first(p)(*p.x)])
    yield Row(
        "value_and_grad",
        1,
        lambda p: [_pair(autograd.value_and_grad(_packed(p.loss))(p.x)[1], p.d)],
    )
    yield Row("grad of grad", 2, lambda p: [_reversed(p)(*p.x)])
    yield Row("grad of one of two inputs", 1, _one_input)
    yield Row(
        "make_vjp", 1, lambda p: [_pair(autograd.make_vjp(p.loss, _all(p))(*p.x)[0](p.one), p.d)]
    )
    yield Row("make_jvp", 1, lambda p: [_up(p, p.loss, p.d)(*p.x)])
    yield Row("make_jvp of grad", 2, lambda p: [_up(p, _first(p), p.e)(*p.x)])
    yield Row("grad of make_jvp", 2, lambda p: [_down(p, _up(p, p.loss, p.d), p.e)(*p.x)])
    yield Row("jacobian", 1, _real_only(_jacobian))
    yield Row("hessian", 2, _real_only(_hessian))
    yield Row("make_hvp", 2, _real_only(_make_hvp))
    yield Row("hessian_vector_product", 2, _real_only(_hessian_vector_product))
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
        "const_graph", 1, lambda p: [_pair(autograd.grad(const_graph(_packed(p.loss)))(p.x), p.d)]
    )


def _one_input(p: Problem) -> list[Array]:
    if len(p.x) == 1:
        msg = "the rule has one input"
        raise NotOffered(msg)
    return [_pair([autograd.grad(p.loss, i)(*p.x) for i in _all(p)], p.d)]


def _jacobian(p: Problem) -> Array:
    blocks = [autograd.jacobian(p.vector, i)(*p.x) for i in _all(p)]
    return sum(np.sum(b * d) for b, d in zip(blocks, p.d, strict=True))


def _joined(p: Problem) -> tuple[Function, Array, Array, Array]:
    """All inputs in one vector: the function, the point, and two directions."""
    sizes = np.cumsum([a.size for a in p.x])[:-1]

    def f(flat: Array) -> Array:
        parts = np.split(flat, sizes)
        return p.loss(*(np.reshape(v, a.shape) for v, a in zip(parts, p.x, strict=True)))

    return f, *(np.concatenate([a.ravel() for a in arrays]) for arrays in (p.x, p.d, p.e))


def _hessian(p: Problem) -> Array:
    f, x, d, e = _joined(p)
    return d @ autograd.hessian(f)(x) @ e


def _make_hvp(p: Problem) -> Array:
    f, x, d, e = _joined(p)
    return autograd.make_hvp(f)(x)[0](d) @ e


def _hessian_vector_product(p: Problem) -> Array:
    f, x, d, e = _joined(p)
    return autograd.hessian_vector_product(f)(x, d) @ e


def _container(p: Problem) -> list[Array]:
    found = autograd.grad(lambda tree: p.loss(*tree["x"]))({"x": list(p.x)})
    return [_pair(found["x"], p.d)]
