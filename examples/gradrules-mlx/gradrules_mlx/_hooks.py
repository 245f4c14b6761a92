"""What rules need beyond the array API: see `gradrules.hooks`."""

from collections.abc import Callable
from typing import Any

import mlx.core as mx

from gradrules import hooks

from . import _namespace as xp

Array = Any
Arrays = tuple[Array, ...]


def _eye_like(a: Array) -> Array:
    return mx.eye(a.shape[-1], dtype=a.dtype)


def _repeat(_count: Array, most: int, body: Callable[..., Arrays], state: Arrays) -> Arrays:
    """All steps, of which the idle ones do nothing.

    The count is not looked at: inside vmap and compile MLX refuses that, and inside the derivative of an
    operation looking at a number cuts its graph, so that the next derivative is silently zero.
    """
    for i in range(most):
        state = body(i, state)
    return state


hooks.provide(xp, eye_like=_eye_like, repeat=_repeat)
