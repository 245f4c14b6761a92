"""Arrays in a report: as Python code, and in brief."""

from typing import Any

import numpy as np

# An input of more entries is described, not printed: `repeat` makes it again.
MOST = 200


def assignment(name: str, array: Any) -> str:
    """``x = np.array([[1.0, 2.0]], dtype='float64')``: every digit, for an interpreter."""
    array = np.asarray(array)
    if array.size > MOST:
        return f"{name}: {array.dtype} of shape {array.shape}"
    if array.size == 0:
        return f"{name} = np.zeros({array.shape}, dtype={array.dtype.name!r})"
    text = repr(array.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    return f"{name} = np.array({text}, dtype={array.dtype.name!r})"


def brief(value: Any) -> str:
    """A number, or an array of a few lines on one, to the digits that a comparison needs."""
    array = np.asarray(value)
    text = np.array2string(
        array,
        precision=17 if array.ndim == 0 else 8,
        threshold=30,
        max_line_width=10_000,
        separator=", ",
    )
    return " ".join(text.split())
