"""Factorizations that are not spectral."""

import mpmath
import numpy as np

from .._truth import Exact, oracle
from ._exact import adjoint, read

__all__ = ["cholesky"]


@oracle("cholesky")
def cholesky(x: Exact, *, upper: bool = False) -> Exact:
    """Triangular factor, column by column; a square root of what is not positive is refused."""
    a, n = read(x, None), len(x)
    factor = a * 0
    for j in range(n):
        rest = a[j:, j] - factor[j:, :j] @ np.conj(factor[j, :j])
        pivot = mpmath.re(rest[0])
        if pivot < 0:
            raise ValueError
        factor[j, j] = mpmath.sqrt(pivot)
        factor[j + 1 :, j] = rest[1:] / factor[j, j]
    return adjoint(factor) if upper else factor
