r"""Derivative of a spectral projector: X of :math:`X H - H X = P_\perp C P`, :math:`X = P_\perp X P`.

P projects onto some of the eigenvectors of the Hermitian matrix H. In an eigenbasis X is divided by
gaps between eigenvalues inside and outside, and by no other: equal eigenvalues on one side do no harm,
at any order. With :math:`Z = X(\dot H)`, and :math:`\dot P = Z + Z^H`,

.. math:: \dot X = X\bigl(\dot C + \dot H X - X \dot H + C \dot P - \dot P C\bigr) + X Z^H - Z^H X.
"""

from ..._rule import rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, diagonal, guarded, harmless, herm, real
from ._gap_quotient import gap_quotient, gaps

__all__ = ["across"]


@rule(name="_across", signature="(n,n),(n,n),(n,n)->(n,n)")
def across(h: Array, p: Array, c: Array, /, *, xp: Namespace) -> Array:
    """X, by the eigenvectors of `h`; `p` says which are inside.

    It is a function of `h` and `c` alone: `p` moves with `h`.
    """
    if 0 in h.shape:
        return c * 1
    w, v = xp.linalg.eigh(harmless(h, xp))
    vh = adjoint(v, xp)
    share = real(diagonal(vh @ p @ v, xp), xp)
    inside = share > 0.5
    k = vh @ c @ v
    k = xp.where(inside[..., None, :] & ~inside[..., :, None], k, xp.zeros_like(k))
    size = xp.max(xp.abs(w), axis=-1)[..., None, None]
    z = gap_quotient.__wrapped__(k, *gaps(w, size, xp), xp=xp)
    # An eigenvector that is partly inside, or a projector that is NaN: the gap is below rounding.
    torn = ~xp.all((share < 0.1) | (share > 0.9), axis=-1)[..., None, None]
    z = xp.where(torn, xp.full_like(z, float("nan")), z)
    return guarded(h, xp, (v @ z @ vh, 2))[0]


@across.def_jvp
def across_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array | None:
    """As above."""
    (h, p, c), (x,), (h_dot, _, c_dot) = primals, outputs, tangents
    if h_dot is None:
        return None if c_dot is None else across(h, p, c_dot)
    h_dot = herm(h_dot, xp)
    z = across(h, p, h_dot)
    p_dot = 2 * herm(z, xp)
    right = h_dot @ x - x @ h_dot + c @ p_dot - p_dot @ c
    zh = adjoint(z, xp)
    return across(h, p, right if c_dot is None else right + c_dot) + x @ zh - zh @ x


@across.def_vjp
def across_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> MaybeArrays:
    """``C_bar = Y = X(X_bar)``, ``H_bar = herm(Y X^H - X^H Y + X(W))``.

    ``W = 2 herm(C^H Y - Y C^H) + X_bar^H X - X X_bar^H`` is the cotangent of Z.
    """
    (h, p, c), (x,), (x_bar,) = primals, outputs, cotangents
    y = across(h, p, x_bar)
    xh, ch, bar = adjoint(x, xp), adjoint(c, xp), adjoint(x_bar, xp)
    w = 2 * herm(ch @ y - y @ ch, xp) + bar @ x - x @ bar
    return herm(y @ xh - xh @ y + across(h, p, w), xp), None, y
