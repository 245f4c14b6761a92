"""``mlx.core`` as the array namespace that rules compute with.

MLX has nearly all functions of the array API under their names. Those below replace one that would
return a wrong number, or refuse by name what MLX cannot do: `LACKS` is the list.
"""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import mlx.core as mx

from gradrules.errors import UnsupportedTransformError

Array = Any

LACKS = {
    "complex128": "MLX has no complex128",
    "complex inverse": "MLX inverts real matrices only",
    "complex determinant": "MLX's determinants are of real matrices only",
    "float64 function": "MLX computes this, or its derivative, in single precision for float64",
    "complex power": "the gradient of MLX's complex power lacks a conjugate",
}


def __getattr__(name: str) -> Any:
    return getattr(mx, name)


def _refuse_if(lacking: bool, what: str) -> None:
    if lacking:
        raise UnsupportedTransformError(LACKS[what])


def _is_complex(x: Array) -> bool:
    return isinstance(x, mx.array) and x.dtype == mx.complex64


def _is_double(x: Array) -> bool:
    return isinstance(x, mx.array) and x.dtype == mx.float64


bool = mx.bool_  # noqa: A001


def exp(x: Array, /) -> Array:
    """Exponential; MLX's own is computed in single precision for float64."""
    return mx.power(mx.array(mx.e, dtype=x.dtype), x) if _is_double(x) else mx.exp(x)


def log2(x: Array, /) -> Array:
    """Logarithm to base 2; the derivative of MLX's own is of single precision."""
    return mx.log(x) / math.log(2)


def log10(x: Array, /) -> Array:
    """Logarithm to base 10; likewise."""
    return mx.log(x) / math.log(10)


def _not_of_doubles(function: Callable[..., Array]) -> Callable[..., Array]:
    def guarded(*arrays: Array) -> Array:
        _refuse_if(any(map(_is_double, arrays)), "float64 function")
        return function(*arrays)

    return guarded


sin, cos, tan, expm1, logaddexp = map(
    _not_of_doubles, (mx.sin, mx.cos, mx.tan, mx.expm1, mx.logaddexp)
)


def pow(x1: Array, x2: Array, /) -> Array:  # noqa: A001
    """Real power."""
    _refuse_if(_is_complex(x1) or _is_complex(x2), "complex power")
    return mx.power(x1, x2)


def abs(x: Array, /) -> Array:  # noqa: A001
    """Absolute value; MLX takes the phase of a complex number for constant at second order."""
    if not _is_complex(x):
        return mx.abs(x)
    re, im = mx.real(x), mx.imag(x)
    size = mx.stop_gradient(mx.maximum(mx.abs(re), mx.abs(im)))
    unit = mx.where(size > 0, size, mx.ones_like(size))
    square = mx.square(re / unit) + mx.square(im / unit)
    return unit * mx.where(size > 0, mx.sqrt(mx.where(size > 0, square, 1)), 0 * square)


# -- linear algebra ----------------------------------------------------------------------------
# On the CPU, where MLX has it, whatever the default device is: both see the same memory.


def _own(x: Array) -> Array:
    # MLX's compiler stops with "_Map_base::at" where it merges equal chains of operations that have
    # several outputs; it does not merge this one.
    return mx.contiguous(x)


def _inv(x: Array, /) -> Array:
    _refuse_if(_is_complex(x), "complex inverse")
    if x.size == 0:
        return x  # MLX's own ends the process
    # MLX's own has no value for a singular matrix, which NumPy may be shown all the same.
    singular = _slogdet(x)[0][..., None, None] == 0
    regular = mx.where(singular, mx.eye(x.shape[-1], dtype=x.dtype), x)
    inverse = mx.linalg.inv(regular, stream=mx.cpu)
    return mx.where(singular, float("nan"), inverse)


def _solve(x1: Array, x2: Array, /) -> Array:
    # MLX's own solve multiplies by inverses as well, and cannot be mapped.
    return _inv(x1) @ x2


def _slogdet(x: Array, /) -> tuple[Array, Array]:
    _refuse_if(_is_complex(x), "complex determinant")
    sign, logabsdet = mx.linalg.slogdet(_own(x), stream=mx.cpu)
    return sign, logabsdet


def _det(x: Array, /) -> Array:
    # MLX's own det, beyond 3x3, is of single precision for float64.
    sign, logabsdet = _slogdet(x)
    return sign * exp(logabsdet)


def _eigh(x: Array, /) -> tuple[Array, Array]:
    return mx.linalg.eigh(_own(x), stream=mx.cpu)


def _eigvalsh(x: Array, /) -> Array:
    return mx.linalg.eigvalsh(x, stream=mx.cpu)


def _svd(x: Array, /, *, full_matrices: Any = True) -> tuple[Array, Array, Array]:
    u, s, vh = mx.linalg.svd(_own(x), stream=mx.cpu)
    k = s.shape[-1]
    return (u, s, vh) if full_matrices else (u[..., :k], s, vh[..., :k, :])


linalg = SimpleNamespace(
    det=_det, eigh=_eigh, eigvalsh=_eigvalsh, inv=_inv, slogdet=_slogdet, solve=_solve, svd=_svd
)
