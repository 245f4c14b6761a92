r"""Singular value decomposition, :math:`A = U \operatorname{diag}(s) V^H`.

The Hermitian matrix of Jordan and Wielandt,

.. math:: \begin{pmatrix} 0 & A \\ A^H & 0 \end{pmatrix},

has the eigenvalues :math:`\pm s_j` and, of a matrix that is not square, zeros. What divides are its
gaps: :math:`s_j - s_i`, :math:`s_j + s_i` and :math:`s_j` itself, never a difference of squares.
"""

from ... import hooks
from ..._rule import Edge, Gauge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import (
    adjoint,
    conj,
    diagonal,
    diagonal_matrix,
    guarded,
    harmless,
    is_complex,
    poisoned,
    real,
)
from .._options import one_of
from ._crossing import crossing
from ._gap_quotient import check_degenerate, gap_quotient, gaps
from ._known import known
from ._losses import no_slope

__all__ = ["svd"]


def _align(outputs: Arrays, reference: Arrays, xp: Namespace) -> Arrays:
    u, s, vh = outputs
    overlap = xp.sum(conj(u, xp) * reference[0], axis=-2)
    overlap = overlap + xp.sum(vh * conj(reference[2], xp), axis=-1)
    phase = overlap / xp.abs(overlap)
    return u * phase[..., None, :], s, vh * conj(phase, xp)[..., :, None]


def _invariants(outputs: Arrays, xp: Namespace) -> Arrays:
    u, s, vh = outputs
    of_v = xp.conj(vh)[..., :, :, None] * vh[..., :, None, :]
    of_u = u[..., :, None, :] * xp.conj(u)[..., None, :, :]
    return s, of_u, of_v, u[..., :, :, None] * vh[..., None, :, :]


def _horizontal(outputs: Arrays, cotangents: MaybeArrays, xp: Namespace) -> MaybeArrays:
    (u, _, vh), (u_bar, s_bar, vh_bar) = outputs, cotangents
    if not is_complex(u):
        return cotangents
    along = 0 * diagonal(vh @ adjoint(vh, xp), xp)
    if u_bar is not None:
        along = along + diagonal(adjoint(u, xp) @ u_bar, xp)
    if vh_bar is not None:
        along = along + diagonal(vh @ adjoint(vh_bar, xp), xp)
    turn = (along - xp.astype(real(along, xp), along.dtype)) / 2
    return (
        None if u_bar is None else u_bar - u * turn[..., None, :],
        s_bar,
        None if vh_bar is None else vh_bar + turn[..., :, None] * vh,
    )


def _no_slope(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss whose first derivative is 0 where all singular values are 1."""
    return no_slope(outputs[1:], xp)


def _of_cluster(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss that sees the vectors of the two largest values, which are equal, by projectors."""
    u, _, vh = outputs
    left = u[..., :, None, :2] * xp.conj(u)[..., None, :, :2]
    right = xp.conj(vh)[..., :2, :, None] * vh[..., :2, None, :]
    return left[..., 0] + left[..., 1], right[..., 0, :, :] + right[..., 1, :, :]


def _of_largest(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss that sees the vectors of the largest singular value, a simple one."""
    u, _, vh = outputs
    return (u[..., :, None, 0] * vh[..., None, 0, :],)


def _of_thin(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss that sees the vectors of singular values alone."""
    u, s, vh = outputs
    k = s.shape[-1]
    return _invariants((u[..., :k], s, vh[..., :k, :]), xp)


def _of_added_columns(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss that sees only the columns of U that belong to no singular value."""
    u = outputs[0][..., outputs[1].shape[-1] :]
    return (u * u,)


def _of_added_rows(outputs: Arrays, xp: Namespace) -> Arrays:
    """The same of the rows of Vh."""
    vh = outputs[2][..., outputs[1].shape[-1] :, :]
    return (vh * vh,)


def _lengths(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss that is a constant."""
    u = outputs[0]
    return (xp.sum(u * xp.conj(u), axis=-2),)


_TALL = [[1.0, 2.0], [3.0, -1.0], [0.0, 1.0]]
_WIDE = [[1.0, 3.0, 0.0], [2.0, -1.0, 1.0]]
_EQUAL = [[2.0, 0, 0], [0, 2.0, 0], [0, 0, 1.0], [0, 0, 0]]
_RANK_ONE = [[3.0, 0, 0], [0, 0, 0]]
_THIN = {"full_matrices": False}
_PROJECTED = {"full_matrices": False, "degenerate": "project"}


@rule(
    signature="(m,n)->(m,k),(k),(l,n)",
    outputs=("U", "S", "Vh"),
    needs={"x": "simple singular values"},
    degrees={"x": (0, 1, 0)},
    gauge=Gauge(
        group="each pair of singular vectors may be multiplied by a phase (real: a sign); derivatives "
        "are those with diag(U^H U_dot + V^H V_dot) = 0, and exact for every loss that does not see "
        "the phases",
        align=_align,
        invariants=_invariants,
        horizontal=_horizontal,
    ),
    domain=(
        "singular vectors: where the gaps that matter, between values and to zero, are above "
        "rounding; singular values: everywhere to first order. What a degenerate cluster makes "
        "undefined is NaN, and so are derivatives of the columns that full_matrices=True adds"
    ),
    cost="primal: the library's; derivative: 4 matrix products, singular values alone 1",
    sources=(
        "J. Townsend, Differentiating the singular value decomposition, 2016",
        "M. Seeger et al., arXiv:1710.08717, 2017",
        "Z.-Q. Wan and S.-X. Zhang, arXiv:1909.02659, 2019 (complex)",
    ),
    variants=(_THIN, {}, _PROJECTED),
    edges={
        "identity, no slope": Edge(
            primals=([[1.0, 0], [0, 1.0]],), options=_THIN, loss=_no_slope, second="nan"
        ),
        "tall, all columns": Edge(
            primals=(_TALL,), value="finite", loss=_of_thin, dtypes=("float64", "complex128")
        ),
        "wide, all rows": Edge(primals=(_WIDE,), value="finite", loss=_of_thin),
        "tall, a column that is added": Edge(
            primals=(_TALL,), value="finite", loss=_of_added_columns, first="nan", second="nan"
        ),
        "wide, a row that is added": Edge(
            primals=(_WIDE,), value="finite", loss=_of_added_rows, first="nan", second="nan"
        ),
        "lengths at rank one": Edge(
            primals=(_RANK_ONE,), options=_THIN, loss=_lengths, second="any"
        ),
        "rank one to rounding": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]],), options=_THIN,
            value="finite", first="nan", second="nan",
        ),
        "two equal values": Edge(primals=(_EQUAL,), options=_THIN, first="nan", second="nan"),
        "two equal values, projected": Edge(
            primals=(_EQUAL,), options=_PROJECTED, loss=_of_cluster, second="nan"
        ),
        "identity": Edge(
            primals=([[1.0, 0], [0, 1.0]],), options=_THIN, first="nan", second="nan"
        ),
        "largest of a matrix of rank one": Edge(
            primals=(_RANK_ONE,), options=_PROJECTED, loss=_of_largest, second="nan"
        ),
        "rank one": Edge(primals=(_RANK_ONE,), options=_THIN, first="nan", second="nan"),
        "zero matrix": Edge(
            primals=([[0.0, 0], [0, 0.0]],), options=_THIN, first="nan", second="nan"
        ),
        "values 1e-9 apart": Edge(
            primals=([[1.0, 0], [0, 1.0 + 1e-9]],), options=_THIN, second="any"
        ),
        "values 1 and 1e-9": Edge(primals=([[1.0, 0], [0.5, 1e-9]],), options=_THIN, second="any"),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -3e150]],), second="any"),
        "scale 1e-150": Edge(primals=([[1e-150, 2e-150], [3e-150, -3e-150]],), second="any"),
        "order one": Edge(primals=([[2.0]],)),
        "a column": Edge(primals=([[2.0], [1.0], [-2.0]],), options=_THIN),
        "a row": Edge(primals=([[2.0, 1.0, -2.0]],), options=_THIN),
    },
)  # fmt: skip
def svd(
    x: Array,
    /,
    *,
    full_matrices: bool = True,
    degenerate: str = "nan",
    xp: Namespace,
) -> Arrays:
    """Singular values and singular vectors.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    full_matrices
        Whether `U` and `Vh` are square. The columns of `U` and rows of `Vh` beyond ``k = min(m, n)`` are
        any basis: their derivative is NaN, and that of a loss which does not see them is right.
    degenerate
        ``"nan"``: a derivative that a cluster of equal singular values, or several that are zero, make
        undefined is NaN. ``"project"``: your word that the loss sees each cluster only through its
        projectors and symmetric functions of its values; then the undefined terms are dropped. That
        is wrong for ``U @ diag(f(s)) @ Vh``. Second derivatives at a cluster are NaN all the same.

    Returns
    -------
    (U, S, Vh)
        ``(..., m, m)`` or ``(..., m, k)``, with orthonormal columns; ``(..., k)`` real and descending,
        in the unit of `x`; ``(..., n, n)`` or ``(..., k, n)``, with orthonormal rows.
    """
    return decompose(x, xp, full_matrices=full_matrices)


def decompose(x: Array, xp: Namespace, *, full_matrices: bool) -> Arrays:
    """The library's `svd`, and NaN for a matrix that is not finite: LAPACK may never return from it."""
    u, s, vh = xp.linalg.svd(harmless(x, xp), full_matrices=full_matrices)
    return guarded(x, xp, (u, 2), (s, 1), (vh, 2))


@svd.def_options
def svd_options(full_matrices: object, degenerate: object) -> None:
    """Refuse values that are not allowed."""
    one_of("full_matrices", full_matrices, (True, False))
    check_degenerate(degenerate)


# With P = U^H A' V the tangents are U' = U (X + Y) / 2 + (I - U U^H) A' V / s and
# V' = V (X - Y) / 2 + (I - V V^H) A'^H U / s, where X and Y are skew,
# X_ij = (P + P^H)_ij / (s_j - s_i) and Y_ij = (P - P^H)_ij / (s_j + s_i).
@svd.def_jvp
def svd_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    full_matrices: bool,
    degenerate: str,
    xp: Namespace,
) -> Arrays:
    """First-order perturbation theory of the Jordan-Wielandt matrix."""
    (x_dot,) = tangents
    thin = _thin(outputs)
    u, s, v = _tied(primals, thin, degenerate, xp)
    av, ahu = x_dot @ v, adjoint(x_dot, xp) @ u
    p = adjoint(u, xp) @ av
    ph = adjoint(p, xp)
    x, y, left, right = _quotients(
        s, p + ph, p - ph, _beside(u, v, av, p, xp), _beside(v, u, ahu, ph, xp), degenerate, xp
    )
    u_dot, v_dot = u @ (x + y) / 2, v @ (x - y) / 2
    u_dot = u_dot if left is None else u_dot + left
    v_dot = v_dot if right is None else v_dot + right
    s_dot = real(diagonal(p, xp), xp)
    triple = u, s, adjoint(v, xp)
    dots: Arrays = (u_dot, s_dot, adjoint(v_dot, xp))
    if degenerate == "nan":  # the vectors' own tangents are NaN then
        dots = dots[0], crossed.tangent(s_dot, primals, triple, tangents, xp), dots[2]
    else:
        dots = crossed.tangents(dots, primals, triple, tangents, xp)
    if outputs[0] is not thin[0]:
        dots = _undefined(dots[0], outputs[0], -1, xp), dots[1], dots[2]
    if outputs[2] is not thin[2]:
        dots = dots[0], dots[1], _undefined(dots[2], outputs[2], -2, xp)
    return dots


@svd.def_vjp
def svd_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    full_matrices: bool,
    degenerate: str,
    xp: Namespace,
) -> Array:
    """The adjoint of the jvp, with ``N = U^H U_bar`` and ``M = V^H V_bar`` in the place of P."""
    thin = _thin(outputs)
    u, s, v = _tied(primals, thin, degenerate, xp)
    k = s.shape[-1]
    u_bar, s_bar, vh_bar = cotangents
    undefined = None
    if u_bar is not None and outputs[0] is not thin[0]:
        undefined, u_bar = xp.sum(xp.abs(u_bar[..., k:]), axis=(-2, -1)), u_bar[..., :k]
    if vh_bar is not None and outputs[2] is not thin[2]:
        undefined, vh_bar = xp.sum(xp.abs(vh_bar[..., k:, :]), axis=(-2, -1)), vh_bar[..., :k, :]
    vh = adjoint(v, xp)
    if u_bar is None and vh_bar is None:
        x_bar = values_vjp(u, vh, s_bar, xp)
    else:
        x_bar = _vectors_vjp(u, s, v, (u_bar, s_bar, vh_bar), degenerate, xp)
    (x_bar,) = crossed.cotangents(s_bar, (x_bar,), primals, (u, s, vh), xp)
    if undefined is None:
        return x_bar
    return poisoned(x_bar, primals[0], (undefined != 0)[..., None, None], xp)


def _vectors_vjp(
    u: Array, s: Array, v: Array, cotangents: MaybeArrays, degenerate: str, xp: Namespace
) -> Array:
    """The vjp, with cotangents of vectors."""
    u_bar, s_bar, vh_bar = cotangents
    u_bar = xp.zeros_like(u) if u_bar is None else u_bar
    v_bar = xp.zeros_like(v) if vh_bar is None else adjoint(vh_bar, xp)
    n, m = adjoint(u, xp) @ u_bar, adjoint(v, xp) @ v_bar
    # Of a pair with itself the phase counts, not the length.
    difference = n - m
    difference = difference - xp.astype(
        diagonal_matrix(real(diagonal(difference, xp), xp), xp), difference.dtype
    )
    x, y, left, right = _quotients(
        s,
        n + m,
        difference,
        _beside(u, v, u_bar, n, xp),
        _beside(v, u, v_bar, m, xp),
        degenerate,
        xp,
    )
    inner = (x + adjoint(x, xp) + y - adjoint(y, xp)) / 2
    if s_bar is not None:
        inner = inner + xp.astype(diagonal_matrix(s_bar, xp), inner.dtype)
    x_bar = u @ inner
    x_bar = (x_bar if left is None else x_bar + left) @ adjoint(v, xp)
    return x_bar if right is None else x_bar + u @ adjoint(right, xp)


def values_vjp(u: Array, vh: Array, s_bar: Array, xp: Namespace) -> Array:
    """``U diag(s_bar) V^H``: the vjp of the singular values alone, one product."""
    return (u * xp.astype(s_bar, u.dtype)[..., None, :]) @ vh


def _quotients(
    s: Array,
    symmetric: Array,
    skew: Array,
    left: Array | None,
    right: Array | None,
    degenerate: str,
    xp: Namespace,
) -> MaybeArrays:
    """Each numerator divided by its gaps of the Jordan-Wielandt matrix: all columns of one matrix.

    One matrix, because a numerator is negligible beside all others.
    """
    if 0 in symmetric.shape:
        return symmetric, skew, left, right
    difference, size = gaps(s, s[..., :1, None], xp)
    blocks = [(symmetric, difference, size), (skew, s[..., None, :] + s[..., :, None], size)]
    for block in (left, right):
        if block is not None:
            alone = xp.zeros_like(real(block, xp))
            blocks.append((block, s[..., None, :] + alone, size[..., :1, :] + alone))
    k, gap, rounding = (xp.concat(parts, axis=-2) for parts in zip(*blocks, strict=True))
    z = gap_quotient(k, gap, rounding, degenerate=degenerate)
    found, row = [], 0
    for block in (symmetric, skew, left, right):
        rows = 0 if block is None else hooks.length(block, -2, xp=xp)
        found.append(None if block is None else z[..., row : row + rows, :])
        row = row + rows
    return tuple(found)


def _beside(u: Array, v: Array, moved: Array, p: Array, xp: Namespace) -> Array | None:
    """``(I - U U^H) moved``, given ``p = U^H moved``; nothing where U is square."""
    return None if u.shape[-2] == u.shape[-1] else moved - u @ p


def _thin(outputs: Arrays) -> Arrays:
    """The columns of U and rows of Vh that belong to singular values."""
    u, s, vh = outputs
    k = s.shape[-1]
    u = u if u.shape[-1] == k else u[..., :k]
    return u, s, vh if vh.shape[-2] == k else vh[..., :k, :]


def _undefined(dot: Array, output: Array, axis: int, xp: Namespace) -> Array:
    """NaN for the vectors of `output` that `dot` does not have."""
    k = dot.shape[axis]
    rest = output[..., k:] if axis == -1 else output[..., k:, :]
    return xp.concat([dot, xp.full_like(rest, float("nan"))], axis=axis)


def _tied(primals: Arrays, thin: Arrays, degenerate: str, xp: Namespace) -> Arrays:
    """U, S and V, as functions of the input whose derivative projects nothing."""
    if degenerate == "project":
        thin = tuple(_svd_known(*primals, *thin))
    u, s, vh = thin
    return u, s, adjoint(vh, xp)


_svd_known = known(
    svd,
    "(m,n),(m,k),(k),(k,n)->(m,k),(k),(k,n)",
    ("S",),
    full_matrices=False,
    degenerate="nan",
)
crossed = crossing(svd, "(m,n)", "(m,k),(k),(k,n)", ("S",), full_matrices=False, degenerate="nan")
