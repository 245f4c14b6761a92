"""Our derivatives for TensorFlow's own types of operations: for graphs that are built elsewhere.

A graph that was loaded, or traced before an override, holds operations, not calls of functions.
When it is differentiated, the gradient of an operation is looked up by its type.
"""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# `tf.RegisterGradient` gives a type its first gradient, and refuses to replace one.
from tensorflow.python.framework.ops import gradient_registry

from gradrules.adapters import lookup
from gradrules.errors import OptionError

from . import _namespace as xp

__all__ = ["gradient_names", "register_gradients"]

Tensors = tuple[Any, ...]
Gradient = Callable[..., Any]


def register_gradients(*types: str) -> None:
    """Give types of operations our gradients, for the life of the process.

    This reaches what `gradrules.override` cannot: functions traced before, SavedModels, operations
    that TensorFlow's own functions are made of.

    Parameters
    ----------
    *types
        ``"MatrixDeterminant"``, ``"LogMatrixDeterminant"``, ``"MatrixInverse"``, ``"MatrixSolve"``,
        ``"SelfAdjointEigV2"``; by default all of them.

    Raises
    ------
    OptionError
        If there is no gradient for a type.
    """
    for name in _known(types):
        gradient_registry._registry[name]["type"] = _gradient(name)


def gradient_names(*types: str) -> dict[str, str]:
    """From types of operations to names under which our gradients are registered.

    It is what ``tf.Graph.gradient_override_map`` takes, for the operations that are made within its
    context. Parameters and errors are those of :func:`register_gradients`.
    """
    return {name: _registered(name) for name in _known(types)}


@functools.cache
def _registered(name: str) -> str:
    ours = f"Gradrules{name}"
    tf.RegisterGradient(ours)(_gradient(name))
    return ours


def _known(types: Tensors) -> Tensors:
    for name in types:
        if name not in _GRADIENTS:
            msg = f"no gradient for the type {name!r}; choose among {', '.join(_GRADIENTS)}"
            raise OptionError(msg)
    return types or tuple(_GRADIENTS)


def _gradient(name: str) -> Gradient:
    """Ours, or TensorFlow's for an operation whose attributes make it another function."""
    ours, theirs = _GRADIENTS[name], _THEIRS[name]

    def gradient(op: Any, *cotangents: Any) -> Any:
        return (ours if _serves(op, name) else theirs)(op, *cotangents)

    return gradient


def _serves(op: Any, name: str) -> bool:
    wanted = _ATTRIBUTES.get(name, {})
    return all(op.get_attr(attribute) == value for attribute, value in wanted.items())


def _vjp(
    rule: str, primals: Tensors, outputs: Tensors, cotangents: Tensors, **options: Any
) -> Tensors:
    chosen = lookup(rule)
    static = chosen.static_options(options)
    return chosen.linear("vjp", primals, outputs, cotangents, static, xp=xp)


# An eager tape hands over those inputs and outputs alone that TensorFlow's own gradient reads.


def _determinant(op: Any, cotangent: Any) -> Any:
    return _vjp("det", (op.inputs[0],), tuple(op.outputs), (cotangent,))[0]


def _logarithm(op: Any, sign_bar: Any, logarithm_bar: Any) -> Any:
    x = op.inputs[0]
    outputs = tuple(lookup("slogdet")(x))  # the sign was not kept
    return _vjp("slogdet", (x,), outputs, (sign_bar, tf.math.real(logarithm_bar)))[0]


def _inverse(op: Any, cotangent: Any) -> Any:
    y = op.outputs[0]  # in the place of the input too, of which the rule reads the shape
    return _vjp("inv", (y,), (y,), (cotangent,))[0]


def _solution(op: Any, cotangent: Any) -> list[Any]:
    x = op.outputs[0]  # likewise for the right side
    return list(_vjp("solve", (op.inputs[0], x), (x,), (cotangent,)))


def _eigenvectors(op: Any, values_bar: Any, vectors_bar: Any) -> Any:
    values, vectors = op.outputs
    outputs = tf.math.real(values), vectors
    cotangents = tf.math.real(values_bar), vectors_bar
    return _vjp("eigh", (vectors,), outputs, cotangents, lower=True)[0]


_GRADIENTS: dict[str, Gradient] = {
    "MatrixDeterminant": _determinant,
    "LogMatrixDeterminant": _logarithm,
    "MatrixInverse": _inverse,
    "MatrixSolve": _solution,
    "SelfAdjointEigV2": _eigenvectors,
}
_ATTRIBUTES = {
    "MatrixInverse": {"adjoint": False},
    "MatrixSolve": {"adjoint": False},
    "SelfAdjointEigV2": {"compute_v": True},
}
_THEIRS = {name: gradient_registry.lookup(name) for name in _GRADIENTS}
