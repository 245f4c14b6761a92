"""What derivatives of eigenvalues and eigenvectors of general matrices share."""

from typing import NamedTuple

from ... import hooks
from ..._typing import Array, Arrays, Namespace
from .._matrix import adjoint, conj, eps, guarded, harmless, one_norm, poisoned, real, scaled, unit
from ..scalars.slogdet import slogdet
from ..solves.inv import inv
from ._gap_quotient import differences, gap_quotient, unresolved

__all__ = ["ROUNDING", "basis", "checked", "decompose", "inverse_or_nan", "moved", "pulled"]

# Backward error of the library's eigenvalues, in units of eps.
ROUNDING = 8.0
# An eigenvalue that is not apart from another is defective if the square of its condition is above
# ``DEFECTIVE / eps``,
DEFECTIVE = 1e-4
# or if it is coupled to the other by more than so much rounding of the matrix.
COUPLED = 64.0
# Beside a defective one where that square is ``BLIND / eps`` no eigenvector has a derivative that is sure.
BLIND = 4096.0
# The values of a defective block, computed, are apart by less than so many times the smallest gap.
REACH = 4.0
# Of a pencil with a B whose condition is ``LOST / eps`` no eigenvalue has a digit that is sure.
LOST = 2.0**-6


def decompose(a: Array, b: Array | None, xp: Namespace) -> Arrays:
    """The library's `eig` of ``B^-1 A`` or of A; NaN for matrices that are not finite, or B singular."""
    if b is None or 0 in b.shape:
        w, v = _of_any_size(harmless(a, xp), xp)
        return guarded(xp.astype(a, v.dtype), xp, (w, 1), (v, 2))
    lost = ~xp.isfinite(xp.linalg.slogdet(b)[1])[..., None, None]  # libraries raise
    invertible = xp.where(lost, hooks.eye_like(b, xp=xp), b)
    size = one_norm(b, xp) * one_norm(xp.linalg.inv(invertible), xp)
    lost = lost | ~(size * eps(b) < LOST)
    c = xp.linalg.solve(invertible, a)
    c = xp.where(lost, xp.full_like(c, float("nan")), c)
    w, v = _of_any_size(harmless(c, xp), xp)
    return guarded(xp.astype(c, v.dtype), xp, (w, 1), (v, 2))


def _of_any_size(a: Array, xp: Namespace) -> Arrays:
    """The library's `eig` of a matrix of norm near 1: at 1e150 JAX's eigenvalues are off by 1e12."""
    if 0 in a.shape:
        return hooks.eig(a, xp=xp)
    near_one, e = unit(a, xp)
    w, v = hooks.eig(near_one, xp=xp)
    return scaled(w, e[..., 0], xp), v


class Basis(NamedTuple):
    """What both derivatives begin with.

    Attributes
    ----------
    left
        ``(B V)^-1``, whose rows are left eigenvectors.
    gap, size
        The gaps of the eigenvalues, and their rounding, for :func:`gap_quotient`.
    defined, vectors
        1 for each eigenvalue that has a derivative, and for each whose eigenvector may have one; else 0.
    """

    left: Array
    gap: Array
    size: Array
    defined: Array
    vectors: Array


def basis(a: Array, b: Array | None, w: Array, v: Array, xp: Namespace) -> Basis:
    """The left eigenvectors and what is known of the gaps, of the pencil (A, B) or of A alone.

    Rounding of an eigenvalue is that of the matrices, entry by entry, times its condition: the diagonal
    of ``|L| (|A| |V| + |B| |V| |w|)``, which no scaling of rows and columns changes. By that the
    eigenvalues of a defective matrix, which are computed apart, are not; nor is one that nearly is.
    """
    right = v if b is None else xp.astype(b, v.dtype) @ v
    left = inverse_or_nan(right, xp)
    gap = differences(w, xp)
    distance = xp.abs(gap)
    sizes = xp.abs(a) @ xp.abs(v)
    if b is not None:
        sizes = sizes + xp.abs(b) @ xp.abs(v) * xp.abs(w)[..., None, :]
    spread = xp.sum(xp.abs(left) * xp.matrix_transpose(sizes), axis=-1)
    error = ROUNDING * spread
    size = error[..., :, None] + error[..., None, :]
    square = xp.sum(xp.abs(left) ** 2, axis=-1) * xp.sum(xp.abs(right) ** 2, axis=-2)
    square = square[..., None]
    defective = square > DEFECTIVE / eps(v)
    if b is None:
        # Of a block [[w, c], [0, w + gap]] the condition is c / gap: what is compared with rounding is c.
        # A pencil has none to compare: its blocks are as large as B is ill-conditioned.
        # What is decided is left out: of infinity times 0 NumPy warns.
        coupling = distance * xp.where(defective, xp.ones_like(square), square)
        defective = defective | (coupling > COUPLED * eps(v) * size)
    defective = defective & unresolved(gap, size, xp)
    lost = xp.any(defective, axis=-1)
    # Another value amidst those of a defective block has no derivative either; of one that is so near
    # rounding of the matrix makes any vector, and any derivative.
    reach = distance if 0 in gap.shape else REACH * xp.min(distance, axis=-1, keepdims=True)
    amidst = distance <= reach + eps(v) ** 0.5 * spread[..., None, :]
    defined = ~(lost | xp.any(lost[..., :, None] & amidst, axis=-2))
    blind = xp.any(defective & (square > BLIND / eps(v)), axis=(-2, -1), keepdims=True)[..., 0]
    defined, vectors = (
        xp.where(some, xp.ones_like(error), xp.zeros_like(error))
        for some in (defined, defined & ~blind)
    )
    return Basis(left, gap, size, defined, vectors)


def inverse_or_nan(a: Array, xp: Namespace) -> Array:
    """The inverse; of a matrix that is exactly singular, or NaN, libraries raise: here it is NaN."""
    sign, _ = slogdet(a)
    singular = ~(xp.abs(sign) > 0)[..., None, None]
    inverse = inv(xp.where(singular, hooks.eye_like(a, xp=xp), a))
    return poisoned(inverse, inverse, singular, xp)


def moved(w: Array, v: Array, a_dot: Array | None, b_dot: Array | None, xp: Namespace) -> Array:
    """``A_dot V - B_dot V diag(w)``."""
    of_a, of_b = (None if t is None else xp.astype(t, v.dtype) @ v for t in (a_dot, b_dot))
    if of_b is None:
        return of_a
    of_b = of_b * w[..., None, :]
    return -of_b if of_a is None else of_a - of_b


def pulled(w: Array, v: Array, left: Array, inner: Array, xp: Namespace) -> Arrays:
    """``L^H X V^H`` and ``-L^H X diag(conj(w)) V^H``: cotangents of A and B."""
    x = adjoint(left, xp) @ inner
    return x @ adjoint(v, xp), -(x * conj(w, xp)[..., None, :]) @ adjoint(v, xp)


def checked(k: Array, defined: Array, xp: Namespace) -> Array:
    """Tangents or cotangents, NaN for eigenvalues and their vectors that have no derivative.

    Each number is a matrix of its own: beside what a defective eigenvalue makes, all is negligible.
    """
    defined = (defined + xp.zeros_like(real(k, xp)))[..., None, None]
    return gap_quotient(k[..., None, None], defined, xp.ones_like(defined))[..., 0, 0]
