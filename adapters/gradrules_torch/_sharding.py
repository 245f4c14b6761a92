"""A batch that is distributed over devices (DTensor): every device works on its own matrices.

Left to itself DTensor gathers the whole batch for most of ``torch.linalg``, and refuses to mix with the
plain constants that a rule makes.
"""

from collections.abc import Callable
from typing import Any

import torch

from gradrules import Rule

Arrays = tuple[Any, ...]


def is_distributed(array: Any) -> bool:
    """Whether `array` is a DTensor (asked without importing ``torch.distributed``)."""
    return type(array) is not torch.Tensor and hasattr(array, "device_mesh")


def on_shards(rule: Rule, arrays: Arrays, evaluate: Callable[[Arrays], Arrays]) -> Arrays:
    """Evaluate on the local parts of `arrays`, all of which have the same batch axes."""
    from torch.distributed.tensor import DTensor, Replicate  # noqa: PLC0415 (slow, and rarely needed)

    position = next(i for i, array in enumerate(arrays) if is_distributed(array))
    first = arrays[position]
    batch = tuple(first.shape[: first.ndim - len(rule.signature.inputs[position])])
    mesh = first.device_mesh
    # Shards along the batch stay where they are; a matrix must be whole.
    placements = [
        p if p.is_shard() and p.dim < len(batch) else Replicate() for p in first.placements
    ]
    outputs = evaluate(tuple(a.redistribute(mesh, placements).to_local() for a in arrays))

    def joined(y: Any) -> Any:
        shape = torch.Size((*batch, *y.shape[len(batch) :]))
        stride = torch.empty(shape, device="meta").stride()
        return DTensor.from_local(
            y.contiguous(), mesh, placements, run_check=False, shape=shape, stride=stride
        )

    return tuple(map(joined, outputs))
