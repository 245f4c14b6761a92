r"""Outer product of vectors, :math:`x y^T`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj

__all__ = ["outer"]


@rule(
    signature="(p),(q)->(p,q)",
    degrees={"x1": (1,), "x2": (1,)},
    cost="1 operation for each entry of the result",
    sources=("J. R. Magnus and H. Neudecker, Matrix Differential Calculus, 1988",),
    edges={"of unequal lengths": Edge(primals=([1.0, 2.0, 3.0], [4.0, -5.0]))},
)
def outer(x1: Array, x2: Array, /, *, xp: Namespace) -> Array:
    """Outer product; nothing is conjugated.

    Parameters
    ----------
    x1, x2
        ``(..., p)`` and ``(..., q)``. Batch axes broadcast.

    Returns
    -------
    array
        ``(..., p, q)``.
    """
    return x1[..., :, None] * x2[..., None, :]


@outer.def_jvp
def outer_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """The product rule."""
    (x, y), (x_dot, y_dot) = primals, tangents
    if x_dot is None:
        return outer(x, y_dot)
    return outer(x_dot, y) if y_dot is None else outer(x_dot, y) + outer(x, y_dot)


@outer.def_vjp
def outer_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``x_bar = G conj(y)``, ``y_bar = G^T conj(x)``."""
    (x, y), (g,) = primals, cotangents
    x_bar = xp.sum(g * conj(y, xp)[..., None, :], axis=-1)
    return x_bar, xp.sum(g * conj(x, xp)[..., :, None], axis=-2)
