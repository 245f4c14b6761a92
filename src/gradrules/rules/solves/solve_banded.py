r"""Solution of a banded system, :math:`X = A^{-1} B`, with A by its diagonals."""

from typing import Any

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ...errors import ShapeError
from .._matrix import adjoint, conj, guarded

__all__ = ["solve_banded"]

_B = [[1.0], [2.0], [-1.0]]


def _sample(rng: Any, shapes: Any, dtype: str) -> tuple[Any, Any]:
    """Three diagonals, the entries of which are of one size, and right sides."""
    shapes = [(*shapes[0][:-2], 3, shapes[0][-1]), shapes[1]]
    kind = 1j if "c" in dtype else 0
    return tuple(
        (rng.standard_normal(s) + rng.standard_normal(s) * kind).astype(dtype) for s in shapes
    )


@rule(
    signature="(p,n),(n,k?)->(n,k?)",
    degrees={"ab": (-1,), "b": (1,)},
    domain="nonsingular matrices; at a singular one the array library raises or returns inf/NaN",
    cost="primal: O(n) of tridiagonal matrices where the framework has a routine, else a dense solve",
    sources=("M. B. Giles, NA-08/01, Oxford University, 2008, section 2.3.1",),
    variants=({}, {"l_and_u": (2, 0)}, {"l_and_u": (0, 2)}),
    sample=_sample,
    edges={
        "zero diagonal": Edge(primals=([[9.0, 1.0, 2.0], [0.0, 0.0, 3.0], [4.0, 1.0, 9.0]], _B)),
        "entries of 1e150": Edge(
            primals=([[9e150, 1e150, 2e150], [3e150, 1e150, 3e150], [4e150, 1e150, 9e150]], _B)
        ),
        "diagonal": Edge(primals=([[2.0, -4.0, 3.0]], _B), options={"l_and_u": (0, 0)}),
        "all but dense": Edge(
            primals=([[0.0, 0.0, 1.0], [0.0, 2.0, 1.0], [3.0, 1.0, 1.0], [2.0, 4.0, 0.0]], _B),
            options={"l_and_u": (1, 2)},
        ),
        "singular": Edge(
            primals=([[1.0, 1.0, 1.0], [0.0, 1.0, 0.0], [1.0, 1.0, 1.0]], _B),
            value="any", first="any", second="any",
        ),
    },
)  # fmt: skip
def solve_banded(
    ab: Array, b: Array, /, *, l_and_u: tuple[int, int] = (1, 1), xp: Namespace
) -> Array:
    """Solve ``a @ y = b`` for a banded matrix a, given by its diagonals.

    SciPy takes ``(l, u)`` first; here arrays are positional, and it is an option.

    Parameters
    ----------
    ab
        ``(..., l + u + 1, n)``, real or complex floating: ``ab[u + i - j, j] = a[i, j]``. Entries that
        belong to no ``a[i, j]`` are not looked at.
    b
        ``(..., n, k)``, or one vector ``(n,)``. The batch axes of the two broadcast.
    l_and_u
        How many diagonals are below and above the main one.

    Returns
    -------
    array
        ``(..., n, k)`` or ``(..., n)``.

    Raises
    ------
    ShapeError
        If `ab` does not have ``l + u + 1`` rows.
    """
    below, above = l_and_u
    if ab.shape[-2] != below + above + 1:
        msg = (
            f"solve_banded: argument 'ab' has {ab.shape[-2]} rows; with l_and_u={l_and_u} it needs "
            f"{below + above + 1}"
        )
        raise ShapeError(msg)
    return banded_primal(ab, b, l_and_u, xp)


def banded_primal(ab: Array, b: Array, l_and_u: tuple[int, int], xp: Namespace) -> Array:
    """The solution, and NaN for a matrix that is not finite."""
    ab = _read(ab, l_and_u[1], xp)
    return guarded(ab, xp, (_solved(ab, b, *l_and_u, xp), 2))[0]


def _solved(ab: Array, b: Array, below: int, above: int, xp: Namespace) -> Array:
    """By the three diagonals, or as a dense matrix."""
    if (below, above) == (1, 1):
        du, dl = shifted(ab[..., 0, :], -1, xp), shifted(ab[..., 2, :], 1, xp)
        return hooks.tridiagonal_solve(dl, ab[..., 1, :], du, b, xp=xp)
    index = xp.arange(hooks.length(ab, -1, xp=xp))
    offset = index[None, :] - index[:, None]
    zero = ab[..., :1, :] * 0
    rows = range(below + above + 1)
    matrix = sum(xp.where(offset == above - i, ab[..., i : i + 1, :], zero) for i in rows)
    return xp.linalg.solve(matrix, b)


@solve_banded.def_options
def solve_banded_options(l_and_u: Any) -> None:
    """Refuse values that are not allowed."""
    if not (isinstance(l_and_u, tuple) and len(l_and_u) == 2 and min(l_and_u) >= 0):
        msg = f"option 'l_and_u' is {l_and_u!r}; it must be two numbers that are not negative"
        raise ValueError(msg)


# Row r of ab is the diagonal that is k = u - r above the main one: a[j - k, j] = ab[r, j]. What is
# linear in ab is the sum of its rows times those of X^T, each moved by -k; its adjoint moves by k.
@solve_banded.def_jvp
def solve_banded_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    l_and_u: tuple[int, int],
    xp: Namespace,
) -> Array:
    """``A^-1 (B_dot - A_dot Y)``."""
    (ab, _), (y,), (ab_dot, right) = primals, outputs, tangents
    if ab_dot is not None:
        yt = xp.matrix_transpose(y)
        moved = sum(
            shifted(ab_dot[..., r : r + 1, :] * yt, -k, xp) for r, k in _diagonals(*l_and_u)
        )
        moved = xp.matrix_transpose(moved)
        right = -moved if right is None else right - moved
    return solve_banded(ab, right, l_and_u=l_and_u)


@solve_banded.def_vjp
def solve_banded_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    l_and_u: tuple[int, int],
    xp: Namespace,
) -> Arrays:
    """``B_bar = A^-H Y_bar``, and the diagonals of ``-B_bar Y^H``."""
    (ab, _), (y,), (y_bar,) = primals, outputs, cotangents
    below, above = l_and_u
    rows = [conj(shifted(ab[..., r, :], -k, xp), xp) for r, k in _diagonals(below, above)]
    b_bar = solve_banded(xp.stack(rows[::-1], axis=-2), y_bar, l_and_u=(above, below))
    bt, yh = xp.matrix_transpose(b_bar), adjoint(y, xp)
    sums = [xp.sum(shifted(bt, k, xp) * yh, axis=-2) for _, k in _diagonals(below, above)]
    return -xp.stack(sums, axis=-2), b_bar


def _diagonals(below: int, above: int) -> list[tuple[int, int]]:
    """Rows of ab, and how far above the main diagonal they are."""
    return [(r, above - r) for r in range(below + above + 1)]


def _read(ab: Array, above: int, xp: Namespace) -> Array:
    """The entries that belong to the matrix."""
    n = hooks.length(ab, -1, xp=xp)
    row = xp.arange(n)[None, :] - above + xp.arange(ab.shape[-2])[:, None]
    return xp.where((row >= 0) & (row < n), ab, xp.zeros_like(ab))


def shifted(v: Array, k: int, xp: Namespace) -> Array:
    """``v[..., j - k]`` at j, and 0 where there is none."""
    if k == 0:
        return v
    if k > 0:
        return xp.concat([xp.zeros_like(v[..., :k]), v[..., :-k]], axis=-1)
    return xp.concat([v[..., -k:], xp.zeros_like(v[..., :-k])], axis=-1)
