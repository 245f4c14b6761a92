"""JAX's transformations, in gradrules' convention of complex cotangents."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradrules import Transforms
from gradrules.errors import ArrayTypeError

__all__ = ["JaxTransforms"]

Array = Any
Arrays = tuple[Array, ...]
MaybeArrays = tuple[Array | None, ...]
Function = Callable[..., Arrays]


class JaxTransforms(Transforms):
    """`jax.vjp`, `jax.jvp`, `jax.vmap` and `jax.jit`; nothing is missing.

    An argument without a tangent, or an output without a cotangent, stays out of the transformed
    function: to JAX an array of zeros would be a derivative like any other.
    """

    def array(self, value: Any) -> Array:
        """A JAX array of the same dtype.

        Raises
        ------
        ArrayTypeError
            If JAX would narrow 64 to 32 bits, which ``jax_enable_x64`` prevents.
        """
        value = np.asarray(value)
        if jax.dtypes.canonicalize_dtype(value.dtype) != value.dtype:
            msg = (
                f"JAX would narrow {value.dtype} here; set JAX_ENABLE_X64=1 in the environment, or "
                f"call jax.config.update('jax_enable_x64', True) first"
            )
            raise ArrayTypeError(msg)
        return jnp.asarray(value)

    def precise(self) -> AbstractContextManager[Any]:
        """64 bits, whatever ``jax_enable_x64`` says."""
        context: AbstractContextManager[Any] = jax.enable_x64(True)  # noqa: FBT003
        return context

    def numpy(self, value: Array) -> Any:
        """A NumPy array."""
        return np.asarray(value)

    def vjp(self, f: Function, primals: Arrays, cotangents: MaybeArrays) -> Arrays:
        """By `jax.vjp`, whose convention is the complex conjugate of ours."""
        moving = [i for i, p in enumerate(primals) if jnp.issubdtype(p.dtype, jnp.inexact)]
        wanted = [i for i, c in enumerate(cotangents) if c is not None]

        def g(*arrays: Array) -> Arrays:
            outputs = f(*_with(primals, moving, arrays))
            return tuple(outputs[i] for i in wanted)

        _, pullback = jax.vjp(g, *(primals[i] for i in moving))
        found = pullback(tuple(jnp.conj(cotangents[i]) for i in wanted))
        return _with(map(jnp.zeros_like, primals), moving, map(jnp.conj, found))

    def jvp(self, f: Function, primals: Arrays, tangents: MaybeArrays) -> Arrays:
        """By `jax.jvp`."""
        moving = [i for i, t in enumerate(tangents) if t is not None]

        def g(*arrays: Array) -> Arrays:
            return tuple(f(*_with(primals, moving, arrays)))

        outputs, dots = jax.jvp(
            g, tuple(primals[i] for i in moving), tuple(tangents[i] for i in moving)
        )
        return tuple(
            jnp.zeros_like(y) if d.dtype == jax.dtypes.float0 else d
            for y, d in zip(outputs, dots, strict=True)
        )

    def vmap(self, f: Function) -> Function:
        """`jax.vmap`."""
        batched: Function = jax.vmap(f)
        return batched

    def timed(self, f: Function, primals: Arrays, cotangents: Arrays) -> dict[str, Any]:
        """Compiled; what the forward pass leaves behind is an argument of the backward pass."""
        forward = jax.jit(f)
        both = jax.jit(lambda *arrays: jax.vjp(f, *arrays)[1](cotangents))
        _, pullback = jax.jit(lambda *arrays: jax.vjp(f, *arrays))(*primals)
        backward = jax.jit(lambda pull, bars: pull(bars))
        return {
            "forward": lambda: jax.block_until_ready(forward(*primals)),
            "backward": lambda: jax.block_until_ready(backward(pullback, cotangents)),
            "both": lambda: jax.block_until_ready(both(*primals)),
        }

    def rows(self) -> Iterable[Any]:
        """What users write: ``grad``, ``hessian``, ``lax.scan``, ``checkpoint``, ``export``, ..."""
        from ._rows import rows  # noqa: PLC0415 (for tests alone)

        return rows()

    def compile(self, f: Function) -> Function:
        """`jax.jit`."""
        compiled: Function = jax.jit(f)
        return compiled


def _with(values: Any, places: list[int], replacements: Any) -> Arrays:
    """`values`, with `replacements` at `places`."""
    result = list(values)
    for place, replacement in zip(places, replacements, strict=True):
        result[place] = replacement
    return tuple(result)
