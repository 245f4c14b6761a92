"""Diagonals beside the main one, in operations that every framework can batch."""

from ..._typing import Array, Namespace
from .._options import whole

__all__ = ["check_offset", "on_diagonal", "put_on_diagonal", "taken"]


def check_offset(offset: object) -> None:
    """Refuse what is no offset."""
    whole("offset", offset)


def on_diagonal(a: Array, offset: int, xp: Namespace) -> Array:
    """`a` with zeros beside one diagonal, whatever stood there."""
    one = xp.ones_like(a)
    kept = xp.triu(xp.tril(one, k=offset), k=offset) != 0
    return xp.where(kept, a, xp.zeros_like(a))


def taken(a: Array, offset: int, xp: Namespace) -> Array:
    """One diagonal of each matrix, from the rows or the columns that it begins with."""
    alone = on_diagonal(a, offset, xp)
    return xp.sum(alone, axis=-1 if offset >= 0 else -2)[..., : _length(a, offset)]


def put_on_diagonal(v: Array, like: Array, offset: int, xp: Namespace) -> Array:
    """A matrix of the shape of `like`, with `v` on one diagonal: the adjoint of :func:`taken`."""
    zeros = xp.sum(xp.zeros_like(like), axis=-1 if offset >= 0 else -2)
    padding = zeros[..., _length(like, offset) :]
    v = xp.concat([v, padding], axis=-1)
    spread = (v[..., :, None] if offset >= 0 else v[..., None, :]) * xp.ones_like(like)
    return on_diagonal(spread, offset, xp)


def _length(a: Array, offset: int) -> int:
    m, n = (int(length) for length in a.shape[-2:])
    return max(0, min(m, n - offset) if offset >= 0 else min(m + offset, n))
