r"""The orthogonal Procrustes problem: R that minimizes :math:`\|A R - B\|_F`.

R is the unitary polar factor of :math:`M = A^H B`, and the scale the trace of the other factor. Among
rotations alone the smallest singular value may count as negative: the same equations hold with
:math:`P = R^H M`, which is Hermitian.
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ...errors import ArrayTypeError
from .._matrix import adjoint, guarded, herm, is_complex, real, skew, trace
from ..spectra.svd import decompose
from ._skew_sylvester import skew_sylvester

__all__ = ["orthogonal_procrustes"]

_PLANAR = [[1.0, 0, 0], [0, 2.0, 0], [-1.0, 1.0, 0], [3.0, 1.0, 0]]
_TURNED = [[0, 1.0, 0], [-2.0, 0, 0], [-1.0, -1.0, 0], [-1.0, 3.0, 0]]


@rule(
    signature="(r,n),(r,n)->(n,n),()",
    outputs=("R", "scale"),
    needs={"A": "nonsingular", "B": "nonsingular"},
    degrees={"A": (0, 1), "B": (0, 1)},
    domain=(
        "A^H B of full rank (rotation: of rank n-1, and its two smallest singular values not equal "
        "where R turns a reflection round); elsewhere R is not unique and its derivative NaN, and "
        "that of the scale a subgradient, with NaN for second derivatives"
    ),
    cost="primal: one SVD; derivative: one eigendecomposition, both of order n",
    sources=(
        "P. H. Schönemann, Psychometrika 31, 1966",
        "W. Kabsch, Acta Crystallographica A32, 1976",
        "C. S. Kenney and A. J. Laub, SIAM J. Matrix Anal. Appl. 12, 1991",
    ),
    edges={
        "identity": Edge(primals=([[1.0, 0], [0, 1.0]], [[1.0, 0], [0, 1.0]])),
        "equal singular values": Edge(
            primals=([[1.0, 0], [0, 1.0], [0, 0]], [[0.0, 2.0], [-2.0, 0.0], [1.0, 1.0]])
        ),
        "rank one of two": Edge(
            primals=([[1.0, 0], [0, 1.0]], [[1.0, 2.0], [2.0, 4.0]]),
            value="any", first="nan", second="nan",
        ),
        "rotation, of points in a plane": Edge(
            primals=(_PLANAR, _TURNED), options={"rotation": True}
        ),
        "rotation, of a reflected figure": Edge(
            primals=([[1.0, 0], [0, 2.0], [1.0, 1.0]], [[1.0, 0], [0, -2.0], [1.0, -1.0]]),
            options={"rotation": True},
        ),
        "rotation, of one that may turn either way": Edge(
            primals=([[1.0, 0], [0, 1.0]], [[1.0, 0], [0, -1.0]]), options={"rotation": True},
            value="any", first="nan", second="nan",
        ),
    },
)  # fmt: skip
def orthogonal_procrustes(
    A: Array, B: Array, /, *, rotation: bool = False, xp: Namespace
) -> Arrays:
    """The unitary matrix that takes `A` nearest to `B`.

    Parameters
    ----------
    A, B
        ``(..., r, n)``, real or complex floating: r points each, in rows.
    rotation
        Admit rotations alone, of determinant 1; for real arrays.

    Returns
    -------
    (R, scale)
        `R` is ``(..., n, n)`` and minimizes the Frobenius norm of ``A @ R - B``. `scale` is ``(...)``,
        real, the trace of ``R^H A^H B``: without `rotation` the sum of its singular values.

    Raises
    ------
    ArrayTypeError
        If complex arrays are to be taken to each other by a rotation.
    """
    m = adjoint(A, xp) @ B
    u, s, vh = decompose(m, xp, full_matrices=False)
    if rotation:
        if is_complex(m):
            msg = "orthogonal_procrustes: option 'rotation' is for real arrays; A and B are complex"
            raise ArrayTypeError(msg)
        turns = xp.linalg.det(u @ vh)[..., None] < 0
        last = xp.arange(s.shape[-1]) == s.shape[-1] - 1
        sign = xp.where(turns & last, -xp.ones_like(s), xp.ones_like(s))
        u, s = u * sign[..., None, :], s * sign
    return guarded(m, xp, (u @ vh, 2), (xp.sum(s, axis=-1), 0))


# With M = A^H B and P = R^H M:  R' = R W, P W + W P = R^H M' - M'^H R;  scale' = Re tr(R^H M').
@orthogonal_procrustes.def_jvp
def orthogonal_procrustes_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, rotation: bool, xp: Namespace
) -> Arrays:
    """A rotation of R, and the change of the trace."""
    (a, b), (r, _), (a_dot, b_dot) = primals, outputs, tangents
    m_dot = None if a_dot is None else adjoint(a_dot, xp) @ b
    if b_dot is not None:
        moved = adjoint(a, xp) @ b_dot
        m_dot = moved if m_dot is None else m_dot + moved
    k = adjoint(r, xp) @ m_dot
    turn = skew_sylvester(_stretch(a, b, r, xp), 2 * skew(k, xp), definite=not rotation)
    return r @ turn, real(trace(k, xp), xp)


@orthogonal_procrustes.def_vjp
def orthogonal_procrustes_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, rotation: bool, xp: Namespace
) -> Arrays:
    """``M_bar = R (2 Y + scale_bar)``, ``P Y + Y P = skew(R^H R_bar)``; ``A_bar = B M_bar^H``."""
    (a, b), (r, _), (r_bar, scale_bar) = primals, outputs, cotangents
    m_bar = None if scale_bar is None else r * xp.astype(scale_bar, r.dtype)[..., None, None]
    if r_bar is not None:
        k = skew(adjoint(r, xp) @ r_bar, xp)
        turned = 2 * (r @ skew_sylvester(_stretch(a, b, r, xp), k, definite=not rotation))
        m_bar = turned if m_bar is None else m_bar + turned
    return b @ adjoint(m_bar, xp), a @ m_bar


def _stretch(a: Array, b: Array, r: Array, xp: Namespace) -> Array:
    return herm(adjoint(r, xp) @ (adjoint(a, xp) @ b), xp)
