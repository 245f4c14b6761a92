r"""LU factorization with row pivoting, :math:`A = P L U`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded, poisoned
from ..solves.solve_triangular import solve_triangular
from ._elimination import eliminate
from ._independent import but_last, independent

__all__ = ["lu"]


@rule(
    signature="(m,n)->(m,m),(m,k),(k,n)",
    outputs=("P", "L", "U"),
    needs={"a": "clear pivots"},
    degrees={"a": (0, 0, 1)},
    domain=(
        "matrices of which the first min(m, n) columns are independent, for m <= n all but the last "
        "of them; NaN at others. Derivatives are those of the permutation at hand"
    ),
    cost="primal: the library's; jvp: 3 triangular solves and 4 products, vjp the same",
    sources=(
        "F. R. de Hoog, R. S. Anderssen and M. A. Lukas, Math. Comp. 80, 2011",
        "S. Axen, 2021 (matrices that are not square)",
    ),
    edges={
        "zero pivot": Edge(primals=([[0.0, 1.0], [2.0, 1.0]],)),
        "singular": Edge(primals=([[4.0, 2.0], [2.0, 1.0]],)),
        "rank n-1": Edge(primals=([[7.0, 8.0, 9.0], [4.0, 5.0, 6.0], [1.0, 2.0, 3.0]],)),
        "wide, dependent columns in front": Edge(primals=([[4.0, 2.0, 1.0], [2.0, 1.0, 3.0]],)),
        "entries of 1e150": Edge(primals=([[1e150, 2e150], [3e150, -4e150]],)),
        "entries of 1e-150": Edge(primals=([[1e-150, 2e-150], [3e-150, -4e-150]],)),
        "rows scaled apart": Edge(primals=([[1e-12, 2e-12], [3e12, -4e12]],)),
        "order one": Edge(primals=([[0.0]],)),
        "one row": Edge(primals=([[2.0, 1.0, -3.0]],)),
        "one column": Edge(primals=([[2.0], [1.0], [-3.0]],)),
        "tall, dependent columns": Edge(
            primals=([[4.0, 2.0], [2.0, 1.0], [1.0, 0.5]],), first="nan", second="nan"
        ),
        "zero column": Edge(
            primals=([[0.0, 1.0], [0.0, 2.0]],), value="finite", first="nan", second="nan"
        ),
        "zero matrix": Edge(
            primals=([[0.0, 0.0], [0.0, 0.0]],), value="finite", first="nan", second="nan"
        ),
    },
)
def lu(a: Array, /, *, xp: Namespace) -> Arrays:
    """Permutation, unit lower triangle and upper triangle.

    Parameters
    ----------
    a
        ``(..., m, n)``, real or complex floating.

    Returns
    -------
    (P, L, U)
        ``(..., m, m)``, real, a permutation, which has no derivative; ``(..., m, k)`` with ones on the
        diagonal and nothing larger below; ``(..., k, n)`` in the unit of `a`. k is min(m, n), and
        ``a = P @ L @ U``.
    """
    found = hooks.lu(a, xp=xp)
    if found is None:
        found = _eliminated(a, xp)
    return guarded(a, xp, *((x, 2) for x in found))


def _eliminated(a: Array, xp: Namespace) -> Arrays:
    w, e = eliminate(a, xp, pivoting=True)
    rows, columns = (hooks.length(a, axis, xp=xp) for axis in (-2, -1))
    below = w[..., :, :rows]  # of min(m, n) columns
    one = xp.ones_like(below)
    unit = xp.tril(one) - xp.tril(one, k=-1)
    return xp.matrix_transpose(e), xp.tril(below, k=-1) + unit, xp.triu(w[..., :columns, :])


# With B = P^T A', where L_1, U_1 are the first k rows and columns, F = L_1^-1 B_1 and
# N = F_1 U_1^-1: L_1' = L_1 S with S the strict lower triangle of N, and U' = F - S U. Below,
# L_2' = (B_2 - L_2 U_1') U_1^-1. The last column of S is 0: without L_2 the last pivot is not divided by.
@lu.def_jvp
def lu_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> MaybeArrays:
    """``P_dot = 0``, ``L_dot = (L_1 S, (B_2 - L_2 U_dot) U_1^-1)``, ``U_dot = F - S U``."""
    (p, low, up), (a_dot,) = outputs, tangents
    k = hooks.length(up, -2, xp=xp)
    divisor, bad = _divisor(low, up, k, xp)
    b = xp.matrix_transpose(_permutation(p, low, xp)) @ a_dot
    f = solve_triangular(low[..., :k, :], b[..., :k, :], lower=True)
    s = xp.tril(_over(f[..., :k], divisor, xp), k=-1)
    up_dot = xp.triu(f - s @ up)
    rest = b[..., k:, :k] - low[..., k:, :] @ up_dot[..., :k]
    low_dot = xp.concat([low[..., :k, :] @ s, _over(rest, divisor, xp)], axis=-2)
    return None, poisoned(low_dot, low, bad, xp), poisoned(up_dot, up, bad, xp)


# The same steps backwards: H is the cotangent of B_2, G that of U' with what comes through L_2', and
# Z that of S.
@lu.def_vjp
def lu_vjp(primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace) -> Array:
    """``P (L_1^-H (G + (Z U_1^-H, 0)), H)`` with Z below the diagonal of ``L_1^H L_bar_1 - G U^H``."""
    (a,), (p, low, up), (_, low_bar, up_bar) = primals, outputs, cotangents
    low_bar = xp.zeros_like(low) if low_bar is None else low_bar
    g = xp.zeros_like(up) if up_bar is None else up_bar
    k = hooks.length(up, -2, xp=xp)
    divisor, bad = _divisor(low, up, k, xp)
    h = _over_adjoint(low_bar[..., k:, :], divisor, xp)
    aside = xp.zeros_like(up[..., k:])
    g = xp.triu(g - xp.concat([adjoint(low[..., k:, :], xp) @ h, aside], axis=-1))
    z = adjoint(low[..., :k, :], xp) @ low_bar[..., :k, :] - g @ adjoint(up, xp)
    z = _over_adjoint(xp.tril(z, k=-1), divisor, xp)
    f = g + xp.concat([z, aside], axis=-1)
    b = solve_triangular(low[..., :k, :], f, trans=2, lower=True)
    rest = xp.concat([h, xp.zeros_like(a[..., k:, k:])], axis=-1)
    a_bar = _permutation(p, a, xp) @ xp.concat([b, rest], axis=-2)
    return poisoned(a_bar, a, bad, xp)


def _permutation(p: Array, a: Array, xp: Namespace) -> Array:
    return xp.astype(p, a.dtype)


def _divisor(low: Array, up: Array, k: Array, xp: Namespace) -> tuple[Array, Array]:
    """The triangle that is divided by, and where it must not be; without L_2 the last column is none."""
    square = up[..., :k]
    rows, columns = low.shape[-2:]
    if rows is not None and rows == columns:
        square = but_last(square, xp)
    return independent(square, xp)


def _over(x: Array, t: Array, xp: Namespace) -> Array:
    """``x @ t^-1``."""
    return adjoint(solve_triangular(t, adjoint(x, xp), trans=2), xp)


def _over_adjoint(x: Array, t: Array, xp: Namespace) -> Array:
    """``x @ t^-H``."""
    return adjoint(solve_triangular(t, adjoint(x, xp)), xp)
