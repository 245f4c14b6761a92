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


def _squares(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss whose slope moves with the output."""
    return (outputs[0] * outputs[0],)


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
        "orthonormal columns, squared": Edge(
            primals=([[0.6, 0.8], [0.8, -0.6], [0.0, 0.0]],), loss=_squares, third="exact"
        ),
        "rank one of two": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],), third="nan"),
        "rank two of three": Edge(primals=([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]],)),
        "rank one, tall": Edge(primals=([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]],)),
        "rank one, wide": Edge(primals=([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]],)),
        "rank one, complex": Edge(primals=(_RANK_ONE,), dtypes=("complex128",)),
        "nearly singular": Edge(primals=([[3.0, 1.0], [1.0, 0.3333334]],)),
        "nearly singular, tall": Edge(primals=([[3.0, 1.0], [1.0, 0.3333334], [2.0, 0.6666666]],)),
        "nearly singular, wide": Edge(primals=([[3.0, 1.0, 2.0], [1.0, 0.3333334, 0.6666666]],)),
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
    yh = adjoint(y, xp)
    gram, ye, ya = y @ yh, y @ e, y @ a
    deficient = _is_deficient(a, ya, xp)
    rest = _rest(a, ya, deficient, xp)
    left = adjoint(_beyond(a, y, e), xp) + ye @ adjoint(rest, xp)
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
    outer = _beyond(a, y, gh) + rest @ gyh
    if is_square(a):
        outer = or_nothing(outer, deficient, xp)
    return but_at_zero(yh @ inner + outer @ gram, a, a, xp)


@rule(name="_beyond_range", signature="(m,n),(n,m),(m,k)->(m,k)")
def _beyond(a: Array, y: Array, c: Array, /, *, xp: Namespace) -> Array:
    """``X = C - A Y C``, what of C is beyond the range of `a`.

    A function of `a` and `c` alone: `y` moves with `a`. Differentiated as it stands, the large change of
    Y would have to cancel in ``A Y``.
    """
    return c - a @ (y @ c)


# P' = Q + Q^H with Q = (I - P) A_dot Y, and a term in A', which is nothing up to second derivatives of Y.
@_beyond.def_jvp
def _beyond_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array | None:
    """``(I - P) C_dot - P' C``."""
    (a, y, c), (x,), (e, _, c_dot) = primals, outputs, tangents
    if e is None:
        return None if c_dot is None else _beyond(a, y, c_dot)
    moved = e @ (y @ c)
    beyond = _beyond(a, y, -moved if c_dot is None else c_dot - moved)
    return beyond - adjoint(y, xp) @ (adjoint(e, xp) @ x)


@_beyond.def_vjp
def _beyond_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> MaybeArrays:
    """``-(I - P) (X_bar C^H + C X_bar^H) Y^H``, and ``(I - P) X_bar``."""
    (a, y, c), (x,), (x_bar,) = primals, outputs, cotangents
    c_bar = _beyond(a, y, x_bar)
    return -(c_bar @ adjoint(y @ c, xp) + x @ adjoint(y @ x_bar, xp)), None, c_bar


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
