r"""Polar decomposition, :math:`A = U P` or :math:`A = P U`.

With :math:`M = U^H \dot A` and P the right factor of a tall matrix,

.. math:: \dot U = U \Omega + (\dot A - U M) P^{-1}, \qquad P \Omega + \Omega P = M - M^H,

which divides by sums of singular values, never by their differences.
"""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded, herm, is_square, skew, weighted
from .._options import one_of
from .._rank import nonzero
from ..solves.solve import solve
from ..spectra.svd import decompose
from ._singular_projectors import is_wide, mirrored
from ._skew_sylvester import skew_sylvester

__all__ = ["polar", "unitary"]

SIDES = ("right", "left")


@rule(
    signature="(m,n)->(m,n),(l,l)",
    outputs=("u", "p"),
    needs={"a": "nonsingular"},
    degrees={"a": (0, 1)},
    domain="full rank; at a singular value of zero U is not unique and P has a kink: NaN",
    cost="primal: one SVD; derivative: one eigendecomposition of the order of the shorter side",
    sources=(
        "C. S. Kenney and A. J. Laub, SIAM J. Matrix Anal. Appl. 12, 1991",
        "N. J. Higham, Functions of Matrices, 2008, chapter 8",
    ),
    variants=({}, {"side": "left"}),
    edges={
        "identity": Edge(primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],)),
        "repeated singular values": Edge(primals=([[2.0, 0, 0], [0, 0, -2.0], [0, 1.0, 0]],)),
        "orthonormal columns": Edge(primals=([[0.6, 0.8], [0.8, -0.6], [0.0, 0.0]],)),
        "orthonormal rows": Edge(primals=([[0.6, 0.8, 0.0], [0.8, -0.6, 0.0]],)),
        "orthonormal rows, left": Edge(
            primals=([[0.6, 0.8, 0.0], [0.8, -0.6, 0.0]],), options={"side": "left"}
        ),
        "rotation": Edge(primals=([[0.6, -0.8], [0.8, 0.6]],)),
        "singular": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]],), value="finite", first="nan", second="nan"
        ),
        "zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), value="finite", first="nan", second="nan"),
        "rank one of two, tall": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]],),
            value="finite", first="nan", second="nan",
        ),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -1e150]],)),
        "scale 1e-150": Edge(primals=([[1e-150, 2e-150], [3e-150, -1e-150]],), second="any"),
        "order one": Edge(primals=([[-2.0]],)),
    },
)  # fmt: skip
def polar(a: Array, /, *, side: str = "right", xp: Namespace) -> Arrays:
    """Polar decomposition of a matrix of any shape.

    Parameters
    ----------
    a
        ``(..., m, n)``, real or complex floating.
    side
        ``"right"``: ``a = u @ p``; ``"left"``: ``a = p @ u``.

    Returns
    -------
    (u, p)
        `u` is ``(..., m, n)``, the nearest matrix with orthonormal columns or rows; `p` is positive
        semidefinite, ``(..., n, n)`` on the right, ``(..., m, m)`` on the left, in the unit of `a`.
    """
    w, s, vh = decompose(a, xp, full_matrices=False)
    basis = adjoint(vh, xp) if side == "right" else w
    p = weighted(basis, s, xp) @ adjoint(basis, xp)
    return guarded(a, xp, (w @ vh, 2), (herm(p, xp), 2))


@polar.def_options
def polar_options(side: object) -> None:
    """Refuse values that are not allowed."""
    one_of("side", side, SIDES)


@polar.def_jvp
def polar_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, side: str, xp: Namespace
) -> Arrays:
    """As above, and ``P_dot`` the Hermitian part of ``U_dot^H A + U^H A_dot``."""
    (a,), (u, _), (a_dot,) = primals, outputs, tangents
    u_dot = unitary_jvp(a, u, a_dot, xp)
    uh, uh_dot = adjoint(u, xp), adjoint(u_dot, xp)
    p_dot = uh_dot @ a + uh @ a_dot if side == "right" else a @ uh_dot + a_dot @ uh
    return u_dot, herm(p_dot, xp)


@polar.def_vjp
def polar_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, side: str, xp: Namespace
) -> Array:
    """``U (2 Y + H) + (U_bar - U N) P^-1``, ``N = U^H U_bar``, ``P Y + Y P = skew(N + P H)``."""
    (a,), (u, _), (u_bar, p_bar) = primals, outputs, cotangents
    if p_bar is None:
        return unitary_vjp(a, u, u_bar, xp)
    h = herm(p_bar, xp)
    through_u, direct = (a @ h, u @ h) if side == "right" else (h @ a, h @ u)
    u_bar = through_u if u_bar is None else u_bar + through_u
    return direct + unitary_vjp(a, u, u_bar, xp)


@rule(name="_unitary", signature="(m,n)->(m,n)")
def unitary(a: Array, /, *, xp: Namespace) -> Array:
    """The unitary factor at full rank; at lower rank the partial isometry, and NaN for its derivative."""
    w, s, vh = decompose(a, xp, full_matrices=False)
    return guarded(a, xp, (weighted(w, nonzero(s, a, None, xp), xp) @ vh, 2))[0]


@unitary.def_jvp
def _unitary_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    return unitary_jvp(primals[0], outputs[0], tangents[0], xp)


@unitary.def_vjp
def _unitary_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    return unitary_vjp(primals[0], outputs[0], cotangents[0], xp)


def unitary_jvp(a: Array, u: Array, a_dot: Array, xp: Namespace) -> Array:
    """Derivative of the unitary polar factor `u` of `a`."""
    if is_wide(a):
        return mirrored(unitary_jvp, a, u, a_dot, xp)
    uh = adjoint(u, xp)
    m = uh @ a_dot
    p = herm(uh @ a, xp)
    omega = skew_sylvester(p, 2 * skew(m, xp))
    turned = u @ omega
    return turned if is_square(a) else turned + _divided(a_dot - u @ m, p, omega, xp)


def unitary_vjp(a: Array, u: Array, u_bar: Array, xp: Namespace) -> Array:
    """Its adjoint: by the same two equations."""
    if is_wide(a):
        return mirrored(unitary_vjp, a, u, u_bar, xp)
    uh = adjoint(u, xp)
    n = uh @ u_bar
    p = herm(uh @ a, xp)
    y = skew_sylvester(p, skew(n, xp))
    turned = 2 * (u @ y)
    return turned if is_square(a) else turned + _divided(u_bar - u @ n, p, y, xp)


def _divided(e: Array, p: Array, turn: Array, xp: Namespace) -> Array:
    """``e P^-1``. Where P is singular `turn` is NaN already, and no library shall raise."""
    bad = ~xp.all(xp.isfinite(turn), axis=(-2, -1), keepdims=True)
    return adjoint(solve(xp.where(bad, hooks.eye_like(p, xp=xp), p), adjoint(e, xp)), xp)
