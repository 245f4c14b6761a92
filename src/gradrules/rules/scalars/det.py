r"""Determinant, :math:`y = \det A`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import binary_size, conj, eps, one_norm, order, scaled, tiny
from .cofactor import cofactor

__all__ = ["det"]

# The inverse serves up to the condition eps**-FAR. From one factorization, its error and that of the
# determinant cancel; the cofactors, at ten times the cost, do not depend on that.
FAR = 0.375
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
    cost="primal: one LU; first derivative: one inverse, near singular matrices one SVD",
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


@det.def_keep
def det_keep(x: Array, /, *, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the factorization of ``A / 2**e``, whose entries are near 1, and e."""
    if 0 in x.shape:
        return xp.linalg.det(x), ()
    e = binary_size(x, xp)
    factors = hooks.lu_factor(scaled(x, -e, xp), xp=xp)
    e = e[..., 0, 0]
    return scaled(hooks.lu_det(factors, xp=xp), e * order(x, xp), xp), (e, *factors)


@det.def_fast_jvp
def det_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the jvp, far from singular matrices by the inverse."""
    return xp.sum(_cofactor(primals[0], kept, xp) * tangents[0], axis=(-2, -1))


@det.def_fast_vjp
def det_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the vjp, far from singular matrices by the inverse."""
    return cotangents[0][..., None, None] * conj(_cofactor(primals[0], kept, xp), xp)


def _cofactor(x: Array, kept: Arrays, xp: Namespace) -> Array:
    """``det(A) A^-T`` where all matrices of the batch have digits to spare, else the cofactors."""
    if not kept:
        return cofactor(x)
    e, factors = kept[0][..., None, None], kept[1:]
    d = hooks.lu_det(factors, xp=xp)[..., None, None]

    def slow() -> Array:
        return cofactor(x)

    def fast() -> Array:
        one = xp.ones_like(x) * hooks.eye_like(x, xp=xp)
        inverse = hooks.lu_solve(factors, one, xp=xp)
        condition = scaled(one_norm(x, xp), -e, xp) * one_norm(inverse, xp)
        value = scaled(d * xp.matrix_transpose(inverse), e * (order(x, xp) - 1), xp)
        return hooks.choose(condition < eps(x) ** -FAR, lambda: value, slow, xp=xp)

    # Of a matrix without inverse some libraries raise.
    regular = (xp.abs(d) > tiny(d) / eps(d)) & xp.isfinite(d)
    return hooks.choose(regular, fast, slow, xp=xp)
