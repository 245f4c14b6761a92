r"""Pseudo-inverse, :math:`Y = A^+`.

.. math:: \dot Y = -Y \dot A Y + Y Y^H \dot A^H (I - A Y) + (I - Y A) \dot A^H Y^H Y

at constant rank. The function that is computed takes small singular values for zero, and so has a
derivative in every direction: with :math:`A' = A - A Y A`, zero at an exact rank, the terms
:math:`Y Y^H Y \dot A A'^H + A'^H \dot A Y Y^H Y` make the second derivatives its own, too.
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._kinked import kinked
from .._matrix import adjoint, guarded, is_square, order, poisoned, real, trace, weighted
from .._rank import check_tolerance, nonzero, or_nothing
from ..spectra.svd import decompose
from ._singular_projectors import is_wide, mirrored, truncated, truncated_jvp, truncated_vjp

__all__ = ["but_at_zero", "inverse_jvp", "inverse_vjp", "pinv"]

_RANK_ONE = [[1.0, 2 - 1j], [1j, 1 + 2j], [2.0, 4 - 2j]]


@rule(
    signature="(m,n)->(n,m)",
    needs={"x": "nonsingular"},
    degrees={"x": (-1,)},
    domain=(
        "everywhere but at zero: where the rank is not full, the derivative of the function that "
        "takes singular values up to rtol for zero (along matrices of that rank the classical one), "
        "to second order"
    ),
    cost="primal: one SVD; derivative: about 8 products; with rtol an eigendecomposition of order m + n",
    sources=("G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 1973, equation 4.12",),
    variants=({}, {"rtol": 1e-3}),
    edges={
        "identity": Edge(primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],)),
        "equal singular values": Edge(primals=([[2.0, 0, 0], [0, 0, -2.0], [0, 1.0, 0]],)),
        "orthonormal columns": Edge(primals=([[0.6, 0.8], [0.8, -0.6], [0.0, 0.0]],)),
        "rank one of two": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],), third="nan"),
        "rank two of three": Edge(primals=([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]],)),
        "rank one, tall": Edge(primals=([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]],)),
        "rank one, wide": Edge(primals=([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]],)),
        "rank one, complex": Edge(primals=(_RANK_ONE,), dtypes=("complex128",)),
        "nearly singular": Edge(primals=([[3.0, 1.0], [1.0, 0.3333334]],)),
        "small for its rtol": Edge(
            primals=([[4.0, 1.0, 0], [1.0, 3.0, 0], [0, 0, 0.5]],), options={"rtol": 0.25}
        ),
        "small for its rtol, wide": Edge(
            primals=([[4.0, 1 + 1j, 1.0], [1.0, 0.5j, 0.25]],),
            options={"rtol": 0.25},
            dtypes=("complex128",),
        ),
        "small for its rtol, tall": Edge(
            primals=([[4.0, 1.0], [1 - 1j, -0.5j], [1.0, 0.25]],),
            options={"rtol": 0.25},
            dtypes=("complex128",),
        ),
        "zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), first="nan", second="nan"),
        "tall, 1e150": Edge(primals=([[1e150, 2e150], [3e150, -1e150], [0.0, 1e150]],)),
        "tall, 1e-150": Edge(
            primals=([[1e-150, 2e-150], [3e-150, -1e-150], [0.0, 1e-150]],), second="any"
        ),
        "wide, 1e150": Edge(primals=([[1e150, 2e150, 0.0], [3e150, -1e150, 1e150]],)),
        "order one": Edge(primals=([[2.0]],)),
    },
)  # fmt: skip
def pinv(x: Array, /, *, rtol: float | None = None, xp: Namespace) -> Array:
    """Moore-Penrose inverse of a matrix of any shape and rank.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    rtol
        Singular values up to `rtol` times the largest count as zero; by default ``max(m, n) * eps``.

    Returns
    -------
    array
        ``(..., n, m)``, same dtype. Its unit is the reciprocal of that of `x`.
    """
    u, s, vh = decompose(x, xp, full_matrices=False)
    some = nonzero(s, x, rtol, xp)
    one = xp.ones_like(s)
    inverse = xp.where(some, one / xp.where(some, s, one), xp.zeros_like(s))
    return guarded(x, xp, (weighted(adjoint(vh, xp), inverse, xp) @ adjoint(u, xp), 2))[0]


@pinv.def_options
def pinv_options(rtol: object) -> None:
    """Refuse values that are not allowed."""
    check_tolerance("rtol", rtol)


@pinv.def_jvp
def pinv_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, rtol: float | None, xp: Namespace
) -> Array:
    """As above, of the truncated matrix if the bound is not at rounding."""
    (x,), (y,), (x_dot,) = primals, outputs, tangents
    if rtol is not None:
        x, x_dot = truncated(x, xp, rtol=rtol), truncated_jvp(x, x_dot, xp, rtol=rtol)
    return inverse_jvp(x, y, x_dot, xp)


@pinv.def_vjp
def pinv_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, rtol: float | None, xp: Namespace
) -> Array:
    """The adjoint, term by term."""
    (x,), (y,), (y_bar,) = primals, outputs, cotangents
    if rtol is None:
        return inverse_vjp(x, y, y_bar, xp)
    x_bar = inverse_vjp(truncated(x, xp, rtol=rtol), y, y_bar, xp)
    return truncated_vjp(x, x_bar, xp, rtol=rtol)


def inverse_jvp(a: Array, y: Array, e: Array, xp: Namespace) -> Array:
    """The derivative of the pseudo-inverse `y` of `a` in the direction `e`; no product is longer than `a`."""
    if is_wide(a):
        return mirrored(inverse_jvp, a, y, e, xp)
    eh, yh = adjoint(e, xp), adjoint(y, xp)
    gram, ye, ya = y @ yh, y @ e, y @ a
    deficient = _is_deficient(a, ya, xp)
    rest = _rest(a, ya, deficient, xp)
    left = eh - (eh @ a) @ y + ye @ adjoint(rest, xp)
    yeh = adjoint(ye, xp)
    right = or_nothing(yeh - ya @ yeh, deficient, xp) + (adjoint(rest, xp) @ e) @ gram
    if is_square(a):
        left = or_nothing(left, deficient, xp)
    return but_at_zero(gram @ left + (right - ye) @ y, y, a, xp)


def inverse_vjp(a: Array, y: Array, g: Array, xp: Namespace) -> Array:
    """Its adjoint."""
    if is_wide(a):
        return mirrored(inverse_vjp, a, y, g, xp)
    gh, yh = adjoint(g, xp), adjoint(y, xp)
    gram, ya = y @ yh, y @ a
    deficient = _is_deficient(a, ya, xp)
    rest = _rest(a, ya, deficient, xp)
    ygh = y @ gh
    gyh = adjoint(ygh, xp)
    inner = or_nothing(ygh - ygh @ ya, deficient, xp) - gyh + gram @ (g @ rest)
    outer = gh - a @ ygh + rest @ gyh
    if is_square(a):
        outer = or_nothing(outer, deficient, xp)
    return but_at_zero(yh @ inner + outer @ gram, a, a, xp)


def _is_deficient(a: Array, ya: Array, xp: Namespace) -> Array:
    """Where the rank of `a`, the trace of Y A, is below the number of its columns."""
    return real(trace(ya, xp), xp)[..., None, None] < order(a, xp) - 0.5


def _rest(a: Array, ya: Array, deficient: Array, xp: Namespace) -> Array:
    """``A' = A - A Y A``. It serves derivatives up to the second; where it is something a third is NaN."""
    rest = or_nothing(a - a @ ya, deficient, xp)
    return kinked(rest, xp.astype(deficient, real(a, xp).dtype), smooth=1)


def but_at_zero(change: Array, like: Array, a: Array, xp: Namespace) -> Array:
    """`change`, of the shape of `like`; the pseudo-inverse of zero is 0, and nowhere near it small."""
    bad = xp.all(a == 0, axis=(-2, -1), keepdims=True)
    return poisoned(change, like, bad, xp)
