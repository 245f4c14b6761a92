"""Extreme eigenpairs of a Hermitian matrix that is known by its action alone: Lanczos, restarted.

Vectors are the last axis, whatever is in front is a batch. All basis vectors are kept orthogonal to
rounding; what is restarted with are the best approximations and the vector that would come next
(thick restart). Eigenvalues of which the start knows nothing are found by fresh vectors, where the
Krylov space ends.
"""

from collections.abc import Callable

from ... import hooks
from ..._typing import Array, Arrays, Namespace
from .._matrix import adjoint, conj, eps, herm, real
from ._krylov import length, norm, or_one

__all__ = ["WHICH", "check_sizes", "lanczos"]

WHICH = ("LM", "LA", "SA")
# Residuals that are taken for zero, and parts that must vanish, in units of rounding.
TOLERANCE = 1000.0
NEGLIGIBLE = 20.0


def check_sizes(k: int, ncv: int | None) -> None:
    """Refuse numbers of pairs, and of vectors for them, that do not fit."""
    if k < 1 or (ncv is not None and ncv <= k):
        msg = f"options 'k' and 'ncv' are {k} and {ncv}; they must be 1 <= k < ncv"
        raise ValueError(msg)


def lanczos(  # noqa: PLR0915 (one algorithm)
    act: Callable[[Array], Array],
    start: Array,
    *,
    k: int,
    which: str,
    ncv: int | None,
    maxiter: int,
    xp: Namespace,
) -> Arrays:
    """``k`` eigenvalues ``(..., k)``, ascending, and eigenvectors ``(..., k, n)``, in rows."""
    n = start.shape[-1]
    size = min(n, max(2 * k + 1, 20) if ncv is None else ncv)
    kept = min(size - 1, k + (size - k) // 2) if size < n else 0
    indices = xp.arange(size)
    first = start / xp.astype(or_one(length(start, xp), xp), start.dtype)
    # A matrix of ordinary size, that takes the start to another unit vector.
    unit = xp.astype(or_one(length(act(first), xp), xp), start.dtype)
    places = xp.astype(xp.arange(n), real(start, xp).dtype)

    def orthogonal(q: Array, basis: Array) -> Array:
        for _ in range(2):  # once is not enough in floating point
            overlap = xp.matrix_transpose(conj(basis, xp) @ q[..., :, None])
            q = q - (overlap @ basis)[..., 0, :]
        return q

    def step(state: Arrays) -> Arrays:
        q, basis, images, scale, count = state
        image = act(q) / unit
        scale = xp.maximum(scale, norm(image, xp))
        basis = xp.concat([q[..., None, :], basis[..., :-1, :]], axis=-2)
        images = xp.concat([image[..., None, :], images[..., :-1, :]], axis=-2)
        following = orthogonal(image, basis)
        is_new = norm(following, xp) > NEGLIGIBLE * eps(q) * scale
        fresh = xp.astype(xp.sin(places * (count + 2.0**0.5) + places**2), q.dtype)
        # Where the space is exhausted the next vector is one that has nothing to do with it.
        fresh = orthogonal(fresh + xp.zeros_like(q), basis)
        following = xp.where(is_new, following, fresh)
        following = orthogonal(
            following / xp.astype(or_one(norm(following, xp), xp), q.dtype), basis
        )
        following = following / xp.astype(or_one(norm(following, xp), xp), q.dtype)
        return following, basis, images, scale, count + 1

    def chosen(values: Array, count: int) -> Array:
        """A matrix that picks columns: those of the wanted values, the best first."""
        score = {"LM": -xp.abs(values), "LA": -values, "SA": values}[which]
        order = xp.argsort(score, axis=-1)[..., None, :count]
        return xp.astype(indices[:, None] == order, start.dtype)

    def cycle(state: Arrays) -> Arrays:
        q, basis, images, scale, count = state[:5]
        q, basis, images, scale, count = hooks.iterate(
            lambda s: s[4] < size, step, (q, basis, images, scale, count), size, xp=xp
        )
        ritz = conj(basis, xp) @ xp.matrix_transpose(images)
        away = xp.max(xp.abs(ritz - adjoint(ritz, xp)), axis=(-2, -1))[..., None]
        values, vectors = xp.linalg.eigh(herm(ritz, xp))
        best = vectors @ chosen(values, size)
        picked = xp.sum(
            xp.astype(values, start.dtype)[..., :, None] * chosen(values, size), axis=-2
        )
        rotate = xp.matrix_transpose(best)
        basis, images = rotate @ basis, rotate @ images
        missing = images - picked[..., :, None] * basis
        residual = xp.max(
            xp.sqrt(xp.sum(xp.abs(missing[..., :k, :]) ** 2, axis=-1)), axis=-1, keepdims=True
        )
        stays = xp.astype(indices < kept, start.dtype)[:, None]
        return (
            q, basis * stays, images * stays, scale, 0 * count + kept,
            xp.maximum(residual, away), real(picked, xp)[..., :k], basis[..., :k, :],
        )  # fmt: skip

    def unfinished(state: Arrays) -> Array:
        scale, off = state[3], state[5]
        return xp.any((off > TOLERANCE * eps(start) * scale) & xp.isfinite(scale))

    none = xp.zeros_like(first)[..., None, :] + xp.zeros((size, 1), dtype=first.dtype)
    zero = xp.zeros_like(norm(first, xp))
    found = zero + xp.zeros((k,), dtype=zero.dtype)
    state = (
        first, none, none, zero, xp.sum(places) * 0, zero + float("inf"), found, none[..., :k, :],
    )  # fmt: skip
    state = hooks.iterate(unfinished, cycle, state, maxiter if size < n else 1, xp=xp)
    scale, off, values, vectors = state[3], *state[5:]
    order = xp.astype(
        xp.arange(k)[:, None] == xp.argsort(values, axis=-1)[..., None, :], start.dtype
    )
    vectors = xp.matrix_transpose(order) @ vectors
    values = xp.sum(values[..., :, None] * real(order, xp), axis=-2)
    bad = ~(off <= TOLERANCE * eps(start) * scale)
    spoil = xp.where(bad, xp.full_like(off, float("nan")), xp.zeros_like(off))
    return values * real(unit, xp) + spoil, vectors + xp.astype(spoil, start.dtype)[..., None]
