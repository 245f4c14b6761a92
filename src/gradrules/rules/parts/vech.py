r"""The lower triangle of a Hermitian matrix as a vector, row by row.

``vech`` and `unvech` are inverse to each other, not adjoint: an entry beside the diagonal stands for two.
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import herm
from ._packing import packed, unpacked

__all__ = ["vech"]


@rule(
    signature="(n,n)->(l)",
    structure={"x": "hermitian"},
    degrees={"x": (1,)},
    cost="1 operation for each entry",
    sources=("J. R. Magnus and H. Neudecker, SIAM J. Algebraic Discrete Methods 1, 1980",),
    edges={
        "not symmetric": Edge(primals=([[1.0, 2.0], [5.0, 3.0]],)),
        "order one": Edge(primals=([[2.0]],)),
    },
)
def vech(x: Array, /, *, xp: Namespace) -> Array:
    """Lower triangle of the Hermitian part of a matrix, as a vector.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating. Its Hermitian part is read.

    Returns
    -------
    array
        ``(..., n (n + 1) / 2)``: the entries (0, 0), (1, 0), (1, 1), (2, 0), ... Magnus and Neudecker
        take the triangle column by column; of a real symmetric matrix that is its upper one by rows.
    """
    return packed(herm(x, xp), xp)


@vech.def_jvp
def vech_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """The same map."""
    return vech(tangents[0])


@vech.def_vjp
def vech_vjp(primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace) -> Array:
    """Hermitian part of the lower triangle that is filled with the cotangent."""
    return herm(xp.tril(unpacked(cotangents[0], xp)), xp)
