"""Which tensors NumPy may read: small ones that are nothing but numbers in the memory of the CPU."""

from typing import Any

import torch

from gradrules.host import SMALL, Host

from ._namespace import xp

_KINDS = (torch.Tensor, torch.nn.Parameter)
# Conjugated, batched, functional, quantized, meta, ... tensors have other keys.
_KEYS = [torch._C._dispatch_keys(torch.empty(0))]
with torch.inference_mode():
    _KEYS.append(torch._C._dispatch_keys(torch.empty(0)))


def _observed() -> bool:
    """Whether something records or replaces operations: a dispatch mode, or ``torch.jit.trace``."""
    return bool(torch._C._len_torch_dispatch_stack() or torch._C._get_tracing_state() is not None)


def _view(x: Any) -> Any:
    plain = type(x) in _KINDS and x.numel() <= SMALL and torch._C._dispatch_keys(x) in _KEYS
    return x.detach().numpy() if plain else None


host = Host(xp, _view, torch.from_numpy, _observed)
