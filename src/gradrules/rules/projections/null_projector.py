r"""Orthogonal projector onto the null space, :math:`I - A^+ A`: what the range of :math:`A^H` leaves."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded
from .._rank import check_tolerance
from .range_projector import range_jvp, range_of, range_vjp

__all__ = ["null_projector"]


@rule(
    signature="(m,n)->(n,n)",
    needs={"A": "nonsingular"},
    degrees={"A": (0,)},
    domain="that of range_projector",
    cost="that of range_projector",
    sources=("G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 1973, lemma 4.1",),
    variants=({}, {"rcond": 1e-3}),
    edges={
        "rank one of two": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],)),
        "rank one, wide": Edge(primals=([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]],)),
        "rank one, complex": Edge(
            primals=([[1.0, 2 - 1j], [1j, 1 + 2j], [2.0, 4 - 2j]],), dtypes=("complex128",)
        ),
        "orthonormal rows": Edge(primals=([[0.6, 0.8, 0.0], [0.8, -0.6, 0.0]],)),
        "nearly parallel rows": Edge(primals=([[3.0, 1.0, 1.0], [1.0, 0.3333333, 0.3333334]],)),
        "small for its rcond": Edge(
            primals=([[4.0, 1.0, 0], [1.0, 3.0, 0], [0, 0, 0.5]],), options={"rcond": 0.25}
        ),
        "zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), first="nan", second="nan"),
    },
)
def null_projector(A: Array, /, *, rcond: float | None = None, xp: Namespace) -> Array:
    """Orthogonal projector onto the null space, ``Z @ Z^H`` for SciPy's ``Z = null_space(A)``.

    The basis itself is not unique and has no derivative.

    Parameters
    ----------
    A
        ``(..., m, n)``, real or complex floating.
    rcond
        Singular values up to `rcond` times the largest count as zero; by default ``max(m, n) * eps``.

    Returns
    -------
    array
        ``(..., n, n)``, Hermitian, same dtype, without a unit.
    """
    p = range_of(adjoint(A, xp), rcond, xp)
    return guarded(A, xp, (hooks.eye_like(p, xp=xp) - p, 2))[0]


@null_projector.def_options
def null_projector_options(rcond: object) -> None:
    """Refuse values that are not allowed."""
    check_tolerance("rcond", rcond)


@null_projector.def_jvp
def null_projector_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, rcond: float | None, xp: Namespace
) -> Array:
    """That of the range of the adjoint matrix, with the other sign."""
    (a,), (z,), (a_dot,) = primals, outputs, tangents
    p = hooks.eye_like(z, xp=xp) - z
    return -range_jvp(adjoint(a, xp), p, adjoint(a_dot, xp), rcond, xp)


@null_projector.def_vjp
def null_projector_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, rcond: float | None, xp: Namespace
) -> Array:
    """Its adjoint."""
    (a,), (z,), (z_bar,) = primals, outputs, cotangents
    p = hooks.eye_like(z, xp=xp) - z
    return -adjoint(range_vjp(adjoint(a, xp), p, z_bar, rcond, xp), xp)
