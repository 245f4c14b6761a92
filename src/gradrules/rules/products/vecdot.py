r"""Inner product of vectors, :math:`\sum_i \bar x_i y_i`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj

__all__ = ["vecdot"]


@rule(
    signature="(n),(n)->()",
    layout={"axis": -1},
    degrees={"x1": (1,), "x2": (1,)},
    cost="a few operations for each entry",
    sources=("J. R. Magnus and H. Neudecker, Matrix Differential Calculus, 1988",),
    edges={"far apart": Edge(primals=([1e150, 1e-150], [1e-150, 1e150]))},
)
def vecdot(x1: Array, x2: Array, /, *, xp: Namespace) -> Array:
    """Inner product, of which the first vector is conjugated.

    Parameters
    ----------
    x1, x2
        ``(..., n)``, real or complex floating. The other axes broadcast.
    axis
        The axis of the vectors in each array.

    Returns
    -------
    array
        ``(...)``.
    """
    return xp.sum(conj(x1, xp) * x2, axis=-1)


@vecdot.def_jvp
def vecdot_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """The product rule."""
    (x, y), (x_dot, y_dot) = primals, tangents
    if x_dot is None:
        return vecdot(x, y_dot)
    return vecdot(x_dot, y) if y_dot is None else vecdot(x_dot, y) + vecdot(x, y_dot)


@vecdot.def_vjp
def vecdot_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``x_bar = conj(s_bar) y``, ``y_bar = s_bar x``."""
    (x, y), (s_bar,) = primals, cotangents
    return conj(s_bar, xp)[..., None] * y, s_bar[..., None] * x
