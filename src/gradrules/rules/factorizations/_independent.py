"""Whether the columns of a triangle are independent: the one place that decides."""

from ... import hooks
from ..._typing import Array, Namespace
from .._matrix import diagonal, eps, order

__all__ = ["but_last", "independent"]

# A column depends on those before it if so little of it is left, in units of its rounding.
DEPENDENT = 4.0


def independent(u: Array, xp: Namespace) -> tuple[Array, Array]:
    """An upper triangle that can be divided by, and whether it is not the one that was given.

    That is where a column depends on those before it: neither it nor what follows has a derivative.
    The second result is ``(..., 1, 1)``.
    """
    left, size = xp.abs(diagonal(u, xp)), xp.sum(xp.abs(u), axis=-2)
    dependent = left <= DEPENDENT * order(u, xp) ** 0.5 * eps(u) * size
    bad = xp.any(dependent, axis=-1)[..., None, None]
    return xp.where(bad, hooks.eye_like(u, xp=xp), u), bad


def but_last(u: Array, xp: Namespace) -> Array:
    """The triangle with a unit vector for its last column: that of functions which do not divide by it."""
    one = hooks.eye_like(u, xp=xp)
    return xp.where(one[-1:, :] != 0, one, u)
