"""What the oracles share: arrays of mpmath numbers, and mpmath's own matrices."""

from typing import Any

import mpmath
import numpy as np

from .._truth import Exact


def matrix(a: Exact) -> Any:
    """An mpmath matrix."""
    return mpmath.matrix(a.tolist()) if a.size else mpmath.matrix(*a.shape)


def array(m: Any) -> Exact:
    """An array from an mpmath matrix."""
    out = np.empty((m.rows, m.cols), dtype=object)
    for i, j in np.ndindex(out.shape):
        out[i, j] = m[i, j]
    return out


def scalar(value: Any) -> Exact:
    """An array without axes."""
    out = np.empty((), dtype=object)
    out[()] = value
    return out


def adjoint(a: Exact) -> Exact:
    """Conjugate transpose."""
    return np.conj(a.T)


def read(a: Exact, lower: bool | None) -> Exact:
    """The Hermitian matrix that is read: see the option `lower` of the rules."""
    if lower is None:
        return (a + adjoint(a)) / 2
    half = np.tril(a, -1) if lower else np.triu(a, 1)
    out: Exact = half + adjoint(half)
    for i in range(len(a)):
        out[i, i] = mpmath.re(a[i, i])
    return out
