r"""Best approximation of rank k, :math:`A_k = U_k S_k V_k^H`, as one matrix.

:math:`A_k = A V_k V_k^H`, and the projector has a derivative wherever :math:`s_k > s_{k+1}`.
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import guarded, weighted
from .._options import whole
from ..spectra.svd import decompose
from ._singular_projectors import truncated_jvp, truncated_vjp

__all__ = ["low_rank_approximation"]

_INSIDE = [[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
_OUTSIDE = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 3.0]]


@rule(
    signature="(m,n)->(m,n)",
    needs={"x": "simple singular values"},
    degrees={"x": (1,)},
    domain="where the k-th singular value is above the next; at a tie the derivative is NaN",
    cost="primal: one SVD; derivative: one eigendecomposition of order m + n",
    sources=(
        "C. Eckart and G. Young, Psychometrika 1, 1936",
        "T. Kato, Perturbation Theory for Linear Operators, 1966, chapter 2",
        "O. Francuz, N. Schuch and B. Vanhecke, arXiv:2311.11894, 2023",
    ),
    variants=({"k": 1}, {"k": 2}, {"k": 3}),
    edges={
        "equal values inside": Edge(primals=(_INSIDE,), options={"k": 2}),
        "equal values outside": Edge(primals=(_OUTSIDE,), options={"k": 1}),
        "equal values on both sides": Edge(
            primals=([[5.0, 0, 0, 0], [0, 5.0, 0, 0], [0, 0, 0, -2.0], [0, 0, 2.0, 0]],),
            options={"k": 2},
        ),
        "tie": Edge(
            primals=(_INSIDE,), options={"k": 1}, value="any", first="nan", second="nan"
        ),
        "rank k": Edge(primals=([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]],), options={"k": 1}),
        "rank below k": Edge(
            primals=([[1.0, 2.0, 0], [2.0, 4.0, 0], [0, 0, 0]],), options={"k": 2},
            first="nan", second="nan",
        ),
        "k is all": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],), options={"k": 2}),
        "k is nothing": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],), options={"k": 0}),
        "scale 1e150": Edge(
            primals=([[1e150, 2e150], [3e150, -1e150]],), options={"k": 1}, second="any"
        ),
    },
)  # fmt: skip
def low_rank_approximation(x: Array, /, *, k: int, xp: Namespace) -> Array:
    """The nearest matrix of rank `k`, in every unitarily invariant norm.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    k
        How many singular values are kept; more than there are keep all.

    Returns
    -------
    array
        ``(..., m, n)``, same dtype and unit.
    """
    u, s, vh = decompose(x, xp, full_matrices=False)
    return guarded(x, xp, (weighted(u[..., :k], s[..., :k], xp) @ vh[..., :k, :], 2))[0]


@low_rank_approximation.def_options
def low_rank_approximation_options(k: object) -> None:
    """Refuse values that are not allowed."""
    whole("k", k, least=0)


@low_rank_approximation.def_jvp
def low_rank_approximation_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, k: int, xp: Namespace
) -> Array:
    """The change of the matrix and of the projector."""
    (x,), (x_dot,) = primals, tangents
    return x_dot * min(k, 1) if _trivial(x, k) else truncated_jvp(x, x_dot, xp, stop=k)


@low_rank_approximation.def_vjp
def low_rank_approximation_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, k: int, xp: Namespace
) -> Array:
    """The adjoint."""
    (x,), (y_bar,) = primals, cotangents
    return y_bar * min(k, 1) if _trivial(x, k) else truncated_vjp(x, y_bar, xp, stop=k)


def _trivial(x: Array, k: int) -> bool:
    """Whether all is kept, or nothing."""
    return k == 0 or k >= min(x.shape[-2:])
