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


def _lu_det(factors: Arrays) -> Array:
    lu, pivots = factors
    odd = jnp.sum(pivots != jnp.arange(pivots.shape[-1]), axis=-1) % 2
    return jnp.prod(jnp.diagonal(lu, axis1=-2, axis2=-1), axis=-1) * (1 - 2 * odd)


def _lu(a: Array) -> Arrays:
    packed, _, permutation = lax.linalg.lu(a)
    m, n = a.shape[-2:]
    k = min(m, n)
    lower = jnp.tril(packed[..., :k], -1) + jnp.eye(m, k, dtype=a.dtype)
    rows = jnp.arange(m)[:, None] == permutation[..., None, :]
    return rows.astype(a.real.dtype), lower, jnp.triu(packed[..., :k, :])


def _lu_solve(factors: Arrays, b: Array, adjoint: bool) -> Array:
    return lu_solve(factors, b, trans=2 if adjoint else 0)


def _solve_triangular(a: Array, b: Array, lower: bool, adjoint: bool, unit_diagonal: bool) -> Array:
    return lax.linalg.triangular_solve(
        a,
        b,
        left_side=True,
        lower=lower,
        transpose_a=adjoint,
        conjugate_a=adjoint,
        unit_diagonal=unit_diagonal,
    )


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


def _choose(condition: Array, one: Callable[[], Array], other: Callable[[], Array]) -> Array:
    """A branch for one matrix; for a batch, which may be split, nothing shall look at all of it."""
    return lax.cond(jnp.all(condition), one, other) if condition.size == 1 else other()


def _schur(a: Array) -> Arrays:
    t, z = lax.linalg.schur(a.astype(jnp.result_type(a, jnp.complex64)))
    return t, z


hooks.provide(
    jnp,
    choose=_choose,
    eig=jnp.linalg.eig,
    eye_like=_eye_like,
    iterate=_iterate,
    lu=_lu,
    lu_det=_lu_det,
    lu_factor=lu_factor,
    lu_solve=_lu_solve,
    repeat=_repeat,
    schur=_schur,
    solve_triangular=_solve_triangular,
    tridiagonal_solve=lax.linalg.tridiagonal_solve,
)
