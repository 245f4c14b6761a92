"""Calls in the conventions of NumPy and SciPy, as options of rules: for the tables of adapters.

Frameworks took many functions over from these two, with the names and meanings of their arguments.
Each function here is one field of a :class:`~gradrules.adapters.Native`; `None` says that the call
stays native.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from ._typing import Arrays

__all__ = [
    "as_qr",
    "as_scipy_qr",
    "band",
    "both",
    "condition",
    "entries",
    "factors",
    "first",
    "frechet_of_both",
    "is_pair",
    "last",
    "lower_factor",
    "matrices",
    "matrix_order",
    "no_factors",
    "of_one_batch",
    "one_of_two",
    "other_triangle",
    "over_axes",
    "over_last_two",
    "power",
    "side",
    "trailing",
    "triangle",
    "upper",
    "vector_order",
    "vectors",
    "with_pairs",
    "without_kept_axes",
]

Options = Mapping[str, Hashable]
Axes = tuple[int, ...] | None


# -- one matrix ------------------------------------------------------------------------------------


def power(n: int | None = None) -> Options | None:
    """Of `matrix_power`."""
    return None if n is None else {"n": n}


def condition(p: float | str | None = None) -> Options:
    """Of `cond`."""
    return {"p": p}


def side(side: str = "right", **_: Hashable) -> Options:
    """Of SciPy's `polar`."""
    return {"side": side}


def upper(upper: bool = False, **_: Hashable) -> Options:
    """Of NumPy's `cholesky`."""
    return {"upper": upper}


def other_triangle(lower: bool = False, **_: Hashable) -> Options:
    """Of SciPy's `cholesky`."""
    return {"upper": not lower}


def as_qr(mode: str = "reduced") -> Options | None:
    """Of NumPy's `qr`, with both factors."""
    return {"mode": mode} if mode in {"reduced", "complete"} else None


def as_scipy_qr(mode: str = "full", pivoting: bool = False, **_: Hashable) -> Options | None:
    """Of SciPy's `qr` and `rq`, with both factors."""
    names = {"full": "complete", "economic": "reduced"}
    return {"mode": names[mode]} if mode in names and not pivoting else None


def factors(
    full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False, **_: Hashable
) -> Options | None:
    """Of `svd`, with the vectors."""
    return {"full_matrices": full_matrices} if compute_uv and not hermitian else None


def no_factors(compute_uv: bool = True, hermitian: bool = False, **_: Hashable) -> Options | None:
    """Of `svd`, without them."""
    return None if compute_uv or hermitian else {}


# -- systems ---------------------------------------------------------------------------------------


def triangle(
    trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False, **_: Hashable
) -> Options:
    """Of SciPy's `solve_triangular`."""
    return {"trans": trans, "lower": lower, "unit_diagonal": unit_diagonal}


def lower_factor(lower: bool = False, **_: Hashable) -> Options:
    """Of SciPy's `cho_solve`."""
    return {"lower": bool(lower)}


def band(l_and_u: tuple[int, int] | None = None, **_: Hashable) -> Options | None:
    """Of SciPy's `solve_banded`."""
    return None if l_and_u is None else {"l_and_u": l_and_u}


def of_one_batch(arrays: Arrays, **_: Hashable) -> Arrays | None:
    """Diagonals and a matrix beside them, where a function does not broadcast and takes no vector."""
    *diagonals, b = arrays
    shape = tuple(b.shape)[:-1]
    return arrays if shape and all(tuple(d.shape) == shape for d in diagonals) else None


# -- one result of two -----------------------------------------------------------------------------


def both(eigvals_only: bool = False, compute_expm: bool = True, **_: Hashable) -> Options | None:
    """Of `eigh_tridiagonal` and `expm_frechet`, with both results."""
    return {} if compute_expm and not eigvals_only else None


def one_of_two(
    eigvals_only: bool = False, compute_expm: bool = True, **_: Hashable
) -> Options | None:
    """Of `eigh_tridiagonal` and `expm_frechet`, with one result: the function computes both."""
    return None if compute_expm and not eigvals_only else {}


def with_pairs(axes: Axes, **arguments: Hashable) -> Options:  # noqa: ARG001
    """What `eigh_tridiagonal` gets."""
    return {**arguments, "eigvals_only": False}


def frechet_of_both(axes: Axes, **arguments: Hashable) -> Options:  # noqa: ARG001
    """What `expm_frechet` gets."""
    return {**arguments, "compute_expm": True}


def first(outputs: Arrays, arrays: Arrays) -> Arrays:  # noqa: ARG001
    """The eigenvalues."""
    return outputs[:1]


def last(outputs: Arrays, arrays: Arrays) -> Arrays:  # noqa: ARG001
    """The derivative of the exponential."""
    return outputs[-1:]


# -- norms: of vectors, or of all entries; and of matrices in the last two axes --------------------


def entries(
    ord: float = 2, axis: Any = None, keepdims: bool = False, **_: Hashable  # noqa: A002
) -> Options:  # fmt: skip
    """Of `vector_norm`."""
    return {"ord": ord, "axis": axis, "keepdims": keepdims}


def vector_order(
    ord: Any = None, axis: Any = None, keepdims: bool = False, **_: Hashable  # noqa: A002
) -> Options | None:  # fmt: skip
    """Of `norm`, for a vector or the Frobenius norm."""
    if ord in (None, "fro"):
        return entries(2, axis, keepdims)
    return None if is_pair(axis) else entries(ord, axis, keepdims)


def trailing(arrays: Arrays, axis: Any = None, **_: Hashable) -> Arrays | None:
    """The array, if several axes are the last: taken from elsewhere, they are summed in another order."""
    if not isinstance(axis, tuple):
        return arrays
    rank = len(arrays[0].shape)
    return arrays if rank and _from_end(axis, rank) == [*range(-len(axis), 0)] else None


def vectors(
    arrays: Arrays, ord: Any = None, axis: Any = None, **_: Hashable  # noqa: A002
) -> Arrays | None:  # fmt: skip
    """The array, if `norm` takes it as vectors, or for the Frobenius norm."""
    if ord is None and axis is None:
        return arrays
    # With an order and without axes a function takes one vector, or one matrix.
    count = len(arrays[0].shape) if axis is None else len(axis) if isinstance(axis, tuple) else 1
    ranks = (1, 2) if ord is None else (2,) if ord == "fro" else (1,)
    return trailing(arrays, axis) if count in ranks else None


def matrix_order(
    ord: Any = "fro", keepdims: bool = False, **_: Hashable  # noqa: A002
) -> Options | None:  # fmt: skip
    """Of `matrix_norm`, and of `norm` for matrices."""
    return None if ord is None else {"ord": ord, "keepdims": keepdims}


def matrices(arrays: Arrays, axis: Any = None, **_: Hashable) -> Arrays | None:
    """The array, if `norm` takes its last two axes as those of matrices."""
    rank = len(arrays[0].shape)
    if axis is None:
        return arrays if rank == 2 else None
    return arrays if is_pair(axis) and rank > 1 and _from_end(axis, rank) == [-2, -1] else None


def without_kept_axes(axes: Axes, **arguments: Hashable) -> Options:  # noqa: ARG001
    """What a norm gets; the rule puts axes of length one where they belong."""
    return {**arguments, "keepdims": False}


def over_axes(axes: Axes, **arguments: Hashable) -> Options:
    """What a norm gets whose array may have more batch axes than the call has."""
    # A tuple of one axis is another path through some functions, with other rounding.
    axis = axes[0] if axes and len(axes) == 1 else axes
    return {**arguments, "keepdims": False, "axis": axis}


def over_last_two(axes: Axes, ord: Any = "fro", **_: Hashable) -> Options:  # noqa: A002, ARG001
    """What a norm of matrices gets, likewise."""
    return {"ord": ord, "axis": (-2, -1)}


def is_pair(axis: Any) -> bool:
    """Whether these are the axes of matrices."""
    return isinstance(axis, tuple) and len(axis) == 2


def _from_end(axes: tuple[int, ...], rank: int) -> list[int]:
    return [i % rank - rank for i in axes]
