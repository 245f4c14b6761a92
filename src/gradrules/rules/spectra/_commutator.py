r"""Strictly lower X with :math:`\operatorname{stril}(X T - T X) = \operatorname{stril} M`, for upper T.

Column by column, with the columns of X that are known on the right,

.. math:: (t_{jj} I - T)_{>j,>j}\; x_j = (M e_j - X T e_j)_{>j},

one triangular system each. The adjoint map, :math:`\operatorname{stril}(Y T^H - T^H Y) =
\operatorname{stril} W`, has the adjoint systems, from the last column to the first. As functions of T,

.. math:: \dot X = X(\dot M - X \dot T + \dot T X), \qquad \bar M = Y(\bar X), \quad
    \bar T = Y X^H - X^H Y.
"""

from typing import Any

from ... import hooks
from ..._rule import rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, order, real

__all__ = ["commutator_solve"]


@rule(name="_commutator_solve", signature="(n,n),(n,n)->(n,n)")
def commutator_solve(t: Array, m: Array, /, *, turned: bool = False, xp: Namespace) -> Array:
    """X, or with `turned` Y, for the upper triangle of `t` and the strict lower one of `m`.

    The diagonal of `t` has no two numbers that are the same: of a singular system some libraries raise.
    """
    n = order(t, xp)

    def step(i: Any, state: Arrays) -> Arrays:
        x, t, m = state
        j = n - 1 - i if turned else i
        row = xp.astype(xp.arange(hooks.length(t, -1, xp=xp)), real(t, xp).dtype)[:, None]
        column = xp.matrix_transpose(row)
        below = row > j
        known = x @ _column(adjoint(t, xp) if turned else t, column == j, xp)
        right = _column(m, column == j, xp) - known
        own = xp.sum(xp.where((row == j) & (column == j), t, xp.zeros_like(t)), axis=(-2, -1))
        one = hooks.eye_like(t, xp=xp)
        shifted = own[..., None, None] * one - t
        system = xp.where(below & (column > j), shifted, one)
        found = hooks.solve_triangular(system, right, lower=False, adjoint=turned, xp=xp)
        return xp.where((column == j) & below, found, x), t, m

    count = xp.sum(real(hooks.eye_like(t, xp=xp), xp))
    state = (xp.zeros_like(m), xp.triu(t), m)
    return hooks.repeat(count, t.shape[-1], step, state, xp=xp)[0]


@commutator_solve.def_jvp
def commutator_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, turned: bool, xp: Namespace
) -> Array:
    """As above."""
    (t, _), (x,), (t_dot, m_dot) = primals, outputs, tangents
    moved = xp.zeros_like(x) if m_dot is None else m_dot
    if t_dot is not None:
        t_dot = xp.triu(t_dot)
        t_dot = adjoint(t_dot, xp) if turned else t_dot
        moved = moved - (x @ t_dot - t_dot @ x)
    return commutator_solve(t, moved, turned=turned)


@commutator_solve.def_vjp
def commutator_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, turned: bool, xp: Namespace
) -> Arrays:
    """As above; the adjoint of the turned map is the map itself."""
    (t, _), (x,), (x_bar,) = primals, outputs, cotangents
    other = commutator_solve(t, x_bar, turned=not turned)
    x, y = (other, x) if turned else (x, other)
    xh = adjoint(x, xp)
    return xp.triu(y @ xh - xh @ y), other


def _column(a: Array, here: Array, xp: Namespace) -> Array:
    return xp.sum(xp.where(here, a, xp.zeros_like(a)), axis=-1, keepdims=True)
