r"""Quadratic and bilinear forms, :math:`x^H A y`, of vectors or of all columns of two matrices."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint

__all__ = ["quadratic_form"]


@rule(
    signature="(m,k?),(m,n),(n,l?)->(k?,l?)",
    degrees={"x": (1,), "A": (1,), "y": (1,)},
    cost="2 products; each derivative: up to 5",
    sources=("M. B. Giles, NA-08/01, Oxford University, 2008, section 2.3.2",),
    edges={
        "far apart": Edge(
            primals=([[1e150], [1e-150]], [[1e-150, 0.0], [0.0, 1e150]], [[1.0], [1.0]])
        ),
    },
)
def quadratic_form(x: Array, A: Array, y: Array, /, *, xp: Namespace) -> Array:
    """``x^H A y``.

    Parameters
    ----------
    x, A, y
        ``(..., m, k)``, ``(..., m, n)`` and ``(..., n, l)``; `x` and `y` may be vectors, ``(m,)`` and
        ``(n,)``. Batch axes broadcast.

    Returns
    -------
    array
        ``(..., k, l)``, without the axis that a vector does not have.
    """
    return adjoint(x, xp) @ (A @ y)


@quadratic_form.def_jvp
def quadratic_form_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """The product rule."""
    (x, a, y), (x_dot, a_dot, y_dot) = primals, tangents
    changes = (
        None if x_dot is None else quadratic_form(x_dot, a, y),
        None if a_dot is None else quadratic_form(x, a_dot, y),
        None if y_dot is None else quadratic_form(x, a, y_dot),
    )
    first, *others = (change for change in changes if change is not None)
    return sum(others, first)


@quadratic_form.def_vjp
def quadratic_form_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``x_bar = A y G^H``, ``A_bar = x G y^H``, ``y_bar = A^H x G``."""
    (x, a, y), (g,) = primals, cotangents
    xg = x @ g
    return (a @ y) @ adjoint(g, xp), xg @ adjoint(y, xp), adjoint(a, xp) @ xg
