r"""Elimination in a skew-symmetric matrix by pairs of rows and columns: :math:`E A E^T = L D L^T`.

D has the blocks :math:`\begin{pmatrix} 0 & t \\ -t & 0 \end{pmatrix}`, the pivot t being the largest entry
of what is left each time: behind a zero pivot there is nothing.

Reference: J. R. Bunch, Math. Comp. 38 (1982) 475.
"""

from typing import Any

from ... import hooks
from ..._typing import Array, Arrays, Namespace
from .._matrix import real
from ..factorizations._elimination import exchanged, magnitude, row_of

__all__ = ["skew_eliminate"]


def skew_eliminate(a: Array, xp: Namespace) -> Arrays:
    """L, the pivots at even places of a vector whose other entries are one, E, and the sign of E."""
    n = hooks.length(a, -1, xp=xp)
    dtype = real(a, xp).dtype

    def step(i: Any, state: Arrays) -> Arrays:
        w, below, t, e, sign = state
        column = xp.astype(xp.arange(n), dtype)
        row = column[:, None]
        first, second = 2 * i, 2 * i + 1

        def brought(arrays: Arrays, place: Any, source: Array) -> Arrays:
            """Rows exchanged, of the first array columns too."""
            here, there = row == place, row == source
            w, *others = (exchanged(x, here, there, xp) for x in arrays)
            w = exchanged(xp.matrix_transpose(w), here, there, xp)
            return xp.matrix_transpose(w), *others

        size = magnitude(w, xp)
        size = xp.where((row >= first) & (column >= first), size, -xp.ones_like(size))
        one = xp.astype(xp.argmax(xp.max(size, axis=-1), axis=-1), dtype)[..., None, None]
        w, below, e = brought((w, below, e), first, one)
        size = magnitude(row_of(w, row == first, xp), xp)
        size = xp.where(column >= second, size, -xp.ones_like(size))
        other = xp.astype(xp.argmax(size[..., 0, :], axis=-1), dtype)[..., None, None]
        w, below, e = brought((w, below, e), second, other)
        swaps = xp.astype(one != first, dtype) + xp.astype(other != second, dtype)

        p, q = row_of(w, row == first, xp), row_of(w, row == second, xp)
        pivot = xp.sum(xp.where(column == second, p, xp.zeros_like(p)), axis=-1, keepdims=True)
        divisor = xp.where(pivot == 0, xp.ones_like(pivot), pivot)
        p, q = (xp.where(column > second, x, xp.zeros_like(x)) for x in (p, q))
        # The columns of what is left are minus the rows: L gets -q / t and p / t.
        left, right = xp.matrix_transpose(-q / divisor), xp.matrix_transpose(p / divisor)
        w = w - left @ p - right @ q
        below = xp.where(column == first, left, xp.where(column == second, right, below))
        t = xp.where(column == first, pivot[..., 0, :], t)
        return w, below, t, e, sign * (1 - 2 * xp.remainder(swaps, 2 * xp.ones_like(swaps)))

    one = hooks.eye_like(a, xp=xp)
    e = xp.zeros_like(real(a, xp)) + real(one, xp)
    ones = xp.sum(xp.zeros_like(a), axis=-1) + 1
    sign = real(xp.sum(xp.zeros_like(a), axis=(-2, -1), keepdims=True), xp) + 1
    # A length may be symbolic; an array made of arrays is not.
    count = xp.floor(xp.sum(real(one, xp)) / 2)
    start = (a * 1, xp.zeros_like(a), ones, e, sign)
    # A framework that traces looks for the largest entry of nothing, too.
    done = start if 0 in a.shape else hooks.repeat(count, n // 2, step, start, xp=xp)
    _, below, t, e, sign = done
    return below + one, t, e, sign
