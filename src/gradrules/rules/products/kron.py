r"""Kronecker product, :math:`(A \otimes B)_{(ik)(jl)} = A_{ij} B_{kl}`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj

__all__ = ["kron"]


@rule(
    signature="(m,n),(p,q)->(r,s)",
    degrees={"a": (1,), "b": (1,)},
    cost="1 operation for each entry of the result; derivatives: 2",
    sources=("J. R. Magnus and H. Neudecker, Matrix Differential Calculus, 1988, chapter 2",),
    edges={
        "of unequal shapes": Edge(
            primals=([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[1.0, -1.0], [0.5, 2.0], [3.0, 0.0]])
        ),
        "row and column": Edge(primals=([[1.0, 2.0]], [[3.0], [4.0], [5.0]])),
    },
)
def kron(a: Array, b: Array, /, *, xp: Namespace) -> Array:
    """Kronecker product of matrices.

    Of matrices it is NumPy's; further axes in front are a batch here.

    Parameters
    ----------
    a, b
        ``(..., m, n)`` and ``(..., p, q)``. Batch axes broadcast.

    Returns
    -------
    array
        ``(..., m p, n q)``.
    """
    product = a[..., :, None, :, None] * b[..., None, :, None, :]
    *batch, m, p, n, q = (hooks.length(product, i, xp=xp) for i in range(len(product.shape)))
    return xp.reshape(product, (*batch, m * p, n * q))


@kron.def_jvp
def kron_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """The product rule."""
    (a, b), (a_dot, b_dot) = primals, tangents
    if a_dot is None:
        return kron(a, b_dot)
    return kron(a_dot, b) if b_dot is None else kron(a_dot, b) + kron(a, b_dot)


@kron.def_vjp
def kron_vjp(primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace) -> Arrays:
    """Sums of ``G_(ik)(jl) conj(B_kl)`` and ``G_(ik)(jl) conj(A_ij)``."""
    (a, b), (g,) = primals, cotangents
    *batch, m, n = (hooks.length(a, i, xp=xp) for i in range(len(a.shape)))
    p, q = (hooks.length(b, axis, xp=xp) for axis in (-2, -1))
    g = xp.reshape(g, (*batch, m, p, n, q))
    a_bar = xp.sum(g * conj(b, xp)[..., None, :, None, :], axis=(-3, -1))
    return a_bar, xp.sum(g * conj(a, xp)[..., :, None, :, None], axis=(-4, -2))
