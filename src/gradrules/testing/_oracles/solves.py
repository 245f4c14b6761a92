"""Linear systems and inverses."""

import mpmath
import numpy as np

from .._truth import Exact, oracle
from ._exact import adjoint, array, matrix

__all__ = ["cho_solve", "inv", "solve", "solve_toeplitz", "solve_triangular"]


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


@oracle("solve_toeplitz")
def solve_toeplitz(c: Exact, r: Exact, b: Exact) -> Exact:
    """Solution of a Toeplitz system."""
    n = len(c)
    t = np.empty((n, n), dtype=object)
    for i, j in np.ndindex(t.shape):
        t[i, j] = c[i - j] if i >= j else r[j - i]
    return solve(t, b)
