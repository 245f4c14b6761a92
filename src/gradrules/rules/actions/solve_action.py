r"""Solution of a linear system given by its action, :math:`A(x, \theta) = b` with A linear in x."""

from typing import Any

from ..._functions import Function
from ..._rule import rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._options import one_of
from ._krylov import SOLVERS, krylov
from ._vectors import acting, flat, shaped

__all__ = ["solve_action"]


@rule(
    signature="f,*,...->*",
    domain="nonsingular action; what does not converge is NaN",
    cost="primal: as many calls of the function as the iteration takes; derivative: the same again, "
    "for the adjoint in reverse mode, and one derivative of the function",
    sources=(
        "Y. Saad and M. H. Schultz, SIAM J. Sci. Stat. Comput. 7, 1986 (GMRES)",
        "H. F. Walker and L. Zhou, Numer. Linear Algebra Appl. 1, 1994 (its simpler form)",
        "M. R. Hestenes and E. Stiefel, J. Res. NBS 49, 1952 (conjugate gradients)",
    ),
)
def solve_action(
    mv: Function,
    b: Array,
    /,
    *params: Array,
    solver: str = "gmres",
    rtol: float | None = None,
    restart: int | None = None,
    maxiter: int | None = None,
    xp: Namespace,
) -> Array:
    """Solve ``mv(x, *params) = b`` for `x`.

    Parameters
    ----------
    mv
        A pure function ``mv(x, *params)``, linear in `x` (complex: complex-linear), of an array of
        the shape and dtype of `b`, which it returns as well. What it captures has gradients too.
    b
        An array of any shape, real or complex floating. Pass a complex `b` to a complex `mv`.
    *params
        Arrays, or trees of them.
    solver
        ``"gmres"``, or ``"cg"`` for a Hermitian positive definite action.
    rtol
        Allowed residual, ``|b - mv(x)| <= rtol (|mv| |x| + |b|)``; by default 100 roundings.
    restart
        Vectors that GMRES keeps before it starts afresh, by default up to 100.
    maxiter
        Allowed calls of `mv`, about; by default ten times the number of unknowns.

    Returns
    -------
    array
        Like `b`; NaN if the iteration does not converge.
    """
    act = acting("solve_action", mv, b, params, xp)
    how: dict[str, Any] = {"solver": solver, "rtol": rtol, "restart": restart, "maxiter": maxiter}
    return shaped(krylov(act, flat(b, mv, xp), **how, xp=xp), b, xp)


@solve_action.def_options
def solve_action_options(solver: str, **_: object) -> None:
    """Refuse unknown solvers."""
    one_of("solver", solver, SOLVERS)


# A(x) = b, hence A(x') = b' - (the derivative of A(x, params) along params').
@solve_action.def_jvp
def solve_action_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, mv: Function, **options: object
) -> Array:
    """Solve with the change of the right side, less that of the action."""
    (_, *params), (x,), (b_dot, *params_dot) = primals, outputs, tangents
    moved = mv.jvp((x, *params), (None, *params_dot))
    right = b_dot if moved is None else -moved if b_dot is None else b_dot - moved
    return solve_action(mv, right, *params, **options)


@solve_action.def_vjp
def solve_action_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, mv: Function, **options: object
) -> MaybeArrays:
    """``b_bar`` solves the adjoint system; the parameters get the vjp of ``-mv`` at `x`."""
    (_, *params), (x,), (x_bar,) = primals, outputs, cotangents
    b_bar = solve_action(mv.adjoint(), x_bar, *params, **options)
    moved = mv.vjp((x, *params), b_bar, range(1, len(primals)))
    return (b_bar, *(None if g is None else -g for g in moved))
