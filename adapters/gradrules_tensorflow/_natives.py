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


def _named(name: str | None = None) -> Options:  # noqa: ARG001
    return {}


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


def _native(rule: str, parameters: str, name: str, older: str = "", **maps: Any) -> Native:
    spaces = ("tensorflow", "tensorflow.compat.v1", "tensorflow.compat.v2")
    paths = [f"{space}.linalg.{name}" for space in spaces]
    if older:
        paths.append(f"tensorflow.compat.v1.{older}")
    maps.setdefault("options", _named)
    return Native(rule=rule, paths=tuple(paths), parameters=tuple(parameters.split()), **maps)


_EIGENVALUES = {"options": _lower, "outputs": _real_values, "after": _complex_values}

NATIVES = (
    _native("det", "input name", "det", "matrix_determinant"),
    _native("slogdet", "input name", "slogdet", outputs=_real_logarithm, after=_complex_logarithm),
    _native("inv", "input adjoint name", "inv", "matrix_inverse", options=_straight),
    _native(
        "solve",
        "matrix rhs adjoint name",
        "solve",
        "matrix_solve",
        options=_straight,
        before=_of_one_batch,
    ),
    _native("eigh", "tensor name", "eigh", "self_adjoint_eig", **_EIGENVALUES),
    _native("eigvalsh", "tensor name", "eigvalsh", "self_adjoint_eigvals", **_EIGENVALUES),
    _native("expm", "input name", "expm"),
)
