"""Dtypes of any library: what they are called, and which of them have tangents."""

from typing import Any

from ._typing import Array, Namespace

__all__ = ["dtype_name", "is_inexact"]

_NAMES: dict[Any, str] = {}


def dtype_name(dtype: Any) -> str:
    """``"float64"`` for the float64 of any library."""
    key = (type(dtype), dtype)  # dtypes of different libraries are not to be compared
    name = _NAMES.get(key)
    if name is None:
        name = _NAMES[key] = str(getattr(dtype, "name", None) or str(dtype).rpartition(".")[2])
    return name


# As torch.compiler.assume_constant_result: compilers call this, and trace neither it nor its cache.
dtype_name._dynamo_marked_constant = True  # type: ignore[attr-defined]


def is_inexact(array: Array, xp: Namespace) -> bool:
    """Whether the dtype is real or complex floating: the dtypes that have tangents."""
    return bool(xp.isdtype(array.dtype, ("real floating", "complex floating")))
