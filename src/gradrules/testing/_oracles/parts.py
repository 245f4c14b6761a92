"""Parts of a matrix."""

import math

import mpmath
import numpy as np

from .._truth import Exact, oracle
from ._exact import read, scalar

__all__ = ["diagonal", "matrix_transpose", "trace", "unvech", "vech"]


@oracle("matrix_transpose")
def matrix_transpose(x: Exact) -> Exact:
    """Transpose."""
    return x.T


@oracle("diagonal")
def diagonal(x: Exact, *, offset: int = 0) -> Exact:
    """One diagonal."""
    return np.diagonal(x, offset)


@oracle("trace")
def trace(x: Exact, *, offset: int = 0) -> Exact:
    """Its sum."""
    return scalar(sum(np.diagonal(x, offset), mpmath.mpf(0)))


@oracle("vech")
def vech(x: Exact) -> Exact:
    """The lower triangle."""
    return read(x, None)[np.tril_indices(len(x))]


@oracle("unvech")
def unvech(v: Exact) -> Exact:
    """The matrix of that triangle."""
    n = (math.isqrt(8 * len(v) + 1) - 1) // 2
    lower = np.zeros((n, n), dtype=object) + mpmath.mpf(0)
    lower[np.tril_indices(n)] = v
    return read(lower, lower=True)
