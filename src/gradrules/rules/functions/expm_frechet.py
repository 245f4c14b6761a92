r"""Matrix exponential and its Fréchet derivative :math:`L(A, E)`.

.. math:: \exp\begin{pmatrix} A & E \\ 0 & A \end{pmatrix}
          = \begin{pmatrix} e^A & L(A, E) \\ 0 & e^A \end{pmatrix}

The derivative of the pair is therefore the same function again, of matrices of order 2n.
"""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, one_norm, real
from . import _taylor

__all__ = ["expm_frechet"]

_E = [[1.0, -2.0], [0.5, 3.0]]


@rule(
    signature="(n,n),(n,n)->(n,n),(n,n)",
    outputs=("expm", "frechet"),
    degrees={"E": (0, 1)},
    domain="every square A; norms beyond 2**50 that the powers do not reduce give NaN",
    cost="15 + 3 s products (s squarings); derivative: the same at order 2n",
    sources=(
        "I. Najfeld and T. F. Havel, Adv. Appl. Math. 16, 1995",
        "R. Mathias, SIAM J. Matrix Anal. Appl. 17, 1996",
        "A. H. Al-Mohy and N. J. Higham, SIAM J. Matrix Anal. Appl. 30, 2009",
    ),
    edges={
        "zero matrix": Edge(primals=([[0.0, 0.0], [0.0, 0.0]], _E)),
        "defective": Edge(primals=([[2.0, 1.0], [0.0, 2.0]], _E)),
        "zero direction": Edge(primals=(_E, [[0.0, 0.0], [0.0, 0.0]])),
        "direction of 1e60": Edge(primals=(_E, [[2e60, 1e60], [-1e60, 3e59]])),
        "nilpotent, large": Edge(primals=([[0.0, 1e6], [0.0, 0.0]], _E), second="any"),
    },
)
def expm_frechet(A: Array, E: Array, /, *, xp: Namespace) -> Arrays:
    """Exponential of `A`, and its derivative in the direction `E`.

    Parameters
    ----------
    A, E
        ``(..., n, n)``, real or complex floating. `A` has no unit.

    Returns
    -------
    (expm, frechet)
        Both ``(..., n, n)``; the second is linear in `E`.
    """
    _, kept = _taylor.exponential(A, xp)
    return _taylor.frechet(kept, E, xp) if kept else (A * 1, E * 1)


@expm_frechet.def_jvp
def expm_frechet_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Arrays:
    """``(L(A, A_dot), L2(A; E, A_dot) + L(A, E_dot))``."""
    (a, e), (a_dot, e_dot) = primals, tangents
    if a_dot is None:
        return None, expm_frechet(a, e_dot)[1]
    return _blocks(a, e, a_dot, xp.zeros_like(e) if e_dot is None else e_dot, xp)


@expm_frechet.def_vjp
def expm_frechet_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Arrays:
    """``E_bar = L(A^H, L_bar)``, ``A_bar = L2(A^H; E^H, L_bar) + L(A^H, X_bar)``."""
    (a, e), (x_bar, l_bar) = primals, cotangents
    ah = adjoint(a, xp)
    if l_bar is None:
        return expm_frechet(ah, x_bar)[1], None
    x_bar = xp.zeros_like(l_bar) if x_bar is None else x_bar
    e_bar, a_bar = _blocks(ah, adjoint(e, xp), l_bar, x_bar, xp)
    return a_bar, e_bar


def _blocks(a: Array, e: Array, f: Array, g: Array, xp: Namespace) -> Arrays:
    """``L(a, f)`` and ``L2(a; e, f) + L(a, g)``: two blocks of the derivative at order 2n.

    The second is linear in `e` and `g` together. They are scaled down to the size of 1: a large
    block above the diagonal costs digits.
    """
    n = hooks.length(a, -1, xp=xp)
    c = xp.astype(_unit(e), e.dtype)[..., None, None]
    derivative = expm_frechet(_block(a, c * e, xp), _block(f, c * g, xp))[1]
    return derivative[..., :n, :n], derivative[..., :n, n:] / c


@rule(name="_unit", signature="(n,n)->()")
def _unit(x: Array, /, *, xp: Namespace) -> Array:
    """A real power of two, at most 1, near the reciprocal of the norm of `x`: a constant."""
    if 0 in x.shape:
        return xp.sum(real(x, xp), axis=(-2, -1)) + 1
    size = one_norm(x, xp)[..., 0, 0]
    usable = (size > 1) & xp.isfinite(size)
    return 2.0 ** -xp.ceil(xp.log2(xp.where(usable, size, xp.ones_like(size))))


@_unit.def_jvp
def _unit_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> None:
    return None


@_unit.def_vjp
def _unit_vjp(primals: Arrays, outputs: Arrays, cotangents: MaybeArrays) -> None:
    return None


def _block(a: Array, e: Array, xp: Namespace) -> Array:
    """``[[a, e], [0, a]]``."""
    upper = xp.concat([a, e], axis=-1)
    return xp.concat([upper, xp.concat([xp.zeros_like(a), a], axis=-1)], axis=-2)
