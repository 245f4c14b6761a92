"""TensorFlow's transformations, for tests."""

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from gradrules import Rule, Transforms
from gradrules.errors import UnsupportedTransformError

from ._graph import inexact

Tensors = tuple[Any, ...]
Function = Callable[..., Tensors]


class TensorFlowTransforms(Transforms):
    """``GradientTape``, ``ForwardAccumulator``, ``vectorized_map``, ``tf.function``.

    They nest in one another. TensorFlow's complex cotangents are in our convention.
    """

    missing = {  # noqa: RUF012 (never changed)
        "rev over fwd over fwd": "a tape around two accumulators stops with TensorFlow's InternalError "
        "('returned too few gradients'), for x * x * x too",
    }

    def array(self, value: Any) -> Any:
        """A constant."""
        return tf.constant(value)

    def numpy(self, value: Any) -> Any:
        """The value of an eager tensor."""
        return value.numpy()

    def vjp(self, f: Function, primals: Tensors, cotangents: tuple[Any | None, ...]) -> Tensors:
        """By a tape, which watches copies: an argument may be given twice."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            arguments = tuple(tf.identity(p) for p in primals)
            tape.watch([a for a in arguments if inexact(a)])
            outputs = f(*arguments)
        pairs = [
            (y, c) for y, c in zip(outputs, cotangents, strict=True) if c is not None and inexact(y)
        ]
        if not pairs:
            return tuple(tf.zeros_like(p) for p in primals)
        targets, given = map(list, zip(*pairs, strict=True))
        found = tape.gradient(targets, arguments, given, unconnected_gradients="zero")
        return tuple(tf.convert_to_tensor(g) for g in found)

    def jvp(self, f: Function, primals: Tensors, tangents: tuple[Any | None, ...]) -> Tensors:
        """By an accumulator, likewise."""
        arguments = tuple(tf.identity(p) for p in primals)
        moving = [(a, t) for a, t in zip(arguments, tangents, strict=True) if t is not None]
        if not moving:
            return tuple(tf.zeros_like(y) for y in f(*arguments))
        points, directions = map(list, zip(*moving, strict=True))
        with tf.autodiff.ForwardAccumulator(points, directions) as accumulator:
            outputs = f(*arguments)
        return tuple(
            accumulator.jvp(y, unconnected_gradients="zero") if inexact(y) else tf.zeros_like(y)
            for y in outputs
        )

    def vmap(self, f: Function) -> Function:
        """``tf.vectorized_map``, over all arguments."""
        return lambda *arrays: tuple(tf.vectorized_map(lambda slices: f(*slices), arrays))

    def timed(self, f: Function, primals: Tensors, cotangents: Tensors) -> dict[str, Any]:
        """In graphs; the backward pass alone is that of a persistent tape around one."""
        forward = tf.function(f)
        both = tf.function(lambda *arrays: self.vjp(f, arrays, cotangents))
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(primals)
            outputs = forward(*primals)

        def values(tensors: Any) -> list[Any]:
            return [t if t is None else t.numpy() for t in tensors]

        return {
            "forward": lambda: values(forward(*primals)),
            "backward": lambda: values(tape.gradient(outputs, primals, cotangents)),
            "both": lambda: values(both(*primals)),
        }

    def rows(self) -> Iterable[Any]:
        """What users write: tapes, accumulators, loops, Keras, SavedModels, ..."""
        from ._rows import rows  # noqa: PLC0415 (for tests alone)

        return rows()

    def compile(self, f: Function) -> Function:
        """``tf.function``."""
        return tf.function(f)  # type: ignore[no-any-return]

    def compilers(self) -> dict[str, Callable[[Function], Function]]:
        """Graphs, and XLA."""
        return {"function": self.compile, "xla": functools.partial(tf.function, jit_compile=True)}

    def refused(self, compiler: str, rule: Rule, dtype: str) -> str:
        """What XLA lacks for the rule and its first and second derivatives."""
        if not compiler.startswith("xla"):
            return ""
        return _refused_by_xla(rule, dtype, mapped=compiler.endswith("vmap"))


@functools.cache
def _refused_by_xla(rule: Rule, dtype: str, *, mapped: bool) -> str:
    batch = [2] if mapped else []
    primals = tuple(tf.ones(batch + [3] * len(core), dtype) for core in rule.signature.inputs)

    def second(*x: Any) -> Tensors:
        directions = tuple(tf.ones_like(v) for v in x)
        return TensorFlowTransforms().jvp(lambda *y: _gradient(rule, y), x, directions)

    whole = TensorFlowTransforms().vmap(second) if mapped else second
    compiled = tf.function(whole, jit_compile=True)
    try:
        compiled(*primals)
    except UnsupportedTransformError as error:
        return str(error)
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
        missing = sorted(set(re.findall(r"No registered '(\w+)' OpKernel for (\w+)", str(error))))
        return "; ".join(f"{device} has no kernel for {name}" for name, device in missing)
    graph = compiled.get_concrete_function(*primals).graph.as_graph_def()
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    if dtype == "float64" and {"SelfAdjointEigV2", "Svd"} & {n.op for n in nodes}:
        return "XLA's eigenvalue and singular value solvers stop at 1e-6, in float64 too"
    return ""


def _gradient(rule: Rule, primals: Tensors) -> Tensors:
    def f(*x: Any) -> Tensors:
        y = rule(*x, **rule.declaration.variants[0])
        return y if isinstance(y, tuple) else (y,)

    cotangents = tuple(tf.ones_like(y) for y in f(*primals))
    return TensorFlowTransforms().vjp(f, primals, cotangents)
