r"""Least squares, :math:`X = A^+ B`: the shortest of the minimizers of :math:`\|A X - B\|`."""

from collections.abc import Callable

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._kinked import kinked
from .._matrix import adjoint, guarded
from .._rank import check_tolerance, nonzero, or_nothing
from ..projections._singular_projectors import truncated_jvp, truncated_vjp
from ..projections.pinv import but_at_zero
from ..spectra.svd import decompose
from ..spectra.svdvals import svdvals

__all__ = ["lstsq"]

Map = Callable[[Array], Array]

_B = [[1.0], [2.0], [-1.0]]
_TALL = [[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]]


def _scaled(a: list[list[float]], c: float) -> list[list[float]]:
    return [[c * x for x in row] for row in a]


@rule(
    signature="(m,n),(m,k?)->(n,k?)",
    needs={"a": "nonsingular"},
    degrees={"a": (-1,), "b": (1,)},
    domain=(
        "that of pinv, everywhere but at a = 0: where the rank is not full, the derivative of the "
        "function that takes singular values up to cond for zero (along matrices of that rank the "
        "classical one), to first order"
    ),
    cost="primal: one SVD; first derivative: about 9 products with the kept pseudo-inverse",
    sources=("G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 1973",),
    variants=({}, {"cond": 1e-3}),
    edges={
        "identity": Edge(primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], _B)),
        "orthonormal columns": Edge(primals=([[0.6, 0.8], [0.8, -0.6], [0.0, 0.0]], _B)),
        "consistent": Edge(primals=(_TALL, [[3.0], [2.0], [1.0]])),
        "rank one, tall": Edge(primals=([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]], _B), second="nan"),
        "rank one, wide": Edge(primals=([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]], _B[:2]), second="nan"),
        "nearly singular": Edge(
            primals=([[3.0, 1.0], [1.0, 0.3333334]], [[1.0], [-0.5]]),
        ),
        "nearly singular, tall": Edge(
            primals=([[3.0, 1.0], [1.0, 0.3333334], [2.0, 0.6666666]], _B)
        ),
        "nearly singular, wide": Edge(
            primals=([[3.0, 1.0, 2.0], [1.0, 0.3333334, 0.6666666]], _B[:2])
        ),
        "small for its cond": Edge(
            primals=([[4.0, 1.0, 0], [1.0, 3.0, 0.5], [0, 0, 0.5]], _B),
            options={"cond": 0.25},
            second="nan",
        ),
        "zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]], _B[:2]), first="nan", second="nan"),
        "tall, 1e150": Edge(primals=(_scaled(_TALL, 1e150), _B), second="any"),
        "tall, 1e-150": Edge(primals=(_scaled(_TALL, 1e-150), _B), second="any"),
        "one row": Edge(primals=([[2.0, 1.0, -3.0]], [[2.0]])),
    },
)
def lstsq(a: Array, b: Array, /, *, cond: float | None = None, xp: Namespace) -> Array:
    """Solve ``a @ x = b`` in the sense of least squares, with the shortest x.

    Other than SciPy's it returns x alone. The residual is ``b - a @ x``, the singular values are those
    of `svdvals`, and the rank has no derivative.

    Parameters
    ----------
    a
        ``(..., m, n)``, real or complex floating, of any shape and rank.
    b
        ``(..., m, k)``, or one vector ``(m,)``. The batch axes of the two broadcast.
    cond
        Singular values up to `cond` times the largest count as zero; by default ``max(m, n) * eps``.

    Returns
    -------
    array
        ``(..., n, k)`` or ``(..., n)``.
    """
    return lstsq_keep(a, b, cond=cond, xp=xp)[0]


@lstsq.def_options
def lstsq_options(cond: object) -> None:
    """Refuse values that are not allowed."""
    check_tolerance("cond", cond)


# With R = B - A X, W = A^+H X and the projector I - A^+ A on the null space,
# X' = A^+ (B' - A' X + A^+H A'^H R) + (I - A^+ A) A'^H W. The closed form applies A^+ by this rule, so
# that what cancels does so before anything is divided; the fast form keeps it.
@lstsq.def_jvp
def lstsq_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    cond: float | None,
    xp: Namespace,
) -> Array:
    """``A^+ (B_dot - A_dot X + A^+H A_dot^H R) + (I - A^+ A) A_dot^H W``."""
    (a, b), (x,) = primals, outputs
    a, deficient = _once(a, cond, xp)
    return _jvp(a, b, x, tangents, *_applied(a, cond, xp), deficient, cond, xp)


@lstsq.def_vjp
def lstsq_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    cond: float | None,
    xp: Namespace,
) -> Arrays:
    """With ``Z = A^+H X_bar``: ``-Z X^H + R (A^+ Z)^H + W ((I - A^+ A) X_bar)^H``, and Z."""
    (a, b), (x,) = primals, outputs
    a, deficient = _once(a, cond, xp)
    return _vjp(a, b, x, cotangents[0], *_applied(a, cond, xp), deficient, cond, xp)


@lstsq.def_keep
def lstsq_keep(a: Array, b: Array, /, *, cond: float | None, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the pseudo-inverse."""
    u, s, vh = decompose(a, xp, full_matrices=False)
    some, one = nonzero(s, a, cond, xp), xp.ones_like(s)
    inverse = xp.where(some, one / xp.where(some, s, one), xp.zeros_like(s))
    right = adjoint(vh, xp) * xp.astype(inverse, vh.dtype)[..., None, :]
    uh = adjoint(u, xp)
    x, y = guarded(a, xp, (right @ (uh @ b), 2), (right @ uh, 2))
    return x, (y, xp.astype(_deficient(s, a, cond, xp), s.dtype))


@lstsq.def_fast_jvp
def lstsq_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays,
    *, cond: float | None, xp: Namespace,
) -> Array:  # fmt: skip
    """As the jvp, with the kept pseudo-inverse."""
    (a, b), (x,) = primals, outputs
    return _jvp(a, b, x, tangents, *_multiplied(kept[0], xp), kept[1] > 0.5, cond, xp)


@lstsq.def_fast_vjp
def lstsq_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays,
    *, cond: float | None, xp: Namespace,
) -> Arrays:  # fmt: skip
    """As the vjp, with the kept pseudo-inverse."""
    (a, b), (x,) = primals, outputs
    return _vjp(a, b, x, cotangents[0], *_multiplied(kept[0], xp), kept[1] > 0.5, cond, xp)


def _applied(a: Array, cond: float | None, xp: Namespace) -> tuple[Map, Map]:
    """A^+ and its adjoint, by the rule."""
    return (
        lambda c: lstsq(a, c, cond=cond),
        lambda c: lstsq(adjoint(a, xp), c, cond=cond),
    )


def _multiplied(y: Array, xp: Namespace) -> tuple[Map, Map]:
    """A^+ and its adjoint, by a product."""
    return lambda c: y @ c, lambda c: adjoint(y, xp) @ c


def _jvp(
    a: Array,
    b: Array,
    x: Array,
    tangents: MaybeArrays,
    inverse: Map,
    back: Map,
    deficient: Array,
    cond: float | None,
    xp: Namespace,
) -> Array:
    a_dot, right = tangents
    if a_dot is None:
        return inverse(right)
    # A itself needs no truncation: what is cut off is nothing times A^+, from either side, for every A.
    if cond is not None:
        a_dot = truncated_jvp(a, a_dot, xp, rtol=cond)
    rest = _beside(b - a @ x, a.shape[-1], deficient, xp)
    moved = back(adjoint(a_dot, xp) @ rest) - a_dot @ x
    aside = adjoint(a_dot, xp) @ back(x)
    aside = _beside(aside - inverse(a @ aside), a.shape[-2], deficient, xp)
    change = inverse(moved if right is None else right + moved) + aside
    return but_at_zero(change, change, a, xp)


def _vjp(
    a: Array,
    b: Array,
    x: Array,
    x_bar: Array,
    inverse: Map,
    back: Map,
    deficient: Array,
    cond: float | None,
    xp: Namespace,
) -> Arrays:
    z = back(x_bar)
    rest = _beside(b - a @ x, a.shape[-1], deficient, xp)
    aside = _beside(x_bar - adjoint(a, xp) @ z, a.shape[-2], deficient, xp)
    a_bar = rest @ adjoint(inverse(z), xp) - z @ adjoint(x, xp) + back(x) @ adjoint(aside, xp)
    if cond is not None:
        a_bar = truncated_vjp(a, a_bar, xp, rtol=cond)
    return but_at_zero(a_bar, a, a, xp), z


def _beside(v: Array, other: int | None, deficient: Array, xp: Namespace) -> Array:
    """What a range leaves of its space, of which `other` vectors span it: at full rank nothing, or `v`.

    Where it is nothing `v` is rounding, which is not to be divided by what is small.
    """
    length = v.shape[-2]
    if length is None or other is None or length > other:
        return v
    return or_nothing(v, deficient, xp)


def _deficient(s: Array, a: Array, cond: float | None, xp: Namespace) -> Array:
    """Where the rank of `a`, whose singular values are `s`, is not full, ``(..., 1, 1)``."""
    return ~xp.all(nonzero(s, a, cond, xp), axis=-1)[..., None, None]


def _once(a: Array, cond: float | None, xp: Namespace) -> tuple[Array, Array]:
    """The matrix, and where its rank is not full: there the formula is not that of its neighbors.

    A derivative of it is NaN there.
    """
    s = svdvals(a)
    deficient = _deficient(s, a, cond, xp)
    return kinked(a, xp.astype(deficient, s.dtype)), deficient
