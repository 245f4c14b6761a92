"""Where the entries of a lower triangle stand in a vector, row by row."""

import math

import numpy as np

from ..._typing import Array, Namespace
from ...errors import ShapeError

__all__ = ["check_packed", "packed", "unpacked"]


def check_packed(length: int, rule: str) -> None:
    """Refuse a length that no triangle has."""
    if _order(length) * (_order(length) + 1) // 2 != length:
        msg = f"{rule}: no triangle has {length} entries; 1, 3, 6, 10, ... are possible"
        raise ShapeError(msg)


def packed(a: Array, xp: Namespace) -> Array:
    """The lower triangle of each matrix."""
    n = int(a.shape[-1])
    rows, columns = np.tril_indices(n)
    flat = xp.reshape(a, (*a.shape[:-2], n * n))
    return xp.take(flat, xp.asarray(rows * n + columns), axis=-1)


def unpacked(v: Array, xp: Namespace) -> Array:
    """Each entry of a packed vector in its place, and in that across the diagonal."""
    n = _order(int(v.shape[-1]))
    i, j = np.indices((n, n))
    low, high = np.minimum(i, j), np.maximum(i, j)
    places = (high * (high + 1) // 2 + low).reshape(-1)
    return xp.reshape(xp.take(v, xp.asarray(places), axis=-1), (*v.shape[:-1], n, n))


def _order(length: int) -> int:
    return math.isqrt(8 * length) // 2
