"""Shapes of a rule, written as a NumPy generalized-ufunc signature: ``"(n,n),(n,k?)->(n,k?)"``.

Every array may have more axes in front: the batch. A name stands for one length, and a name
followed by ``?`` may be absent from an array that has too few axes for it. A number is that length.

``"f,*,...->*"`` is the signature of a rule of whole arrays: ``f`` is a function, ``*`` an array of
any shape, ``...`` any number more of them. They have no core axes, and nothing is broadcast.
"""

import copy
import itertools
import re
from typing import Any

from ._typing import Array, Arrays, Namespace
from .errors import RegistrationError, ShapeError

Core = tuple[str, ...]
_OPERAND = re.compile(r"\(([^()]*)\)")


def _operands(text: str) -> tuple[Core, ...]:
    if re.fullmatch(r"\*(,\*)*", text):
        return tuple(() for _ in text.split(","))
    if not re.fullmatch(r"\([^()]*\)(,\([^()]*\))*", text):
        msg = f"{text!r} is not a list of operands such as '(n,n),(n,k?)'"
        raise RegistrationError(msg)
    return tuple(tuple(name for name in core.split(",") if name) for core in _OPERAND.findall(text))


class Signature:
    """A parsed signature.

    Attributes
    ----------
    text
        What was declared.
    inputs, outputs
        The core axes of each input and output.
    function
        Whether a function comes before the arrays, which are whole then, and any number.
    """

    def __init__(self, text: str) -> None:
        head, arrow, tail = text.replace(" ", "").partition("->")
        if not arrow:
            msg = f"the signature {text!r} has no '->'"
            raise RegistrationError(msg)
        self.text = text
        self.function = head.startswith("f,")
        if self.function:
            head = head.removeprefix("f,").removesuffix(",...")
        self.inputs = _operands(head)
        self.outputs = _operands(tail)
        self._optional = "?" in text
        self._fixed = {axis: int(axis) for core in self.inputs for axis in core if axis.isdigit()}
        # Which axes of the first input, counted from the end, have one name.
        core = self.inputs[0] if self.inputs else ()
        pairs = itertools.combinations(range(-len(core), 0), 2)
        self._alike = tuple((i, j) for i, j in pairs if core[i] == core[j])

    def of(self, count: int) -> "Signature":
        """For a rule of a function, the signature of so many arrays."""
        made = copy.copy(self)
        made.inputs = ((),) * count
        return made

    def _is_fit(self, shape: Any) -> bool:
        """Whether a single input of this shape is as it should be: the usual case, at little cost."""
        if self._optional or self._fixed or len(shape) < len(self.inputs[0]):
            return False
        return all(shape[i] == shape[j] for i, j in self._alike)

    def fit(
        self, rule: str, names: tuple[str, ...], arrays: Arrays, xp: Namespace
    ) -> tuple[Arrays, tuple[str, ...]]:
        """Check `arrays`, and give all of them the same batch axes and no absent core axis.

        Returns the arrays and the names of the optional axes that were absent (their length is 1
        now). Lengths that a framework does not know yet (`None`) fit everything.
        """
        if self.function or (len(arrays) == 1 and self._is_fit(arrays[0].shape)):
            return arrays, ()
        lengths: dict[str, int | None] = {**self._fixed}
        absent: tuple[str, ...] = ()
        given = arrays
        batches: list[tuple[int | None, ...]] = []
        for position, (name, core) in enumerate(zip(names, self.inputs, strict=True)):
            array = arrays[position]
            shape = tuple(array.shape)
            missing = len(core) - len(shape)
            if missing > 0 and self._optional:
                optional = tuple(axis for axis in core if axis.endswith("?"))[:missing]
                absent = tuple(dict.fromkeys(absent + optional))
                for axis in optional:
                    after = len(core) - 1 - core.index(axis)
                    array = array[(..., None, *(slice(None),) * after)]
                shape = tuple(array.shape)
                arrays = (*arrays[:position], array, *arrays[position + 1 :])
                missing = len(core) - len(shape)
            if missing > 0:
                msg = (
                    f"{rule}: argument {name!r} has shape {tuple(given[position].shape)}, but needs at least "
                    f"{len(core)} axes ({', '.join(core)}); batch axes go in front"
                )
                raise ShapeError(msg)
            start = len(shape) - len(core)
            batches.append(shape[:start])
            for axis, length in zip(core, shape[start:], strict=True):
                known = lengths.setdefault(axis, length)
                if known is None:
                    lengths[axis] = length
                elif length is not None and known != length:
                    raise ShapeError(self._misfit(rule, names, given, axis))
        # Compared one by one: a symbolic length has no hash.
        unequal = any(batch != batches[0] for batch in batches[1:])
        if unequal or (len(batches) > 1 and None in batches[0]):
            arrays = self._broadcast(rule, names, arrays, batches, xp)
        return arrays, absent

    def _misfit(self, rule: str, names: tuple[str, ...], arrays: Arrays, axis: str) -> str:
        shapes = ", ".join(
            f"{name!r} has shape {tuple(array.shape)}"
            for name, array in zip(names, arrays, strict=True)
        )
        square = len(arrays) == 1 and self.inputs[0].count(axis) == 2
        wanted = "a square matrix in its last two axes" if square else self.text
        return f"{rule}: {shapes}, which does not fit {wanted} (axis {axis!r})"

    def _broadcast(
        self,
        rule: str,
        names: tuple[str, ...],
        arrays: Arrays,
        batches: list[tuple[int | None, ...]],
        xp: Namespace,
    ) -> Arrays:
        if any(length is None for batch in batches for length in batch):
            ranks = [len(core) for core in self.inputs]
            return tuple(xp.broadcast_batches(arrays, ranks))
        rank = max(map(len, batches))
        padded = [(1,) * (rank - len(batch)) + batch for batch in batches]
        common = []
        for lengths in zip(*padded, strict=True):
            longer = [length for length in lengths if length != 1]
            if any(length != longer[0] for length in longer[1:]):
                raise ShapeError(self._ragged(rule, names, batches))
            common.append(longer[0] if longer else 1)
        return tuple(
            xp.broadcast_to(array, (*common, *tuple(array.shape)[len(array.shape) - len(core) :]))
            for array, core in zip(arrays, self.inputs, strict=True)
        )

    def _ragged(
        self, rule: str, names: tuple[str, ...], batches: list[tuple[int | None, ...]]
    ) -> str:
        parts = ", ".join(f"{name!r} {batch}" for name, batch in zip(names, batches, strict=True))
        return f"{rule}: the batch axes do not broadcast together: {parts}"

    def restore(self, array: Array, core: Core, absent: tuple[str, ...]) -> Array:
        """Remove from an array with these core axes the optional ones that no input had."""
        if not any(axis in absent for axis in core):
            return array
        return array[(..., *(0 if axis in absent else slice(None) for axis in core))]
