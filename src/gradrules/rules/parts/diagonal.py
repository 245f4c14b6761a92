r"""A diagonal of a matrix, :math:`v_i = A_{i,i+k}`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ._offset import check_offset, put_on_diagonal, taken

__all__ = ["diagonal"]

_WIDE = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


@rule(
    signature="(m,n)->(l)",
    degrees={"x": (1,)},
    cost="a few operations for each entry",
    sources=("J. R. Magnus and H. Neudecker, Matrix Differential Calculus, 1988",),
    variants=({}, {"offset": 1}, {"offset": -2}),
    edges={
        **{f"offset {k}, wide": Edge(primals=(_WIDE,), options={"offset": k}) for k in (2, 1, -1)},
        "offset -1, tall": Edge(
            primals=([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],), options={"offset": -1}
        ),
    },
)
def diagonal(x: Array, /, *, offset: int = 0, xp: Namespace) -> Array:
    """One diagonal of each matrix.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    offset
        How far to the right of the main diagonal; negative below it.

    Returns
    -------
    array
        ``(..., l)``; without entries where there is no such diagonal.
    """
    return taken(x, offset, xp)


diagonal.def_options(check_offset)


@diagonal.def_jvp
def diagonal_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, offset: int, xp: Namespace
) -> Array:
    """The same map."""
    return diagonal(tangents[0], offset=offset)


@diagonal.def_vjp
def diagonal_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, offset: int, xp: Namespace
) -> Array:
    """The cotangent on the diagonal, zeros beside it."""
    return put_on_diagonal(cotangents[0], primals[0], offset, xp)
