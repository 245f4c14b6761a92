r"""Derivatives of a solution that a function defines implicitly.

With :math:`f(x, \theta) = s x` (s = 0 for a root, s = 1 for a fixed point) and
:math:`J = \partial f / \partial x - s`, :math:`J\, x' = -(\partial f / \partial \theta)\, \theta'`.
"""

from typing import Any

from ..._functions import Function
from ..._typing import Array, Arrays, MaybeArrays
from .solve_action import solve_action

__all__ = ["implicit_jvp", "implicit_vjp", "jacobian"]


def jacobian(f: Function, shift: int) -> Function:
    """``(v, x, *params) -> J v``, with its adjoint."""

    def forward(v: Array, x: Array, *params: Array) -> Array:
        moved = f.jvp((x, *params), (v, *(None for _ in params)))
        return moved - v if shift else moved

    def backward(y: Array, x: Array, *params: Array) -> Array:
        (moved,) = f.vjp((x, *params), y, (0,))
        return moved - y if shift else moved

    return f.derived(forward, backward)


def implicit_jvp(
    f: Function, shift: int, primals: Arrays, x: Array, tangents: MaybeArrays, **options: Any
) -> Array | None:
    """``-J^-1`` of the change that the parameters make; where the iteration began does not matter."""
    params = primals[1:]
    moved = f.jvp((x, *params), (None, *tangents[1:]))
    if moved is None:
        return None
    return solve_action(jacobian(f, shift), -moved, x, *params, **options)


def implicit_vjp(
    f: Function, shift: int, primals: Arrays, x: Array, x_bar: Array, **options: Any
) -> MaybeArrays:
    """The vjp of ``-f`` with respect to the parameters, of ``J^-H x_bar``."""
    params = primals[1:]
    y = solve_action(jacobian(f, shift).adjoint(), x_bar, x, *params, **options)
    moved = f.vjp((x, *params), y, range(1, len(primals)))
    return (None, *(None if g is None else -g for g in moved))
