"""Native routines of JAX. Only primals and fast derivatives use them: nothing differentiates them."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import lu_factor, lu_solve

from gradrules import hooks

Array = Any
Arrays = tuple[Array, ...]


def _eye_like(a: Array) -> Array:
    # Tracers have no `.device`; an array that is not committed to one follows the others.
    return jnp.eye(a.shape[-1], dtype=a.dtype)


def _lu_solve(factors: Arrays, b: Array, adjoint: bool) -> Array:
    return lu_solve(factors, b, trans=2 if adjoint else 0)


def _repeat(
    count: Array,
    most: int,  # noqa: ARG001 (JAX masks as many steps as there are)
    body: Callable[[Array, Arrays], Arrays],
    state: Arrays,
) -> Arrays:
    # Under vmap, where every matrix has its own count, JAX masks what is finished.
    return lax.fori_loop(0, count.astype(jnp.int32), body, state)


def _iterate(
    unfinished: Callable[[Arrays], Array],
    body: Callable[[Arrays], Arrays],
    state: Arrays,
    most: int,
) -> Arrays:
    def goes_on(counted: tuple[Array, Arrays]) -> Array:
        return (counted[0] < most) & unfinished(counted[1])

    return lax.while_loop(goes_on, lambda c: (c[0] + 1, body(c[1])), (0, state))[1]


hooks.provide(
    jnp,
    eye_like=_eye_like,
    iterate=_iterate,
    lu_factor=lu_factor,
    lu_solve=_lu_solve,
    repeat=_repeat,
)
