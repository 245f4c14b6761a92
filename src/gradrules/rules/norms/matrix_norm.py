r"""Norms of a matrix: of its entries, of its rows or columns, or of its singular values.

.. math:: d\|A\| = \operatorname{Re}\langle G, dA \rangle, \qquad
    G = \frac{A}{\|A\|_F}, \quad u_1 v_1^H, \quad u_n v_n^H, \quad U V^H, \quad
        \operatorname{sign} A \text{ in one row or column}

for the Frobenius norm, the largest singular value, the smallest, their sum, and the largest or smallest
sum of moduli.
"""

from collections.abc import Hashable
from typing import Any

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._kinked import kinked
from .._matrix import guarded
from .._options import one_of
from ..projections._singular_projectors import singular_projectors
from ..projections.polar import unitary
from ..spectra.svd import decompose
from .vector_norm import INF, along, norming, shared, size_of, times

__all__ = ["ORDERS", "matrix_norm", "of_matrix", "steepest"]

# The first singular value and the last.
PAIR: dict[float | str, dict[str, int]] = {2: {"stop": 1}, -2: {"start": -1}}
ORDERS = ("fro", "nuc", 1, -1, 2, -2, INF, -INF)


def _kink(*primals: Any, first: str = "mean", **options: Hashable) -> Edge:
    return Edge(primals=primals, options=options, first=first, second="nan")


@rule(
    signature="(m,n)->()",
    layout={"keepdims": False},
    needs={"x": "simple singular values"},
    degrees={"x": (1,)},
    domain=(
        "fro: x not 0; 2 and -2: the largest or smallest singular value simple, and not zero; nuc: full "
        "rank; others: one sum is extreme, and has no entry 0. Elsewhere the first derivative is a "
        "subgradient (fro and nuc: that of least norm; 1 and inf: the mean over equal sums; 2: that of "
        "one pair of singular vectors), and all higher ones are NaN"
    ),
    cost="fro, 1, inf: a few operations for each entry; 2, -2, nuc: one SVD, and one for a derivative",
    sources=(
        "M. B. Giles, NA-08/01, Oxford University, 2008, section 5",
        "G. A. Watson, Linear Algebra Appl. 170, 1992",
    ),
    variants=({}, *({"ord": p} for p in ORDERS[1:])),
    least_length=1,
    edges={
        "zero": _kink([[0.0, 0.0], [0.0, 0.0]]),
        "zero, nuc": _kink([[0.0, 0.0], [0.0, 0.0]], ord="nuc"),
        "zero, 2": _kink([[0.0, 0.0], [0.0, 0.0]], ord=2),
        "identity, nuc": Edge(primals=([[1.0, 0.0], [0.0, 1.0]],), options={"ord": "nuc"}),
        "equal singular values, nuc": Edge(
            primals=([[0.0, 2.0, 0.0], [-2.0, 0.0, 0.0], [0.0, 0.0, 2.0]],), options={"ord": "nuc"}
        ),
        "orthonormal columns, nuc": Edge(
            primals=([[0.6, 0.8], [0.8, -0.6], [0.0, 0.0]],), options={"ord": "nuc"}
        ),
        "rank one of two, nuc": _kink([[1.0, 2.0], [2.0, 4.0]], ord="nuc"),
        "identity, 2": _kink([[1.0, 0.0], [0.0, 1.0]], first="finite", ord=2),
        "simple on top, 2": Edge(
            primals=([[3.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 0]],),
            options={"ord": 2},
        ),
        "rank one, 2": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],), options={"ord": 2}),
        "equal on top, -2": Edge(
            primals=([[3.0, 0, 0], [0, 3.0, 0], [0, 0, 1.0]],), options={"ord": -2}
        ),
        "zero, -2": _kink([[0.0, 0.0], [0.0, 0.0]], ord=-2),
        "singular, -2": _kink([[2.0, 0.0], [0.0, 0.0]], first="finite", ord=-2),
        "equal columns, 1": _kink([[1.0, 2.0], [2.0, 1.0]], ord=1),
        "zero entry elsewhere, inf": Edge(
            primals=([[1.0, 0.0], [2.0, 1.0]],), options={"ord": INF}
        ),
        "zero entry, inf": _kink([[3.0, 0.0], [1.0, 1.0]], ord=INF),
        "scale 1e200": Edge(primals=([[3e200, 4e200], [0.0, 0.0]],)),
        "scale 1e150, nuc": Edge(
            primals=([[1e150, 2e150], [3e150, -1e150]],), options={"ord": "nuc"}
        ),
        "scale 1e-150, 2": Edge(
            primals=([[1e-150, 2e-150], [3e-150, -1e-150]],), options={"ord": 2}, second="any"
        ),
        "order one": Edge(primals=([[-2.0]],)),
    },
)  # fmt: skip
def matrix_norm(x: Array, /, *, ord: float | str = "fro", xp: Namespace) -> Array:  # noqa: A002
    """Norm of matrices.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    keepdims
        Whether the last two axes stay, with length one.
    ord
        ``"fro"``: Frobenius; ``"nuc"``: sum of the singular values; 2, -2: the largest, the smallest;
        1, -1: the largest, the smallest sum of moduli in a column; inf, -inf: in a row.

    Returns
    -------
    array
        ``(...)``, real, in the unit of `x`.
    """
    return of_matrix(x, ord, xp)


@matrix_norm.def_options
def matrix_norm_options(ord: object) -> None:  # noqa: A002
    """Refuse values that are not allowed."""
    one_of("ord", ord, ORDERS)


@matrix_norm.def_jvp
def matrix_norm_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    ord: float | str,  # noqa: A002
    xp: Namespace,
) -> Array:
    """``Re <G, A_dot>``."""
    return along(steepest(primals[0], outputs[0], ord, xp), tangents[0], (-2, -1), xp)


@matrix_norm.def_vjp
def matrix_norm_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    ord: float | str,  # noqa: A002
    xp: Namespace,
) -> Array:
    """``y_bar G``."""
    return times(steepest(primals[0], outputs[0], ord, xp), cotangents[0][..., None, None], xp)


def of_matrix(x: Array, order: float | str, xp: Namespace) -> Array:
    """The norm, of plain arrays; an empty matrix has the norm 0."""
    if 0 in x.shape[-2:]:
        return xp.sum(xp.abs(x), axis=(-2, -1))
    if order == "fro":
        return size_of(xp.abs(x), 2, (-2, -1), xp)[..., 0, 0]
    if order in (2, -2, "nuc"):
        s = decompose(x, xp, full_matrices=False)[1]
        value = xp.sum(s, axis=-1) if order == "nuc" else s[..., 0 if order == 2 else -1]
        return guarded(x, xp, (value, 0))[0]
    sums = xp.sum(xp.abs(x), axis=-2 if order in (1, -1) else -1)
    return (xp.max if float(order) > 0 else xp.min)(sums, axis=-1)


def steepest(x: Array, y: Array, order: float | str, xp: Namespace) -> Array:
    """G: the gradient, or a subgradient, of the norm `y` of `x`."""
    y = y[..., None, None]
    if order == "fro":
        return norming(x, y, 2, (-2, -1), xp)
    if order == "nuc":
        return unitary(x)
    if order in (2, -2):
        pair = singular_projectors(x, **PAIR[order]).isometry
        return kinked(xp.where(y == 0, xp.zeros_like(pair), pair), xp.astype(y == 0, y.dtype))
    axis = -2 if order in (1, -1) else -1
    sums = xp.sum(xp.abs(x), axis=axis, keepdims=True)
    return shared(x, sums, float(order), (-3 - axis,), xp)
