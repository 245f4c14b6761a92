"""A batch that is distributed over devices (DTensor): every device works on its own matrices.

Left to itself DTensor gathers the whole batch for most of ``torch.linalg``, and refuses to mix with the
plain constants that a rule makes.
"""

from collections.abc import Callable
from typing import Any

import torch

from gradrules import Rule
from gradrules.errors import ArrayTypeError

Arrays = tuple[Any, ...]


def is_distributed(array: Any) -> bool:
    """Whether `array` is a DTensor (asked without importing ``torch.distributed``)."""
    return type(array) is not torch.Tensor and hasattr(array, "device_mesh")


def on_shards(rule: Rule, arrays: Arrays, evaluate: Callable[[Arrays], Arrays]) -> Arrays:
    """Evaluate on the local parts of `arrays`, all of which have the same batch axes."""
    from torch.distributed.tensor import DTensor  # noqa: PLC0415 (slow, and rarely needed)

    mesh = _common_mesh(rule, arrays)
    batch = tuple(arrays[0].shape[: arrays[0].ndim - len(rule.signature.inputs[0])])
    placements = _batch_placements(arrays, len(batch))
    outputs = evaluate(tuple(a.redistribute(mesh, placements).to_local() for a in arrays))

    def joined(y: Any) -> Any:
        shape = torch.Size((*batch, *y.shape[len(batch) :]))
        stride = torch.empty(shape, device="meta").stride()
        return DTensor.from_local(
            y.contiguous(), mesh, placements, run_check=False, shape=shape, stride=stride
        )

    return tuple(map(joined, outputs))


def _common_mesh(rule: Rule, arrays: Arrays) -> Any:
    meshes = [a.device_mesh if is_distributed(a) else None for a in arrays]
    if any(mesh != meshes[0] for mesh in meshes[1:]):
        where = ", ".join(
            f"{name!r} on {'no mesh' if mesh is None else mesh}"
            for name, mesh in zip(rule.inputs, meshes, strict=True)
        )
        msg = (
            f"{rule.name}: the arguments are not distributed over one mesh ({where}); bring them to "
            f"one with torch.distributed.tensor.distribute_tensor"
        )
        raise ArrayTypeError(msg)
    return meshes[0]


def _batch_placements(arrays: Arrays, rank: int) -> list[Any]:
    """Along each axis of the mesh, how the batch is split; an array that is whole follows the others.

    A matrix must be whole: what splits it is gathered.
    """
    from torch.distributed.tensor import Replicate  # noqa: PLC0415 (as above)

    return [
        next((p for p in along if p.is_shard() and p.dim < rank), Replicate())
        for along in zip(*(a.placements for a in arrays), strict=True)
    ]
