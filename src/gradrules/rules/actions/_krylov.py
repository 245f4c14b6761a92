"""Linear systems whose matrix is known by its action alone: GMRES and conjugate gradients.

Vectors are the last axis, whatever is in front is a batch; all of it advances together, and what
has converged stands still. Convergence is judged by the residual that is left in truth, against the
backward error: ``|b - A x| <= rtol (|A| |x| + |b|)``, with the largest ``|A v| / |v|`` that was met
for ``|A|``. What does not get there is NaN.
"""

from collections.abc import Callable

from ... import hooks
from ..._typing import Array, Arrays, Namespace
from .._matrix import conj, eps, real

__all__ = ["SOLVERS", "dot", "krylov", "length", "norm", "or_one"]

Action = Callable[[Array], Array]

SOLVERS = ("gmres", "cg")
# What a well-behaved solver reaches, in units of rounding.
TOLERANCE = 100.0
# Vectors that GMRES keeps before it starts afresh.
MEMORY = 100


def norm(v: Array, xp: Namespace) -> Array:
    """Euclidean norm ``(..., 1)`` of a vector of ordinary size."""
    return xp.sqrt(xp.sum(xp.abs(v) ** 2, axis=-1, keepdims=True))


def length(v: Array, xp: Namespace) -> Array:
    """Euclidean norm ``(..., 1)`` of a vector of any size, without overflow."""
    size = xp.abs(v)
    scale = or_one(xp.max(size, axis=-1, keepdims=True), xp)
    return scale * norm(size / scale, xp)


def or_one(size: Array, xp: Namespace) -> Array:
    """A number to divide by: `size`, or 1 where it is not positive."""
    return xp.where(size > 0, size, xp.ones_like(size))


def dot(u: Array, v: Array, xp: Namespace) -> Array:
    """``sum(conj(u) v)``, ``(..., 1)``."""
    return xp.sum(conj(u, xp) * v, axis=-1, keepdims=True)


def krylov(
    act: Action, b: Array, *, solver: str, rtol: float | None, restart: int | None,
    maxiter: int | None, xp: Namespace,
) -> Array:  # fmt: skip
    """``x`` with ``act(x) = b``."""
    n = b.shape[-1]
    if n == 0:
        return b
    tolerance = TOLERANCE * eps(b) if rtol is None else rtol
    most = 10 * n if maxiter is None else maxiter
    memory = min(n, MEMORY if restart is None else restart, most)
    # A system of ordinary size: a unit vector on the right, and a matrix that makes another of it.
    scale = xp.astype(or_one(length(b, xp), xp), b.dtype)
    right = b / scale
    unit = xp.astype(or_one(length(act(right), xp), xp), b.dtype)

    def matrix(v: Array) -> Array:
        return act(v) / unit

    def goal(x: Array, size: Array) -> Array:
        return tolerance * (size * norm(x, xp) + 1)

    def cycle(state: Arrays) -> Arrays:
        x, r, size, _ = state
        if solver == "cg":
            x_new, size = _conjugate_gradients(matrix, goal, x, r, size, most, xp)
        else:
            x_new, size = _minimal_residual(matrix, goal, x, r, size, memory, xp)
        return x_new, right - matrix(x_new), size, norm(r, xp)

    def unfinished(state: Arrays) -> Array:
        x, r, size, before = state
        # A residual that is not reduced any more is not going to be.
        return xp.any((norm(r, xp) > goal(x, size)) & (norm(r, xp) < 0.99 * before))

    one = xp.ones_like(norm(right, xp))
    start = (xp.zeros_like(right), right, one, one + float("inf"))
    cycles = 5 if solver == "cg" else max(2, -(-most // memory))
    x, r, size, _ = hooks.iterate(unfinished, cycle, start, cycles, xp=xp)
    solved = norm(r, xp) <= goal(x, size)
    return xp.where(solved, x / unit * scale, xp.full_like(x, float("nan")))


def _minimal_residual(
    act: Action, goal: Callable[[Array, Array], Array], x: Array, r: Array, size: Array, memory: int,
    xp: Namespace,
) -> tuple[Array, Array]:  # fmt: skip
    """The least residual over a Krylov space, which grows by one vector at each step.

    ``q = A s`` for each pair of vectors, and the ``q`` are orthonormal.
    """

    def is_open(x: Array, r: Array, size: Array) -> Array:
        return norm(r, xp) > goal(x, size) / 4

    def unfinished(state: Arrays) -> Array:
        x, r, q, _, _, size = state
        return xp.any(is_open(x, r, size) & (norm(q, xp) > 0))

    def step(state: Arrays) -> Arrays:
        x, r, last, s_all, q_all, size = state
        s, q = last, act(last)
        size = xp.maximum(size, norm(q, xp))
        for _ in range(2):  # once is not enough in floating point
            overlap = xp.matrix_transpose(conj(q_all, xp) @ q[..., :, None])
            q, s = q - (overlap @ q_all)[..., 0, :], s - (overlap @ s_all)[..., 0, :]
        size_q = norm(q, xp)
        is_new = size_q > 4 * eps(q) * size
        scale = xp.astype(is_new, size_q.dtype) / or_one(size_q, xp)
        q, s = (v * xp.astype(scale, v.dtype) for v in (q, s))
        along = dot(q, r, xp) * xp.astype(is_open(x, r, size), q.dtype)
        s_all, q_all = (
            xp.concat([v[..., None, :], kept[..., :-1, :]], axis=-2)
            for v, kept in ((s, s_all), (q, q_all))
        )
        return x + along * s, r - along * q, q, s_all, q_all, size

    none = xp.zeros_like(r)[..., None, :] + xp.zeros((memory, 1), dtype=r.dtype)
    start = (x, r, r / xp.astype(or_one(norm(r, xp), xp), r.dtype), none, none, size)
    x, _, _, _, _, size = hooks.iterate(unfinished, step, start, memory, xp=xp)
    return x, size


def _conjugate_gradients(
    act: Action, goal: Callable[[Array, Array], Array], x: Array, r: Array, size: Array, most: int,
    xp: Namespace,
) -> tuple[Array, Array]:  # fmt: skip
    """For a Hermitian positive definite matrix; a direction without positive energy ends it."""

    def unfinished(state: Arrays) -> Array:
        x, r, p, size = state
        return xp.any((norm(r, xp) > goal(x, size) / 4) & (norm(p, xp) > 0))

    def step(state: Arrays) -> Arrays:
        x, r, p, size = state
        q = act(p)
        size = xp.maximum(size, norm(q, xp) / or_one(norm(p, xp), xp))
        energy = real(dot(p, q, xp), xp)
        before = real(dot(r, r, xp), xp)
        goes_on = (energy > 0) & (norm(r, xp) > goal(x, size) / 4)
        along = xp.astype(goes_on, energy.dtype) * before / or_one(energy, xp)
        x, r = x + xp.astype(along, x.dtype) * p, r - xp.astype(along, x.dtype) * q
        after = real(dot(r, r, xp), xp) / or_one(before, xp)
        p = (r + xp.astype(after, x.dtype) * p) * xp.astype(goes_on, x.dtype)
        return x, r, p, size

    x, _, _, size = hooks.iterate(unfinished, step, (x, r, r, size), most, xp=xp)
    return x, size
