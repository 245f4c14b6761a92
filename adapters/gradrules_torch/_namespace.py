"""The array namespace given to rules: array_api_compat's, with a few functions replaced.

Each replacement has one of two reasons: the compatibility wrapper costs more than the operation itself
on a small matrix, or it uses an operation that torch's old vmap (``is_grads_batched=True``, gradcheck's
``check_batched_grad``) cannot batch.
"""

from types import ModuleType
from typing import Any

import array_api_compat.torch as compat
import torch


def _matrix_transpose(x: Any, /) -> Any:
    return x.transpose(-2, -1)  # the old vmap has no swapaxes


def _concat(arrays: Any, /, *, axis: int | None = 0) -> Any:
    if axis is None:
        return torch.cat([array.reshape(-1) for array in arrays])
    return torch.cat(tuple(arrays), dim=axis)  # the old vmap has cat, but no concat


def _solve(x1: Any, x2: Any, /) -> Any:
    # Only arrays of unequal rank need the compatibility layer: x2 may be one vector.
    if x1.ndim == x2.ndim:
        return torch.linalg.solve(x1, x2)
    return compat.linalg.solve(x1, x2)


def _with(module: Any, **replaced: Any) -> Any:
    result = ModuleType(f"gradrules_torch.{module.__name__}", module.__doc__)
    vars(result).update({name: getattr(module, name) for name in module.__all__}, **replaced)
    return result


xp = _with(
    compat,
    matrix_transpose=_matrix_transpose,
    concat=_concat,
    conj=torch.conj,  # a view; vmap cannot batch conj_physical
    linalg=_with(compat.linalg, matrix_transpose=_matrix_transpose, solve=_solve),
)
