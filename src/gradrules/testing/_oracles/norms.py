"""Norms of vectors and matrices."""

from typing import Any

import mpmath
import numpy as np

from .._truth import Exact, oracle
from ._exact import scalar
from .solves import inv
from .spectra import svdvals

__all__ = ["cond", "ky_fan_norm", "matrix_norm", "schatten_norm", "vector_norm"]

INF = float("inf")


def _norm(sizes: list[Any], order: float) -> Any:
    if abs(order) == INF:
        return (max if order > 0 else min)(sizes)
    if order == 0:
        return mpmath.mpf(sum(1 for s in sizes if s != 0))
    if order < 0 and any(s == 0 for s in sizes):
        return mpmath.mpf(0)
    p = mpmath.mpf(order)
    return sum((s**p for s in sizes), mpmath.mpf(0)) ** (1 / p)


@oracle("vector_norm")
def vector_norm(x: Exact, *, ord: float = 2) -> Exact:  # noqa: A002
    """Of any order."""
    return scalar(_norm([abs(v) for v in x], ord))


@oracle("matrix_norm")
def matrix_norm(x: Exact, *, ord: float | str = "fro") -> Exact:  # noqa: A002
    """Of every order."""
    sizes = np.vectorize(abs, otypes=[object])(x)
    if ord == "fro":
        return scalar(_norm(list(sizes.flat), 2))
    if ord in (2, -2, "nuc"):
        s = svdvals(x)
        return scalar(sum(s, mpmath.mpf(0)) if ord == "nuc" else s[0] if ord == 2 else s[-1])
    sums = sizes.sum(axis=0 if ord in (1, -1) else 1)
    return scalar(_norm(list(sums), INF if float(ord) > 0 else -INF))


@oracle("schatten_norm")
def schatten_norm(x: Exact, *, p: float) -> Exact:
    """Of the singular values."""
    return scalar(_norm(list(svdvals(x)), p))


@oracle("ky_fan_norm")
def ky_fan_norm(x: Exact, *, k: int) -> Exact:
    """Of the largest singular values."""
    return scalar(sum(svdvals(x)[:k], mpmath.mpf(0)))


@oracle("cond")
def cond(x: Exact, *, p: float | str | None = None) -> Exact:
    """Of any norm."""
    if p in (None, 2, -2):
        s = svdvals(x)
        return scalar(s[-1] / s[0] if p == -2 else s[0] / s[-1])
    return matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)


@oracle("_modulus_power")
def modulus_power(x: Any, *, q: float) -> Any:
    """Of a number."""
    return abs(x) ** mpmath.mpf(q)


@oracle("_signed_power")
def signed_power(x: Any, *, q: float) -> Any:
    """Of a number."""
    return x * 0 if x == 0 and q >= 0 else x * abs(x) ** (mpmath.mpf(q) - 1)


@oracle("_over")
def over(x: Any, y: Any, *, at_zero: float = 0.0) -> Any:
    """Of two numbers."""
    return mpmath.mpf(at_zero) if y == 0 else x / y


@oracle("_kinked")
def kinked(x: Any, bad: Any, *, smooth: int = 0) -> Any:  # noqa: ARG001
    """The value alone, which has no kink."""
    return x
