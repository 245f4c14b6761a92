r"""Logarithm of the determinant of a positive definite matrix, :math:`\ell = \log \det A`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, diagonal, guarded, herm, real
from ..factorizations.cholesky import cholesky
from ..solves.solve_triangular import solve_triangular
from ._gradient import along, times

__all__ = ["logdet"]


@rule(
    signature="(n,n)->()",
    structure={"x": "positive definite"},
    needs={"x": "nonsingular"},
    degrees={"x": (None,)},
    domain="positive definite matrices; at others the array library raises or returns NaN",
    cost="primal: one Cholesky factorization; first derivative: one inverse by the kept factor",
    sources=("M. B. Giles, NA-08/01, Oxford University, 2008, section 2.2.4",),
    edges={
        "entries of 1e150": Edge(primals=([[2e150, 1e150], [1e150, 3e150]],)),
        "entries of 1e-150": Edge(primals=([[2e-150, 1e-150], [1e-150, 3e-150]],)),
        "not symmetric": Edge(primals=([[2.0, 5.0], [-4.0, 3.0]],)),
        "order one": Edge(primals=([[4.0]],)),
        "semidefinite": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]],), value="any", first="any", second="any"
        ),
        "indefinite": Edge(
            primals=([[1.0, 2.0], [2.0, 1.0]],), value="any", first="any", second="any"
        ),
    },
)
def logdet(x: Array, /, *, xp: Namespace) -> Array:
    """Logarithm of the determinant of a positive definite matrix.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating. Its Hermitian part is read.

    Returns
    -------
    array
        ``(...)``, real. For other matrices there is `slogdet`.
    """
    return _logarithm(_factor(x, xp), xp)


# l' = tr(A^-1 A'), which is real; A^-1 = W^H W with W = L^-1. The closed form gets L from
# `cholesky`, the fast form keeps it.
@logdet.def_jvp
def logdet_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace) -> Array:
    """``tr(A^-1 A_dot)``."""
    return along(_inverse(primals[0], xp), tangents[0], xp)


@logdet.def_vjp
def logdet_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """``l_bar A^-1``."""
    return times(cotangents[0], _inverse(primals[0], xp), xp)


@logdet.def_keep
def logdet_keep(x: Array, /, *, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the factor."""
    factor = _factor(x, xp)
    return _logarithm(factor, xp), (factor,)


@logdet.def_fast_jvp
def logdet_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the jvp, with the kept factor."""
    return along(_kept_inverse(kept[0], xp), tangents[0], xp)


@logdet.def_fast_vjp
def logdet_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the vjp, with the kept factor."""
    return times(cotangents[0], _kept_inverse(kept[0], xp), xp)


def _factor(x: Array, xp: Namespace) -> Array:
    a = herm(x, xp)
    return guarded(a, xp, (xp.linalg.cholesky(a), 2))[0]


def _logarithm(factor: Array, xp: Namespace) -> Array:
    return 2 * xp.sum(xp.log(real(diagonal(factor, xp), xp)), axis=-1)


def _inverse(x: Array, xp: Namespace) -> Array:
    w = solve_triangular(cholesky(x), hooks.eye_like(x, xp=xp), lower=True)
    return adjoint(w, xp) @ w


def _kept_inverse(factor: Array, xp: Namespace) -> Array:
    one = xp.ones_like(factor) * hooks.eye_like(factor, xp=xp)
    w = hooks.solve_triangular(factor, one, lower=True, xp=xp)
    return adjoint(w, xp) @ w
