"""Functions as arguments of rules: traced once, and what they capture of other traces made arguments."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import jaxpr_as_fun

from gradrules import FlatFunction, Function
from gradrules.errors import ArrayTypeError

__all__ = ["JaxFunction", "close"]

Array = Any
Arrays = tuple[Array, ...]


class JaxFunction(Function):
    """Differentiated and vectorized by JAX."""

    xp = jnp
    vmap = staticmethod(jax.vmap)

    @staticmethod
    def push(f: Callable[..., Array], xs: Sequence[Array], dxs: Sequence[Array]) -> Array:
        """By `jax.jvp`."""
        return jax.jvp(f, tuple(xs), tuple(dxs))[1]

    @staticmethod
    def pull(f: Callable[..., Array], xs: Sequence[Array], cotangent: Array) -> Sequence[Array]:
        """By `jax.vjp`, whose convention is the complex conjugate of ours."""
        y, pullback = jax.vjp(f, *xs)
        found: Sequence[Array] = pullback(jnp.conj(cotangent).astype(y.dtype))
        return [jnp.conj(x) for x in found]


def close(rule: str, f: FlatFunction, example: Arrays) -> tuple[JaxFunction, Arrays]:
    """`f` as a function of all that it reads; arrays that nothing traces are constants of it."""
    closed = jax.make_jaxpr(f)(*example)
    if len(closed.jaxpr.outvars) != 1:
        msg = f"{rule}: the function must return one array"
        raise ArrayTypeError(msg)
    is_traced = [isinstance(c, jax.core.Tracer) for c in closed.consts]
    captured = tuple(itertools.compress(closed.consts, is_traced))
    count, constants = (
        len(captured),
        [None if traced else c for traced, c in zip(is_traced, closed.consts, strict=True)],
    )
    jaxpr = closed.jaxpr

    def call(x: Array, *arrays: Array) -> Array:
        given = iter(arrays[:count])
        values = [next(given) if t else c for t, c in zip(is_traced, constants, strict=True)]
        (y,) = jaxpr_as_fun(jax.extend.core.ClosedJaxpr(jaxpr, values))(x, *arrays[count:])
        return y

    return JaxFunction(call), captured
