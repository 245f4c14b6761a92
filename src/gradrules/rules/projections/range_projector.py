r"""Orthogonal projector onto the range, :math:`P = A A^+`.

.. math:: \dot P = X + X^H, \qquad X = (I - P) \dot A A^+

at constant rank, and :math:`A' \dot A^H A^{+H} A^+` more, :math:`A' = A - P A`, where that is of the
function that takes small singular values for zero: see `pinv`.
"""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._kinked import kinked
from .._matrix import adjoint, guarded, herm, order, real, trace, weighted
from .._rank import check_tolerance, nonzero, or_nothing
from ..spectra.svd import decompose
from ._singular_projectors import projectors_jvp, projectors_vjp, singular_projectors
from .pinv import but_at_zero, pinv

__all__ = ["range_jvp", "range_of", "range_projector", "range_vjp"]


@rule(
    signature="(m,n)->(m,m)",
    needs={"A": "nonsingular"},
    degrees={"A": (0,)},
    domain=(
        "everywhere but at zero: where the rank is not full, the derivative of the function that "
        "takes singular values up to rcond for zero, to second order"
    ),
    cost="primal: one SVD; derivative: one more and 5 products; with rcond an eigendecomposition "
    "of order m + n",
    sources=("G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 1973, lemma 4.1",),
    variants=({}, {"rcond": 1e-3}),
    edges={
        "rank one of two": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],), third="nan"),
        "rank one, tall": Edge(primals=([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]],)),
        "rank one, wide": Edge(primals=([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]],), third="nan"),
        "rank one, complex": Edge(
            primals=([[1.0, 2 - 1j], [1j, 1 + 2j], [2.0, 4 - 2j]],), dtypes=("complex128",)
        ),
        "equal singular values, tall": Edge(primals=([[0.6, 0.8], [0.8, -0.6], [0.0, 0.0]],)),
        "nearly parallel columns": Edge(
            primals=([[3.0, 1.0], [1.0, 0.3333333], [1.0, 0.3333334]],)
        ),
        "small for its rcond": Edge(
            primals=([[4.0, 1.0, 0], [1.0, 3.0, 0], [0, 0, 0.5]],), options={"rcond": 0.25}
        ),
        "tall, 1e150": Edge(primals=([[1e150, 2e150], [3e150, -1e150], [0.0, 1e150]],)),
        "zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), first="nan", second="nan"),
    },
)
def range_projector(A: Array, /, *, rcond: float | None = None, xp: Namespace) -> Array:
    """Orthogonal projector onto the range of a matrix, ``Q @ Q^H`` for SciPy's ``Q = orth(A)``.

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
        ``(..., m, m)``, Hermitian, same dtype, without a unit.
    """
    return guarded(A, xp, (range_of(A, rcond, xp), 2))[0]


@range_projector.def_options
def range_projector_options(rcond: object) -> None:
    """Refuse values that are not allowed."""
    check_tolerance("rcond", rcond)


@range_projector.def_jvp
def range_projector_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, rcond: float | None, xp: Namespace
) -> Array:
    """As above."""
    return range_jvp(primals[0], outputs[0], tangents[0], rcond, xp)


@range_projector.def_vjp
def range_projector_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, rcond: float | None, xp: Namespace
) -> Array:
    """``(I - P) W A^+H + A^+H A^+ W A'``, with ``W = 2 herm(P_bar)``."""
    return range_vjp(primals[0], outputs[0], cotangents[0], rcond, xp)


def range_of(a: Array, rcond: float | None, xp: Namespace) -> Array:
    """The projector, exactly the identity if nothing is left out; of data that are not finite anything."""
    u, s, _ = decompose(a, xp, full_matrices=False)
    u = weighted(u, nonzero(s, a, rcond, xp), xp)
    p = u @ adjoint(u, xp)
    return xp.where(_is_whole(p, xp), hooks.eye_like(p, xp=xp), p)


def range_jvp(a: Array, p: Array, e: Array, rcond: float | None, xp: Namespace) -> Array:
    """Derivative of the projector `p` onto the range of `a` in the direction `e`."""
    if rcond is not None:
        moved = projectors_jvp((a,), singular_projectors(a, rtol=rcond), (e,), xp=xp)[0]
        return _unless_all(moved, p, xp)
    y = pinv(a)
    moved = e @ y
    rest = _rest(a, p, xp)
    x = moved - p @ moved + rest @ (adjoint(e, xp) @ (adjoint(y, xp) @ y))
    return but_at_zero(_unless_all(2 * herm(x, xp), p, xp), p, a, xp)


def range_vjp(a: Array, p: Array, p_bar: Array, rcond: float | None, xp: Namespace) -> Array:
    """Its adjoint."""
    w = _unless_all(2 * herm(p_bar, xp), p, xp)
    if rcond is not None:
        blocks = singular_projectors(a, rtol=rcond)
        return projectors_vjp((a,), blocks, (w / 2, None, None), xp=xp)
    y = pinv(a)
    yh = adjoint(y, xp)
    rest = _rest(a, p, xp)
    return but_at_zero((w - p @ w) @ yh + yh @ (y @ (w @ rest)), a, a, xp)


def _rest(a: Array, p: Array, xp: Namespace) -> Array:
    """``A - P A``, nothing at full rank, where it shall not be rounding.

    It serves derivatives up to the second; at deficient rank a third one is NaN.
    """
    rank = real(trace(p, xp), xp)[..., None, None]
    deficient = (rank < order(a, xp) - 0.5) & (rank < order(p, xp) - 0.5)
    rest = or_nothing(a - p @ a, deficient, xp)
    return kinked(rest, xp.astype(deficient, rank.dtype), smooth=1)


def _unless_all(change: Array, p: Array, xp: Namespace) -> Array:
    """`change`, and zero where the range is the whole space: there it stays."""
    return xp.where(_is_whole(p, xp), xp.zeros_like(change), change)


def _is_whole(p: Array, xp: Namespace) -> Array:
    return real(trace(p, xp), xp)[..., None, None] > order(p, xp) - 0.5
