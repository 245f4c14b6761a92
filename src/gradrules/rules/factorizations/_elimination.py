"""Elimination in operations of the array API, for where there is no routine: all of a batch at once."""

from typing import Any

from ... import hooks
from ..._typing import Array, Arrays, Namespace
from .._matrix import is_complex, real

__all__ = ["eliminate", "exchanged", "magnitude", "row_of"]


def eliminate(a: Array, xp: Namespace, *, pivoting: bool) -> tuple[Array, Array]:
    """Both triangles of ``E a = L U`` in one matrix, and the permutation E of rows.

    The pivot is the entry of its column that is largest in the sense of LAPACK, the sum of the
    absolute values of real and imaginary part; without `pivoting` the one that is there. Below a pivot
    that is zero nothing is eliminated.
    """
    m, n = (hooks.length(a, axis, xp=xp) for axis in (-2, -1))
    dtype = real(a, xp).dtype

    def step(i: Any, state: Arrays) -> Arrays:
        w, e = state
        row = xp.astype(xp.arange(m), dtype)[:, None]
        column = xp.astype(xp.arange(n), dtype)
        here, below, right = row == i, row > i, column > i

        def entries(w: Array) -> Array:
            return xp.sum(xp.where(column == i, w, xp.zeros_like(w)), axis=-1, keepdims=True)

        if pivoting:
            size = xp.where(row >= i, magnitude(entries(w), xp), -xp.ones_like(row))
            there = row == xp.astype(xp.argmax(size[..., 0], axis=-1), dtype)[..., None, None]
            w, e = (exchanged(x, here, there, xp) for x in (w, e))
        low, top = entries(w), row_of(w, here, xp)
        pivot = row_of(low, here, xp)
        factor = low / xp.where(pivot == 0, xp.ones_like(pivot), pivot)
        w = xp.where(below & right, w - factor * top, w)
        return xp.where(below & (column == i), factor, w), e

    one = real(hooks.eye_like(xp.matrix_transpose(a), xp=xp), xp)
    # A length may be symbolic; an array made of arrays is not.
    count = xp.sum(one[:, :n])
    most = n if hasattr(n, "dtype") else min(m, n)
    start = real(xp.sum(xp.zeros_like(a), axis=-1, keepdims=True), xp) + one
    w, e = hooks.repeat(count, most, step, (a * 1, start), xp=xp)
    return w, e


def magnitude(x: Array, xp: Namespace) -> Array:
    """What pivots are compared by: the absolute value, or that of the two parts together."""
    return xp.abs(xp.real(x)) + xp.abs(xp.imag(x)) if is_complex(x) else xp.abs(x)


def row_of(w: Array, here: Array, xp: Namespace) -> Array:
    """The row where `here` holds."""
    return xp.sum(xp.where(here, w, xp.zeros_like(w)), axis=-2, keepdims=True)


def exchanged(x: Array, here: Array, there: Array, xp: Namespace) -> Array:
    """Two rows exchanged."""
    one, other = row_of(x, here, xp), row_of(x, there, xp)
    return xp.where(here, other, xp.where(there, one, x))
