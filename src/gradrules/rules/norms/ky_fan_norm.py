r"""Ky Fan norm: the sum of the k largest singular values, with the derivative :math:`U_k V_k^H`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import guarded
from .._options import whole
from ..projections._singular_projectors import singular_projectors
from ..projections.polar import unitary
from ..spectra.svd import decompose
from .vector_norm import along, times

__all__ = ["ky_fan_norm"]


@rule(
    signature="(m,n)->()",
    layout={"keepdims": False},
    needs={"x": "simple singular values"},
    degrees={"x": (1,)},
    domain=(
        "where the k-th singular value is above the next, or the last of all, and not zero; elsewhere "
        "the first derivative is a subgradient, and all higher ones are NaN"
    ),
    cost="primal: one SVD; first derivative: one SVD",
    sources=("G. A. Watson, Linear Algebra Appl. 170, 1992",),
    variants=({"k": 1}, {"k": 2}, {"k": 3}),
    least_length=1,
    edges={
        "equal values inside": Edge(
            primals=([[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]],), options={"k": 2}
        ),
        "tie": Edge(
            primals=([[1.0, 0.0], [0.0, 1.0]],), options={"k": 1}, first="finite", second="nan"
        ),
        "rank one, k = 2": Edge(
            primals=([[1.0, 2.0, 0], [2.0, 4.0, 0], [0, 0, 0]],), options={"k": 2},
            first="finite", second="nan",
        ),
        "zero": Edge(
            primals=([[0.0, 0.0], [0.0, 0.0]],), options={"k": 2}, first="finite", second="nan"
        ),
    },
)  # fmt: skip
def ky_fan_norm(x: Array, /, *, k: int, xp: Namespace) -> Array:
    """Sum of the largest singular values.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    k
        How many: 1 gives the spectral norm, ``min(m, n)`` or more the nuclear norm.
    keepdims
        Whether the last two axes stay, with length one.

    Returns
    -------
    array
        ``(...)``, real, in the unit of `x`.
    """
    s = decompose(x, xp, full_matrices=False)[1]
    return guarded(x, xp, (xp.sum(s[..., :k], axis=-1), 0))[0]


@ky_fan_norm.def_options
def ky_fan_norm_options(k: object) -> None:
    """Refuse values that are not allowed."""
    whole("k", k, least=1)


@ky_fan_norm.def_jvp
def ky_fan_norm_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, k: int, xp: Namespace
) -> Array:
    """``Re <U_k V_k^H, A_dot>``."""
    return along(_steepest(primals[0], k), tangents[0], (-2, -1), xp)


@ky_fan_norm.def_vjp
def ky_fan_norm_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, k: int, xp: Namespace
) -> Array:
    """``y_bar U_k V_k^H``."""
    return times(_steepest(primals[0], k), cotangents[0][..., None, None], xp)


def _steepest(x: Array, k: int) -> Array:
    if k >= min(x.shape[-2:]):
        return unitary(x)
    return singular_projectors(x, stop=k).isometry
