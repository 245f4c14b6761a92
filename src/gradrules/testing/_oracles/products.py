"""Products of vectors and matrices."""

import numpy as np

from .._truth import Exact, oracle
from ._exact import adjoint, scalar
from .solves import solve

__all__ = [
    "cross",
    "inverse_quadratic_form",
    "khatri_rao",
    "kron",
    "matmul",
    "matrix_power",
    "outer",
    "quadratic_form",
    "vecdot",
]


@oracle("matmul")
def matmul(x1: Exact, x2: Exact) -> Exact:
    """Matrix product."""
    return x1 @ x2 if x1.shape[1] else np.zeros((x1.shape[0], x2.shape[1])).astype(object)


@oracle("vecdot")
def vecdot(x1: Exact, x2: Exact) -> Exact:
    """Inner product."""
    return scalar(np.sum(np.conj(x1) * x2))


@oracle("outer")
def outer(x1: Exact, x2: Exact) -> Exact:
    """Outer product."""
    return np.multiply.outer(x1, x2)


@oracle("cross")
def cross(x1: Exact, x2: Exact) -> Exact:
    """Cross product."""
    return np.cross(x1, x2)


@oracle("kron")
def kron(a: Exact, b: Exact) -> Exact:
    """Kronecker product."""
    return np.kron(a, b)


@oracle("khatri_rao")
def khatri_rao(a: Exact, b: Exact) -> Exact:
    """Kronecker products of columns."""
    return np.stack([np.kron(x, y) for x, y in zip(a.T, b.T, strict=True)], axis=1)


@oracle("matrix_power")
def matrix_power(x: Exact, *, n: int) -> Exact:
    """One product after the other."""
    one = np.eye(len(x), dtype=int).astype(object) + 0 * x
    factor = x if n >= 0 else solve(x, one)
    for _ in range(abs(n)):
        one = one @ factor
    return one


@oracle("quadratic_form")
def quadratic_form(x: Exact, A: Exact, y: Exact) -> Exact:  # noqa: N803
    """Two products."""
    return adjoint(x) @ A @ y


@oracle("inverse_quadratic_form")
def inverse_quadratic_form(A: Exact, B: Exact) -> Exact:  # noqa: N803
    """By a linear system."""
    return adjoint(B) @ solve(A, B)
