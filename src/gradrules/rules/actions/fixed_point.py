r"""A fixed point of a function, :math:`f(x, \theta) = x`."""

from ... import hooks
from ..._functions import Function
from ..._rule import rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, diagonal, diagonal_matrix, eps, real
from ._implicit import implicit_jvp, implicit_vjp
from ._krylov import length
from ._vectors import acting, flat, shaped

__all__ = ["fixed_point"]

TOLERANCE = 1000.0


@rule(
    signature="f,*,...->*",
    domain="where 1 is no eigenvalue of the Jacobian; what does not converge is NaN",
    cost="primal: as many calls of the function as the iteration takes; derivative: one linear solve "
    "by action",
    sources=(
        "D. G. Anderson, J. ACM 12, 1965",
        "H. F. Walker and P. Ni, SIAM J. Numer. Anal. 49, 2011",
    ),
)
def fixed_point(
    f: Function,
    x0: Array,
    /,
    *params: Array,
    memory: int = 5,
    rtol: float | None = None,
    maxiter: int = 1000,
    xp: Namespace,
) -> Array:
    """Solve ``f(x, *params) = x`` for `x`, by iterating `f` with Anderson's acceleration.

    Parameters
    ----------
    f
        A pure function ``f(x, *params)`` of an array of the shape and dtype of `x0`, which it
        returns as well; if complex, holomorphic. What it captures has gradients too.
    x0
        Where to start, real or complex floating, of any shape. Its gradient is zero.
    *params
        Arrays, or trees of them.
    memory
        How many earlier steps the acceleration looks back to; with 0 it is the plain iteration.
    rtol
        Allowed ``|f(x) - x| / |x|``; by default 1000 roundings.
    maxiter
        Allowed calls of `f`.

    Returns
    -------
    array
        Like `x0`; NaN if the iteration does not converge.
    """
    start = flat(x0, f, xp)
    if start.shape[-1] == 0:
        return x0
    tolerance = TOLERANCE * eps(x0) if rtol is None else rtol
    value = acting("fixed_point", f, x0, params, xp)

    def is_open(x: Array, g: Array) -> Array:
        return ~((length(g, xp) <= tolerance * length(x, xp)) & xp.isfinite(length(x, xp)))

    def step(state: Arrays) -> Arrays:
        x, g, x_steps, g_steps = state
        dx = g
        if memory:
            weights = _least_squares(g_steps, g, xp)
            dx = g - xp.sum(weights[..., None] * (x_steps + g_steps), axis=-2)
        x_new = xp.where(is_open(x, g), x + dx, x)
        g_new = value(x_new) - x_new
        if memory:
            x_steps, g_steps = (
                xp.concat([(new - old)[..., None, :], steps[..., :-1, :]], axis=-2)
                for new, old, steps in ((x_new, x, x_steps), (g_new, g, g_steps))
            )
        return x_new, g_new, x_steps, g_steps

    def unfinished(state: Arrays) -> Array:
        return xp.any(is_open(state[0], state[1]) & xp.isfinite(length(state[1], xp)))

    none = xp.zeros_like(start)[..., None, :] + xp.zeros((max(memory, 1), 1), dtype=start.dtype)
    x, g, _, _ = hooks.iterate(
        unfinished, step, (start, value(start) - start, none, none), maxiter, xp=xp
    )
    found = xp.where(is_open(x, g), xp.full_like(x, float("nan")), x + g)
    return shaped(found, x0, xp)


def _least_squares(rows: Array, g: Array, xp: Namespace) -> Array:
    """Weights that make ``g`` smallest when so much of each row is taken away; rows may be zero."""
    size = xp.sqrt(xp.sum(xp.abs(rows) ** 2, axis=-1))
    size = xp.where(size > 0, size, xp.ones_like(size))
    unit = rows / xp.astype(size[..., None], rows.dtype)
    gram = unit @ adjoint(unit, xp)
    lifted = 1 + 4 * eps(g) - real(diagonal(gram, xp), xp)
    gram = gram + xp.astype(diagonal_matrix(lifted, xp), g.dtype)
    overlap = xp.matrix_transpose(g[..., None, :] @ adjoint(unit, xp))
    weights = xp.linalg.solve(xp.matrix_transpose(gram), overlap)[..., 0]
    return weights / xp.astype(size, g.dtype)


@fixed_point.def_jvp
def fixed_point_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, f: Function, **_: object
) -> Array | None:
    """By the implicit function theorem."""
    return implicit_jvp(f, 1, primals, outputs[0], tangents)


@fixed_point.def_vjp
def fixed_point_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, f: Function, **_: object
) -> MaybeArrays:
    """By the implicit function theorem."""
    return implicit_vjp(f, 1, primals, outputs[0], cotangents[0])
