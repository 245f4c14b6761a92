"""The array namespace over TensorFlow: the part of the array API that derivative rules use.

TensorFlow has none, and ``tf.experimental.numpy`` needs a switch that changes tensors everywhere.
Functions here mean what the standard says (axis tuples, ``keepdims``, integer promotion), take
tensors of one dtype, and accept ``device=`` without using it: TensorFlow places operations itself.
What is missing raises an `AttributeError` that says so.
"""

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from . import _linalg

# ruff: noqa: A001, A002, ARG001 (names and arguments are the standard's)

Tensor = Any
DType = Any
Axis = int | tuple[int, ...] | None

linalg = _linalg
broadcast_batches = _linalg.broadcast_batches
matmul, matrix_transpose = _linalg.matmul, _linalg.matrix_transpose
tensordot, vecdot = _linalg.tensordot, _linalg.vecdot

e, inf, nan, newaxis, pi = np.e, np.inf, np.nan, None, np.pi

bool = tf.bool
int8, int16, int32, int64 = tf.int8, tf.int16, tf.int32, tf.int64
uint8, uint16, uint32, uint64 = tf.uint8, tf.uint16, tf.uint32, tf.uint64
float32, float64, complex64, complex128 = tf.float32, tf.float64, tf.complex64, tf.complex128


def __getattr__(name: str) -> Any:
    msg = (
        f"gradrules' array namespace over TensorFlow has no {name!r}: it covers what rules use "
        f"(gradrules_tensorflow/_namespace.py); write it with other functions, or add it there"
    )
    raise AttributeError(msg)


# -- dtypes ---------------------------------------------------------------------------------------


def astype(x: Tensor, dtype: DType, /, *, copy: builtins.bool = True, device: Any = None) -> Tensor:
    """`x` in another dtype."""
    return x if x.dtype == dtype else tf.cast(x, dtype)


def isdtype(dtype: DType, kind: Any) -> builtins.bool:
    """Whether a dtype is of a kind (``"real floating"``, ...), or of one of several."""
    if isinstance(kind, tuple):
        return builtins.any(isdtype(dtype, k) for k in kind)
    dtype = tf.as_dtype(dtype)
    signed = dtype.is_integer and not dtype.is_unsigned
    kinds = {
        "bool": dtype.is_bool,
        "signed integer": signed,
        "unsigned integer": dtype.is_unsigned,
        "integral": dtype.is_integer,
        "real floating": dtype.is_floating,
        "complex floating": dtype.is_complex,
        "numeric": dtype.is_integer or dtype.is_floating or dtype.is_complex,
    }
    if isinstance(kind, str) and kind in kinds:
        return builtins.bool(kinds[kind])
    return builtins.bool(dtype == tf.as_dtype(kind))


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype that arrays or dtypes are promoted to."""
    dtypes = (tf.as_dtype(getattr(x, "dtype", x)).as_numpy_dtype for x in arrays_and_dtypes)
    return tf.as_dtype(np.result_type(*dtypes))


def finfo(dtype: DType, /) -> Any:
    """Machine limits of a floating dtype."""
    return np.finfo(tf.as_dtype(getattr(dtype, "dtype", dtype)).as_numpy_dtype)


def _float(*values: Any) -> DType:
    """The default dtype of Python numbers."""
    if builtins.any(isinstance(v, complex) for v in values):
        return tf.complex64
    return tf.float32 if builtins.any(isinstance(v, float) for v in values) else tf.int64


# -- creation -------------------------------------------------------------------------------------


def asarray(
    obj: Any, /, *, dtype: DType = None, device: Any = None, copy: builtins.bool | None = None
) -> Tensor:
    """A tensor from numbers, nested sequences or another array."""
    return tf.identity(tf.convert_to_tensor(obj, dtype=dtype))


def arange(
    start: Any, /, stop: Any = None, step: Any = 1, *, dtype: DType = None, device: Any = None
) -> Tensor:
    """Evenly spaced values in ``[start, stop)``."""
    if stop is None:
        start, stop = 0, start
    return tf.range(start, stop, step, dtype=dtype or _float(start, stop, step))


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: DType = None, device: Any = None
) -> Tensor:
    """`num` evenly spaced values, both ends included."""
    dtype = dtype or tf.float32
    return tf.linspace(tf.cast(start, dtype), tf.cast(stop, dtype), num)


def eye(
    n_rows: Any, n_cols: Any = None, /, *, k: int = 0, dtype: DType = None, device: Any = None
) -> Tensor:
    """Ones on the k-th diagonal."""
    n_cols = n_rows if n_cols is None else n_cols
    if k == 0:
        return tf.eye(n_rows, n_cols, dtype=dtype or tf.float32)
    return tf.cast(_above(n_rows, n_cols) == k, dtype or tf.float32)


def full(shape: Any, fill_value: Any, *, dtype: DType = None, device: Any = None) -> Tensor:
    """A constant."""
    shape = (shape,) if isinstance(shape, int) else shape
    return tf.broadcast_to(tf.cast(fill_value, dtype or _float(fill_value)), shape)


def ones(shape: Any, *, dtype: DType = None, device: Any = None) -> Tensor:
    """Ones."""
    return tf.ones((shape,) if isinstance(shape, int) else shape, dtype or tf.float32)


def zeros(shape: Any, *, dtype: DType = None, device: Any = None) -> Tensor:
    """Zeros."""
    return tf.zeros((shape,) if isinstance(shape, int) else shape, dtype or tf.float32)


def full_like(x: Tensor, /, fill_value: Any, *, dtype: DType = None, device: Any = None) -> Tensor:
    """A constant of the shape of `x`."""
    return tf.fill(tf.shape(x), tf.cast(fill_value, dtype or x.dtype))


def ones_like(x: Tensor, /, *, dtype: DType = None, device: Any = None) -> Tensor:
    """Ones of the shape of `x`."""
    return tf.ones_like(x, dtype)


def zeros_like(x: Tensor, /, *, dtype: DType = None, device: Any = None) -> Tensor:
    """Zeros of the shape of `x`."""
    return tf.zeros_like(x, dtype)


def _above(rows: Any, columns: Any) -> Tensor:
    """Column minus row index of each entry of a matrix."""
    row, column = tf.range(tf.cast(rows, tf.int32)), tf.range(tf.cast(columns, tf.int32))
    return tf.expand_dims(column, 0) - tf.expand_dims(row, 1)


def _above_in(x: Tensor) -> Tensor:
    shape = x.shape[-2:] if x.shape[-2:].is_fully_defined() else tf.shape(x)[-2:]
    return _above(shape[0], shape[1])


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Lower triangle, up to the k-th diagonal."""
    return tf.where(_above_in(x) <= k, x, tf.zeros_like(x))


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """Upper triangle, from the k-th diagonal on."""
    return tf.where(_above_in(x) >= k, x, tf.zeros_like(x))


# -- elementwise ----------------------------------------------------------------------------------

abs, sign, negative, square, sqrt = tf.abs, tf.sign, tf.negative, tf.square, tf.sqrt
exp, expm1, log, log1p = tf.exp, tf.math.expm1, tf.math.log, tf.math.log1p
sin, cos, tan, asin, acos, atan = tf.sin, tf.cos, tf.tan, tf.asin, tf.acos, tf.atan
sinh, cosh, tanh, asinh, acosh, atanh = tf.sinh, tf.cosh, tf.tanh, tf.asinh, tf.acosh, tf.atanh
add, subtract, multiply, divide, pow = tf.add, tf.subtract, tf.multiply, tf.divide, tf.pow
atan2, floor_divide, remainder = tf.atan2, tf.math.floordiv, tf.math.floormod
maximum, minimum = tf.maximum, tf.minimum
equal, not_equal, less, less_equal = tf.equal, tf.not_equal, tf.less, tf.less_equal
greater, greater_equal = tf.greater, tf.greater_equal
logical_and, logical_or, logical_not = tf.logical_and, tf.logical_or, tf.logical_not
logical_xor = tf.math.logical_xor
conj, real, imag = tf.math.conj, tf.math.real, tf.math.imag


def log2(x: Tensor, /) -> Tensor:
    """Logarithm to base 2."""
    return tf.math.log(x) / np.log(2.0)


def log10(x: Tensor, /) -> Tensor:
    """Logarithm to base 10."""
    return tf.math.log(x) / np.log(10.0)


def logaddexp(x1: Tensor, x2: Tensor, /) -> Tensor:
    """``log(exp(x1) + exp(x2))``, without overflow."""
    larger = tf.maximum(x1, x2)
    return larger + tf.math.log1p(tf.exp(tf.minimum(x1, x2) - larger))


def reciprocal(x: Tensor, /) -> Tensor:
    """``1 / x``."""
    return 1 / x


def hypot(x1: Tensor, x2: Tensor, /) -> Tensor:
    """``sqrt(x1**2 + x2**2)``, without overflow."""
    return tf.abs(tf.complex(x1, x2))


def floor(x: Tensor, /) -> Tensor:
    """Largest integer not above."""
    return x if x.dtype.is_integer else tf.floor(x)


def ceil(x: Tensor, /) -> Tensor:
    """Smallest integer not below."""
    return x if x.dtype.is_integer else tf.math.ceil(x)


def round(x: Tensor, /) -> Tensor:
    """Nearest integer, to even at ties."""
    return tf.complex(tf.round(real(x)), tf.round(imag(x))) if x.dtype.is_complex else tf.round(x)


def trunc(x: Tensor, /) -> Tensor:
    """Nearest integer towards zero."""
    return x if x.dtype.is_integer else tf.where(x < 0, tf.math.ceil(x), tf.floor(x))


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """Values limited to ``[min, max]``."""
    x = x if min is None else tf.maximum(x, min)
    return x if max is None else tf.minimum(x, max)


def isfinite(x: Tensor, /) -> Tensor:
    """Neither infinite nor NaN."""
    if x.dtype.is_complex:
        return isfinite(real(x)) & isfinite(imag(x))
    return tf.math.is_finite(x) if x.dtype.is_floating else tf.ones_like(x, tf.bool)


def isnan(x: Tensor, /) -> Tensor:
    """Not a number."""
    return x != x  # noqa: PLR0124 (every dtype)


def isinf(x: Tensor, /) -> Tensor:
    """Infinite."""
    if x.dtype.is_complex:
        return isinf(real(x)) | isinf(imag(x))
    return tf.math.is_inf(x) if x.dtype.is_floating else tf.zeros_like(x, tf.bool)


def signbit(x: Tensor, /) -> Tensor:
    """Whether the sign bit is set, that of -0.0 too."""
    return tf.atan2(x, -tf.ones_like(x)) < 0 if x.dtype.is_floating else x < 0


def where(condition: Tensor, x1: Any, x2: Any, /) -> Tensor:
    """`x1` where the condition holds, `x2` elsewhere."""
    return tf.where(condition, x1, x2)


# -- reductions -----------------------------------------------------------------------------------


def _accumulated(x: Tensor, dtype: DType) -> Tensor:
    """`x` in the dtype of its sum: integers are added up in 64 bits."""
    if dtype is None and x.dtype.is_integer:
        dtype = tf.uint64 if x.dtype.is_unsigned else tf.int64
    return x if dtype is None else tf.cast(x, dtype)


def sum(
    x: Tensor, /, *, axis: Axis = None, dtype: DType = None, keepdims: builtins.bool = False
) -> Tensor:
    """Sum over axes (`None`: all)."""
    return tf.reduce_sum(_accumulated(x, dtype), axis=axis, keepdims=keepdims)


def prod(
    x: Tensor, /, *, axis: Axis = None, dtype: DType = None, keepdims: builtins.bool = False
) -> Tensor:
    """Product over axes (`None`: all)."""
    return tf.reduce_prod(_accumulated(x, dtype), axis=axis, keepdims=keepdims)


def max(x: Tensor, /, *, axis: Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Largest value over axes."""
    return tf.reduce_max(x, axis=axis, keepdims=keepdims)


def min(x: Tensor, /, *, axis: Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Smallest value over axes."""
    return tf.reduce_min(x, axis=axis, keepdims=keepdims)


def mean(x: Tensor, /, *, axis: Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Mean over axes."""
    return tf.reduce_mean(x, axis=axis, keepdims=keepdims)


def var(
    x: Tensor, /, *, axis: Axis = None, correction: float = 0.0, keepdims: builtins.bool = False
) -> Tensor:
    """Variance over axes, divided by ``n - correction``."""
    count = sum(tf.ones_like(x), axis=axis, keepdims=keepdims)
    away = x - tf.reduce_mean(x, axis=axis, keepdims=True)
    return tf.reduce_sum(away * away, axis=axis, keepdims=keepdims) / (count - correction)


def std(
    x: Tensor, /, *, axis: Axis = None, correction: float = 0.0, keepdims: builtins.bool = False
) -> Tensor:
    """Standard deviation over axes."""
    return tf.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def any(x: Tensor, /, *, axis: Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Whether any is true (nonzero)."""
    return tf.reduce_any(tf.cast(x, tf.bool), axis=axis, keepdims=keepdims)


def all(x: Tensor, /, *, axis: Axis = None, keepdims: builtins.bool = False) -> Tensor:
    """Whether all are true (nonzero)."""
    return tf.reduce_all(tf.cast(x, tf.bool), axis=axis, keepdims=keepdims)


def _arg(select: Any, x: Tensor, axis: int | None, keepdims: builtins.bool) -> Tensor:
    flat = tf.reshape(x, [-1]) if axis is None else x
    index = select(flat, axis=0 if axis is None else axis, output_type=tf.int64)
    if not keepdims:
        return index
    return tf.reshape(index, [1] * x.shape.rank) if axis is None else tf.expand_dims(index, axis)


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Index of the largest value; of the flattened tensor without an axis."""
    return _arg(tf.argmax, x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: builtins.bool = False) -> Tensor:
    """Index of the smallest value; of the flattened tensor without an axis."""
    return _arg(tf.argmin, x, axis, keepdims)


def cumulative_sum(x: Tensor, /, *, axis: int | None = None, dtype: DType = None) -> Tensor:
    """Running sum along an axis."""
    return tf.cumsum(_accumulated(x, dtype), axis=0 if axis is None else axis)


def cumulative_prod(x: Tensor, /, *, axis: int | None = None, dtype: DType = None) -> Tensor:
    """Running product along an axis."""
    return tf.math.cumprod(_accumulated(x, dtype), axis=0 if axis is None else axis)


# -- order and selection --------------------------------------------------------------------------


def sort(
    x: Tensor, /, *, axis: int = -1, descending: builtins.bool = False, stable: builtins.bool = True
) -> Tensor:
    """Values in order."""
    return tf.sort(x, axis=axis, direction="DESCENDING" if descending else "ASCENDING")


def argsort(
    x: Tensor, /, *, axis: int = -1, descending: builtins.bool = False, stable: builtins.bool = True
) -> Tensor:
    """Indices that put values in order."""
    direction = "DESCENDING" if descending else "ASCENDING"
    return tf.cast(tf.argsort(x, axis=axis, direction=direction, stable=stable), tf.int64)


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The entries at `indices` along an axis."""
    return tf.gather(x, indices, axis=0 if axis is None else axis)


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """The entries at `indices`, one list of indices for each line along an axis."""
    lines = tf.gather(
        moveaxis(x, axis, -1), moveaxis(indices, axis, -1), batch_dims=x.shape.rank - 1, axis=-1
    )
    return moveaxis(lines, -1, axis)


# -- manipulation ---------------------------------------------------------------------------------


def reshape(x: Tensor, /, shape: Any, *, copy: builtins.bool | None = None) -> Tensor:
    """The same entries in another shape."""
    return tf.reshape(x, (shape,) if isinstance(shape, int) else shape)


def broadcast_to(x: Tensor, /, shape: Any) -> Tensor:
    """`x` repeated to a shape."""
    return tf.broadcast_to(x, shape)


def broadcast_arrays(*arrays: Tensor) -> list[Tensor]:
    """All arrays in their common shape."""
    return list(broadcast_batches(arrays, [0] * len(arrays)))


def concat(arrays: Sequence[Tensor], /, *, axis: int | None = 0) -> Tensor:
    """Arrays joined along an axis (`None`: flattened)."""
    dtype = result_type(*arrays)
    arrays = [astype(a, dtype) for a in arrays]
    if axis is None:
        return tf.concat([tf.reshape(a, [-1]) for a in arrays], axis=0)
    return tf.concat(arrays, axis=axis)


def stack(arrays: Sequence[Tensor], /, *, axis: int = 0) -> Tensor:
    """Arrays joined along a new axis."""
    dtype = result_type(*arrays)
    return tf.stack([astype(a, dtype) for a in arrays], axis=axis)


def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices along an axis."""
    return tuple(tf.unstack(x, axis=axis))


def permute_dims(x: Tensor, /, axes: Sequence[int]) -> Tensor:
    """Axes in another order."""
    return tf.transpose(x, [a % x.shape.rank for a in axes])


def moveaxis(x: Tensor, source: Any, destination: Any, /) -> Tensor:
    """Some axes moved to other places."""
    rank = x.shape.rank
    sources = [a % rank for a in ((source,) if isinstance(source, int) else source)]
    places = [a % rank for a in ((destination,) if isinstance(destination, int) else destination)]
    order = [a for a in range(rank) if a not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return tf.transpose(x, order)


def expand_dims(x: Tensor, /, *, axis: Any = 0) -> Tensor:
    """New axes of length 1, at these places of the result."""
    axes = (axis,) if isinstance(axis, int) else axis
    rank = x.shape.rank + len(axes)
    for place in sorted(a % rank for a in axes):
        x = tf.expand_dims(x, place)
    return x


def squeeze(x: Tensor, /, axis: Any) -> Tensor:
    """Axes of length 1 removed."""
    return tf.squeeze(x, axis=axis)


def flip(x: Tensor, /, *, axis: Axis = None) -> Tensor:
    """The order along axes reversed."""
    axes = range(x.shape.rank) if axis is None else (axis,) if isinstance(axis, int) else axis
    return tf.reverse(x, axis=list(axes))


def roll(x: Tensor, /, shift: Any, *, axis: Any = None) -> Tensor:
    """Entries moved along axes, the last back to the front."""
    if axis is None:
        return tf.reshape(tf.roll(tf.reshape(x, [-1]), shift, axis=0), tf.shape(x))
    return tf.roll(x, shift, axis=axis)


def tile(x: Tensor, repetitions: Sequence[int], /) -> Tensor:
    """`x` repeated as a block."""
    missing = len(repetitions) - x.shape.rank
    x = x[(None,) * missing] if missing > 0 else x
    return tf.tile(x, [1] * -missing + list(repetitions))


def repeat(x: Tensor, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    """Each entry repeated."""
    return tf.repeat(x, repeats, axis=axis)
