"""What is not unique in a factorization into a unitary and a triangular matrix: signs."""

from ..._rule import Gauge
from ..._typing import Arrays, MaybeArrays, Namespace
from .._matrix import real

__all__ = ["OF_COLUMNS", "OF_ROWS"]


def _align(outputs: Arrays, reference: Arrays, xp: Namespace) -> Arrays:
    """The columns of Q as near to the reference as they can be."""
    q, r = outputs
    overlap = real(xp.sum(xp.conj(q) * reference[0], axis=-2), xp)
    sign = xp.astype(overlap / xp.abs(overlap), q.dtype)
    return q * sign[..., None, :], r * sign[..., :, None]


def _invariants(outputs: Arrays, xp: Namespace) -> Arrays:
    q, r = outputs
    columns = q[..., :, None, :] * q[..., None, :, :]
    rows = r[..., :, :, None] * r[..., :, None, :]
    return columns, rows, q[..., :, :, None] * r[..., None, :, :]


def _horizontal(outputs: Arrays, cotangents: MaybeArrays, xp: Namespace) -> MaybeArrays:
    return cotangents


def _exchanged(outputs: Arrays, xp: Namespace) -> Arrays:
    """A triangle and the rows beside it as columns and a triangle."""
    triangle, q = outputs
    return xp.matrix_transpose(q), xp.matrix_transpose(triangle)


def _align_rows(outputs: Arrays, reference: Arrays, xp: Namespace) -> Arrays:
    q, r = _align(_exchanged(outputs, xp), _exchanged(reference, xp), xp)
    return xp.matrix_transpose(r), xp.matrix_transpose(q)


def _row_invariants(outputs: Arrays, xp: Namespace) -> Arrays:
    return _invariants(_exchanged(outputs, xp), xp)


OF_COLUMNS = Gauge(
    group="each column of Q, with its row of R, may change its sign; the diagonal of R is real",
    align=_align,
    invariants=_invariants,
    horizontal=_horizontal,
)
OF_ROWS = Gauge(
    group="each row of Q, with its column of the triangle, may change its sign; the diagonal of the "
    "triangle is real",
    align=_align_rows,
    invariants=_row_invariants,
    horizontal=_horizontal,
)
