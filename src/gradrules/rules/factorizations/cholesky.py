r"""Cholesky factorization of a positive definite matrix, :math:`A = L L^H` or :math:`A = U^H U`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded, herm, triangle
from ..solves.solve_triangular import solve_triangular

__all__ = ["cholesky"]


@rule(
    signature="(n,n)->(n,n)",
    structure={"x": "positive definite"},
    needs={"x": "nonsingular"},
    degrees={"x": (0.5,)},
    domain="positive definite matrices; at others the array library raises or returns NaN",
    cost="primal: the library's; each derivative: two triangular solves and one product",
    sources=(
        "I. Murray, arXiv:1602.07527, 2016",
        "M. Seeger et al., arXiv:1710.08717, 2017",
    ),
    variants=({}, {"upper": True}),
    edges={
        "entries of 1e150": Edge(primals=([[2e150, 1e150], [1e150, 3e150]],)),
        "entries of 1e-150": Edge(primals=([[2e-150, 1e-150], [1e-150, 3e-150]],)),
        "rows scaled apart": Edge(primals=([[2e-12, 1.0], [1.0, 3e12]],)),
        "not symmetric": Edge(primals=([[2.0, 5.0], [-4.0, 3.0]],)),
        "identity": Edge(primals=([[1.0, 0.0], [0.0, 1.0]],)),
        "order one": Edge(primals=([[4.0]],)),
        "semidefinite": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]],), value="any", first="any", second="any"
        ),
        "indefinite": Edge(
            primals=([[1.0, 2.0], [2.0, 1.0]],), value="any", first="any", second="any"
        ),
    },
)
def cholesky(x: Array, /, *, upper: bool = False, xp: Namespace) -> Array:
    """Triangular factor of a positive definite matrix.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating. Its Hermitian part is read.
    upper
        Whether to return U of ``U^H U`` in place of L of ``L L^H``.

    Returns
    -------
    array
        ``(..., n, n)``, of the same dtype, triangular with a positive diagonal. Its unit is the root
        of that of `x`.
    """
    a = herm(x, xp)
    factor = guarded(a, xp, (xp.linalg.cholesky(a), 2))[0]
    return adjoint(factor, xp) if upper else factor


# With P = L^-1 A' L^-H and Phi the lower triangle with half of the diagonal: L' = L Phi(P), for
# L^-1 L' is lower triangular with a real diagonal, and its sum with its adjoint is P.
@cholesky.def_jvp
def cholesky_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, upper: bool, xp: Namespace
) -> Array:
    """``L Phi(L^-1 A_dot L^-H)``."""
    (y,), (x_dot,) = outputs, tangents
    factor = adjoint(y, xp) if upper else y
    half = solve_triangular(factor, herm(x_dot, xp), lower=True)
    p = solve_triangular(factor, adjoint(half, xp), lower=True)
    moved = factor @ triangle(p, lower=True, xp=xp)
    return adjoint(moved, xp) if upper else moved


@cholesky.def_vjp
def cholesky_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, upper: bool, xp: Namespace
) -> Array:
    """``L^-H S L^-1`` with S the Hermitian part of ``Phi(L^H L_bar)``."""
    (y,), (y_bar,) = outputs, cotangents
    factor, bar = (adjoint(y, xp), adjoint(y_bar, xp)) if upper else (y, y_bar)
    s = herm(triangle(adjoint(factor, xp) @ xp.tril(bar), lower=True, xp=xp), xp)
    half = solve_triangular(factor, s, trans=2, lower=True)
    return herm(solve_triangular(factor, adjoint(half, xp), trans=2, lower=True), xp)
