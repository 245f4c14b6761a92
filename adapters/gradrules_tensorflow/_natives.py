"""TensorFlow's own functions that a rule can stand in for.

One triangle of a Hermitian matrix is read, the lower one, and the gradient lives there. What is real
of a complex matrix (eigenvalues, the logarithm of a determinant) TensorFlow returns with a complex
dtype; a rule sees it as real.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import tensorflow as tf

from gradrules.adapters import Native

Arrays = tuple[Any, ...]
Options = Mapping[str, Hashable]


def _lower(name: str | None = None) -> Options:  # noqa: ARG001
    return {"lower": True}


def _straight(adjoint: bool = False, name: str | None = None) -> Options | None:  # noqa: ARG001
    return None if adjoint else {}


def _of_one_batch(arrays: Arrays, **_: Hashable) -> Arrays | None:
    # TensorFlow does not broadcast here; what it refuses it shall refuse.
    matrix, side = (array.shape[:-1] for array in arrays)
    return arrays if matrix.is_compatible_with(side) else None


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


def _paths(name: str, older: str = "") -> str:
    spaces = ("tensorflow", "tensorflow.compat.v1", "tensorflow.compat.v2")
    paths = [f"{space}.linalg.{name}" for space in spaces]
    return " ".join([*paths, f"tensorflow.compat.v1.{older}"] if older else paths)


NATIVES = (
    Native("det", _paths("det", "matrix_determinant"), "input name"),
    Native(
        "slogdet",
        _paths("slogdet"),
        "input name",
        outputs=_real_logarithm,
        after=_complex_logarithm,
    ),
    Native("inv", _paths("inv", "matrix_inverse"), "input adjoint name", _straight),
    Native(
        "solve",
        _paths("solve", "matrix_solve"),
        "matrix rhs adjoint name",
        _straight,
        before=_of_one_batch,
    ),
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
    Native("expm", _paths("expm"), "input name"),
)
