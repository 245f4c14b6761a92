r"""Transpose of a matrix, :math:`A^T`; nothing is conjugated."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace

__all__ = ["matrix_transpose"]


@rule(
    signature="(m,n)->(n,m)",
    degrees={"x": (1,)},
    cost="none, or a copy",
    sources=("J. R. Magnus and H. Neudecker, Matrix Differential Calculus, 1988",),
    edges={"row": Edge(primals=([[1.0, 2.0, 3.0]],))},
)
def matrix_transpose(x: Array, /, *, xp: Namespace) -> Array:
    """Exchange the last two axes.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.

    Returns
    -------
    array
        ``(..., n, m)``.
    """
    return xp.matrix_transpose(x)


@matrix_transpose.def_jvp
def matrix_transpose_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """The same map."""
    return xp.matrix_transpose(tangents[0])


@matrix_transpose.def_vjp
def matrix_transpose_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """The same map."""
    return xp.matrix_transpose(cotangents[0])
