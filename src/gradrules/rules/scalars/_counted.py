"""Eigenvalues that count: those of a Hermitian matrix that are not zero to rounding, or to a tolerance."""

from ..._typing import Array, Namespace
from .._matrix import guarded, harmless, herm
from .._rank import rounding

__all__ = ["counted", "counting"]


def counting(w: Array, h: Array, rtol: float | None, xp: Namespace) -> Array:
    """Which of the eigenvalues `w` of `h` count."""
    size = xp.abs(w)
    bound = rounding(h, xp) if rtol is None else rtol
    largest = xp.sum(w[..., :1] * 0, axis=-1, keepdims=True)
    if 0 not in w.shape:
        largest = xp.max(size, axis=-1, keepdims=True)
    return size > bound * largest


def counted(x: Array, rtol: float | None, xp: Namespace) -> Array:
    """The eigenvalues, with one in place of those that do not count; NaN for data that are not finite."""
    h = herm(x, xp)
    w = xp.linalg.eigvalsh(harmless(h, xp))
    some = counting(w, h, rtol, xp)
    return guarded(h, xp, (xp.where(some, w, xp.ones_like(w)), 1))[0]
