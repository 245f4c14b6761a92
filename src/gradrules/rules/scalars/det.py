r"""Determinant, :math:`y = \det A`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj
from .cofactor import cofactor

__all__ = ["det"]

_SINGULAR = {
    "zero matrix": [[0.0, 0.0], [0.0, 0.0]],
    "zero pivot": [[0.0, 1.0], [0.0, 1.0]],
    "rank n-1": [[1.0, 2.0], [2.0, 4.0]],
    "rank n-1, rounded": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]],
    "rank n-2": [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [-1.0, -2.0, -3.0]],
    "rank n-2, diagonal": [[1.5, 0, 0, 0], [0, 3.0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    "entries of 1e150": [[1e150, 2e150], [3e150, -4e150]],
    "entries of 1e-150": [[1e-150, 2e-150], [3e-150, -4e-150]],
    "order one": [[0.0]],
}


@rule(
    signature="(n,n)->()",
    degrees={"x": ("n",)},
    domain=(
        "every square matrix, singular ones included, to second order; from the third order on "
        "condition numbers below eps**(-1/4) (8e3 in float64), and NaN beyond"
    ),
    cost="primal: one LU; first derivative: one singular value decomposition",
    sources=(
        "C. G. J. Jacobi, J. reine angew. Math. 22, 1841 (the formula)",
        "J. R. Magnus and H. Neudecker, Matrix Differential Calculus, section 8.3",
    ),
    edges={name: Edge(primals=(matrix,)) for name, matrix in _SINGULAR.items()},
)
def det(x: Array, /, *, xp: Namespace) -> Array:
    """Determinant of a square matrix.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating.

    Returns
    -------
    array
        ``(...)``, same dtype. Its unit is the n-th power of that of `x`.
    """
    return xp.linalg.det(x)


# Jacobi's formula. The cofactors are a polynomial of A; det(A) A^-H is not, and fails where A is
# singular.
@det.def_jvp
def det_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace) -> Array:
    """``sum(cofactor(A) * A_dot)``."""
    (x,), (x_dot,) = primals, tangents
    return xp.sum(cofactor(x) * x_dot, axis=(-2, -1))


@det.def_vjp
def det_vjp(primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace) -> Array:
    """``y_bar conj(cofactor(A))``."""
    (x,), (y_bar,) = primals, cotangents
    return y_bar[..., None, None] * conj(cofactor(x), xp)
