"""JAX's own functions that a rule can stand in for.

By default JAX reads the Hermitian part of a matrix, as our rules do; `lower` and `UPLO` change
nothing then.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from gradrules import natives
from gradrules.adapters import Native

Arrays = tuple[Any, ...]
Options = Mapping[str, Hashable]


def _symmetrized(UPLO: str | None = None, symmetrize_input: bool = True) -> Options | None:  # noqa: ARG001, N803 (JAX's name)
    return {} if symmetrize_input else None


def _standard(
    b: object = None, eigvals_only: bool = False, eigvals: object = None, type: int = 1, **_: Hashable  # noqa: A002
) -> Options | None:  # fmt: skip
    return {} if b is None and eigvals is None and type == 1 and not eigvals_only else None


def _standard_values(
    b: object = None, eigvals_only: bool = False, eigvals: object = None, type: int = 1, **_: Hashable  # noqa: A002
) -> Options | None:  # fmt: skip
    return {} if b is None and eigvals is None and type == 1 and eigvals_only else None


def _general(assume_a: str = "gen", **_: Hashable) -> Options | None:
    return {} if assume_a == "gen" else None


def _full(upper_triangular: bool = False, max_squarings: int = 16) -> Options | None:  # noqa: ARG001
    return None if upper_triangular else {}


def _in_three(permute_l: bool = False, **_: Hashable) -> Options | None:
    return None if permute_l else {}


def _upper(upper: bool = False, symmetrize_input: bool = True) -> Options | None:
    return {"upper": upper} if symmetrize_input else None


def _not_vectors(arrays: Arrays, **_: Hashable) -> Arrays | None:
    # To these functions a stack of rows beside a stack of matrices is a stack of vectors.
    a, b = arrays
    return None if b.ndim > 1 and b.ndim == a.ndim - 1 else arrays


def _factors(subset_by_index: object = None, **given: Any) -> Options | None:
    return None if subset_by_index is not None else natives.factors(**given)


def _no_factors(subset_by_index: object = None, **given: Any) -> Options | None:
    return None if subset_by_index is not None else natives.no_factors(**given)


def _above(rtol: object = None, hermitian: bool = False) -> Options | None:
    if hermitian or not isinstance(rtol, float | None):
        return None
    return {} if rtol is None else {"rtol": rtol}


def _above_hermitian(rtol: object = None, hermitian: bool = False) -> Options | None:
    return _above(rtol) if hermitian else None


def _vectors(arrays: Arrays, ord: Any = None, axis: Any = None, **_: Hashable) -> Arrays | None:  # noqa: A002
    # jax.numpy.linalg.norm names at most two axes.
    served = axis is not None or ord is not None or arrays[0].ndim < 3
    return natives.vectors(arrays, ord, axis) if served else None


NATIVES = (
    Native("det", "jax.numpy.linalg.det", "a"),
    Native("det", "jax.scipy.linalg.det", "a overwrite_a check_finite"),
    Native("slogdet", "jax.numpy.linalg.slogdet", "a * method"),
    Native("inv", "jax.numpy.linalg.inv", "a"),
    Native("inv", "jax.scipy.linalg.inv", "a overwrite_a check_finite"),
    Native("pinv", "jax.numpy.linalg.pinv", "a rtol hermitian", _above),
    Native("pinvh", "jax.numpy.linalg.pinv", "a rtol hermitian", _above_hermitian),
    Native("solve", "jax.numpy.linalg.solve", "a b"),
    Native(
        "solve",
        "jax.scipy.linalg.solve",
        "a b lower overwrite_a overwrite_b debug check_finite assume_a",
        _general,
    ),
    Native(
        "solve_triangular",
        "jax.scipy.linalg.solve_triangular",
        "a b trans lower unit_diagonal overwrite_b debug check_finite",
        natives.triangle,
        before=_not_vectors,
    ),
    Native(
        "cho_solve",
        "jax.scipy.linalg.cho_solve",
        "c_and_lower=(c,lower) b overwrite_b check_finite",
        natives.lower_factor,
        before=_not_vectors,
        inputs="c b",
    ),
    Native(
        "tridiagonal_solve",
        "jax.lax.linalg.tridiagonal_solve",
        "dl d du b",
        before=natives.of_one_batch,
    ),
    Native("lu", "jax.scipy.linalg.lu", "a permute_l overwrite_a check_finite", _in_three),
    Native("qr", "jax.numpy.linalg.qr", "a mode", natives.as_qr),
    Native(
        "qr",
        "jax.scipy.linalg.qr",
        "a overwrite_a lwork mode pivoting check_finite",
        natives.as_scipy_qr,
    ),
    Native("cholesky", "jax.numpy.linalg.cholesky", "a * upper symmetrize_input", _upper),
    Native(
        "cholesky",
        "jax.scipy.linalg.cholesky",
        "a lower overwrite_a check_finite",
        natives.other_triangle,
    ),
    Native("polar", "jax.scipy.linalg.polar", "a side * method eps max_iterations", natives.side),
    Native("eigh", "jax.numpy.linalg.eigh", "a UPLO symmetrize_input", _symmetrized),
    Native(
        "eigh",
        "jax.scipy.linalg.eigh",
        "a b lower eigvals_only overwrite_a overwrite_b turbo eigvals type check_finite",
        _standard,
    ),
    Native("eigvalsh", "jax.numpy.linalg.eigvalsh", "a UPLO * symmetrize_input", _symmetrized),
    Native(
        "eigvalsh",
        "jax.scipy.linalg.eigh",
        "a b lower eigvals_only overwrite_a overwrite_b turbo eigvals type check_finite",
        _standard_values,
    ),
    # The other arguments choose a part of the spectrum.
    Native(
        "eigh_tridiagonal",
        "jax.scipy.linalg.eigh_tridiagonal",
        "d e * eigvals_only tol",
        natives.both,
    ),
    Native(
        "eigh_tridiagonal",
        "jax.scipy.linalg.eigh_tridiagonal",
        "d e * eigvals_only tol",
        natives.one_of_two,
        handed=natives.with_pairs,
        after=natives.first,
    ),
    # jax.numpy.linalg.eigvals may have another order than the eigenvectors that its derivative needs.
    Native("eig", "jax.numpy.linalg.eig", "a"),
    Native(
        "svd",
        "jax.numpy.linalg.svd",
        "a full_matrices compute_uv hermitian subset_by_index",
        _factors,
    ),
    Native(
        "svd",
        "jax.scipy.linalg.svd",
        "a full_matrices compute_uv overwrite_a check_finite lapack_driver",
        _factors,
    ),
    Native("svdvals", "jax.numpy.linalg.svdvals", "x"),
    Native(
        "svdvals",
        "jax.numpy.linalg.svd",
        "a full_matrices compute_uv hermitian subset_by_index",
        _no_factors,
    ),
    Native(
        "svdvals",
        "jax.scipy.linalg.svd",
        "a full_matrices compute_uv overwrite_a check_finite lapack_driver",
        _no_factors,
    ),
    Native("expm", "jax.scipy.linalg.expm", "A * upper_triangular max_squarings", _full),
    Native(
        "expm_frechet", "jax.scipy.linalg.expm_frechet", "A E * method compute_expm", natives.both
    ),
    Native(
        "expm_frechet",
        "jax.scipy.linalg.expm_frechet",
        "A E * method compute_expm",
        natives.one_of_two,
        handed=natives.frechet_of_both,
        after=natives.last,
    ),
    Native("matrix_power", "jax.numpy.linalg.matrix_power", "a n", natives.power),
    Native("cond", "jax.numpy.linalg.cond", "x p", natives.condition),
    Native(
        "vector_norm",
        "jax.numpy.linalg.vector_norm",
        "x * axis keepdims ord",
        natives.entries,
        before=natives.trailing,
        handed=natives.over_axes,
    ),
    Native(
        "vector_norm",
        "jax.numpy.linalg.norm",
        "x ord axis keepdims",
        natives.vector_order,
        before=_vectors,
        handed=natives.over_axes,
    ),
    Native(
        "matrix_norm",
        "jax.numpy.linalg.matrix_norm",
        "x * keepdims ord",
        natives.matrix_order,
        handed=natives.without_kept_axes,
    ),
    Native(
        "matrix_norm",
        "jax.numpy.linalg.norm",
        "x ord axis keepdims",
        natives.matrix_order,
        before=natives.matrices,
        handed=natives.over_last_two,
    ),
)
