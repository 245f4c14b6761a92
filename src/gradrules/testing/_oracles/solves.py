"""Linear systems and inverses."""

import mpmath
import numpy as np

from .._truth import Exact, oracle
from ._exact import adjoint, array, matrix

__all__ = [
    "cho_solve",
    "inv",
    "lstsq",
    "ridge",
    "solve",
    "solve_banded",
    "solve_toeplitz",
    "solve_triangular",
    "tridiagonal_solve",
]


@oracle("inv")
def inv(x: Exact) -> Exact:
    """Inverse."""
    return array(mpmath.inverse(matrix(x))) if x.size else x


@oracle("solve")
def solve(x1: Exact, x2: Exact) -> Exact:
    """Solution of a linear system."""
    return inv(x1) @ x2 if x2.size else x2


@oracle("solve_triangular")
def solve_triangular(
    a: Exact,
    b: Exact,
    *,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
) -> Exact:
    """Solution of a triangular system."""
    if not b.size:
        return b
    t = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        np.fill_diagonal(t, mpmath.mpf(1))
    if trans in {1, "T"}:
        t = t.T
    return inv(adjoint(t) if trans in {2, "C"} else t) @ b


@oracle("cho_solve")
def cho_solve(c: Exact, b: Exact, *, lower: bool = False) -> Exact:
    """Solution of a positive definite system of known factor."""
    if not b.size:
        return b
    half = inv(np.tril(c) if lower else adjoint(np.triu(c)))
    return adjoint(half) @ (half @ b)


@oracle("solve_banded")
def solve_banded(ab: Exact, b: Exact, *, l_and_u: tuple[int, int] = (1, 1)) -> Exact:
    """Solution of a banded system."""
    n, (below, above) = len(b), l_and_u
    a = np.zeros((n, n), dtype=object) + mpmath.mpf(0)
    for i, j in np.ndindex(n, n):
        if -below <= j - i <= above:
            a[i, j] = ab[above + i - j, j]
    return solve(a, b)


@oracle("tridiagonal_solve")
def tridiagonal_solve(dl: Exact, d: Exact, du: Exact, b: Exact) -> Exact:
    """Solution of a tridiagonal system."""
    return solve(
        np.diag(dl[1:], -1) + np.diag(d) + np.diag(du[:-1], 1) if len(d) else np.diag(d), b
    )


@oracle("ridge")
def ridge(a: Exact, b: Exact, alpha: Exact) -> Exact:
    """By the normal equations, which cost nothing at this precision."""
    return gram_solve(a, adjoint(a) @ b, alpha)


@oracle("_gram_solve")
def gram_solve(a: Exact, c: Exact, alpha: Exact) -> Exact:
    """With the matrix of the normal equations."""
    gram = adjoint(a) @ a + np.eye(a.shape[1]) * mpmath.re(np.asarray(alpha)[()])
    return solve(gram, c)


@oracle("lstsq")
def lstsq(a: Exact, b: Exact, *, cond: float | None = None) -> Exact:
    """By the pseudo-inverse."""
    from .projections import pinv  # noqa: PLC0415 (which needs `solve`)

    return pinv(a, rtol=cond) @ b


@oracle("solve_toeplitz")
def solve_toeplitz(c: Exact, r: Exact, b: Exact) -> Exact:
    """Solution of a Toeplitz system."""
    n = len(c)
    t = np.empty((n, n), dtype=object)
    for i, j in np.ndindex(t.shape):
        t[i, j] = c[i - j] if i >= j else r[j - i]
    return solve(t, b)
