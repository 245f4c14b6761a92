"""Type names used in signatures, in which arrays of every library are `Any`; the tuple of options."""

from collections.abc import Hashable
from typing import Any, TypeAlias

Array: TypeAlias = Any
Namespace: TypeAlias = Any
Arrays: TypeAlias = tuple[Array, ...]
MaybeArrays: TypeAlias = tuple[Any, ...]  # arrays, or `None` for zero
Options: TypeAlias = tuple[tuple[str, Hashable], ...]


class TypedOptions(Options):
    """Names and values of options. Equal only if the types are: 1, 1.0 and True are three options."""

    __slots__ = ()
    __hash__ = tuple.__hash__

    def __eq__(self, other: object) -> bool:
        """Compare types as well: whatever is cached under options must not be confused."""
        return (
            isinstance(other, tuple)
            and tuple.__eq__(self, other)
            and [type(value) for _, value in self] == [type(value) for _, value in other]
        )

    def __ne__(self, other: object) -> bool:
        """Not equal."""
        return not self == other
