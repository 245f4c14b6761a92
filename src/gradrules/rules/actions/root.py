r"""A root of a function, :math:`f(x, \theta) = 0`."""

from ... import hooks
from ..._functions import Function
from ..._rule import rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import eps
from .._options import one_of
from ._implicit import implicit_jvp, implicit_vjp, jacobian
from ._krylov import SOLVERS, krylov, length, or_one
from ._vectors import acting, flat, shaped

__all__ = ["root"]

# A step that does not bring the residual down is halved so many times at most.
HALVINGS = 12


@rule(
    signature="f,*,...->*",
    domain="where the Jacobian at the root is nonsingular; what does not converge is NaN",
    cost="primal: a linear solve by action for each Newton step; derivative: one more",
    sources=(
        "U. Dini, Lezioni di analisi infinitesimale, 1878 (implicit functions)",
        "D. A. Knoll and D. E. Keyes, J. Comput. Phys. 193, 2004 (Newton-Krylov)",
    ),
)
def root(
    f: Function,
    x0: Array,
    /,
    *params: Array,
    solver: str = "gmres",
    rtol: float | None = None,
    maxiter: int = 50,
    xp: Namespace,
) -> Array:
    """Solve ``f(x, *params) = 0`` for `x`, by Newton's method.

    Parameters
    ----------
    f
        A pure function ``f(x, *params)`` of an array of the shape and dtype of `x0`, which it
        returns as well; if complex, holomorphic. What it captures has gradients too.
    x0
        Where to start, real or complex floating, of any shape. The root does not depend on it, and
        its gradient is zero.
    *params
        Arrays, or trees of them.
    solver
        For the linear systems, see :func:`solve_action`; ``"cg"`` if the Jacobian is Hermitian
        positive definite.
    rtol
        Allowed size of the last Newton step, relative to `x`; by default ``eps**0.6``, after which
        the error is of the order of rounding.
    maxiter
        Allowed Newton steps.

    Returns
    -------
    array
        Like `x0`; NaN if the iteration does not converge.
    """
    start = flat(x0, f, xp)
    if start.shape[-1] == 0:
        return x0
    tolerance = eps(x0) ** 0.6 if rtol is None else rtol
    value = acting("root", f, x0, params, xp)
    slope = jacobian(f, 0)

    def newton(x: Array, y: Array) -> Array:
        def act(v: Array) -> Array:
            return flat(slope(shaped(v, x0, xp), shaped(x, x0, xp), *params), f, xp)

        def quotient(v: Array) -> Array:
            size = or_one(length(x, xp), xp) * eps(x) ** 0.5 / or_one(length(v, xp), xp)
            h = xp.astype(size, x.dtype)
            return (value(x + h * v) - y) / h

        # Of plain arrays a function may have no jvp: a quotient is good enough to find the root.
        exact = f.has_jvp
        rtol = eps(x) ** 0.5 if exact else eps(x) ** 0.25
        return krylov(
            act if exact else quotient, -y, solver=solver, rtol=rtol, restart=None, maxiter=None,
            xp=xp,
        )  # fmt: skip

    def step(state: Arrays) -> Arrays:
        x, y, done = state
        dx = newton(x, y)
        size = length(dx, xp)
        last = (size <= tolerance * length(x + dx, xp)) & xp.isfinite(size)

        def too_long(trial: Arrays) -> Array:
            share, _, y_new = trial
            is_less = length(y_new, xp) < length(y, xp)
            return ~(is_less | last | done) & (share > 2.0**-HALVINGS)

        def halve(trial: Arrays) -> Arrays:
            share, _, _ = trial
            share = xp.where(too_long(trial), share / 2, share)
            x_new = x + xp.astype(share, x.dtype) * dx
            return share, x_new, value(x_new)

        trial = (xp.ones_like(size), x + dx, value(x + dx))
        _, x_new, y_new = hooks.iterate(
            lambda trial: xp.any(too_long(trial)), halve, trial, HALVINGS, xp=xp
        )
        return xp.where(done, x, x_new), xp.where(done, y, y_new), done | last

    def unfinished(state: Arrays) -> Array:
        x, _, done = state
        return xp.any(~done & xp.isfinite(length(x, xp)))

    x, _, done = hooks.iterate(
        unfinished, step, (start, value(start), length(start, xp) < 0), maxiter, xp=xp
    )
    return shaped(xp.where(done, x, xp.full_like(x, float("nan"))), x0, xp)


@root.def_options
def root_options(solver: str, **_: object) -> None:
    """Refuse unknown solvers."""
    one_of("solver", solver, SOLVERS)


@root.def_jvp
def root_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    f: Function,
    solver: str,
    **_: object,
) -> Array | None:
    """By the implicit function theorem."""
    return implicit_jvp(f, 0, primals, outputs[0], tangents, solver=solver)


@root.def_vjp
def root_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, f: Function, solver: str,
    **_: object,
) -> MaybeArrays:  # fmt: skip
    """By the implicit function theorem."""
    return implicit_vjp(f, 0, primals, outputs[0], cotangents[0], solver=solver)
