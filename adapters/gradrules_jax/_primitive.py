"""Primitives of JAX that run a function of arrays: what the two primitives of the adapter share.

Nothing above `jax.extend` and `jax.interpreters` gives both modes and all orders: `custom_vjp` has
no forward mode, `linear_call` neither derivative nor batching, and `custom_jvp` loses its rule in a
second derivative through `lax.scan`, silently (JAX 0.10.2 then differentiates the function itself).
"""

import functools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from gradrules import Function, lifted

from ._sharding import batch_alike, on_shards

__all__ = ["Bind", "compiled", "is_zero", "make_primitive", "zero"]

Array = Any
Operands = Sequence[Array]
Bind = Callable[..., list[Array]]
# Compiled functions to remember; it bounds what a program that makes ever new options holds on to.
CACHE = 4096


def make_primitive(name: str, evaluate: Callable[..., list[Array]]) -> tuple[Any, Bind]:
    """A primitive with the value ``evaluate(call, *operands)``, and the function that binds it.

    `call` is hashable and holds all that is static, its `rule` among it. `evaluate` accepts a new
    batch axis in front of all operands and returns it in front of all results; this is the
    primitive's `vmap`. Derivatives and shapes are for the caller to define.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True

    def bind(*operands: Array, call: Any) -> list[Array]:
        alike = batch_alike(call.rule, _varying_alike(operands))
        results: list[Array] = primitive.bind(*alike, call=call)
        return results

    def execute(*operands: Array, call: Hashable) -> list[Array]:
        results: list[Array] = compiled(evaluate, call)(*operands)
        return results

    def batch(operands: Operands, axes: Sequence[int | None], *, call: Any) -> Any:
        size = next(x.shape[i] for x, i in zip(operands, axes, strict=True) if i is not None)
        moved = [batching.bdim_at_front(x, i, size) for x, i in zip(operands, axes, strict=True)]
        results = bind(*moved, call=replace(call, options=lifted(call.options)))
        return results, [0] * len(results)

    primitive.def_impl(execute)
    mlir.register_lowering(primitive, mlir.lower_fun(execute, multiple_results=True))
    batching.primitive_batchers[primitive] = batch
    return primitive, bind


def compiled(evaluate: Callable[..., list[Array]], call: Any) -> Any:
    """``evaluate(call, ...)``, compiled once; eager calls do not dispatch operation by operation.

    A user's function is closed anew at each call: to remember it would only keep it alive.
    """
    if any(isinstance(value, Function) for _, value in call.options):
        return _compiled.__wrapped__(evaluate, call)
    return _compiled(evaluate, call)


@functools.lru_cache(maxsize=CACHE)
def _compiled(evaluate: Callable[..., list[Array]], call: Any) -> Any:
    def run(*operands: Array) -> list[Array]:
        return on_shards(call.rule, operands, functools.partial(evaluate, call))

    return jax.jit(run)


def is_zero(tangent: Any) -> bool:
    """Whether a tangent is absent or a symbolic zero, as those of integers are."""
    return tangent is None or isinstance(tangent, ad.Zero)


def zero(primal: Array) -> ad.Zero:
    """The symbolic zero tangent of an array."""
    return ad.Zero(jax.typeof(primal).to_tangent_aval())


def _varying_alike(arrays: Operands) -> Operands:
    """Mark all arrays as varying over the same axes of a `shard_map`, as JAX's own functions do.

    Where an array that is equal on all devices meets one that is not, the transpose of the cast
    sums its cotangents over the devices. Without it they would be those of one device, silently.
    """
    axes = [jax.typeof(a).mat.varying for a in arrays]
    union = frozenset().union(*axes)
    if not union:
        return arrays
    return [
        jax.lax.pcast(a, tuple(union - own), to="varying") if union - own else a
        for a, own in zip(arrays, axes, strict=True)
    ]
