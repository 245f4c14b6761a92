r"""Projector on a range of the spectrum of a Hermitian matrix, :math:`P = V_k V_k^H`.

It does not see the phases, nor anything that happens within the range: only the gaps between the
eigenvalues inside and those outside matter. Its derivative is :math:`P' = X + X^H`, with the solution X
across the two for :math:`A'`, see `_across`.
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, herm, read, read_adjoint
from ._across import across
from ._gap_quotient import gaps_across, unresolved
from .eigh import chosen, columns, decompose, eigh_options, outside

__all__ = ["spectral_projector"]

_INSIDE = [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 3.0, 0], [0, 0, 0, 3.0]]


@rule(
    signature="(n,n)->(n,n)",
    outputs="projector",
    structure={"x": "hermitian"},
    needs={"x": "simple spectrum"},
    degrees={"x": (0,)},
    domain="where the eigenvalues inside and outside are apart, whether or not those inside are; else NaN",
    cost="primal: the library's eigh and 1 matrix product; derivative: 5 products",
    sources=(
        "T. Kato, Perturbation Theory for Linear Operators, 1966, chapter II",
        "Yu. L. Daleckii and S. G. Krein, 1965",
    ),
    variants=({"subset_by_index": (0, 0)}, {"subset_by_index": (1, 2), "lower": True}),
    edges={
        "equal inside and outside": Edge(primals=(_INSIDE,), options={"subset_by_index": (0, 1)}),
        "all": Edge(primals=(_INSIDE,), options={"subset_by_index": (0, 3)}),
        "a pair cut in two": Edge(
            primals=(_INSIDE,), options={"subset_by_index": (0, 0)},
            value="nan", first="nan", second="nan",
        ),
        "scale 1e-150": Edge(
            primals=([[1e-150, 2e-150], [2e-150, -3e-150]],), options={"subset_by_index": (0, 0)},
            second="any",
        ),
        "order one": Edge(primals=([[2.0]],), options={"subset_by_index": (0, 0)}),
    },
    least_length=1,
)  # fmt: skip
def spectral_projector(
    x: Array, /, *, subset_by_index: tuple[int, int], lower: bool | None = None, xp: Namespace
) -> Array:
    """Projector on the eigenvectors of a range of eigenvalues, in ascending order.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating; Hermitian.
    subset_by_index
        Indices of the first and the last eigenvalue of the range.
    lower
        What is read of `x`: its Hermitian part (`None`), or one triangle. The gradient lives there.

    Returns
    -------
    array
        ``(..., n, n)``, Hermitian, of rank ``last - first + 1``. NaN where the range ends within a
        cluster of equal eigenvalues.
    """
    return _projector(decompose(read(x, lower, xp), xp), subset_by_index, xp)


@spectral_projector.def_options
def _options(subset_by_index: object, lower: object) -> None:
    """Refuse values that are not allowed."""
    if subset_by_index is None:
        msg = "option 'subset_by_index' is None; it must be a pair of indices (first, last)"
        raise ValueError(msg)
    eigh_options(lower=lower, subset_by_index=subset_by_index)


@spectral_projector.def_jvp
def spectral_projector_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    subset_by_index: tuple[int, int],
    lower: bool | None,
    xp: Namespace,
) -> Array:
    """``Y + Y^H``."""
    a, a_dot = read(primals[0], lower, xp), read(tangents[0], lower, xp)
    return 2 * herm(across(a, outputs[0], a_dot), xp)


@spectral_projector.def_vjp
def spectral_projector_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    subset_by_index: tuple[int, int],
    lower: bool | None,
    xp: Namespace,
) -> Array:
    """The same map, of the Hermitian part of ``P_bar``."""
    a, g = read(primals[0], lower, xp), herm(cotangents[0], xp)
    return read_adjoint(2 * herm(across(a, outputs[0], g), xp), lower, xp)


@spectral_projector.def_keep
def spectral_projector_keep(
    x: Array, /, *, subset_by_index: tuple[int, int], lower: bool | None, xp: Namespace
) -> tuple[Array, Arrays]:
    """Keep the eigenpairs."""
    pairs = decompose(read(x, lower, xp), xp)
    return _projector(pairs, subset_by_index, xp), pairs


@spectral_projector.def_fast_jvp
def spectral_projector_fast_jvp(
    primals: Arrays,
    outputs: Arrays,
    kept: Arrays,
    tangents: MaybeArrays,
    *,
    subset_by_index: tuple[int, int],
    lower: bool | None,
    xp: Namespace,
) -> Array:
    """As the jvp, with the kept eigenpairs."""
    return 2 * herm(_solved(kept, read(tangents[0], lower, xp), subset_by_index, xp), xp)


@spectral_projector.def_fast_vjp
def spectral_projector_fast_vjp(
    primals: Arrays,
    outputs: Arrays,
    kept: Arrays,
    cotangents: MaybeArrays,
    *,
    subset_by_index: tuple[int, int],
    lower: bool | None,
    xp: Namespace,
) -> Array:
    """As the vjp, with the kept eigenpairs."""
    y = _solved(kept, herm(cotangents[0], xp), subset_by_index, xp)
    return read_adjoint(2 * herm(y, xp), lower, xp)


def _projector(pairs: Arrays, part: tuple[int, int], xp: Namespace) -> Array:
    _, v = chosen(pairs, part)
    gap, size = gaps_across(pairs[0], part, xp)
    bad = xp.any(unresolved(gap, size, xp), axis=(-2, -1), keepdims=True)
    p = v @ adjoint(v, xp)
    return xp.where(bad, xp.full_like(p, float("nan")), p)


def _solved(pairs: Arrays, r: Array, part: tuple[int, int], xp: Namespace) -> Array:
    """``Y`` with ``A Y - Y A = P R Q``, by the eigenpairs of A, for a Hermitian R."""
    inside = columns(pairs, part)[1]
    return inside @ adjoint(outside(pairs, r @ inside, part, xp), xp)
