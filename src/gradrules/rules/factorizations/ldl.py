r"""Factorization of a Hermitian matrix without square roots, :math:`A = L \operatorname{diag}(d) L^H`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import (
    adjoint,
    diagonal,
    diagonal_matrix,
    guarded,
    herm,
    poisoned,
    real,
)
from ..solves.solve_triangular import solve_triangular
from ._elimination import eliminate
from ._independent import but_last, independent

__all__ = ["ldl"]


@rule(
    signature="(n,n)->(n,n),(n)",
    outputs=("L", "d"),
    structure={"A": "hermitian"},
    needs={"A": "nonzero minors"},
    degrees={"A": (0, 1)},
    domain=(
        "Hermitian matrices of which no leading principal minor but the last is zero, definite or not; "
        "NaN at others"
    ),
    cost="primal: n steps of elimination; each derivative: 2 triangular solves and 1 product",
    sources=("I. Murray, arXiv:1602.07527, 2016 (positive definite)",),
    edges={
        "indefinite": Edge(primals=([[1.0, 2.0], [2.0, 1.0]],)),
        "semidefinite": Edge(primals=([[4.0, 2.0], [2.0, 1.0]],)),
        "not symmetric": Edge(primals=([[2.0, 5.0], [-4.0, -3.0]],)),
        "entries of 1e150": Edge(primals=([[2e150, 1e150], [1e150, -3e150]],)),
        "entries of 1e-150": Edge(primals=([[2e-150, 1e-150], [1e-150, -3e-150]],)),
        "rows scaled apart": Edge(primals=([[2e-12, 1.0], [1.0, 3e12]],)),
        "order one": Edge(primals=([[0.0]],)),
        "zero minor": Edge(
            primals=([[0.0, 1.0], [1.0, 0.0]],), value="finite", first="nan", second="nan"
        ),
        "zero minor, to rounding": Edge(
            primals=([[0.1, 0.3, 1.0], [0.3, 0.9, 2.0], [1.0, 2.0, 5.0]],),
            value="finite",
            first="nan",
            second="nan",
        ),
        "zero matrix": Edge(
            primals=([[0.0, 0.0], [0.0, 0.0]],), value="finite", first="nan", second="nan"
        ),
    },
)
def ldl(A: Array, /, *, xp: Namespace) -> Arrays:
    """Unit lower triangle and diagonal of a Hermitian matrix.

    No rows are exchanged, other than by SciPy's `ldl`: its blocks and pivots have no derivative where
    they change. Where the factorization does not exist L is finite, but no factor.

    Parameters
    ----------
    A
        ``(..., n, n)``, real or complex floating. Its Hermitian part is read.

    Returns
    -------
    (L, d)
        ``(..., n, n)`` with ones on the diagonal; ``(..., n)``, real, in the unit of `A`.
    """
    a = herm(A, xp)
    w, _ = eliminate(a, xp, pivoting=False)
    low = xp.tril(w, k=-1) + hooks.eye_like(w, xp=xp)
    return guarded(a, xp, (low, 2), (real(diagonal(w, xp), xp), 1))


# With P = L^-1 A' L^-H: d' = diag(P), and L' = L S with S the strict lower triangle of P D^-1, which is
# not divided by the last pivot.
@ldl.def_jvp
def ldl_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace) -> Arrays:
    """``L_dot = L stril(P D^-1)`` and ``d_dot = diag(P)``."""
    (low, d), (a_dot,) = outputs, tangents
    divisor, bad = _divisor(low, d, xp)
    half = solve_triangular(low, herm(a_dot, xp), lower=True)
    p = solve_triangular(low, adjoint(half, xp), lower=True)
    low_dot = low @ xp.tril(p / divisor[..., None, :], k=-1)
    d_dot = poisoned(real(diagonal(p, xp), xp), d, bad[..., 0], xp)
    return poisoned(low_dot, low, bad, xp), d_dot


@ldl.def_vjp
def ldl_vjp(primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace) -> Array:
    """The Hermitian part of ``L^-H (diag(d_bar) + stril(L^H L_bar) D^-1) L^-1``."""
    (low, d), (low_bar, d_bar) = outputs, cotangents
    divisor, bad = _divisor(low, d, xp)
    inner = xp.zeros_like(low)
    if low_bar is not None:
        below = xp.tril(adjoint(low, xp) @ low_bar, k=-1)
        inner = herm(below / divisor[..., None, :], xp)
    if d_bar is not None:
        inner = inner + xp.astype(diagonal_matrix(d_bar, xp), low.dtype)
    half = solve_triangular(low, inner, trans=2, lower=True)
    back = solve_triangular(low, adjoint(half, xp), trans=2, lower=True)
    return poisoned(herm(back, xp), low, bad, xp)


def _divisor(low: Array, d: Array, xp: Namespace) -> tuple[Array, Array]:
    """The pivots that are divided by, and where they must not be; the last one is none.

    Of D L^H the moduli tell, and the diagonal: nothing is conjugated.
    """
    up = xp.astype(d, low.dtype)[..., :, None] * xp.matrix_transpose(low)
    divisor, bad = independent(but_last(up, xp), xp)
    return diagonal(divisor, xp), bad
