"""A batch that is distributed over an explicit mesh: every device works on its own matrices.

On an explicit mesh (``AxisType.Explicit``) the sharding is a part of an array's type, and each operation
must derive that of its result. Many of JAX's own do not, where sharded arrays meet plain constants:
``jnp.linalg.inv`` and ``cholesky``, ``jax.scipy.linalg.expm`` fail on a sharded batch (JAX 0.10.2). A rule
is therefore evaluated inside a ``shard_map``, where it sees whole matrices and no mesh. On automatic
meshes nothing needs to be done: the compiler shares the work out.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from gradrules import Rule
from gradrules.errors import ArrayTypeError

__all__ = ["batch_alike", "on_shards"]

Array = Any
Operands = Sequence[Array]


def on_shards(rule: Rule, operands: Operands, evaluate: Callable[..., list[Array]]) -> list[Array]:
    """``evaluate(*operands)``, where an explicit mesh splits the batch: on each part by itself.

    The primals of `rule` come first in `operands`; the batch axes are in front of all operands and
    of all results.
    """
    mesh = _explicit_mesh(rule, operands)
    if mesh is None:
        return evaluate(*operands)
    _refuse_split_matrices(rule, operands)
    batch = _batch_spec(rule, operands)
    local = jax.shard_map(
        evaluate, mesh=mesh, in_specs=batch, out_specs=batch, axis_names=_axes(batch)
    )
    results: list[Array] = local(*_resharded(operands, mesh, batch))
    return results


def batch_alike(rule: Rule, operands: Operands) -> Operands:
    """Split all operands as those that an explicit mesh splits, so that results have one sharding."""
    mesh = _explicit_mesh(rule, operands)
    return operands if mesh is None else _resharded(operands, mesh, _batch_spec(rule, operands))


def _explicit_mesh(rule: Rule, operands: Operands) -> Any:
    """The mesh, if an explicit axis of it splits any operand.

    Where the batch ends a rule of a function does not say; its operations are left to JAX.
    """
    if rule.signature.function:
        return None
    for operand in operands:
        sharding = jax.typeof(operand).sharding
        if any(sharding.spec) and AxisType.Explicit in sharding.mesh.axis_types:
            return sharding.mesh
    return None


def _spec(operand: Array) -> tuple[Any, ...]:
    return tuple(jax.typeof(operand).sharding.spec)


def _rank(rule: Rule, operands: Operands) -> int:
    """How many axes the batch has."""
    return operands[0].ndim - len(rule.signature.inputs[0])


def _batch_spec(rule: Rule, operands: Operands) -> PartitionSpec:
    """How the batch is split; an operand that is whole along an axis follows the others."""
    rank = _rank(rule, operands)
    found = []
    for axis, entries in enumerate(zip(*(_spec(a)[:rank] for a in operands), strict=True)):
        splits = dict.fromkeys(entry for entry in entries if entry)
        if len(splits) > 1:
            ways = " and ".join(f"over {entry!r}" for entry in splits)
            msg = (
                f"{rule.name}: batch axis {axis} is split {ways} in different arrays; bring them to "
                f"one sharding with jax.sharding.reshard"
            )
            raise ArrayTypeError(msg)
        found.append(next(iter(splits), None))
    return PartitionSpec(*found)


def _axes(spec: PartitionSpec) -> set[str]:
    entries = [entry if isinstance(entry, tuple) else (entry,) for entry in spec if entry]
    return {name for entry in entries for name in entry}


def _refuse_split_matrices(rule: Rule, operands: Operands) -> None:
    rank = _rank(rule, operands)
    for name, operand in zip(rule.inputs, operands, strict=False):
        if any(_spec(operand)[rank:]):
            msg = (
                f"{rule.name}: the explicit mesh splits the matrices of argument {name!r}, of type "
                f"{jax.typeof(operand)}; only batch axes can be split. Gather the matrices first, with "
                f"jax.sharding.reshard"
            )
            raise ArrayTypeError(msg)


def _resharded(operands: Operands, mesh: Any, batch: PartitionSpec) -> Operands:
    return [_with_batch(operand, mesh, batch) for operand in operands]


def _with_batch(operand: Array, mesh: Any, batch: PartitionSpec) -> Array:
    spec = _spec(operand)
    if spec[: len(batch)] == tuple(batch):
        return operand
    wanted = NamedSharding(mesh, PartitionSpec(*batch, *spec[len(batch) :]))
    return jax.sharding.reshard(operand, wanted)
