r"""Pseudo-inverse of a Hermitian matrix, by its eigenvalues."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded, harmless, herm, read, read_adjoint, weighted
from .._rank import check_tolerance, rounding
from ._singular_projectors import truncated, truncated_jvp, truncated_vjp
from .pinv import inverse_jvp, inverse_vjp

__all__ = ["pinvh"]


@rule(
    signature="(n,n)->(n,n)",
    structure={"a": "hermitian"},
    needs={"a": "nonsingular"},
    degrees={"a": (-1,)},
    domain="that of pinv, among Hermitian matrices",
    cost="primal: one eigendecomposition; derivative: that of pinv",
    sources=("G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10, 1973, equation 4.12",),
    variants=({}, {"lower": True}, {"lower": False}, {"rtol": 1e-3}),
    edges={
        "identity": Edge(primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],)),
        "equal and opposite eigenvalues": Edge(primals=([[0.0, 2.0], [2.0, 0.0]],)),
        "rank one of two": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],)),
        "rank two of three, indefinite": Edge(
            primals=([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 6.0, 8.0]],)
        ),
        "nearly singular": Edge(primals=([[3.0, 1.0], [1.0, 0.3333334]],)),
        "small for its rtol": Edge(
            primals=([[4.0, 1.0, 0], [1.0, -3.0, 0.5], [0, 0.5, 0.25]],), options={"rtol": 0.25}
        ),
        "zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), first="nan", second="nan"),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [2e150, -3e150]],)),
        "order one": Edge(primals=([[-2.0]],)),
    },
)
def pinvh(
    a: Array,
    /,
    *,
    rtol: float | None = None,
    lower: bool | None = None,
    xp: Namespace,
) -> Array:
    """Moore-Penrose inverse of a Hermitian (or real symmetric) matrix of any rank.

    Parameters
    ----------
    a
        ``(..., n, n)``, real or complex floating.
    rtol
        Eigenvalues of a size up to `rtol` times the largest count as zero; by default ``n * eps``.
    lower
        What is read of `a`: its Hermitian part (`None`), or one triangle. The gradient lives there.

    Returns
    -------
    array
        ``(..., n, n)``, Hermitian. Its unit is the reciprocal of that of `a`.
    """
    h = read(a, lower, xp)
    if 0 in h.shape:
        return h * 1
    w, v = xp.linalg.eigh(harmless(h, xp))
    size = xp.abs(w)
    bound = rounding(h, xp) if rtol is None else rtol
    some = size > bound * xp.max(size, axis=-1, keepdims=True)
    one = xp.ones_like(w)
    inverse = xp.where(some, one / xp.where(some, w, one), xp.zeros_like(w))
    return guarded(h, xp, (herm(weighted(v, inverse, xp) @ adjoint(v, xp), xp), 2))[0]


@pinvh.def_options
def pinvh_options(rtol: object, lower: object) -> None:
    """Refuse values that are not allowed."""
    check_tolerance("rtol", rtol)
    if lower not in (None, True, False):
        msg = f"option 'lower' is {lower!r}; it must be None, True or False"
        raise ValueError(msg)


@pinvh.def_jvp
def pinvh_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    rtol: float | None,
    lower: bool | None,
    xp: Namespace,
) -> Array:
    """That of the pseudo-inverse."""
    h, h_dot = read(primals[0], lower, xp), read(tangents[0], lower, xp)
    if rtol is not None:
        h, h_dot = truncated(h, xp, rtol=rtol), truncated_jvp(h, h_dot, xp, rtol=rtol)
    return herm(inverse_jvp(h, outputs[0], h_dot, xp), xp)


@pinvh.def_vjp
def pinvh_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    rtol: float | None,
    lower: bool | None,
    xp: Namespace,
) -> Array:
    """That of the pseudo-inverse, in the Hermitian matrices."""
    h, y_bar = read(primals[0], lower, xp), herm(cotangents[0], xp)
    if rtol is None:
        h_bar = inverse_vjp(h, outputs[0], y_bar, xp)
    else:
        h_bar = inverse_vjp(truncated(h, xp, rtol=rtol), outputs[0], y_bar, xp)
        h_bar = truncated_vjp(h, h_bar, xp, rtol=rtol)
    return read_adjoint(herm(h_bar, xp), lower, xp)
