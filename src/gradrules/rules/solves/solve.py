r"""Solution of a linear system, :math:`X = A^{-1} B`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded

__all__ = ["solve"]


@rule(
    signature="(n,n),(n,k?)->(n,k?)",
    needs={"x1": "nonsingular"},
    degrees={"x1": (-1,), "x2": (1,)},
    domain="nonsingular x1; at a singular one the array library raises or returns inf/NaN",
    cost="primal: one LU and a solve; first derivative: one solve with the kept LU and one product",
    sources=(
        "M. B. Giles, NA-08/01, Oxford University, 2008, section 2.3.1",
        "M. Seeger et al., arXiv:1710.08717, 2017",
    ),
    edges={
        "rows scaled apart": Edge(primals=([[1e-12, 2e-12], [3e12, -4e12]], [[1.0], [2.0]])),
        "zero pivot": Edge(primals=([[0.0, 1.0], [1.0, 1.0]], [[1.0], [2.0]])),
        "singular": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]], [[1.0], [1.0]]),
            value="any",
            first="any",
            second="any",
        ),
    },
)
def solve(x1: Array, x2: Array, /, *, xp: Namespace) -> Array:
    """Solve ``x1 @ y = x2``.

    Parameters
    ----------
    x1
        ``(..., n, n)``, real or complex floating.
    x2
        ``(..., n, k)``, or one vector ``(n,)``. The batch axes of the two broadcast.

    Returns
    -------
    array
        ``(..., n, k)`` or ``(..., n)``.
    """
    return guarded(x1, xp, (xp.linalg.solve(x1, x2), 2))[0]


# A Y = B, hence A Y' = B' - A' Y.
@solve.def_jvp
def solve_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """``A^-1 (B_dot - A_dot Y)``."""
    return solve(primals[0], _right_side(outputs[0], tangents))


@solve.def_vjp
def solve_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``B_bar = A^-H Y_bar``, ``A_bar = -B_bar Y^H``."""
    x2_bar = solve(adjoint(primals[0], xp), cotangents[0])
    return -(x2_bar @ adjoint(outputs[0], xp)), x2_bar


@solve.def_keep
def solve_keep(x1: Array, x2: Array, /, *, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the factorization."""
    factors = hooks.lu_factor(x1, xp=xp)
    return guarded(x1, xp, (hooks.lu_solve(factors, x2, xp=xp), 2))[0], factors


@solve.def_fast_jvp
def solve_fast_jvp(
    primals: Arrays,
    outputs: Arrays,
    kept: Arrays,
    tangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Array:
    """As the jvp, with the kept factorization."""
    return hooks.lu_solve(kept, _right_side(outputs[0], tangents), xp=xp)


@solve.def_fast_vjp
def solve_fast_vjp(
    primals: Arrays,
    outputs: Arrays,
    kept: Arrays,
    cotangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Arrays:
    """As the vjp, with the kept factorization."""
    x2_bar = hooks.lu_solve(kept, cotangents[0], adjoint=True, xp=xp)
    return -(x2_bar @ adjoint(outputs[0], xp)), x2_bar


def _right_side(y: Array, tangents: MaybeArrays) -> Array:
    x1_dot, x2_dot = tangents
    if x1_dot is None:
        return x2_dot
    return -(x1_dot @ y) if x2_dot is None else x2_dot - x1_dot @ y
