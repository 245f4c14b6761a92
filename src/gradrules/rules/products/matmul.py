r"""Matrix product, :math:`C = A B`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint

__all__ = ["matmul"]


@rule(
    signature="(m?,p),(p,n?)->(m?,n?)",
    degrees={"x1": (1,), "x2": (1,)},
    cost="1 product; each derivative: 2",
    sources=("M. B. Giles, NA-08/01, Oxford University, 2008, section 2.2.2",),
    edges={
        "tall and wide": Edge(
            primals=([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[1.0, -1.0, 2.0, 0.0], [0.5, 1, 0, 3]])
        ),
        "far apart": Edge(primals=([[1e150, 1e-150]], [[1e-150], [1e150]])),
        "zero": Edge(primals=([[0.0, 0.0]], [[0.0], [0.0]])),
    },
)
def matmul(x1: Array, x2: Array, /, *, xp: Namespace) -> Array:
    """Matrix product.

    Parameters
    ----------
    x1, x2
        ``(..., m, p)`` and ``(..., p, n)``, or one vector ``(p,)`` each. Batch axes broadcast.

    Returns
    -------
    array
        ``(..., m, n)``, without the axis that a vector does not have.
    """
    return xp.matmul(x1, x2)


@matmul.def_jvp
def matmul_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace) -> Array:
    """``A_dot B + A B_dot``."""
    (a, b), (a_dot, b_dot) = primals, tangents
    if a_dot is None:
        return a @ b_dot
    return a_dot @ b if b_dot is None else a_dot @ b + a @ b_dot


@matmul.def_vjp
def matmul_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``A_bar = C_bar B^H``, ``B_bar = A^H C_bar``."""
    (a, b), (c_bar,) = primals, cotangents
    return c_bar @ adjoint(b, xp), adjoint(a, xp) @ c_bar
