r"""Logarithm of the pseudo-determinant: the sum of those of the nonzero eigenvalues."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import herm, poisoned
from .._rank import check_tolerance
from ..projections.pinvh import pinvh
from ._counted import counted
from ._gradient import along, times

__all__ = ["logpdet"]


@rule(
    signature="(n,n)->()",
    structure={"x": "positive definite"},
    needs={"x": "nonsingular"},
    domain=(
        "positive semidefinite matrices but zero: where the rank is not full, the derivative of the function "
        "that takes eigenvalues up to rtol for zero; NaN if one is negative"
    ),
    cost="primal: one eigendecomposition; first derivative: one more",
    sources=(
        "G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 1973",
        "A. Holbrook, arXiv:1802.04878, 2018",
    ),
    variants=({}, {"rtol": 1e-3}),
    edges={
        "rank one": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],)),
        "rank two of three": Edge(primals=([[2.0, 1.0, 3.0], [1.0, 2.0, 3.0], [3.0, 3.0, 6.0]],)),
        "identity": Edge(primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],)),
        "not symmetric": Edge(primals=([[2.0, 5.0], [-4.0, 3.0]],)),
        "zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), first="nan", second="nan"),
        "entries of 1e100": Edge(primals=([[2e100, 1e100], [1e100, 3e100]],)),
        "entries of 1e-100": Edge(primals=([[2e-100, 1e-100], [1e-100, 3e-100]],)),
        "order one": Edge(primals=([[4.0]],)),
        "negative eigenvalue": Edge(
            primals=([[1.0, 2.0], [2.0, 1.0]],), value="nan", first="nan", second="nan"
        ),
    },
)
def logpdet(x: Array, /, *, rtol: float | None = None, xp: Namespace) -> Array:
    """Logarithm of the pseudo-determinant of a positive semidefinite matrix.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating. Its Hermitian part is read.
    rtol
        Eigenvalues of a size up to `rtol` times the largest count as zero; by default ``n * eps``.

    Returns
    -------
    array
        ``(...)``, real: the sum of the logarithms of its nonzero eigenvalues; 0 if there are none.
    """
    w = counted(x, rtol, xp)
    bad = w <= 0
    logarithms = xp.log(xp.where(bad, xp.ones_like(w), w))
    return xp.sum(xp.where(bad, xp.full_like(w, float("nan")), logarithms), axis=-1)


@logpdet.def_options
def logpdet_options(rtol: object) -> None:
    """Refuse values that are not allowed."""
    check_tolerance("rtol", rtol)


@logpdet.def_jvp
def logpdet_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, rtol: float | None, xp: Namespace
) -> Array:
    """``tr(A^+ A_dot)``."""
    return along(_inverse(primals[0], outputs[0], rtol, xp), tangents[0], xp)


@logpdet.def_vjp
def logpdet_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, rtol: float | None, xp: Namespace
) -> Array:
    """``y_bar A^+``."""
    return times(cotangents[0], _inverse(primals[0], outputs[0], rtol, xp), xp)


def _inverse(x: Array, value: Array, rtol: float | None, xp: Namespace) -> Array:
    """The pseudo-inverse; NaN where there is no logarithm, and at zero, near which everything counts."""
    zero = xp.all(herm(x, xp) == 0, axis=(-2, -1))
    bad = (~xp.isfinite(value) | zero)[..., None, None]
    return poisoned(pinvh(x, rtol=rtol), x, bad, xp)
