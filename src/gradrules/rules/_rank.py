"""The rank of a matrix: the one place that decides which singular values are zero."""

from typing import Any

from .. import hooks
from .._typing import Array, Namespace
from ._matrix import eps, real

__all__ = ["check_tolerance", "nonzero", "or_nothing", "rounding"]


def check_tolerance(name: str, value: object) -> None:
    """Refuse the value of an option that is not a relative tolerance."""
    if value is not None and not (isinstance(value, int | float) and value >= 0):
        msg = f"option {name!r} is {value!r}; it must be None or a number that is not negative"
        raise ValueError(msg)


def nonzero(s: Array, a: Array, rtol: float | None, xp: Namespace) -> Array:
    """Which of the singular values `s` of `a`, ``(..., k)`` and descending, are not zero.

    Those above ``rtol`` times the largest, by default :func:`rounding` times the largest.
    """
    bound = rounding(a, xp) if rtol is None else rtol
    return s > bound * s[..., :1]


def rounding(a: Array, xp: Namespace) -> Any:
    """``max(m, n) * eps`` of an ``(..., m, n)`` array, the standard's bound; a number or an array."""
    m, n = (hooks.length(a, axis, xp=xp) for axis in (-2, -1))
    if hasattr(m, "dtype") or hasattr(n, "dtype"):
        dtype = real(a, xp).dtype
        return eps(a) * xp.maximum(*(xp.astype(xp.asarray(i), dtype) for i in (m, n)))
    return eps(a) * max(m, n)


def or_nothing(v: Array, deficient: Array, xp: Namespace) -> Array:
    """`v`, which is nothing at full rank: what is rounding shall not be multiplied by what is large."""
    return xp.where(deficient, v, xp.zeros_like(v))
