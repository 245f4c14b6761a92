r"""Pseudo-determinant of a Hermitian matrix, the product of its nonzero eigenvalues.

With the projector P onto their eigenvectors, :math:`P_0 = I - P` and any :math:`c > 0`,

.. math:: y = c^r \det B, \qquad B = P A P / c + P_0, \qquad
    \dot y = \operatorname{tr}(G \dot A), \qquad G = c^{r-1} (\operatorname{adj} B - \det B\, P_0),

where r is the rank. The adjugate is a polynomial of B: the loss of digits in a small eigenvalue, and in
what is divided by it, does not arise as it does in :math:`G = y A^+`.
"""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import (
    adjoint,
    binary_size,
    conj,
    guarded,
    harmless,
    herm,
    poisoned,
    real,
    scaled,
    trace,
    weighted,
)
from .._rank import check_tolerance
from ..projections.null_projector import null_projector
from ._counted import counted, counting
from ._gradient import along, times
from ._partial_products import all_but_one, split
from .cofactor import cofactor
from .det import det

__all__ = ["pdet"]

_SPREAD = [[3.0, 0, 0, 1.0], [0, 1e-4, 0, 0], [0, 0, 2e-9, 1e-9], [1.0, 0, 1e-9, -2.0]]


@rule(
    signature="(n,n)->()",
    structure={"x": "hermitian"},
    needs={"x": "nonsingular"},
    degrees={"x": ("n",)},
    domain=(
        "Hermitian matrices but zero: where the rank is not full, the derivative of the function that "
        "takes eigenvalues up to rtol for zero, to second order; from the third order on that of det"
    ),
    cost="primal: one eigendecomposition; derivatives: with its vectors kept, one product",
    sources=(
        "A. Holbrook, arXiv:1802.04878, 2018",
        "J. R. Magnus and H. Neudecker, Matrix Differential Calculus, section 8.3",
    ),
    variants=({}, {"rtol": 1e-3}),
    edges={
        "rank one": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],)),
        "rank two of three": Edge(primals=([[2.0, 1.0, 3.0], [1.0, 2.0, 3.0], [3.0, 3.0, 6.0]],)),
        "rank two of four, indefinite": Edge(
            primals=([[0.0, 2.0, 0, 2.0], [2.0, 0, 2.0, 0], [0, 2.0, 0, 2.0], [2.0, 0, 2.0, 0]],)
        ),
        "identity": Edge(primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],)),
        "spread": Edge(primals=(_SPREAD,)),
        "not symmetric": Edge(primals=([[2.0, 5.0], [-4.0, 3.0]],)),
        "zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), first="nan", second="nan"),
        "entries of 1e150": Edge(primals=([[2e150, 1e150], [1e150, 3e150]],)),
        "entries of 1e-150": Edge(primals=([[2e-150, 1e-150], [1e-150, 3e-150]],)),
        "1e150 and 1e-150": Edge(primals=([[1e150, 0], [0, -1e-150]],)),
        "order one": Edge(primals=([[-4.0]],)),
        "rank one, complex": Edge(primals=([[1.0, 1.0j], [-1.0j, 1.0]],), dtypes=("complex128",)),
        "small, taken for zero": Edge(
            primals=([[2.0, 1.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 1e-5]],), options={"rtol": 1e-3}
        ),
    },
)
def pdet(x: Array, /, *, rtol: float | None = None, xp: Namespace) -> Array:
    """Pseudo-determinant of a Hermitian (or real symmetric) matrix of any rank.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating. Its Hermitian part is read.
    rtol
        Eigenvalues of a size up to `rtol` times the largest count as zero; by default ``n * eps``.

    Returns
    -------
    array
        ``(...)``, real: the product of its nonzero eigenvalues; 1 if there are none. Its unit is a power
        of that of `x`, the rank.
    """
    return _product(counted(x, rtol, xp), xp)


@pdet.def_options
def pdet_options(rtol: object) -> None:
    """Refuse values that are not allowed."""
    check_tolerance("rtol", rtol)


@pdet.def_jvp
def pdet_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, rtol: float | None, xp: Namespace
) -> Array:
    """``tr(G A_dot)``."""
    return along(_gradient(primals[0], rtol, xp), tangents[0], xp)


@pdet.def_vjp
def pdet_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, rtol: float | None, xp: Namespace
) -> Array:
    """``y_bar G``."""
    return times(cotangents[0], _gradient(primals[0], rtol, xp), xp)


@pdet.def_keep
def pdet_keep(x: Array, /, *, rtol: float | None, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep G, made of the products of all eigenvalues but one."""
    h = herm(x, xp)
    if 0 in h.shape:
        return _product(counted(h, rtol, xp), xp), (h,)
    w, v = xp.linalg.eigh(harmless(h, xp))
    some = counting(w, h, rtol, xp)
    w = xp.where(some, w, xp.ones_like(w))
    sign = xp.sign(w) * xp.prod(xp.sign(w), axis=-1, keepdims=True)
    others = xp.where(some, sign * scaled(*all_but_one(xp.abs(w), xp), xp), xp.zeros_like(w))
    g = _but_at_zero(weighted(v, others, xp) @ adjoint(v, xp), h, xp)
    value, g = guarded(h, xp, (_product(w, xp), 0), (g, 2))
    return value, (g,)


@pdet.def_fast_jvp
def pdet_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays, *, rtol: float | None,
    xp: Namespace,
) -> Array:  # fmt: skip
    """As the jvp, with the kept G."""
    return along(kept[0], tangents[0], xp)


@pdet.def_fast_vjp
def pdet_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays, *, rtol: float | None,
    xp: Namespace,
) -> Array:  # fmt: skip
    """As the vjp, with the kept G."""
    return times(cotangents[0], kept[0], xp)


def _product(w: Array, xp: Namespace) -> Array:
    """Product of numbers that are not zero."""
    mantissa, exponent = split(xp.abs(w), xp)
    return scaled(xp.prod(xp.sign(w) * mantissa, axis=-1), xp.sum(exponent, axis=-1), xp)


def _gradient(x: Array, rtol: float | None, xp: Namespace) -> Array:
    h = herm(x, xp)
    if 0 in h.shape:
        return h
    kernel = null_projector(h, rcond=rtol)
    p = hooks.eye_like(h, xp=xp) - kernel
    e = binary_size(h, xp)
    b = p @ scaled(h, -e, xp) @ p + kernel
    g = conj(cofactor(b), xp) - det(b)[..., None, None] * kernel
    rank = xp.round(real(trace(p, xp), xp))[..., None, None]
    return _but_at_zero(scaled(herm(g, xp), e * (rank - 1), xp), h, xp)


def _but_at_zero(g: Array, h: Array, xp: Namespace) -> Array:
    """`g`, and NaN at zero, near which every eigenvalue counts."""
    return poisoned(g, h, xp.all(h == 0, axis=(-2, -1), keepdims=True), xp)
