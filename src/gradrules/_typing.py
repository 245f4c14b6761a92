"""Type names used in signatures; arrays of every library are `Any` to a type checker."""

from collections.abc import Hashable
from typing import Any, TypeAlias

Array: TypeAlias = Any
Namespace: TypeAlias = Any
Arrays: TypeAlias = tuple[Array, ...]
MaybeArrays: TypeAlias = tuple[Any, ...]  # arrays, or `None` for zero
Options: TypeAlias = tuple[tuple[str, Hashable], ...]
