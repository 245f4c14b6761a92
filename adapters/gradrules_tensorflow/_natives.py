"""TensorFlow's own functions that a rule can stand in for.

One triangle of a Hermitian matrix is read, the lower one, and the gradient lives there. What is real
of a complex matrix (eigenvalues, the logarithm of a determinant) TensorFlow returns with a complex
dtype; a rule sees it as real.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import tensorflow as tf

from gradrules import natives
from gradrules.adapters import Native, lookup

Arrays = tuple[Any, ...]
Options = Mapping[str, Hashable]


def _lower(name: str | None = None) -> Options:  # noqa: ARG001
    return {"lower": True}


def _straight(adjoint: bool = False, name: str | None = None) -> Options | None:  # noqa: ARG001
    return None if adjoint else {}


def _columns(full_matrices: bool = False, name: str | None = None) -> Options:  # noqa: ARG001
    return {"mode": "complete" if full_matrices else "reduced"}


def _triangle(lower: bool = True, adjoint: bool = False, name: str | None = None) -> Options:  # noqa: ARG001
    return {"lower": lower, "trans": 2 if adjoint else 0}


def _of_one_batch(arrays: Arrays, **_: Hashable) -> Arrays | None:
    # TensorFlow does not broadcast here; what it refuses it shall refuse.
    matrix, side = (array.shape[:-1] for array in arrays)
    return arrays if matrix.is_compatible_with(side) else None


def _whole(arrays: Arrays, **_: Hashable) -> Arrays:
    return (lookup("_mirror")(*arrays, lower=True),)


def _real_logarithm(result: Any) -> Arrays:
    sign, logarithm = result
    return sign, tf.math.real(logarithm)


def _complex_logarithm(outputs: Arrays, arrays: Arrays) -> Arrays:
    sign, logarithm = outputs
    return sign, _as(arrays[0], logarithm)


def _real_values(result: Any) -> Arrays:
    values, *vectors = result if isinstance(result, tuple) else (result,)
    return tf.math.real(values), *vectors


def _complex_values(outputs: Arrays, arrays: Arrays) -> Arrays:
    values, *vectors = outputs
    return _as(arrays[0], values), *vectors


def _as(array: Any, real: Any) -> Any:
    # The gradient of a cast warns of the imaginary part that it drops.
    return tf.complex(real, tf.zeros_like(real)) if array.dtype.is_complex else real


def _factors(full_matrices: bool = False, **given: Any) -> Options | None:
    return natives.factors(full_matrices, **given)


def _values_behind(result: Any) -> Arrays:
    s, u, v = result
    return u, s, tf.linalg.adjoint(v)


def _values_first(outputs: Arrays, arrays: Arrays) -> Arrays:  # noqa: ARG001
    u, s, vh = outputs
    return s, u, tf.linalg.adjoint(vh)


def _above(
    rcond: object = None, validate_args: bool = False, name: str | None = None  # noqa: ARG001
) -> Options | None:  # fmt: skip
    if not isinstance(rcond, float | None):
        return None
    return {} if rcond is None else {"rtol": rcond}


def _unregularized(l2_regularizer: float = 0.0, **_: Hashable) -> Options | None:
    return {} if isinstance(l2_regularizer, float) and l2_regularizer == 0 else None


def _pairs(eigvals_only: bool = True, **_: Hashable) -> Options | None:
    return None if eigvals_only else {}


def _values_alone(eigvals_only: bool = True, **_: Hashable) -> Options | None:
    return {} if eigvals_only else None


# -- tridiagonal systems: three diagonals in one array, or in a tuple ------------------------------


def _compact(diagonals_format: str = "compact", **_: Hashable) -> Options | None:
    return {} if diagonals_format == "compact" else None


def _sequence(diagonals_format: str = "compact", **_: Hashable) -> Options | None:
    return {} if diagonals_format == "sequence" else None


def _three(arrays: Arrays, **_: Hashable) -> Arrays | None:
    diagonals, b = arrays
    matrices = b.shape.rank == diagonals.shape.rank and b.shape[:-2] == diagonals.shape[:-2]
    if not matrices or diagonals.shape[-2] != 3:
        return None
    du, d, dl = tf.unstack(diagonals, axis=-2)
    return dl, d, du, b


def _in_one(arrays: Arrays) -> Arrays:
    dl, d, du, b = arrays
    return tf.stack([du, d, dl], axis=-2), b


# -- norms: of vectors, or of all entries; and of matrices in the last two axes --------------------


def _euclidean(
    ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None, name: str | None = None  # noqa: A002, ARG001
) -> Options | None:  # fmt: skip
    served = {"euclidean", "fro"} if natives.is_pair(axis) else {"euclidean", 2}
    known = isinstance(ord, str | int | float) and ord in served
    return {"ord": 2, "axis": axis, "keepdims": bool(keepdims)} if known else None


def _of_vectors(
    ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None, name: str | None = None  # noqa: A002, ARG001
) -> Options | None:  # fmt: skip
    if natives.is_pair(axis) or isinstance(ord, str):
        return None
    return {"ord": ord, "axis": axis, "keepdims": bool(keepdims)}


def _of_matrices(
    ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None, name: str | None = None  # noqa: A002, ARG001
) -> Options | None:  # fmt: skip
    return {"ord": ord, "keepdims": bool(keepdims)} if natives.is_pair(axis) else None


def _real(result: Any) -> Arrays:
    return (tf.math.real(result),)


def _complex(outputs: Arrays, arrays: Arrays) -> Arrays:
    return (_as(arrays[0], outputs[0]),)


def _paths(name: str, older: str = "") -> str:
    spaces = ("tensorflow", "tensorflow.compat.v1", "tensorflow.compat.v2")
    paths = [f"{space}.linalg.{name}" for space in spaces]
    return " ".join([*paths, f"tensorflow.compat.v1.{older}"] if older else paths)


_NORM = _paths("norm", "norm") + " tensorflow.norm tensorflow.compat.v2.norm"
_SYSTEM = "rhs diagonals_format transpose_rhs conjugate_rhs name partial_pivoting perturb_singular"

NATIVES = (
    Native("det", _paths("det", "matrix_determinant"), "input name"),
    Native(
        "slogdet",
        _paths("slogdet"),
        "input name",
        outputs=_real_logarithm,
        after=_complex_logarithm,
    ),
    Native("logdet", _paths("logdet"), "matrix name", before=_whole),
    Native("inv", _paths("inv", "matrix_inverse"), "input adjoint name", _straight),
    Native("pinv", _paths("pinv"), "a rcond validate_args name", _above),
    Native(
        "solve",
        _paths("solve", "matrix_solve"),
        "matrix rhs adjoint name",
        _straight,
        before=_of_one_batch,
    ),
    Native(
        "solve_triangular",
        _paths("triangular_solve", "matrix_triangular_solve"),
        "matrix rhs lower adjoint name",
        _triangle,
        before=_of_one_batch,
    ),
    Native(
        "cho_solve",
        _paths("cholesky_solve", "cholesky_solve"),
        "chol rhs name",
        _lower,
        before=_of_one_batch,
    ),
    Native(
        "lstsq",
        _paths("lstsq", "matrix_solve_ls"),
        "matrix rhs l2_regularizer fast name",
        _unregularized,
        before=_of_one_batch,
    ),
    Native(
        "tridiagonal_solve",
        _paths("tridiagonal_solve"),
        f"diagonals {_SYSTEM}",
        _compact,
        before=_three,
        within=_in_one,
        inputs="diagonals rhs",
    ),
    Native(
        "tridiagonal_solve",
        _paths("tridiagonal_solve"),
        f"diagonals=(du,d,dl) {_SYSTEM}",
        _sequence,
        before=natives.of_one_batch,
        inputs="dl d du rhs",
    ),
    Native("qr", _paths("qr", "qr"), "input full_matrices name", _columns),
    Native("cholesky", _paths("cholesky", "cholesky"), "input name", before=_whole),
    Native(
        "eigh",
        _paths("eigh", "self_adjoint_eig"),
        "tensor name",
        _lower,
        outputs=_real_values,
        after=_complex_values,
    ),
    Native(
        "eigvalsh",
        _paths("eigvalsh", "self_adjoint_eigvals"),
        "tensor name",
        _lower,
        outputs=_real_values,
        after=_complex_values,
    ),
    # The other arguments choose a part of the spectrum.
    Native(
        "eigh_tridiagonal",
        _paths("eigh_tridiagonal"),
        "alpha beta eigvals_only * tol name",
        _pairs,
    ),
    Native(
        "eigh_tridiagonal",
        _paths("eigh_tridiagonal"),
        "alpha beta eigvals_only * tol name",
        _values_alone,
        handed=natives.with_pairs,
        after=natives.first,
    ),
    Native(
        "eig",
        "tensorflow.linalg.eig tensorflow.eig tensorflow.compat.v2.linalg.eig tensorflow.compat.v2.eig",
        "tensor name",
    ),
    Native(
        "svd",
        _paths("svd", "svd"),
        "tensor full_matrices compute_uv name",
        _factors,
        outputs=_values_behind,
        after=_values_first,
    ),
    Native(
        "svdvals", _paths("svd", "svd"), "tensor full_matrices compute_uv name", natives.no_factors
    ),
    Native("expm", _paths("expm"), "input name"),
    Native(
        "vector_norm",
        _NORM,
        "tensor ord axis keepdims name",
        _euclidean,
        before=natives.trailing,
        handed=natives.without_kept_axes,
        outputs=_real,
        after=_complex,
    ),
    Native(
        "vector_norm",
        _NORM,
        "tensor ord axis keepdims name",
        _of_vectors,
        before=natives.trailing,
        handed=natives.without_kept_axes,
    ),
    Native(
        "matrix_norm",
        _NORM,
        "tensor ord axis keepdims name",
        _of_matrices,
        before=natives.matrices,
        handed=natives.without_kept_axes,
    ),
)
