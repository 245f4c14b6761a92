"""Factorizations that are not spectral."""

import mpmath
import numpy as np

from .._truth import Exact, oracle
from ._exact import adjoint, read

__all__ = ["cholesky", "ldl", "lq", "lu", "qr", "rq"]


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


@oracle("qr")
def qr(
    x: Exact,
    *,
    mode: str = "reduced",  # noqa: ARG001 (the complete one has a truth where they are the same)
    reference: tuple[Exact, Exact] | None = None,
) -> tuple[Exact, Exact]:
    """Orthonormal columns by projection, in the signs of the reference."""
    m, n = x.shape
    k = min(m, n)
    q, r = np.zeros((m, k), dtype=object) + x[:1, :1].sum() * 0, x[:k] * 0
    for j in range(k):
        rest = x[:, j]
        for _ in range(2):  # once more for what cancellation leaves
            part = adjoint(q[:, :j]) @ rest
            rest = rest - q[:, :j] @ part
        size = mpmath.sqrt(sum(abs(v) ** 2 for v in rest))
        if reference is not None and mpmath.re(np.sum(np.conj(rest) * reference[0][:, j])) < 0:
            size = -size
        q[:, j] = rest / size
    for j in range(n):
        height = min(j + 1, k)
        r[:height, j] = adjoint(q[:, :height]) @ x[:, j]
    return q, r


@oracle("lq")
def lq(
    x: Exact,
    *,
    mode: str = "reduced",
    reference: tuple[Exact, Exact] | None = None,
) -> tuple[Exact, Exact]:
    """Of the adjoint."""
    turned = None if reference is None else (adjoint(reference[1]), adjoint(reference[0]))
    q, r = qr(adjoint(x), mode=mode, reference=turned)
    return adjoint(r), adjoint(q)


@oracle("rq")
def rq(
    x: Exact,
    *,
    mode: str = "reduced",
    reference: tuple[Exact, Exact] | None = None,
) -> tuple[Exact, Exact]:
    """Of the rows in reverse order."""
    turned = None if reference is None else (reference[0][::-1, ::-1], reference[1][::-1])
    triangle, q = lq(x[::-1], mode=mode, reference=turned)
    return triangle[::-1, ::-1], q[::-1]


@oracle("lu")
def lu(a: Exact) -> tuple[Exact, Exact, Exact]:
    """By elimination with the pivots of LAPACK: |Re| + |Im| is largest."""
    (m, n), w, order = a.shape, a.copy(), np.arange(len(a))
    k = min(m, n)
    for i in range(k):
        sizes = [abs(mpmath.re(x)) + abs(mpmath.im(x)) for x in w[i:, i]]
        j = i + sizes.index(max(sizes))
        w[[i, j]], order[[i, j]] = w[[j, i]], order[[j, i]]
        if w[i, i] != 0:
            w[i + 1 :, i] = w[i + 1 :, i] / w[i, i]
            w[i + 1 :, i + 1 :] = w[i + 1 :, i + 1 :] - np.outer(w[i + 1 :, i], w[i, i + 1 :])
    one = mpmath.mpf(1)
    p = np.asarray(np.eye(m)[:, order], dtype=object) * one
    return p, np.tril(w[:, :k], -1) + np.eye(m, k) * one, np.triu(w[:k])


@oracle("ldl")
def ldl(A: Exact) -> tuple[Exact, Exact]:  # noqa: N803
    """Column by column."""
    a, n = read(A, None), len(A)
    low, d = a * 0, np.array([mpmath.re(x) * 0 for x in a[:, 0]] if n else [], dtype=object)
    for j in range(n):
        rest = a[j:, j] - (low[j:, :j] * d[:j]) @ np.conj(low[j, :j])
        d[j], low[j, j] = mpmath.re(rest[0]), mpmath.mpf(1)
        if j + 1 < n:
            low[j + 1 :, j] = rest[1:] / d[j]
    return low, d
