"""``autograd.numpy`` under the names of the array API standard: what derivatives are written with.

Every function here has the right derivative in both modes, real and complex, to second order:
``tests/adapters/test_autograd.py`` checks each. Most are autograd's own. Those that are not replace
one that has no derivative, or a wrong one: a comment says which. What has no derivative by nature
(creation, comparison, rounding) sees values only. In a few derivatives (of `max`, `log2`, ...)
autograd widens float32; a rule's results are cast back.

Linear algebra beyond products is absent on purpose: a derivative calls a registered rule instead,
which is differentiable in every mode; ``autograd.numpy.linalg`` has hardly any forward mode.
"""

import math
from typing import Any

import autograd.numpy as anp
import numpy as np
from array_api_compat import numpy as plain
from autograd.extend import defjvp, defvjp, primitive
from autograd.numpy.numpy_vjps import unbroadcast_f
from autograd.tracer import getval, isbox

Array = Any


def __getattr__(name: str) -> Any:
    if name == "linalg" or not hasattr(plain, name):
        hint = "in a derivative, call registered rules (gradrules.solve, ...) for linear algebra"
    else:
        hint = "its derivative is missing in autograd"
    msg = f"the array namespace that gradrules gives to autograd has no {name!r}: {hint}"
    raise AttributeError(msg)


def _of_values(function: Any) -> Any:
    """Let `function` see values alone: its derivative is zero, or does not exist."""

    def constant(*arguments: Any, **keywords: Any) -> Any:
        values = {key: getval(value) for key, value in keywords.items()}
        return function(*map(getval, arguments), **values)

    return constant


_CONSTANTS = """
    e inf nan newaxis pi bool int8 int16 int32 int64 uint8 uint16 uint32 uint64
    float32 float64 complex64 complex128
"""
_WITHOUT_DERIVATIVE = """
    arange empty empty_like eye linspace ones ones_like zeros zeros_like
    can_cast finfo iinfo isdtype result_type __array_namespace_info__
    all any argmax argmin argsort count_nonzero nonzero searchsorted
    ceil floor floor_divide round trunc signbit isfinite isinf isnan
    equal greater greater_equal less less_equal not_equal
    logical_and logical_not logical_or logical_xor bitwise_and bitwise_invert bitwise_or
"""
_SAME_IN_AUTOGRAD = """
    abs add conj cos cosh divide exp expm1 imag log log10 log1p log2 logaddexp maximum minimum
    multiply negative real reciprocal sin sinh sqrt square subtract tan tanh
    diff expand_dims matmul mean moveaxis reshape roll squeeze sum tensordot tril triu
"""
_RENAMED = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atan2": "arctan2", "atanh": "arctanh", "pow": "power", "permute_dims": "transpose",
}  # fmt: skip

globals().update({name: getattr(plain, name) for name in _CONSTANTS.split()})
globals().update({name: _of_values(getattr(plain, name)) for name in _WITHOUT_DERIVATIVE.split()})
globals().update({name: getattr(anp, name) for name in _SAME_IN_AUTOGRAD.split()})
globals().update({name: getattr(anp, theirs) for name, theirs in _RENAMED.items()})


# -- creation and types ------------------------------------------------------------------------


def asarray(x: Any, /, *, dtype: Any = None, device: Any = None, copy: Any = None) -> Array:
    """Make an array, of a traced Python number or a list with traced items too."""
    if isinstance(x, list | tuple) or type(getval(x)) in (float, complex):
        x = anp.array(x)
    if isbox(x):
        return x if dtype is None else astype(x, dtype)
    return plain.asarray(x, dtype=dtype, device=device, copy=copy)


@primitive  # type: ignore[untyped-decorator]
def _astype(x: Array, dtype: Any) -> Array:
    x = np.asarray(x)
    return (x.real if np.dtype(dtype).kind == "f" else x).astype(dtype)


# autograd's own has no jvp, and a vjp that warns of a lost imaginary part.
defvjp(_astype, lambda ans, x, dtype: lambda g: _astype(g, x.dtype))  # noqa: ARG005
defjvp(_astype, "same")


def astype(x: Array, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:  # noqa: ARG001
    """Cast; the derivative of a cast to a real type is real."""
    if x.dtype == dtype:
        return x
    return _astype(x if np.dtype(dtype).kind in "fc" else getval(x), dtype)


def full_like(x: Array, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Repeat a number, which may be traced (autograd drops its derivative)."""
    dtype = x.dtype if dtype is None else dtype
    return full(x.shape, fill_value, dtype=dtype, device=device)


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Repeat a number, which may be traced."""
    if isbox(fill_value):
        return broadcast_to(asarray(fill_value, dtype=dtype), shape)
    return plain.full(shape, fill_value, dtype=dtype, device=device)


# -- elementwise -------------------------------------------------------------------------------


@primitive  # type: ignore[untyped-decorator]
def _select(condition: Array, x: Array, y: Array) -> Array:
    return np.where(condition, x, y)


def _or_zero(condition: Array, g: Array) -> Array:
    return _select(condition, g, np.zeros_like(getval(g)))


defvjp(
    _select,
    None,
    lambda ans, c, x, y: lambda g: _or_zero(c, g),  # noqa: ARG005
    lambda ans, c, x, y: lambda g: _or_zero(~c, g),  # noqa: ARG005
)
defjvp(
    _select,
    None,
    lambda g, ans, c, x, y: _or_zero(c, g),  # noqa: ARG005
    lambda g, ans, c, x, y: _or_zero(~c, g),  # noqa: ARG005
)


# autograd's own widens float32, and neither broadcasts nor mixes real and complex.
def where(condition: Array, x1: Any, x2: Any, /) -> Array:
    """Elements of `x1` where the condition holds, else of `x2`."""
    condition = np.asarray(getval(condition))
    if not (isbox(x1) or isbox(x2)):
        return np.where(condition, x1, x2)
    dtype = np.result_type(*(getval(x) for x in (x1, x2)))
    shape = np.broadcast_shapes(condition.shape, *(np.shape(getval(x)) for x in (x1, x2)))
    return _select(
        np.broadcast_to(condition, shape),
        *(broadcast_to(asarray(x, dtype=dtype), shape) for x in (x1, x2)),
    )


def clip(x: Array, /, min: Any = None, max: Any = None) -> Array:  # noqa: A002
    """Limit the values; at a limit half of the derivative passes."""
    x = x if min is None else anp.maximum(x, min)
    return x if max is None else anp.minimum(x, max)


def hypot(x1: Array, x2: Array, /) -> Array:
    """``sqrt(x1**2 + x2**2)``; autograd's has no jvp."""
    return anp.abs(x1 + 1j * x2)


def positive(x: Array, /) -> Array:
    """Return the array itself."""
    return x


def remainder(x1: Array, x2: Array, /) -> Array:
    """``x1 - floor(x1 / x2) * x2``."""
    return x1 - np.floor(getval(x1) / getval(x2)) * x2


def sign(x: Array, /) -> Array:
    """Sign, or phase; autograd takes the phase of a complex number for constant."""
    if x.dtype.kind != "c":
        return np.sign(getval(x))
    size = anp.abs(x)
    return x / where(size == 0, 1.0, size)


# -- sums and products -------------------------------------------------------------------------


def _extreme(function: Any) -> Any:
    def extreme(x: Array, /, *, axis: Any = None, keepdims: Any = False) -> Array:
        # autograd's jvp misplaces negative axes.
        return function(x, axis=_axes(x, axis), keepdims=keepdims)

    return extreme


def _axes(x: Array, axis: Any) -> tuple[int, ...]:
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return tuple(a % x.ndim for a in axes)


max = _extreme(anp.max)  # noqa: A001
min = _extreme(anp.min)  # noqa: A001


@primitive  # type: ignore[untyped-decorator]
def _last_prod(x: Array) -> Array:
    return np.prod(x, axis=-1)


def _others(x: Array) -> Array:
    """Multiply all factors but one; autograd divides by that one, which may be zero."""
    return _last_prod(where(np.eye(x.shape[-1], dtype="bool"), 1.0, x[..., None, :]))


defvjp(_last_prod, lambda ans, x: lambda g: g[..., None] * _others(x))  # noqa: ARG005
defjvp(_last_prod, lambda g, ans, x: anp.sum(g * _others(x), axis=-1))  # noqa: ARG005


def prod(x: Array, /, *, axis: Any = None, dtype: Any = None, keepdims: Any = False) -> Array:
    """Product along axes, differentiable where factors are zero."""
    y = x if dtype is None else astype(x, dtype)
    axes = _axes(x, axis)
    for a in sorted(axes, reverse=True):
        y = _last_prod(anp.moveaxis(y, a, -1))
    return anp.expand_dims(y, axes) if keepdims else y


def var(x: Array, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Array:
    """Variance; autograd's jvp fails for several axes."""
    away = anp.abs(x - anp.mean(x, axis=axis, keepdims=True)) ** 2
    count = math.prod(x.shape[a] for a in _axes(x, axis))
    return anp.sum(away, axis=axis, keepdims=keepdims) / (count - correction)


def std(x: Array, /, *, axis: Any = None, correction: float = 0.0, keepdims: Any = False) -> Array:
    """Take the root of the variance."""
    return anp.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def cumulative_sum(x: Array, /, *, axis: int | None = None) -> Array:
    """Sum up along an axis, which may be left out for a vector."""
    return anp.cumsum(x, axis=0 if axis is None else axis)


def vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """``sum(conj(x1) * x2)`` along an axis."""
    return anp.sum(anp.conj(x1) * x2, axis=axis)


# -- shapes ------------------------------------------------------------------------------------


@primitive  # type: ignore[untyped-decorator]
def _broadcast(x: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(x, shape)


defvjp(_broadcast, lambda ans, x, shape: unbroadcast_f(x, lambda g: g))  # noqa: ARG005
defjvp(_broadcast, "same")


# autograd's own takes no new axes.
def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
    """Repeat along axes of length 1 and along new axes in front."""
    return x if x.shape == tuple(shape) else _broadcast(x, tuple(shape))


def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
    """All arrays in their common shape."""
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(broadcast_to(x, shape) for x in arrays)


def concat(arrays: Any, /, *, axis: int | None = 0) -> Array:
    """Join along an axis; autograd's own does not mix real and complex."""
    dtype = np.result_type(*(x.dtype for x in arrays))
    arrays = [astype(x, dtype) for x in arrays]
    if axis is None:
        arrays, axis = [anp.reshape(x, (-1,)) for x in arrays], 0
    return anp.concatenate(arrays, axis=axis)


def stack(arrays: Any, /, *, axis: int = 0) -> Array:
    """Join along a new axis."""
    return concat([anp.expand_dims(x, axis) for x in arrays], axis=axis)


def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """Split into the parts along an axis."""
    front = anp.moveaxis(x, axis, 0)
    return tuple(front[i] for i in range(front.shape[0]))


def matrix_transpose(x: Array, /) -> Array:
    """Swap the last two axes."""
    return anp.swapaxes(x, -1, -2)


def flip(x: Array, /, *, axis: Any = None) -> Array:
    """Reverse axes."""
    axes = _axes(x, axis)
    return x[tuple(slice(None, None, -1 if a in axes else None) for a in range(x.ndim))]


def take(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """Elements at `indices` along an axis."""
    return x[(slice(None),) * (axis % x.ndim) + (indices,)]
