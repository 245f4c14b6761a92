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


def _repeat(count: Array, most: int, body: Callable[..., Arrays], state: Arrays) -> Arrays:
    for i in range(_steps(count, most)):
        state = body(i, state)
    return state


def _steps(count: Array, most: int) -> int:
    """As many as there are; inside vmap and compile, which show no values, all: idle ones do nothing."""
    try:
        return int(count.item())
    except ValueError:
        return most


hooks.provide(xp, eye_like=_eye_like, repeat=_repeat)
