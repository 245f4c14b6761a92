r"""Sum of a diagonal, :math:`\sum_i A_{i,i+k}`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ._offset import check_offset, on_diagonal

__all__ = ["trace"]


@rule(
    signature="(m,n)->()",
    degrees={"x": (1,)},
    cost="a few operations for each entry",
    sources=("J. R. Magnus and H. Neudecker, Matrix Differential Calculus, 1988",),
    variants=({}, {"offset": 1}, {"offset": -2}),
    edges={
        "tall, offset -1": Edge(
            primals=([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],), options={"offset": -1}
        ),
        "no such diagonal": Edge(primals=([[1.0, 2.0], [3.0, 4.0]],), options={"offset": 5}),
    },
)
def trace(x: Array, /, *, offset: int = 0, xp: Namespace) -> Array:
    """Sum of one diagonal of each matrix.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    offset
        How far to the right of the main diagonal; negative below it.

    Returns
    -------
    array
        ``(...)``, same dtype.
    """
    return xp.sum(on_diagonal(x, offset, xp), axis=(-2, -1))


trace.def_options(check_offset)


@trace.def_jvp
def trace_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, offset: int, xp: Namespace
) -> Array:
    """The same map."""
    return trace(tangents[0], offset=offset)


@trace.def_vjp
def trace_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, offset: int, xp: Namespace
) -> Array:
    """The cotangent on the whole diagonal."""
    spread = cotangents[0][..., None, None] * xp.ones_like(primals[0])
    return on_diagonal(spread, offset, xp)
