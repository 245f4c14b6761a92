"""MLX's transformations, for ``gradrules check``. MLX's complex cotangents are in our convention."""

from collections.abc import Callable, Iterable
from typing import Any

import mlx.core as mx
import numpy as np

from gradrules import Transforms

from ._namespace import LACKS

Arrays = tuple[Any, ...]
MaybeArrays = tuple[Any | None, ...]
Function = Callable[..., Arrays]


class MlxTransforms(Transforms):
    """``mlx.core.vjp``, ``jvp``, ``vmap`` and ``compile``; they nest in one another."""

    missing = LACKS

    def array(self, value: Any) -> Any:
        """An array of the same dtype; MLX left alone would narrow float64."""
        value = np.asarray(value)
        return mx.array(value, dtype=getattr(mx, value.dtype.name))

    def numpy(self, value: Any) -> Any:
        """A NumPy array; an error of MLX is heard of here, and not by NumPy."""
        mx.eval(value)
        return np.array(value)

    def vjp(self, f: Function, primals: Arrays, cotangents: MaybeArrays) -> Arrays:
        """By ``mlx.core.vjp``, in the primals that are not integers."""
        moving = [i for i, x in enumerate(primals) if inexact(x)]
        wanted = [i for i, bar in enumerate(cotangents) if bar is not None]
        bars = [mx.zeros_like(x) for x in primals]
        if wanted:
            g = _restricted(f, primals, moving, wanted)
            _, found = mx.vjp(g, _at(primals, moving), _at(cotangents, wanted))
            for i, bar in zip(moving, found, strict=True):
                bars[i] = bar
        return tuple(bars)

    def jvp(self, f: Function, primals: Arrays, tangents: MaybeArrays) -> Arrays:
        """By ``mlx.core.jvp``, in the primals that have a tangent."""
        moving = [i for i, dot in enumerate(tangents) if dot is not None]
        g = _restricted(f, primals, moving, None)
        return tuple(mx.jvp(g, _at(primals, moving), _at(tangents, moving))[1])

    def vmap(self, f: Function) -> Function:
        """``mlx.core.vmap``."""
        return mx.vmap(f)

    def compile(self, f: Function) -> Function:
        """``mlx.core.compile``."""
        return mx.compile(f)

    def rows(self) -> Iterable[Any]:
        """``grad``, ``checkpoint``, ...: see `_rows`."""
        from ._rows import rows  # noqa: PLC0415 (for tests alone)

        return rows()


def inexact(array: Any) -> bool:
    """Whether the dtype is real or complex floating: the dtypes that have tangents."""
    return mx.issubdtype(array.dtype, mx.inexact)


def _at(values: Any, places: Iterable[int]) -> list[Any]:
    return [values[i] for i in places]


def _restricted(
    f: Function, primals: Arrays, moving: list[int], wanted: list[int] | None
) -> Callable[..., list[Any]]:
    """`f` as a function of some of its arguments alone, with some of its results."""

    def g(*arrays: Any) -> list[Any]:
        arguments = list(primals)
        for i, x in zip(moving, arrays, strict=True):
            arguments[i] = x
        outputs = f(*arguments)
        return list(outputs) if wanted is None else _at(outputs, wanted)

    return g
