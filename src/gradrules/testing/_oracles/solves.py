"""Linear systems and inverses."""

import mpmath

from .._truth import Exact, oracle
from ._exact import array, matrix

__all__ = ["inv", "solve"]


@oracle("inv")
def inv(x: Exact) -> Exact:
    """Inverse."""
    return array(mpmath.inverse(matrix(x))) if x.size else x


@oracle("solve")
def solve(x1: Exact, x2: Exact) -> Exact:
    """Solution of a linear system."""
    return inv(x1) @ x2 if x2.size else x2
