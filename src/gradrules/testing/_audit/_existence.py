"""Whether a derivative exists: by differences to one side and to the other, at 140 digits."""

import itertools
from typing import Any

import mpmath
import numpy as np

from .._truth import DIGITS, STEP, Truth, exact

# One-sided differences of a smooth function agree to about the step; those at a kink do not.
AGREE = mpmath.mpf(10) ** -6
# What the oracles raise where a function has no value; mpmath's TypeError is a pivot that is not found.
NO_VALUE = (ZeroDivisionError, ValueError, OverflowError, RuntimeError, TypeError)


def smoothness(truth: Truth, output: int, along: tuple[tuple[Any, ...], ...]) -> str:
    """What the mixed derivative of one output is, its lower derivatives being smooth.

    Returns
    -------
    str
        ``"smooth"``; ``"kink"``: one to each side, and they differ; ``"singular"``: there is none.
    """
    with mpmath.workdps(DIGITS + 40):
        primals = [exact(p) for p in truth.primals]
        scale = _size(np.concatenate([p.ravel() for p in primals])) or mpmath.mpf(1)
        order = len(along)

        def value(point: list[Any]) -> Any:
            return truth._evaluate(point, invariants=True)[output]

        def difference(step: Any) -> Any:
            total = 0
            for corner in itertools.product((0, 1), repeat=order):
                point = primals
                for on, direction in zip(corner, along, strict=True):
                    if on:
                        point = [p + exact(d) * step for p, d in zip(point, direction, strict=True)]
                total = total + value(point) * (-1) ** (order - sum(corner))
            return np.asarray(total, dtype=object) / step**order

        try:
            ahead, behind = difference(STEP * scale), difference(-STEP * scale)
            size, gap = _size(ahead), _size(ahead - behind)
            # What a derivative is where the function changes by its size over that of the input.
            far = [p + exact(d) * scale / 3 for p, d in zip(primals, along[0], strict=True)]
            usual = max(_size(value(primals)), _size(value(far))) / scale**order
        except NO_VALUE:
            return "singular"
        if size * mpmath.sqrt(STEP) > usual:  # a jump, be it the same to both sides
            return "singular"
        return "smooth" if gap <= max(AGREE * size, mpmath.sqrt(STEP) * usual) else "kink"


def _size(array: Any) -> Any:
    return max((abs(x) for x in np.asarray(array).flat), default=mpmath.mpf(0))
