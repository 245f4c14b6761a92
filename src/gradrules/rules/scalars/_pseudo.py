"""Eigenvalues that count: those of a Hermitian matrix that are not zero to rounding, or to a tolerance."""

from ..._typing import Array, Namespace
from .._matrix import conj, guarded, harmless, herm, poisoned, real
from .._rank import rounding
from ..projections.pinvh import pinvh

__all__ = ["counting", "pseudo_jvp", "pseudo_vjp"]


def counting(x: Array, rtol: float | None, xp: Namespace) -> Array:
    """The eigenvalues, with one in place of those that do not count; NaN for data that are not finite."""
    h = herm(x, xp)
    w = xp.linalg.eigvalsh(harmless(h, xp))
    size = xp.abs(w)
    bound = rounding(h, xp) if rtol is None else rtol
    largest = xp.sum(w[..., :1] * 0, axis=-1, keepdims=True)
    if 0 not in w.shape:
        largest = xp.max(size, axis=-1, keepdims=True)
    some = size > bound * largest
    return guarded(h, xp, (xp.where(some, w, xp.ones_like(w)), 1))[0]


# The logarithm of the product has the derivative tr(A^+ A').
def pseudo_jvp(x: Array, x_dot: Array, rtol: float | None, xp: Namespace) -> Array:
    """``tr(A^+ A_dot)``, which is real."""
    y = _inverse(x, rtol, xp)
    return real(xp.sum(conj(y, xp) * herm(x_dot, xp), axis=(-2, -1)), xp)


def pseudo_vjp(x: Array, y_bar: Array, rtol: float | None, xp: Namespace) -> Array:
    """``y_bar A^+``."""
    y = _inverse(x, rtol, xp)
    return xp.astype(y_bar, y.dtype)[..., None, None] * y


def _inverse(x: Array, rtol: float | None, xp: Namespace) -> Array:
    """The pseudo-inverse; of zero nothing counts, of what is near it everything does."""
    y = pinvh(x, rtol=rtol)
    return poisoned(y, x, xp.all(herm(x, xp) == 0, axis=(-2, -1), keepdims=True), xp)
