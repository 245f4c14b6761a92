"""Derivatives of a real function of a Hermitian matrix, given its gradient G, which is Hermitian."""

from ..._typing import Array, Namespace
from .._matrix import conj, herm, real

__all__ = ["along", "times"]


def along(g: Array, x_dot: Array, xp: Namespace) -> Array:
    """``tr(G X_dot)``, which is real."""
    return real(xp.sum(conj(g, xp) * herm(x_dot, xp), axis=(-2, -1)), xp)


def times(y_bar: Array, g: Array, xp: Namespace) -> Array:
    """``y_bar G``."""
    return xp.astype(y_bar, g.dtype)[..., None, None] * g
