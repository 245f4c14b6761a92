"""Where the core axes of a call are: the keywords `axis` and `keepdims` of NumPy's generalized ufuncs.

A rule computes with its core axes at the end. Calls of a rule that declares these keywords may have
them elsewhere: they are moved before anything else happens, and back at the end, also for tangents
and cotangents. Neither the rule's functions nor an adapter ever see the keywords.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import hooks
from ._signature import Core, Signature
from ._typing import Array, Namespace
from .errors import OptionError, RegistrationError, ShapeError

KEYWORDS = ("axis", "keepdims")


class Layout:
    """The keywords that calls of a rule take, with their defaults."""

    def __init__(self, rule: str, signature: Signature, defaults: Mapping[str, Hashable]) -> None:
        self.rule, self.signature, self.defaults = rule, signature, dict(defaults)
        unknown = sorted(defaults.keys() - {*KEYWORDS})
        if unknown:
            msg = f"rule {rule!r} declares a layout {unknown[0]!r}; there are {', '.join(KEYWORDS)}"
            raise RegistrationError(msg)
        # Several axes may be taken as one where there is one array to have them, and no result.
        self.merges = len(signature.inputs) == 1 and not any(signature.outputs)
        cores = (*signature.inputs, *signature.outputs)
        if "axis" in defaults and (
            {*map(len, signature.inputs)} != {1} or len({a for core in cores for a in core}) > 1
        ):
            msg = f"rule {rule!r} declares an axis; its inputs must have one core axis, the same in all"
            raise RegistrationError(msg)
        if "keepdims" in defaults and not self.merges:
            msg = f"rule {rule!r} declares keepdims, for one input and results without core axes"
            raise RegistrationError(msg)

    def arrange(self, arrays: tuple[Array, ...], options: Mapping[str, Hashable]) -> "Arrangement":
        """That of a call with these arrays and keywords."""
        given = {**self.defaults, **options}
        keepdims = given.get("keepdims", False)
        if not isinstance(keepdims, bool):
            msg = f"{self.rule}: option 'keepdims' is {keepdims!r}; it must be True or False"
            raise OptionError(msg)
        if "axis" not in given:
            core = len(self.signature.inputs[0])
            return Arrangement(kept=tuple(range(-core, 0)) if keepdims else ())
        axis: Any = given["axis"]
        if not self._is_axis(axis):
            words = "a whole number, a tuple of them, or None" if self.merges else "a whole number"
            msg = f"{self.rule}: option 'axis' is {axis!r}; it must be {words}"
            raise OptionError(msg)
        ranks = [len(array.shape) for array in arrays]
        axes = [_counted(self.rule, axis, rank) for rank in ranks]
        if not self.merges:
            return Arrangement(axis=axis)
        return Arrangement(axes=axes[0], kept=axes[0] if keepdims else ())

    def _is_axis(self, axis: Any) -> bool:
        if self.merges and (axis is None or isinstance(axis, tuple)):
            return all(type(a) is int for a in axis or ())
        return type(axis) is int


def _counted(rule: str, axis: Any, rank: int) -> tuple[int, ...]:
    """Axes counted from the end."""
    axes = tuple(range(rank)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    counted = tuple(a % rank - rank for a in axes) if rank else axes
    if len(set(counted)) < len(axes) or any(not -rank <= a < rank for a in axes):
        msg = f"{rule}: axis {axis!r} does not name axes of an array that has {rank}"
        raise ShapeError(msg)
    return counted


@dataclass(frozen=True)
class Arrangement:
    """How the arrays of one call differ from those that the rule computes with.

    Attributes
    ----------
    axis
        The place of the core axis of each input and output that has one.
    axes
        The axes of the only input that are its core axis when they are taken as one, counted from the end.
    kept
        Where the results have axes of length one, counted from the end.
    absent
        The optional core axes that no input has.
    """

    axis: int | None = None
    axes: tuple[int, ...] | None = None
    kept: tuple[int, ...] = ()
    absent: tuple[str, ...] = ()

    def inward(self, array: Array, xp: Namespace) -> Array:
        """An input, or its tangent, with its core axis at the end."""
        if self.axis is not None:
            return _moved(array, self.axis, -1, xp)
        if self.axes is None:
            return array
        array = _permuted(array, self._order(len(array.shape)), xp)
        if len(self.axes) == 1:
            return array
        lengths = [hooks.length(array, i, xp=xp) for i in range(len(array.shape))]
        front = len(lengths) - len(self.axes)
        return xp.reshape(array, (*lengths[:front], math.prod(lengths[front:])))

    def outward(self, value: Array, lengths: Sequence[Any], xp: Namespace) -> Array:
        """The way back of an input or its cotangent; `lengths` are those of the input."""
        if self.axis is not None:
            return _moved(value, -1, self.axis, xp)
        if self.axes is None:
            return value
        if len(self.axes) != 1:
            front = [hooks.length(value, i, xp=xp) for i in range(len(value.shape) - 1)]
            value = xp.reshape(value, (*front, *lengths))
        order = self._order(len(value.shape))
        return _permuted(value, [order.index(i) for i in range(len(order))], xp)

    def lengths(self, array: Array, xp: Namespace) -> tuple[Any, ...]:
        """Of the axes that are taken as one, where these are several."""
        if self.axes is None or len(self.axes) == 1:
            return ()
        return tuple(hooks.length(array, i, xp=xp) for i in self.axes)

    def result(self, value: Array, core: Core, signature: Signature, xp: Namespace) -> Array:
        """An output, or its tangent, as the caller gets it."""
        value = signature.restore(value, core, self.absent)
        if self.axis is not None and core:
            return _moved(value, -1, self.axis, xp)
        if self.kept:
            rank = len(value.shape) + len(self.kept)
            return value[tuple(None if i in self.kept else slice(None) for i in range(-rank, 0))]
        return value

    def cotangent(self, value: Array, core: Core, like: Array, xp: Namespace) -> Array:
        """The cotangent of an output, in the shape of the output `like` that the rule computed."""
        if self.axis is not None and core:
            value = _moved(value, self.axis, -1, xp)
        return xp.reshape(value, like.shape)

    def _order(self, rank: int) -> list[int]:
        assert self.axes is not None
        axes = [i % rank for i in self.axes]
        return [i for i in range(rank) if i not in axes] + axes


def _moved(array: Array, source: int, destination: int, xp: Namespace) -> Array:
    rank = len(array.shape)
    if source % rank == destination % rank:
        return array
    return xp.moveaxis(array, source, destination)


def _permuted(array: Array, order: list[int], xp: Namespace) -> Array:
    return array if order == sorted(order) else xp.permute_dims(array, order)
