r"""Eigendecomposition of a real symmetric tridiagonal matrix.

The derivative is that of `eigh`, on the two diagonals, by the eigenvectors: no bisection is
differentiated.
"""

from typing import Any

from ... import hooks
from ..._rule import Edge, Gauge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ...errors import ArrayTypeError
from .._matrix import diagonal_matrix, is_complex
from ._crossing import crossing
from ._gap_quotient import check_degenerate
from ._known import known
from ._losses import last_vector, no_slope, of_cluster
from ._phase import GROUP, align, horizontal, invariants
from .eigh import decompose, quotient

__all__ = ["eigh_tridiagonal"]


def _sample(rng: Any, shapes: Any, dtype: str) -> tuple[Any, Any]:
    """Diagonals that are apart, and one number less beside them."""
    n = shapes[0][-1]
    d = rng.standard_normal(shapes[0]) + range(n)
    return d.astype(dtype), rng.standard_normal((*shapes[0][:-1], n - 1)).astype(dtype)


@rule(
    signature="(n),(l)->(n),(n,n)",
    outputs=("eigenvalues", "eigenvectors"),
    gauge=Gauge(group=GROUP, align=align, invariants=invariants, horizontal=horizontal),
    domain=(
        "eigenvectors: where the gaps that matter are above rounding; eigenvalues: everywhere to "
        "first order. What a degenerate cluster makes undefined is NaN"
    ),
    cost="primal: the library's eigh; derivative: 2 matrix products, eigenvalues alone none",
    sources=("J. R. Magnus, Econometric Theory 1, 1985",),
    sample=_sample,
    variants=({}, {"degenerate": "project"}),
    dtypes=("float32", "float64"),
    least_length=1,
    edges={
        "two blocks alike, projected": Edge(
            primals=([1.0, 2.0, 1.0, 2.0], [0.5, 0.0, 0.5]),
            options={"degenerate": "project"},
            loss=of_cluster,
            second="nan",
        ),
        "beside a pair of equal eigenvalues, projected": Edge(
            primals=([1.0, 1.0, 4.0], [0.0, 0.0]),
            options={"degenerate": "project"},
            loss=last_vector,
            second="nan",
        ),
        "triple eigenvalue, no slope": Edge(
            primals=([1.0, 1.0, 1.0], [0.0, 0.0]), loss=no_slope, second="nan"
        ),
        "two blocks alike": Edge(
            primals=([1.0, 2.0, 1.0, 2.0], [0.5, 0.0, 0.5]), first="nan", second="nan"
        ),
        "decoupled": Edge(primals=([1.0, 2.0, 4.0], [0.0, 0.0])),
        "Wilkinson": Edge(primals=([2.0, 1.0, 0.0, 1.0, 2.0], [1.0, 1.0, 1.0, 1.0])),
        "scale 1e150": Edge(primals=([1e150, -2e150], [3e150]), second="any"),
        "order one": Edge(primals=([2.0], [])),
    },
)
def eigh_tridiagonal(d: Array, e: Array, /, *, degenerate: str = "nan", xp: Namespace) -> Arrays:
    """Eigenvalues and eigenvectors of a real symmetric tridiagonal matrix.

    Parameters
    ----------
    d
        ``(..., n)``, real floating: the diagonal.
    e
        ``(..., n - 1)``: the numbers beside it.
    degenerate
        As of `eigh`.

    Returns
    -------
    (eigenvalues, eigenvectors)
        ``(..., n)``, ascending, in the unit of `d` and `e`; ``(..., n, n)``, orthogonal, in columns.

    Raises
    ------
    ArrayTypeError
        If the numbers are complex.
    """
    if is_complex(d):
        msg = "eigh_tridiagonal: the diagonals are complex; make the matrix and call eigh"
        raise ArrayTypeError(msg)
    return decompose(_matrix(d, e, xp), xp)


def _matrix(d: Array, e: Array, xp: Namespace) -> Array:
    full = xp.concat([e, xp.zeros_like(d[..., :1])], axis=-1)
    below = hooks.eye_like(d, xp=xp)
    below = xp.concat([xp.zeros_like(below[:1]), below[:-1]], axis=0)
    beside = full[..., None, :] * below
    return diagonal_matrix(d, xp) + beside + xp.matrix_transpose(beside)


@eigh_tridiagonal.def_options
def _options(degenerate: object) -> None:
    """Refuse values that are not allowed."""
    check_degenerate(degenerate)


# As of `eigh`, with T' V made of rows: M = V^T T' V, w_j' = M_jj and V' = V Z.
@eigh_tridiagonal.def_jvp
def eigh_tridiagonal_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, degenerate: str, xp: Namespace
) -> tuple[Array, Array]:
    """First-order perturbation theory in the eigenbasis."""
    w, v = _tied(primals, outputs, degenerate)
    d_dot, e_dot = tangents
    moved = _times(v, d_dot, e_dot, xp)
    z = quotient(xp.matrix_transpose(v) @ moved, w, degenerate, xp)
    w_dot = xp.sum(v * moved, axis=-2)
    return crossed.tangent(w_dot, primals, (w, v), tangents, xp), v @ z


@eigh_tridiagonal.def_vjp
def eigh_tridiagonal_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, degenerate: str, xp: Namespace
) -> Arrays:
    """Of ``G = (V diag(w_bar) + V Z) V^T`` the diagonal, and the sum of the two diagonals beside it."""
    w, v = _tied(primals, outputs, degenerate)
    w_bar, v_bar = cotangents
    left = 0 * v if w_bar is None else v * w_bar[..., None, :]
    if v_bar is not None:
        left = left + v @ quotient(xp.matrix_transpose(v) @ v_bar, w, degenerate, xp)
    beside = left[..., 1:, :] * v[..., :-1, :] + left[..., :-1, :] * v[..., 1:, :]
    bars = xp.sum(left * v, axis=-1), xp.sum(beside, axis=-1)
    return crossed.cotangents(w_bar, bars, primals, (w, v), xp)


def _times(v: Array, d: Array | None, e: Array | None, xp: Namespace) -> Array:
    """The tridiagonal matrix of `d` and `e` times `v`."""
    product = 0 * v if d is None else d[..., :, None] * v
    if e is None:
        return product
    none = xp.zeros_like(v[..., :1, :])
    above = xp.concat([e[..., :, None] * v[..., 1:, :], none], axis=-2)
    below = xp.concat([none, e[..., :, None] * v[..., :-1, :]], axis=-2)
    return product + above + below


def _tied(primals: Arrays, outputs: Arrays, degenerate: str) -> Arrays:
    """The outputs, as functions of the inputs whose derivative projects nothing."""
    if degenerate != "project":
        return outputs
    return tuple(_eigh_tridiagonal_known(*primals, *outputs))


_eigh_tridiagonal_known = known(
    eigh_tridiagonal, "(n),(l),(n),(n,n)->(n),(n,n)", (), degenerate="nan"
)
crossed = crossing(eigh_tridiagonal, "(n),(l)", "(n),(n,n)", degenerate="nan")
