r"""Solution of a triangular system, :math:`X = \operatorname{op}(T)^{-1} B`."""

from typing import Any

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, conj, guarded
from .._options import one_of

__all__ = ["solve_triangular"]

# What `trans` means: T, its transpose, its adjoint.
_TRANS = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}
_B = [[1.0], [2.0]]


@rule(
    signature="(n,n),(n,k?)->(n,k?)",
    needs={"a": "nonzero diagonal"},
    degrees={"a": (-1,), "b": (1,)},
    domain="triangles without a zero on the diagonal; else the array library raises or returns inf/NaN",
    cost="primal: one substitution; each derivative: one substitution and one product",
    sources=("M. Seeger et al., arXiv:1710.08717, 2017",),
    variants=(
        {},
        {"lower": True},
        {"lower": True, "trans": 1},
        {"trans": 1},
        {"trans": "C"},
        {"lower": True, "trans": 2},
    ),
    edges={
        "rows scaled apart": Edge(primals=([[1e-12, 2e-12], [3e12, -4e12]], _B)),
        "rows scaled apart, lower": Edge(
            primals=([[1e-12, 2e-12], [3e12, -4e12]], _B), options={"lower": True}
        ),
        "entries of 1e150": Edge(primals=([[1e150, 2e150], [0.0, -4e150]], _B)),
        "zero diagonal, not read": Edge(
            primals=([[0.0, 2.0], [0.0, 0.0]], _B), options={"unit_diagonal": True}
        ),
        "unit diagonal, adjoint": Edge(
            primals=([[9.0, 2 - 1j], [7.0, 5.0]], _B),
            options={"trans": 2, "unit_diagonal": True},
            dtypes=("complex128",),
        ),
        "unit diagonal, transpose": Edge(
            primals=([[9.0, 7.0], [2 - 1j, 5.0]], _B),
            options={"trans": 1, "lower": True, "unit_diagonal": True},
            dtypes=("complex128",),
        ),
        "singular": Edge(
            primals=([[1.0, 2.0], [2.0, 0.0]], _B), value="any", first="any", second="any"
        ),
    },
)
def solve_triangular(
    a: Array,
    b: Array,
    /,
    *,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    xp: Namespace,
) -> Array:
    """Solve ``op(t) @ y = b``, where t is one triangle of `a`.

    Parameters
    ----------
    a
        ``(..., n, n)``, real or complex floating. The other triangle is not looked at.
    b
        ``(..., n, k)``, or one vector ``(n,)``. The batch axes of the two broadcast.
    trans
        What op is: 0 or ``"N"`` t itself, 1 or ``"T"`` its transpose, 2 or ``"C"`` its adjoint.
    lower
        Which triangle is read; the gradient lives there.
    unit_diagonal
        The diagonal is taken to be one, and is not looked at.

    Returns
    -------
    array
        ``(..., n, k)`` or ``(..., n)``.
    """
    turn, t, right = _TRANS[trans], _read(a, lower, unit_diagonal, xp), b
    if turn == 1:  # T^T x = b says T^H conj(x) = conj(b)
        right = conj(b, xp)
    x = hooks.solve_triangular(
        a, right, lower=lower, adjoint=turn > 0, unit_diagonal=unit_diagonal, xp=xp
    )
    return guarded(t, xp, (conj(x, xp) if turn == 1 else x, 2))[0]


@solve_triangular.def_options
def solve_triangular_options(trans: Any, lower: object, unit_diagonal: object) -> None:
    """Refuse values that are not allowed."""
    one_of("trans", trans, _TRANS)


# op(T) Y = B, hence op(T) Y' = B' - op(T') Y, where T' is the triangle of A'.
@solve_triangular.def_jvp
def solve_triangular_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    trans: int | str,
    lower: bool,
    unit_diagonal: bool,
    xp: Namespace,
) -> Array:
    """``op(T)^-1 (B_dot - op(T_dot) Y)``."""
    (a, _), (y,), (a_dot, right) = primals, outputs, tangents
    if a_dot is not None:
        moved = _turned(_read(a_dot, lower, unit_diagonal, xp), _TRANS[trans], xp) @ y
        right = -moved if right is None else right - moved
    return solve_triangular(a, right, trans=trans, lower=lower, unit_diagonal=unit_diagonal)


@solve_triangular.def_vjp
def solve_triangular_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    trans: int | str,
    lower: bool,
    unit_diagonal: bool,
    xp: Namespace,
) -> Arrays:
    """``B_bar = op(T)^-H Y_bar``; of op(T) the cotangent is ``-B_bar Y^H``."""
    (a, _), (y,), (y_bar,) = primals, outputs, cotangents
    turn = _TRANS[trans]
    b_bar = solve_triangular(
        conj(a, xp) if turn == 1 else a,
        y_bar,
        trans=2 if turn == 0 else 0,
        lower=lower,
        unit_diagonal=unit_diagonal,
    )
    a_bar = _turned(b_bar @ adjoint(y, xp), turn, xp)
    return -_read(a_bar, lower, unit_diagonal, xp), b_bar


def _read(a: Array, lower: bool, unit_diagonal: bool, xp: Namespace) -> Array:
    """What varies: a triangle, without a diagonal that is one."""
    return xp.tril(a, k=-int(unit_diagonal)) if lower else xp.triu(a, k=int(unit_diagonal))


def _turned(t: Array, turn: int, xp: Namespace) -> Array:
    """The matrix, its transpose or its adjoint; each is its own inverse and adjoint."""
    if turn == 0:
        return t
    return xp.matrix_transpose(t) if turn == 1 else adjoint(t, xp)
