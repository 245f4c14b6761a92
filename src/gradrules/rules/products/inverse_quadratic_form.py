r"""Quadratic form of the inverse, :math:`C = B^H A^{-1} B`, by solving.

.. math:: \dot C = \dot B^H X + W^H \dot B - W^H \dot A X, \qquad X = A^{-1} B, \quad W = A^{-H} B
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded
from ..solves.solve import solve

__all__ = ["inverse_quadratic_form"]


@rule(
    signature="(n,n),(n,k?)->(k?,k?)",
    needs={"A": "nonsingular"},
    degrees={"A": (-1,), "B": (2,)},
    domain="nonsingular A; at a singular one the array library raises or returns inf/NaN",
    cost="1 solve and 1 product; each derivative: 2 solves and 4 products",
    sources=("M. B. Giles, NA-08/01, Oxford University, 2008, section 2.3.3",),
    edges={
        "rows scaled apart": Edge(primals=([[1e-12, 2e-12], [3e12, -4e12]], [[1.0], [2.0]])),
        "singular": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]], [[1.0], [1.0]]),
            value="any", first="any", second="any",
        ),
    },
)  # fmt: skip
def inverse_quadratic_form(A: Array, B: Array, /, *, xp: Namespace) -> Array:
    """``B^H A^-1 B``, without the inverse.

    Parameters
    ----------
    A, B
        ``(..., n, n)`` and ``(..., n, k)``; `B` may be one vector, ``(n,)``. Batch axes broadcast.

    Returns
    -------
    array
        ``(..., k, k)``, or ``(...)`` for a vector.
    """
    return guarded(A, xp, (adjoint(B, xp) @ xp.linalg.solve(A, B), 2))[0]


@inverse_quadratic_form.def_jvp
def inverse_quadratic_form_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As above."""
    (a, b), (a_dot, b_dot) = primals, tangents
    x, wh = solve(a, b), adjoint(solve(adjoint(a, xp), b), xp)
    moved = None if a_dot is None else -(wh @ (a_dot @ x))
    if b_dot is None:
        return moved
    both = adjoint(b_dot, xp) @ x + wh @ b_dot
    return both if moved is None else both + moved


@inverse_quadratic_form.def_vjp
def inverse_quadratic_form_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``B_bar = X G^H + W G``, ``A_bar = -W G X^H``."""
    (a, b), (g,) = primals, cotangents
    x, wg = solve(a, b), solve(adjoint(a, xp), b) @ g
    return -(wg @ adjoint(x, xp)), x @ adjoint(g, xp) + wg
