r"""Solution of a tridiagonal system, :math:`X = A^{-1} B`: the banded one with three diagonals."""

from collections.abc import Iterable
from typing import Any

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .solve_banded import banded_primal, shifted, solve_banded_jvp, solve_banded_vjp

__all__ = ["tridiagonal_solve"]

_B = [[1.0], [2.0], [-1.0]]


def _sample(rng: Any, shapes: Any, dtype: str) -> tuple[Any, ...]:
    """Diagonals of which no two are alike."""
    kind = 1j if "c" in dtype else 0
    return tuple(
        (rng.standard_normal(s) + rng.standard_normal(s) * kind).astype(dtype) for s in shapes
    )


@rule(
    signature="(n),(n),(n),(n,k?)->(n,k?)",
    degrees={"b": (1,)},
    domain="nonsingular matrices; at a singular one the array library raises or returns inf/NaN",
    cost="primal: O(n) where the framework has a routine, else a dense solve; derivative: the same",
    sources=("M. B. Giles, NA-08/01, Oxford University, 2008, section 2.3.1",),
    sample=_sample,
    edges={
        "zero diagonal": Edge(
            primals=([9.0, 1.0, 2.0, 1.0], [0.0] * 4, [4.0, 1.0, -3.0, 9.0], [*_B, [0.0]])
        ),
        "entries of 1e150": Edge(
            primals=([9e150, 1e150, 2e150], [3e150, 1e150, 3e150], [4e150, 1e150, 9e150], _B)
        ),
        "order one": Edge(primals=([5.0], [2.0], [7.0], [[3.0]])),
        "singular": Edge(
            primals=([1.0, 1.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0], _B),
            value="any", first="any", second="any",
        ),
    },
)  # fmt: skip
def tridiagonal_solve(dl: Array, d: Array, du: Array, b: Array, /, *, xp: Namespace) -> Array:
    """Solve ``a @ y = b`` for a tridiagonal matrix a.

    Parameters
    ----------
    dl
        ``(..., n)``, real or complex floating: ``a[i, i - 1]``; ``dl[0]`` is not looked at.
    d
        ``(..., n)``: ``a[i, i]``.
    du
        ``(..., n)``: ``a[i, i + 1]``; ``du[n - 1]`` is not looked at.
    b
        ``(..., n, k)``, or one vector ``(n,)``. The batch axes of all broadcast.

    Returns
    -------
    array
        ``(..., n, k)`` or ``(..., n)``.
    """
    return banded_primal(_rows((dl, d, du), xp), b, (1, 1), xp)


@tridiagonal_solve.def_jvp
def tridiagonal_solve_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """That of the banded system."""
    *diagonals, b = primals
    *dots, b_dot = tangents
    moved = None
    if any(t is not None for t in dots):
        filled = (
            xp.zeros_like(p) if t is None else t for p, t in zip(diagonals, dots, strict=True)
        )
        moved = _rows(filled, xp)
    ab = _rows(diagonals, xp)
    return solve_banded_jvp((ab, b), outputs, (moved, b_dot), l_and_u=(1, 1), xp=xp)


@tridiagonal_solve.def_vjp
def tridiagonal_solve_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """That of the banded system."""
    *diagonals, b = primals
    ab = _rows(diagonals, xp)
    ab_bar, b_bar = solve_banded_vjp((ab, b), outputs, cotangents, l_and_u=(1, 1), xp=xp)
    du, d, dl = (shifted(ab_bar[..., i, :], i - 1, xp) for i in range(3))
    return dl, d, du, b_bar


def _rows(diagonals: Iterable[Array], xp: Namespace) -> Array:
    """The diagonals in the form of `solve_banded`."""
    dl, d, du = diagonals
    return xp.stack([shifted(du, 1, xp), d, shifted(dl, -1, xp)], axis=-2)
