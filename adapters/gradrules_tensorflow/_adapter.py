"""A rule as a differentiable operation of TensorFlow.

TensorFlow differentiates in two ways that know nothing of each other. *Recorders* (``GradientTape``,
``ForwardAccumulator``) watch tensors while operations run; ``_record`` tells them how our
operation is differentiated. *Graphs* are differentiated after the fact, operation by operation
(a tape outside a ``tf.function``, ``tf.while_loop``, SavedModels); ``_graph.attach`` does that.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

# No public function records an operation with a forward derivative: `tf.custom_gradient` leaves
# forward mode to the native derivative of the primal, silently.
from tensorflow.python.eager import record as recorders
from tensorflow.python.eager.forwardprop_util import pack_tangents
from tensorflow.python.framework.ops import EagerTensor

from gradrules import Adapter, FlatFunction, Function, Rule
from gradrules.errors import GradrulesError, ShapeError, UnsupportedTransformError

from . import _graph
from . import _namespace as xp
from ._closures import close
from ._graph import inexact
from ._host import host
from ._natives import NATIVES
from ._transforms import TensorFlowTransforms

Tensors = tuple[Any, ...]
MaybeTensors = tuple[Any | None, ...]
Options = tuple[tuple[str, Any], ...]

# AutoGraph puts a class of its own in place of exceptions; this asks it to leave our errors alone.
GradrulesError.ag_pass_through = True  # type: ignore[attr-defined]


class TensorFlowAdapter(Adapter):
    """Rules on ``tf.Tensor``, eager and symbolic, ``tf.Variable`` and Keras variables."""

    name = "tensorflow"
    xp = xp
    transforms = TensorFlowTransforms()
    natives = NATIVES

    def handles(self, kind: type) -> bool:
        """Tensors and variables have one abstract base class."""
        return issubclass(kind, tf.__internal__.types.Tensor)

    def check(self, rule: Rule, arrays: Tensors) -> Tensors:
        """Read variables, which a tape sees; then the checks of every adapter."""
        if all(type(a) is EagerTensor for a in arrays):
            return super().check(rule, arrays)
        tensors = self.adopt(arrays)
        for name, tensor in zip(rule.inputs, tensors, strict=True):
            if tensor.shape.rank is None:
                msg = (
                    f"{rule.name}: the number of axes of argument {name!r} is not known while the "
                    f"graph is built; give it by tf.ensure_shape, or in the input_signature"
                )
                raise ShapeError(msg)
        return super().check(rule, tensors)

    def adopt(self, arrays: Tensors) -> Tensors:
        """Variables are read."""
        return tuple(map(tf.convert_to_tensor, arrays))

    def flatten(self, tree: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """By `tf.nest`."""
        return tf.nest.flatten(tree), lambda new: tf.nest.pack_sequence_as(tree, list(new))

    def close(self, rule: str, f: FlatFunction, example: Tensors) -> tuple[Function, Tensors]:
        """Tensors that `f` captures become arguments."""
        return close(rule, f, example)

    def opaque(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """AutoGraph leaves the call as it stands."""
        return tf.autograph.experimental.do_not_convert(function)

    def apply(self, rule: Rule, arrays: Tensors, options: Options) -> Tensors:
        """Evaluate, and tell whoever may differentiate how it is done."""
        graph = not tf.executing_eagerly()
        if graph:
            _refuse_version_1(rule)
        recorded = _watched(arrays)
        if recorded:
            _refuse_nondifferentiable(rule, arrays)
        with recorders.stop_recording():
            keep = recorded and rule.defines("keep")
            try:
                outputs, kept, small = host.evaluate(rule, arrays, options, keep=keep)
            except TypeError as error:
                _explain(rule, arrays, error)
                raise
            if graph:
                derivative = _graph.PrimalDerivative(rule, options)
                outputs = _graph.attach(derivative, outputs, arrays)
            elif recorded:  # an output may be an input; recorders tell tensors apart by identity
                outputs = tuple(tf.identity(y) for y in outputs)
        if recorded:
            _record(rule, arrays, outputs, kept, options, small=small)
        return outputs


def _refuse_version_1(rule: Rule) -> None:
    if not tf.compat.v1.executing_eagerly_outside_functions():
        msg = (
            f"{rule.name}: this is a graph in the way of TensorFlow 1, where == compares the "
            f"identity of tensors; build it in a tf.function"
        )
        raise UnsupportedTransformError(msg)


def _explain(rule: Rule, arrays: Tensors, error: TypeError) -> None:
    """Raise what is behind the error, if it is that a length is None, which a graph does not know."""
    known = all(x.shape.is_fully_defined() for x in arrays)
    if not known and not isinstance(error, GradrulesError):
        msg = (
            f"{rule.name}: this rule must know its lengths while the graph is built; give them by "
            f"tf.ensure_shape, or in the input_signature"
        )
        raise UnsupportedTransformError(msg) from error


def _watched(tensors: Tensors) -> bool:
    """Whether a tape or an accumulator follows any of `tensors`."""
    return recorders.could_possibly_record() and (
        recorders.should_record_backprop(tensors) or _has_tangent(*tensors)
    )


def _has_tangent(*tensors: Any) -> bool:
    return bool(pack_tangents(tensors).tangents)


def _refuse_nondifferentiable(rule: Rule, arrays: Tensors) -> None:
    for position, array in enumerate(arrays):
        if not rule.differentiable(position) and _watched((array,)):
            raise rule.refusal(rule.inputs[position])


def _record(
    rule: Rule,
    arrays: Tensors,
    outputs: Tensors,
    kept: Tensors,
    options: Options,
    *,
    small: bool,
) -> None:
    """Tell the recorders that ``outputs = rule(arrays)``.

    They are given floating tensors alone, for which they make a zero where a tangent or cotangent
    is absent; and accumulators only those inputs that have a tangent.
    """
    floating = [i for i, y in enumerate(outputs) if inexact(y)]
    followed = [i for i, x in enumerate(arrays) if inexact(x) and rule.differentiable(i)]
    moving = [i for i in followed if _has_tangent(arrays[i])]
    values = [outputs[i] for i in floating]

    def linear(mode: Any, positions: list[int], given: Tensors, count: int) -> MaybeTensors:
        at = dict(zip(positions, given, strict=True))
        inputs = tuple(at.get(i) for i in range(count))
        try:
            return _linear(rule, mode, arrays, outputs, inputs, kept, options, small=small)
        except TypeError as error:
            _explain(rule, arrays, error)
            raise

    def vjp(*cotangents: Any) -> list[Any]:
        dense = tuple(map(tf.convert_to_tensor, cotangents))  # tf.gather gives IndexedSlices
        found = linear("vjp", floating, dense, len(outputs))
        return [found[i] for i in followed]

    def jvp(*tangents: Any) -> list[Any]:
        found = linear("jvp", moving, tangents, len(arrays))
        return [tf.zeros_like(outputs[i]) if found[i] is None else found[i] for i in floating]

    # Tapes first: a tape outside an accumulator must know the outputs when the jvp runs.
    recorders.record_operation_backprop_only(rule.name, values, [arrays[i] for i in followed], vjp)
    if moving:
        inputs = [arrays[i] for i in moving]
        recorders.record_operation_forwardprop_only(
            rule.name, values, inputs, _transposed(jvp, inputs), None
        )


def _transposed(jvp: Callable[..., list[Any]], inputs: list[Any]) -> Callable[..., list[Any]]:
    """What an accumulator takes for a vjp in order to transpose it: a map whose transpose is `jvp`.

    Its own value is never used, so zeros will do.
    """

    def vjp(*cotangents: Any) -> list[Any]:
        with recorders.stop_recording():
            zeros = [tf.zeros_like(x) for x in inputs]
        recorders.record_operation_forwardprop_only(
            "gradrules_transpose", zeros, list(cotangents), jvp, None
        )
        return zeros

    return vjp


def _linear(
    rule: Rule,
    mode: Any,
    primals: Tensors,
    outputs: Tensors,
    inputs: MaybeTensors,
    kept: Tensors,
    options: Options,
    *,
    small: bool,
) -> MaybeTensors:
    """The linear map: its fast form where nothing may differentiate it, else the closed form.

    With `small`, what is kept was made by NumPy, and serves it alone.
    In a graph nobody knows who will differentiate it later, so that the fast form is given the
    derivative of the closed form.
    """
    inputs = _graph.shaped(inputs, primals if mode == "jvp" else outputs)
    present = tuple(x is not None for x in inputs)
    operands = (*primals, *outputs, *(x for x in inputs if x is not None))
    watched = _watched(operands)
    if tf.executing_eagerly() and not watched:
        return host.linear(rule, mode, primals, outputs, kept, inputs, options, small=small)
    if watched or small or not kept or not rule.defines(f"fast_{mode}"):
        return rule.linear(mode, primals, outputs, inputs, options, xp=xp)
    values = rule.linear(mode, primals, outputs, inputs, options, xp=xp, kept=kept)
    derivative = _graph.LinearDerivative(
        rule, options, mode, present, tuple(v is not None for v in values)
    )
    attached = iter(_graph.attach(derivative, tuple(v for v in values if v is not None), operands))
    return tuple(None if v is None else next(attached) for v in values)


adapter = TensorFlowAdapter()
