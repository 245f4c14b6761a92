r"""Schatten norm, :math:`\|A\|_p = (\sum s_i^p)^{1/p}` over the singular values.

.. math:: d\|A\| = \operatorname{Re}\langle G, dA \rangle, \qquad
          G = U \operatorname{diag}\Bigl(\frac{s_i}{\|A\|}\Bigr)^{p-1} V^H

For even p that is a product, :math:`G = B (B^H B)^{p/2-1}` with :math:`B = A / \|A\|`.
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded, weighted
from ..projections._singular_projectors import is_wide
from ..spectra.svd import decompose, svd
from .matrix_norm import steepest
from .vector_norm import INF, along, norming, size_of, times

__all__ = ["schatten_norm"]


@rule(
    signature="(m,n)->()",
    layout={"keepdims": False},
    needs={"x": "simple singular values"},
    degrees={"x": (1,)},
    domain=(
        "x not 0; p = 1 and inf: as matrix_norm for 'nuc' and 2. First derivatives are right at any "
        "singular values, and for even p all are; for other p higher ones are NaN at equal or zero "
        "singular values"
    ),
    cost="primal: one SVD; derivative: one SVD, for even p about p/2 products",
    sources=("G. A. Watson, Linear Algebra Appl. 170, 1992",),
    variants=({"p": 4}, {"p": 1}, {"p": 2}, {"p": INF}, {"p": 3}, {"p": 1.5}),
    least_length=1,
    edges={
        "zero": Edge(
            primals=([[0.0, 0.0], [0.0, 0.0]],), options={"p": 4}, first="mean", second="nan"
        ),
        "identity, p = 4": Edge(primals=([[1.0, 0.0], [0.0, 1.0]],), options={"p": 4}),
        "rank one of three, p = 6": Edge(
            primals=([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 0.0]],), options={"p": 6}
        ),
        "identity, p = 3": Edge(
            primals=([[1.0, 0.0], [0.0, 1.0]],), options={"p": 3}, second="any"
        ),
        "rank one of two, p = 3": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]],), options={"p": 3}, second="any"
        ),
        "identity, p = 1": Edge(primals=([[1.0, 0.0], [0.0, 1.0]],), options={"p": 1}),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -1e150]],), options={"p": 4}),
        "order one": Edge(primals=([[-2.0]],), options={"p": 3}),
        "two tall ones, p = 3": Edge(
            primals=([[[1.0, 2.0], [0.0, 3.0], [1.0, -1.0]], [[2.0, 1.0], [1.0, 0], [0, -3.0]]],),
            options={"p": 3},
        ),
    },
)  # fmt: skip
def schatten_norm(x: Array, /, *, p: float, xp: Namespace) -> Array:
    """Norm of the vector of singular values.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    p
        From 1 to infinity: 1 is the nuclear norm, 2 the Frobenius norm, infinity the spectral norm.
    keepdims
        Whether the last two axes stay, with length one.

    Returns
    -------
    array
        ``(...)``, real, in the unit of `x`.
    """
    s = decompose(x, xp, full_matrices=False)[1]
    return guarded(x, xp, (size_of(s, p, (-1,), xp)[..., 0], 0))[0]


@schatten_norm.def_options
def schatten_norm_options(p: object) -> None:
    """Refuse values that are not allowed."""
    if isinstance(p, bool) or not isinstance(p, int | float) or not p >= 1:
        msg = f"option 'p' is {p!r}; it must be a real number from 1 on"
        raise ValueError(msg)


@schatten_norm.def_jvp
def schatten_norm_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, p: float, xp: Namespace
) -> Array:
    """``Re <G, A_dot>``."""
    return along(_steepest(primals[0], outputs[0], p, xp), tangents[0], (-2, -1), xp)


@schatten_norm.def_vjp
def schatten_norm_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, p: float, xp: Namespace
) -> Array:
    """``y_bar G``."""
    return times(_steepest(primals[0], outputs[0], p, xp), cotangents[0][..., None, None], xp)


def _steepest(x: Array, y: Array, p: float, xp: Namespace) -> Array:
    known: dict[float, float | str] = {1: "nuc", 2: "fro", INF: 2}
    if p in known:
        return steepest(x, y, known[p], xp)
    if p % 2:
        u, s, vh = svd(x, full_matrices=False)
        weights = norming(s, y[..., None], p, (-1,), xp)
        return weighted(u, weights, xp) @ vh
    unit = norming(x, y[..., None, None], 2, (-2, -1), xp)
    gram = adjoint(unit, xp) @ unit if not is_wide(x) else unit @ adjoint(unit, xp)
    g = unit
    for _ in range(int(p) // 2 - 1):
        g = gram @ g if is_wide(x) else g @ gram
    return g
