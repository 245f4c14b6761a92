"""A framework for tests: NumPy arrays that remember how they were made.

`vjp` and `jvp` walk over the calls that a function left behind. What they compute is remembered in
turn, so they nest. `call` makes an operation of any function and its two derivatives. The functions
below carry array-API names, so that the module is its own array namespace.
"""

# ruff: noqa: A001, E731 (the standard's names; an operator is a line)

import builtins
import itertools
from dataclasses import dataclass, field

import numpy as np
from array_api_compat import numpy as plain

_clock = itertools.count()


class Array:
    """A value, and the call that made it."""

    __array_ufunc__ = None

    def __init__(self, value, made_by=None):
        self.value, self.made_by = np.asarray(value), made_by
        self.shape, self.dtype, self.ndim = self.value.shape, self.value.dtype, self.value.ndim

    def __getitem__(self, key):
        def scatter(g):
            result = np.zeros(self.shape, g.dtype)
            np.add.at(result, key, g)
            return result

        return _linear(self, lambda v: v[key], scatter)

    __add__ = __radd__ = lambda a, b: add(a, b)
    __sub__ = lambda a, b: add(a, -_lifted(b, a))
    __rsub__ = lambda a, b: add(b, -a)
    __mul__ = __rmul__ = lambda a, b: multiply(a, b)
    __truediv__ = lambda a, b: multiply(a, reciprocal(_lifted(b, a)))
    __rtruediv__ = lambda a, b: multiply(b, reciprocal(a))
    __matmul__ = lambda a, b: matmul(a, b)
    __neg__ = lambda a: _linear(a, np.negative, np.negative)
    __pow__ = lambda a, b: _constant(np.power, a, b)  # of what is compared alone
    __lt__ = lambda a, b: _constant(np.less, a, b)
    __le__ = lambda a, b: _constant(np.less_equal, a, b)
    __gt__ = lambda a, b: _constant(np.greater, a, b)
    __eq__ = lambda a, b: _constant(np.equal, a, b)
    __ne__ = lambda a, b: _constant(np.not_equal, a, b)
    __and__ = lambda a, b: _constant(np.logical_and, a, b)
    __or__ = lambda a, b: _constant(np.logical_or, a, b)
    __invert__ = lambda a: _constant(np.logical_not, a)
    __hash__ = object.__hash__


@dataclass(eq=False)
class Call:
    """One operation that was carried out."""

    jvp: object
    vjp: object
    inputs: tuple
    outputs: tuple = ()
    time: int = field(default_factory=lambda: next(_clock))


def call(evaluate, jvp, vjp, inputs):
    """Carry out an operation.

    ``evaluate(*values)`` takes and returns NumPy arrays, a tuple of them. ``jvp(inputs, outputs,
    tangents)`` and ``vjp(inputs, outputs, cotangents)`` take and return tuples of arrays; what is
    absent is `None`.
    """
    made_by = Call(jvp, vjp, tuple(inputs))
    values = evaluate(*(x.value for x in inputs))
    made_by.outputs = tuple(Array(value, made_by) for value in values)
    return made_by.outputs


# -- transformations ---------------------------------------------------------------------------


def vjp(f, primals, cotangents):
    """Cotangents of the primals of `f`, which takes arrays and returns a tuple of arrays."""
    leaves, outputs, calls = _traced(f, primals)
    bars = dict(zip(outputs, cotangents, strict=True))
    for c in reversed(calls):
        given = tuple(bars.get(y) for y in c.outputs)
        if builtins.any(bar is not None for bar in given):
            for x, bar in zip(c.inputs, c.vjp(c.inputs, c.outputs, given), strict=True):
                if bar is not None:
                    bars[x] = bar if bars.get(x) is None else bars[x] + bar
    return tuple(zeros_like(x) if bars.get(x) is None else bars[x] for x in leaves)


def jvp(f, primals, tangents):
    """Tangents of the outputs of `f`."""
    leaves, outputs, calls = _traced(f, primals)
    dots = dict(zip(leaves, tangents, strict=True))
    for c in calls:
        given = tuple(dots.get(x) for x in c.inputs)
        if builtins.any(dot is not None for dot in given):
            dots.update(zip(c.outputs, c.jvp(c.inputs, c.outputs, given), strict=True))
    return tuple(zeros_like(y) if dots.get(y) is None else dots[y] for y in outputs)


def _traced(f, primals):
    """Fresh leaves, the outputs of `f` at them, and the calls in between, in their order."""
    leaves = tuple(_linear(x, np.array, np.array) for x in primals)
    start = next(_clock)
    outputs = tuple(f(*leaves))
    found, waiting = {}, [y.made_by for y in outputs]
    while waiting:
        c = waiting.pop()
        if c is not None and c.time > start and c.time not in found:
            found[c.time] = c
            waiting += [x.made_by for x in c.inputs]
    return leaves, outputs, [found[time] for time in sorted(found)]


# -- array namespace: what has a derivative ----------------------------------------------------


def _linear(x, forward, backward):
    """A linear operation on NumPy arrays, and its adjoint."""
    return call(
        lambda v: (forward(v),),
        lambda _, __, dots: (_linear(dots[0], forward, backward),),
        lambda _, __, bars: (_linear(bars[0], backward, forward),),
        (x,),
    )[0]


def _lifted(x, like):
    return x if isinstance(x, Array) else Array(np.asarray(x, np.result_type(like.dtype, x)))


def _pair(a, b):
    a = _lifted(a, b) if isinstance(b, Array) else a
    b = _lifted(b, a)
    dtype, shape = np.result_type(a.dtype, b.dtype), np.broadcast_shapes(a.shape, b.shape)
    return tuple(broadcast_to(astype(x, dtype), shape) for x in (a, b))


def _sum(*terms):
    present = [t for t in terms if t is not None]
    return present[0] if len(present) == 1 else present[0] + present[1]


def add(a, b):
    return call(
        lambda v, w: (v + w,),
        lambda _, __, dots: (_sum(*dots),),
        lambda _, __, bars: (bars[0], bars[0]),
        _pair(a, b),
    )[0]


def multiply(a, b):
    return call(lambda v, w: (v * w,), *_bilinear(multiply, conj), _pair(a, b))[0]


def matmul(a, b):
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (broadcast_to(x, batch + x.shape[-2:]) for x in (a, b))
    adjoint = lambda x: conj(matrix_transpose(x))
    return call(lambda v, w: (v @ w,), *_bilinear(matmul, adjoint), (a, b))[0]


def _bilinear(product, adjoint):
    def push(primals, _, dots):
        (a, b), (da, db) = primals, dots
        left = None if da is None else product(da, b)
        return (_sum(left, None if db is None else product(a, db)),)

    def pull(primals, _, bars):
        (a, b), (bar,) = primals, bars
        return product(bar, adjoint(b)), product(adjoint(a), bar)

    return push, pull


def reciprocal(x):
    return call(
        lambda v: (1 / v,),
        lambda _, ys, dots: (-(ys[0] * ys[0] * dots[0]),),
        lambda _, ys, bars: (-(conj(ys[0] * ys[0]) * bars[0]),),
        (x,),
    )[0]


def conj(x):
    return _linear(x, np.conj, np.conj)


def real(x):
    return _linear(x, np.real, lambda g: g.astype(x.dtype))


def astype(x, dtype):
    def cast(v, to):
        return (v if np.issubdtype(to, np.complexfloating) else v.real).astype(to)

    return (
        x if x.dtype == dtype else _linear(x, lambda v: cast(v, dtype), lambda g: cast(g, x.dtype))
    )


def broadcast_to(x, shape):
    front = len(shape) - x.ndim
    repeated = tuple(i for i in range(len(shape)) if i < front or x.shape[i - front] != shape[i])

    def back(g):
        return np.sum(g, axis=repeated, keepdims=True).reshape(x.shape)

    return x if x.shape == tuple(shape) else _linear(x, lambda v: np.broadcast_to(v, shape), back)


def reshape(x, shape):
    return _linear(x, lambda v: v.reshape(shape), lambda g: g.reshape(x.shape))


def matrix_transpose(x):
    return _linear(x, np.matrix_transpose, np.matrix_transpose)


def sum(x, *, axis=None, keepdims=False):
    kept = np.sum(x.value, axis=axis, keepdims=True).shape
    return _linear(
        x,
        lambda v: np.sum(v, axis=axis, keepdims=keepdims),
        lambda g: np.broadcast_to(g.reshape(kept), x.shape),
    )


def tril(x, *, k=0):
    return _linear(x, lambda v: np.tril(v, k), lambda g: np.tril(g, k))


def triu(x, *, k=0):
    return _linear(x, lambda v: np.triu(v, k), lambda g: np.triu(g, k))


def where(condition, a, b):
    a, b = _pair(a, b)
    a, b = (broadcast_to(x, np.broadcast_shapes(condition.shape, a.shape)) for x in (a, b))

    def masked(x, mask):
        return _linear(x, lambda v: np.where(mask, v, 0), lambda g: np.where(mask, g, 0))

    return masked(a, condition.value) + masked(b, ~condition.value)


def concat(arrays, *, axis=0):
    ends = np.cumsum([x.shape[axis] for x in arrays])

    def embedded(x, end):
        places = [(0, 0)] * x.ndim
        places[axis] = (end - x.shape[axis], ends[-1] - end)
        cut = [slice(None)] * x.ndim
        cut[axis] = slice(end - x.shape[axis], end)
        return _linear(x, lambda v: np.pad(v, places), lambda g: g[tuple(cut)])

    first, *others = (embedded(x, end) for x, end in zip(arrays, ends, strict=True))
    for other in others:
        first = first + other
    return first


# -- array namespace: what derivatives only compare, or start from --------------------------------


def _constant(function, *arguments, **keywords):
    return Array(function(*(x.value if isinstance(x, Array) else x for x in arguments), **keywords))


def _of_values(name):
    return lambda *arguments, **keywords: _constant(getattr(plain, name), *arguments, **keywords)


abs, all, any, eye, full_like = map(_of_values, ["abs", "all", "any", "eye", "full_like"])
isfinite, isinf, max = map(_of_values, ["isfinite", "isinf", "max"])
ones_like, zeros_like = map(_of_values, ["ones_like", "zeros_like"])


isdtype, result_type = plain.isdtype, plain.result_type
