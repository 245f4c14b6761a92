r"""Cross product in three dimensions, :math:`x \times y`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj

__all__ = ["cross"]


@rule(
    signature="(3),(3)->(3)",
    layout={"axis": -1},
    degrees={"x1": (1,), "x2": (1,)},
    cost="9 operations for each pair",
    sources=("J. R. Magnus and H. Neudecker, Matrix Differential Calculus, 1988",),
    edges={"parallel": Edge(primals=([1.0, 2.0, -1.0], [2.0, 4.0, -2.0]))},
)
def cross(x1: Array, x2: Array, /, *, xp: Namespace) -> Array:
    """Cross product; nothing is conjugated.

    Parameters
    ----------
    x1, x2
        ``(..., 3)``, real or complex floating. The other axes broadcast.
    axis
        The axis of the three components, in each array and in the result.

    Returns
    -------
    array
        ``(..., 3)``.
    """
    a, b, c = (x1[..., i] for i in range(3))
    d, e, f = (x2[..., i] for i in range(3))
    return xp.stack([b * f - c * e, c * d - a * f, a * e - b * d], axis=-1)


@cross.def_jvp
def cross_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """The product rule."""
    (x, y), (x_dot, y_dot) = primals, tangents
    if x_dot is None:
        return cross(x, y_dot)
    return cross(x_dot, y) if y_dot is None else cross(x_dot, y) + cross(x, y_dot)


@cross.def_vjp
def cross_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``x_bar = conj(y) x g``, ``y_bar = g x conj(x)``."""
    (x, y), (g,) = primals, cotangents
    return cross(conj(y, xp), g), cross(g, conj(x, xp))
