"""Determinants and other scalars of a matrix."""

from typing import Any

import mpmath
import numpy as np

from .._truth import Exact, oracle
from ._exact import read, scalar
from .spectra import eigvalsh

__all__ = ["det", "logdet", "logpdet", "pdet", "pfaffian", "slogdet"]


def _determinant(a: Exact) -> Any:
    """By fraction-free elimination with full pivoting: exact zeros stay exact (Bareiss, 1968)."""
    a, n, d, before = a.copy(), len(a), mpmath.mpf(1), mpmath.mpf(1)
    for k in range(n):
        sizes = np.array([[abs(x) for x in row] for row in a[k:, k:]], dtype=object)
        i, j = divmod(int(np.argmax(sizes)), n - k)
        if sizes[i, j] == 0:
            return mpmath.mpf(0)
        for axis, other in ((0, k + i), (1, k + j)):
            if other != k:
                a[[k, other]] = a[[other, k]] if axis == 0 else a[[k, other]]
                if axis == 1:
                    a[:, [k, other]] = a[:, [other, k]]
                d = -d
        rest = a[k + 1 :, k:] * a[k, k] - np.outer(a[k + 1 :, k], a[k, k:])
        a[k + 1 :, k:], before = rest / before, a[k, k]
    return d * before


@oracle("det")
def det(x: Exact) -> Exact:
    """Determinant."""
    return scalar(_determinant(x))


@oracle("logdet")
def logdet(x: Exact) -> Exact:
    """Logarithm of the determinant."""
    return scalar(mpmath.log(mpmath.re(_determinant(read(x, None)))))


@oracle("slogdet")
def slogdet(x: Exact) -> tuple[Exact, Exact]:
    """Sign and logarithm."""
    d = _determinant(x)
    if d == 0:
        return scalar(mpmath.mpf(0)), scalar(mpmath.mpf("-inf"))
    return scalar(d / abs(d)), scalar(mpmath.log(abs(d)))


@oracle("pfaffian")
def pfaffian(x: Exact) -> Exact:
    """By expansion along the first row of the skew part."""

    def expanded(a: Exact) -> Any:
        if len(a) % 2:
            return mpmath.mpf(0)
        total = mpmath.mpf(0 if len(a) else 1)
        for j in range(1, len(a)):
            rest = [i for i in range(1, len(a)) if i != j]
            total = total - (-1) ** j * a[0, j] * expanded(a[np.ix_(rest, rest)])
        return total

    return scalar(expanded((x - x.T) / 2))


def _counting(x: Exact, rtol: float | None) -> list[Any]:
    """The eigenvalues that are not small."""
    w = eigvalsh(x)
    bound = len(x) * 2.0**-52 if rtol is None else rtol
    return [v for v in w if abs(v) > bound * max(map(abs, w))]


@oracle("logpdet")
def logpdet(x: Exact, *, rtol: float | None = None) -> Exact:
    """Sum of their logarithms."""
    return scalar(mpmath.fsum(mpmath.log(v) for v in _counting(x, rtol)))


@oracle("pdet")
def pdet(x: Exact, *, rtol: float | None = None) -> Exact:
    """Their product."""
    return scalar(mpmath.fprod(_counting(x, rtol)))
