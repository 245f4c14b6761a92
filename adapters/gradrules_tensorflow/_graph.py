"""Derivatives of operations in graphs, which TensorFlow differentiates after they are built.

The values are computed by whatever operations it takes; then they pass, together with the
operands, through one ``IdentityN`` whose gradient function is ours. That function reads the
operation at hand and closes over no tensor, so that it serves copies of the operation too: inlined
functions, loops, a SavedModel loaded in the same process.
"""

import uuid
import weakref
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor

from gradrules import Rule, lifted

from . import _namespace as xp

Tensors = tuple[Any, ...]
MaybeTensors = tuple[Any | None, ...]
Options = tuple[tuple[str, Any], ...]


def inexact(tensor: Any) -> bool:
    """Whether the dtype is real or complex floating."""
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex)


def shaped(values: MaybeTensors, like: Tensors) -> MaybeTensors:
    """Tangents or cotangents, with the shapes of what they belong to.

    An accumulator traces an operation by its exact shapes 32 times, and from then on by none at all:
    what it computes in a graph has not even a rank.
    """
    return tuple(
        v if v is None or v.shape.rank is not None else tf.ensure_shape(v, x.shape)
        for v, x in zip(values, like, strict=True)
    )


@dataclass(frozen=True)
class PrimalDerivative:
    """The vjp of a rule."""

    rule: Rule
    options: Options

    def vjp(self, operands: Tensors, values: Tensors, cotangents: MaybeTensors) -> MaybeTensors:
        """Cotangents of the inputs, by the closed form."""
        cotangents = tuple(
            c if inexact(y) else None
            for c, y in zip(shaped(cotangents, values), values, strict=True)
        )
        found = self.rule.linear("vjp", operands, values, cotangents, self.options, xp=xp)
        return tuple(c if self.rule.differentiable(i) else None for i, c in enumerate(found))


@dataclass(frozen=True)
class LinearDerivative:
    """The vjp of a jvp or vjp, with respect to primals, outputs and the linear inputs.

    `present` and `returned` say which linear inputs and which results are there.
    """

    rule: Rule
    options: Options
    mode: Any
    present: tuple[bool, ...]
    returned: tuple[bool, ...]

    def vjp(self, operands: Tensors, values: Tensors, cotangents: MaybeTensors) -> MaybeTensors:
        """Differentiate the closed form, on copies: operands may depend on each other."""
        copies = tuple(tf.identity(x) for x in operands)
        followed = [i for i, x in enumerate(copies) if inexact(x) and self._differentiable(i)]
        # Not a tape: recording may be stopped here, and the tape would then answer zero.
        found = tf.gradients(
            self._closed(copies),
            [copies[i] for i in followed],
            list(shaped(cotangents, values)),
            unconnected_gradients="zero",
        )
        at = dict(zip(followed, found, strict=True))
        return tuple(at.get(i) for i in range(len(operands)))

    def _differentiable(self, position: int) -> bool:
        return position >= len(self.rule.inputs) or self.rule.differentiable(position)

    def _closed(self, operands: Tensors) -> list[Any]:
        counts = len(self.rule.inputs), len(self.rule.outputs)
        primals, outputs = operands[: counts[0]], operands[counts[0] : sum(counts)]
        given = iter(operands[sum(counts) :])
        inputs = tuple(next(given) if here else None for here in self.present)
        found = self.rule.linear(self.mode, primals, outputs, inputs, self.options, xp=xp)
        return [
            tf.zeros_like(target) if value is None else value
            for value, target, wanted in zip(
                found, outputs if self.mode == "jvp" else primals, self.returned, strict=True
            )
            if wanted
        ]


Derivative = PrimalDerivative | LinearDerivative
# Name of a gradient function -> the derivative, and of how many values.
_DERIVATIVES: dict[str, tuple[Derivative, int]] = {}


def attach(derivative: Derivative, values: Tensors, operands: Tensors) -> Tensors:
    """`values`, as functions of `operands` that have this derivative."""
    count = len(values)
    # A graph that another process saved must not find a gradient of the same name by chance.
    name = f"gradrules-{derivative.rule.name}-{uuid.uuid4().hex}"
    _DERIVATIVES[name] = derivative, count

    @tf.RegisterGradient(name)
    def gradient(op: Any, *cotangents: Any) -> list[Any]:
        op = op or original()  # to save gradients in a SavedModel it is called without an operation
        dense = tuple(None if c is None else tf.convert_to_tensor(c) for c in cotangents[:count])
        found = derivative.vjp(tuple(op.inputs[count:]), tuple(op.outputs[:count]), dense)
        return [*(None,) * count, *found]

    # Tensors of an outer graph, or eager ones, become tensors of this graph first.
    tensors = [tf.identity(x) for x in (*values, *operands)]
    with tf.compat.v1.get_default_graph().gradient_override_map({"IdentityN": name}):
        results = tf.identity_n(tensors)
    original = weakref.ref(results[0].op)
    return tuple(results[:count])


_convert_identity = pfor._pfor_converter_registry["IdentityN"]


def _convert(loop: Any) -> Any:
    """Carry our gradient through ``tf.vectorized_map``, whose conversion of ``IdentityN`` drops it.

    Without it the gradient of a vectorized map would be TensorFlow's derivative of our primal.
    """
    try:
        name = loop.op.get_attr("_gradient_op_type").decode()
    except ValueError:
        name = ""
    if name not in _DERIVATIVES:
        return _convert_identity(loop)
    derivative, count = _DERIVATIVES[name]
    derivative = replace(derivative, options=lifted(derivative.options))
    loop.stack_inputs()
    tensors = tuple(x.t for x in loop.inputs)
    values, operands = tensors[:count], tensors[count:]
    attached = attach(derivative, values, operands)
    return [pfor.wrap(x, is_stacked=True) for x in (*attached, *operands)]


pfor._pfor_converter_registry["IdentityN"] = _convert
