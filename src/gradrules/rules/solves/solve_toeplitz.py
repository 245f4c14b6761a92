r"""Solution of a Toeplitz system, :math:`X = T^{-1} B`, :math:`T_{ij} = c_{i-j}` or :math:`r_{j-i}`.

T depends linearly on its first column and row. The gradient with respect to them sums that with
respect to T along the diagonals; what is made on the way is as large as T.
"""

from typing import Any

import numpy as np

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, conj, guarded

__all__ = ["solve_toeplitz"]


def _sample(rng: Any, shapes: Any, dtype: str) -> Any:
    """A column, a row whose first entry is another, and a right side; the diagonal is strong."""

    def normal(shape: Any) -> Any:
        return rng.standard_normal(shape) + rng.standard_normal(shape) * (1j if "c" in dtype else 0)

    c, r, b = (normal(shape) for shape in shapes)
    c[..., :1] += 2 * shapes[0][-1]
    return tuple(np.asarray(p).astype(dtype) for p in (c, r, b))


@rule(
    signature="(n),(n),(n,k?)->(n,k?)",
    degrees={"b": (1,)},
    domain="nonsingular T; at a singular one the array library raises or returns inf/NaN",
    cost="primal: one LU of the dense T; first derivative: one solve with the kept LU and one product",
    sources=(
        "M. B. Giles, NA-08/01, Oxford University, 2008, section 2.3.1",
        "G. H. Golub and C. F. Van Loan, Matrix Computations, 4th edition, 2013, section 4.7",
    ),
    sample=_sample,
    edges={
        "order one": Edge(primals=([2.0], [5.0], [[3.0]])),
        "zero diagonal": Edge(primals=([0.0, 1.0], [9.0, 2.0], [[1.0], [2.0]])),
        "singular leading minor": Edge(
            primals=([1.0, 1.0, 0.0], [1.0, 1.0, 2.0], [[1.0, 0.5], [2.0, 0.0], [3.0, -1.0]])
        ),
        "Hermitian": Edge(
            primals=([2.0, 1 - 1j, 0.5j], [2.0, 1 + 1j, -0.5j], [1.0, 2j, 3.0]),
            dtypes=("complex128",),
        ),
        "lower triangular": Edge(primals=([1.0, 3.0, -2.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0])),
        "entries of 1e150": Edge(primals=([1e150, 3e150], [0.0, 2e150], [[1.0], [2.0]])),
        "singular": Edge(
            primals=([1.0, 2.0], [1.0, 0.5], [[1.0], [1.0]]),
            value="any",
            first="any",
            second="any",
        ),
    },
)
def solve_toeplitz(c: Array, r: Array, b: Array, /, *, xp: Namespace) -> Array:
    """Solve ``t @ y = b``, where t is the Toeplitz matrix of a first column and a first row.

    SciPy takes the pair ``(c, r)``, or `c` alone for ``(c, conj(c))``; here arrays are positional, and
    `r` is always given, also where it is the conjugate of `c`: nothing is conjugated unasked, and the
    gradients are those of independent `c` and `r`. Elimination pivots: unlike SciPy's recursion it needs
    no leading minor.

    Parameters
    ----------
    c
        ``(..., n)``, real or complex floating: the first column.
    r
        ``(..., n)``: the first row. Its first entry is not looked at, and its gradient there is zero.
    b
        ``(..., n, k)``, or one vector ``(n,)``. The batch axes of the three broadcast.

    Returns
    -------
    array
        ``(..., n, k)`` or ``(..., n)``.
    """
    t = _toeplitz(c, r, xp)
    return guarded(t, xp, (xp.linalg.solve(t, b), 2))[0]


# T Y = B, hence T Y' = B' - T' Y, where T' is the Toeplitz matrix of c' and r'.
@solve_toeplitz.def_jvp
def solve_toeplitz_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """``T^-1 (B_dot - T_dot Y)``."""
    c, r, _ = primals
    return solve_toeplitz(c, r, _right_side(outputs[0], tangents, xp))


@solve_toeplitz.def_vjp
def solve_toeplitz_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``B_bar = T^-H Y_bar``; the sums of the diagonals of ``-B_bar Y^H``."""
    (c, r, _), (y,), (y_bar,) = primals, outputs, cotangents
    # T^H has the first column conj(r), but for its first entry, and the first row conj(c).
    column = xp.concat([c[..., :1], r[..., 1:]], axis=-1)
    b_bar = solve_toeplitz(conj(column, xp), conj(c, xp), y_bar)
    return *_toeplitz_adjoint(-(b_bar @ adjoint(y, xp)), xp), b_bar


@solve_toeplitz.def_keep
def solve_toeplitz_keep(c: Array, r: Array, b: Array, /, *, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the factorization."""
    t = _toeplitz(c, r, xp)
    factors = hooks.lu_factor(t, xp=xp)
    return guarded(t, xp, (hooks.lu_solve(factors, b, xp=xp), 2))[0], factors


@solve_toeplitz.def_fast_jvp
def solve_toeplitz_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the jvp, with the kept factorization."""
    return hooks.lu_solve(kept, _right_side(outputs[0], tangents, xp), xp=xp)


@solve_toeplitz.def_fast_vjp
def solve_toeplitz_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """As the vjp, with the kept factorization."""
    b_bar = hooks.lu_solve(kept, cotangents[0], adjoint=True, xp=xp)
    return *_toeplitz_adjoint(-(b_bar @ adjoint(outputs[0], xp)), xp), b_bar


def _right_side(y: Array, tangents: MaybeArrays, xp: Namespace) -> Array:
    c_dot, r_dot, b_dot = tangents
    if c_dot is None and r_dot is None:
        return b_dot
    moved = _toeplitz(c_dot, r_dot, xp) @ y
    return -moved if b_dot is None else b_dot - moved


def _toeplitz(c: Array | None, r: Array | None, xp: Namespace) -> Array:
    """The Toeplitz matrix of a first column and a first row, of which one may be zero."""
    below = None if c is None else xp.matrix_transpose(_upper(c, xp))
    if r is None:
        return below
    above = _upper(_without_first(r, xp), xp)
    return above if below is None else below + above


def _toeplitz_adjoint(g: Array, xp: Namespace) -> tuple[Array, Array]:
    """Sums along the diagonals of `g`, from the main one downwards, and above it."""
    return _upper_adjoint(xp.matrix_transpose(g), xp), _without_first(_upper_adjoint(g, xp), xp)


def _without_first(v: Array, xp: Namespace) -> Array:
    return xp.concat([xp.zeros_like(v[..., :1]), v[..., 1:]], axis=-1)


def _upper(v: Array, xp: Namespace) -> Array:
    """The upper triangular Toeplitz matrix of the first row `v`.

    Rows of `v` and n + 1 zeros, read on as rows of 2 n: each begins one place earlier in `v` than the last.
    """
    *batch, n = (hooks.length(v, axis, xp=xp) for axis in range(len(v.shape)))
    zeros = xp.zeros_like(v)
    row = xp.concat([v, zeros, xp.sum(zeros, axis=-1, keepdims=True)], axis=-1)
    rows = xp.broadcast_to(row[..., None, :], (*batch, n, 2 * n + 1))
    flat = xp.reshape(rows, (*batch, n * (2 * n + 1)))
    return xp.reshape(flat[..., : n * 2 * n], (*batch, n, 2 * n))[..., :n]


def _upper_adjoint(g: Array, xp: Namespace) -> Array:
    """Sums of `g` along the main diagonal and those above it: the adjoint of :func:`_upper`."""
    *batch, n, _ = (hooks.length(g, axis, xp=xp) for axis in range(len(g.shape)))
    flat = xp.reshape(xp.concat([g, xp.zeros_like(g)], axis=-1), (*batch, n * 2 * n))
    flat = xp.concat([flat, xp.zeros_like(flat[..., :n])], axis=-1)
    return xp.sum(xp.reshape(flat, (*batch, n, 2 * n + 1)), axis=-2)[..., :n]
