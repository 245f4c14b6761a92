"""Arrays of any shape as vectors: what a function's first argument is to an iteration."""

from collections.abc import Callable

from ..._dtypes import dtype_name
from ..._functions import Function
from ..._typing import Array, Arrays, Namespace
from ...errors import ArrayTypeError, ShapeError

__all__ = ["acting", "called", "flat", "shaped"]


def flat(x: Array, f: Function, xp: Namespace) -> Array:
    """All axes of `x` behind the batch, as one."""
    return xp.reshape(x, (*x.shape[: f.batch], -1))


def shaped(v: Array, like: Array, xp: Namespace) -> Array:
    """A vector, in the shape of an array."""
    return xp.reshape(v, like.shape)


def called(rule: str, f: Function, x: Array, params: Arrays) -> Array:
    """``f(x, *params)``, which must look like `x`."""
    y = f(x, *params)
    if tuple(y.shape) != tuple(x.shape):
        shapes = tuple(y.shape)[f.batch :], tuple(x.shape)[f.batch :]
        msg = f"{rule}: the function returned shape {shapes[0]} for an array of shape {shapes[1]}"
        raise ShapeError(msg)
    if y.dtype != x.dtype:
        msg = (
            f"{rule}: the function returned {dtype_name(y.dtype)} for an array of "
            f"{dtype_name(x.dtype)}; pass an array of the dtype that it returns"
        )
        raise ArrayTypeError(msg)
    return y


def acting(
    rule: str, f: Function, like: Array, params: Arrays, xp: Namespace
) -> Callable[[Array], Array]:
    """``f`` as a function of vectors."""
    return lambda v: flat(called(rule, f, shaped(v, like, xp), params), f, xp)
