"""Transformations of TensorFlow beyond those of `_transforms`, for the transform matrix."""

import functools
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from gradrules.testing import Problem, Row

Tensors = tuple[Any, ...]
Function = Callable[..., Any]
Run = Callable[[Problem], Any]

_REAL = "TensorFlow's Jacobians of real functions by complex inputs are not one array"


def rows() -> Iterator[Row]:
    """All of them."""
    for group in (_tapes, _accumulators, _functions, _vectorized, _programs):
        yield from group()


# -- spelling --------------------------------------------------------------------------------------


def _gradient(f: Function, x: Tensors) -> Tensors:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(*x)
    return tuple(tape.gradient(y, x))


def _down(p: Problem, f: Function, along: Tensors) -> Function:
    return lambda *x: p.inner(_gradient(f, x), along)


def _up(f: Function, along: Tensors) -> Function:
    def tangent(*x: Any) -> Any:
        with tf.autodiff.ForwardAccumulator(list(x), list(along)) as accumulator:
            y = f(*x)
        return accumulator.jvp(y)

    return tangent


def _first(p: Problem, f: Function | None = None) -> Function:
    return _down(p, f or p.loss, p.d)


def _second(p: Problem, f: Function | None = None) -> Function:
    """Forward over reverse."""
    return _up(_first(p, f), p.e)


def _reversed(p: Problem, f: Function | None = None) -> Function:
    return _down(p, _first(p, f), p.e)


def _at(make: Callable[[Problem], Function]) -> Run:
    return lambda p: [make(p)(*p.x)]


def _around(wrap: Callable[[Function], Function], make: Callable[..., Function] = _first) -> Run:
    """A derivative of the loss, wrapped."""
    return lambda p: [make(p, wrap(p.loss))(*p.x)]


def _each(p: Problem, gradients: Tensors) -> list[Any]:
    """Gradients by stacked points, each along the direction."""
    return [p.inner([g[k] for g in gradients], p.d) for k in range(p.points[0].shape[0])]


# -- rows ------------------------------------------------------------------------------------------


def _tapes() -> Iterator[Row]:
    yield Row("GradientTape", 1, _at(_first))
    yield Row("GradientTape in GradientTape", 2, _at(_reversed))
    yield Row("persistent GradientTape", 1, _persistent)
    yield Row("GradientTape, output_gradients", 1, _weighted)
    yield Row("GradientTape, a tf.Variable", 1, _variables)
    yield Row("GradientTape, one of two inputs", 1, _one_input, inputs=2)
    for pfor in (True, False):
        how = functools.partial(_jacobian, pfor=pfor)
        yield Row(f"jacobian(experimental_use_pfor={pfor})", 1, how, real=_REAL)
    yield Row("batch_jacobian", 1, _batch_jacobian, real=_REAL)
    yield Row("jacobian of a gradient", 2, _hessian, real=_REAL)


def _persistent(p: Problem) -> list[Any]:
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(p.x)
        y = p.loss(*p.x)
    found = [p.inner(tape.gradient(y, p.x), p.d) for _ in range(2)]
    return [(found[0] + found[1]) / 2]


def _weighted(p: Problem) -> list[Any]:
    with tf.GradientTape() as tape:
        tape.watch(p.x)
        y = p.vector(*p.x)
    return [p.inner(tape.gradient(y, p.x, output_gradients=tf.ones_like(y)), p.d)]


def _variables(p: Problem) -> list[Any]:
    x = [tf.Variable(a) for a in p.x]
    with tf.GradientTape() as tape:
        y = p.loss(*x)
    return [p.inner(tape.gradient(y, x), p.d)]


def _one_input(p: Problem) -> list[Any]:
    found = []
    for x in p.x:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = p.loss(*p.x)
        found.append(tape.gradient(y, x))
    return [p.inner(found, p.d)]


def _jacobian(p: Problem, *, pfor: bool) -> list[Any]:
    with tf.GradientTape(persistent=not pfor) as tape:
        tape.watch(p.x)
        y = p.vector(*p.x)
    blocks = tape.jacobian(y, p.x, experimental_use_pfor=pfor)
    return [p.inner(blocks, p.d)]


def _batch_jacobian(p: Problem) -> list[Any]:
    first, *others = p.points
    with tf.GradientTape() as tape:
        tape.watch(first)
        y = tf.stack([[p.loss(first[k], *(o[k] for o in others))] for k in range(first.shape[0])])
    by_first = tape.batch_jacobian(y, first)[:, 0]
    rest = [_gradient(p.loss, tuple(a[k] for a in p.points))[1:] for k in range(first.shape[0])]
    return [p.inner([by_first[k], *rest[k]], p.d) for k in range(first.shape[0])]


def _hessian(p: Problem) -> list[Any]:
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(p.x)
        gradients = _gradient(p.loss, p.x)
    return [p.bilinear([outer.jacobian(g, p.x, unconnected_gradients="zero") for g in gradients])]


def _accumulators() -> Iterator[Row]:
    yield Row("ForwardAccumulator", 1, lambda p: [_up(p.loss, p.d)(*p.x)])
    yield Row("ForwardAccumulator around GradientTape", 2, _at(_second))
    yield Row(
        "GradientTape around ForwardAccumulator",
        2,
        lambda p: [_down(p, _up(p.loss, p.d), p.e)(*p.x)],
    )
    yield Row(
        "ForwardAccumulator around tf.function", 1, lambda p: [_up(tf.function(p.loss), p.d)(*p.x)]
    )


def _functions() -> Iterator[Row]:
    yield Row("tf.function around GradientTape", 1, lambda p: [tf.function(_first(p))(*p.x)])
    yield Row("GradientTape around tf.function", 1, _around(tf.function))
    yield Row(
        "tapes inside and outside tf.function",
        2,
        lambda p: [_down(p, tf.function(_first(p)), p.e)(*p.x)],
    )
    yield Row("two tapes around tf.function", 2, _around(tf.function, _reversed))
    yield Row("tf.function around both modes", 2, lambda p: [tf.function(_second(p))(*p.x)])
    yield Row("tf.function, unknown shapes", 1, _unknown_shapes)
    yield Row("GradientTape around tf.while_loop", 1, _around(_looped))
    yield Row(
        "GradientTape around tf.while_loop in tf.function",
        1,
        _around(lambda f: tf.function(_looped(f))),
    )
    yield Row(
        "GradientTape around tf.cond in tf.function", 1, _around(lambda f: tf.function(_chosen(f)))
    )
    yield Row("recompute_grad", 1, _around(tf.recompute_grad))
    yield Row("GradientTape around tf.map_fn", 1, _map_fn)


def _unknown_shapes(p: Problem) -> list[Any]:
    specs = [tf.TensorSpec([None] * a.shape.rank, a.dtype) for a in p.x]
    return [tf.function(_first(p), input_signature=specs)(*p.x)]


def _looped(f: Function) -> Function:
    def g(*x: Any) -> Any:
        start = (tf.constant(0), tf.zeros((), tf.math.real(x[0]).dtype))
        return tf.while_loop(
            lambda i, _: i < 2, lambda i, total: (i + 1, total + f(*x) / 2), start
        )[1]

    return g


def _chosen(f: Function) -> Function:
    return lambda *x: tf.cond(tf.reduce_all(x[0] == x[0]), lambda: f(*x), lambda: 2 * f(*x))


def _map_fn(p: Problem) -> list[Any]:
    kind = tf.math.real(p.x[0]).dtype

    def total(*points: Any) -> Any:
        return tf.reduce_sum(tf.map_fn(lambda x: p.loss(*x), points, fn_output_signature=kind))

    return _each(p, _gradient(total, p.points))


def _vectorized() -> Iterator[Row]:
    yield Row(
        "vectorized_map of a gradient",
        1,
        lambda p: tf.vectorized_map(lambda x: _first(p)(*x), p.points),
    )
    yield Row("gradient of vectorized_map", 1, _gradient_of_vectorized)
    yield Row("vectorized_map, other inputs not mapped", 1, _partly_vectorized)
    yield Row("tf.function around vectorized_map of a gradient", 1, lambda p: tf.function(
        lambda *points: tf.vectorized_map(lambda x: _first(p)(*x), points))(*p.points))  # fmt: skip


def _gradient_of_vectorized(p: Problem) -> list[Any]:
    def total(*points: Any) -> Any:
        return tf.reduce_sum(tf.vectorized_map(lambda x: p.loss(*x), points))

    return _each(p, _gradient(total, p.points))


def _partly_vectorized(p: Problem) -> Any:
    others = tuple(a[0] for a in p.points[1:])
    return tf.vectorized_map(lambda first: _first(p)(first, *others), p.points[0])


def _programs() -> Iterator[Row]:
    yield Row("Keras layer", 1, _keras)
    yield Row("SavedModel, gradient after loading", 1, _saved, slow=True)


def _keras(p: Problem) -> list[Any]:
    class Layer(tf.keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return p.loss(*x)

    return [_down(p, lambda *x: Layer(dtype=p.dtype)(x), p.d)(*p.x)]


def _saved(p: Problem) -> list[Any]:
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec(a.shape, a.dtype) for a in p.x])
        def loss(self, *x: Any) -> Any:
            return p.loss(*x)

    with tempfile.TemporaryDirectory() as folder:
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=True)
        tf.saved_model.save(Module(), folder, options=options)
        loaded = tf.saved_model.load(folder)
        return [_down(p, loaded.loss, p.d)(*p.x)]
