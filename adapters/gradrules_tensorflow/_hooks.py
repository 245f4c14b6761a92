"""Native routines of TensorFlow behind :mod:`gradrules.hooks`.

The pair ``lu_factor`` / ``lu_solve`` is left to its fallback: the LU kernel works neither under XLA
nor under ``vectorized_map``. So is ``tridiagonal_solve``, which XLA does not have with pivots.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gradrules import hooks

from . import _namespace as xp
from ._host import host

Tensor = Any


def length(a: Tensor, axis: int) -> Any:
    """An integer where the graph knows it, else an int64 tensor."""
    known = a.shape[axis]
    return tf.shape(a, out_type=tf.int64)[axis] if known is None else known


def eye_like(a: Tensor) -> Tensor:
    """The identity, also of a length that the graph does not know yet."""
    return xp.eye(length(a, -1), dtype=a.dtype)


def solve_triangular(
    a: Tensor, b: Tensor, lower: bool, adjoint: bool, unit_diagonal: bool
) -> Tensor:
    """TensorFlow has no unit diagonal: it is put there."""
    if unit_diagonal:
        a = xp.where(eye_like(a) != 0, tf.ones_like(a), a)
    return tf.linalg.triangular_solve(a, b, lower=lower, adjoint=adjoint)


def repeat(
    count: Tensor, most: Any, body: Callable[[Any, Any], Any], state: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """A Python loop in eager mode, ``tf.while_loop`` in a graph."""
    if tf.executing_eagerly():
        for i in range(int(count)):
            state = body(i, state)
        return state

    def step(i: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        # The loop wants every shape to stay as it began, also where products forget a length.
        after = body(i, values)
        return (i + 1, *map(tf.ensure_shape, after, (v.shape for v in values)))

    start = (tf.zeros_like(count), *state)
    bound = tf.cast(most, tf.int32) if tf.is_tensor(most) else most
    _, *result = tf.while_loop(lambda i, *_: i < count, step, start, maximum_iterations=bound)
    return tuple(result)


def iterate(
    unfinished: Callable[[Any], Any],
    body: Callable[[Any], Any],
    state: tuple[Tensor, ...],
    most: int,
) -> tuple[Tensor, ...]:
    """As `repeat`."""
    if tf.executing_eagerly():
        for _ in range(most):
            if not unfinished(state):
                break
            state = body(state)
        return state

    def step(*values: Tensor) -> tuple[Tensor, ...]:
        return tuple(map(tf.ensure_shape, body(values), (v.shape for v in values)))

    found = tf.while_loop(lambda *values: unfinished(values), step, state, maximum_iterations=most)
    return tuple(found)


def choose(condition: Tensor, one: Callable[[], Any], other: Callable[[], Any]) -> Tensor:
    """A branch, in a graph too."""
    return tf.cond(tf.reduce_all(condition), one, other)


def schur(a: Tensor) -> tuple[Tensor, Tensor]:
    """On the host, in a graph by its own operation for that."""
    dtype = tf.complex64 if a.dtype in (tf.float32, tf.complex64) else tf.complex128
    if tf.executing_eagerly():
        return tuple(map(tf.constant, hooks.schur_on_host(a.numpy())))
    found = tf.numpy_function(hooks.schur_on_host, [a], (dtype, dtype), stateful=False)
    return tuple(tf.ensure_shape(x, a.shape) for x in found)


hooks.provide(
    xp,
    all_finite=host.all_finite,
    choose=choose,
    eig=tf.linalg.eig,
    eye_like=eye_like,
    iterate=iterate,
    length=length,
    repeat=repeat,
    schur=schur,
    solve_triangular=solve_triangular,
)
