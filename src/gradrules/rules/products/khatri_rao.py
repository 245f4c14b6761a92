r"""Khatri-Rao product: Kronecker products of columns, :math:`C_{(ij)k} = A_{ik} B_{jk}`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj

__all__ = ["khatri_rao"]


@rule(
    signature="(m,k),(p,k)->(r,k)",
    degrees={"a": (1,), "b": (1,)},
    cost="1 operation for each entry of the result; derivatives: 2",
    sources=("C. G. Khatri and C. R. Rao, Sankhya A 30, 1968",),
    edges={
        "of unequal lengths": Edge(
            primals=([[1.0, 2.0], [3.0, 4.0]], [[1.0, -1.0], [0.5, 2.0], [3.0, 0.0]])
        ),
    },
)
def khatri_rao(a: Array, b: Array, /, *, xp: Namespace) -> Array:
    """Kronecker product of each column of `a` and the same of `b`.

    Parameters
    ----------
    a, b
        ``(..., m, k)`` and ``(..., p, k)``. Batch axes broadcast.

    Returns
    -------
    array
        ``(..., m p, k)``.
    """
    product = a[..., :, None, :] * b[..., None, :, :]
    *batch, m, p, k = (hooks.length(product, i, xp=xp) for i in range(len(product.shape)))
    return xp.reshape(product, (*batch, m * p, k))


@khatri_rao.def_jvp
def khatri_rao_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """The product rule."""
    (a, b), (a_dot, b_dot) = primals, tangents
    if a_dot is None:
        return khatri_rao(a, b_dot)
    return khatri_rao(a_dot, b) if b_dot is None else khatri_rao(a_dot, b) + khatri_rao(a, b_dot)


@khatri_rao.def_vjp
def khatri_rao_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """Sums of ``G_(ij)k conj(B_jk)`` and ``G_(ij)k conj(A_ik)``."""
    (a, b), (g,) = primals, cotangents
    *batch, m, k = (hooks.length(a, i, xp=xp) for i in range(len(a.shape)))
    g = xp.reshape(g, (*batch, m, hooks.length(b, -2, xp=xp), k))
    a_bar = xp.sum(g * conj(b, xp)[..., None, :, :], axis=-2)
    return a_bar, xp.sum(g * conj(a, xp)[..., :, None, :], axis=-3)
