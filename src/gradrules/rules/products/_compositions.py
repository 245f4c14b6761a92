"""Products of several arrays that are compositions of `matmul`: functions without a rule of their own."""

import math
from collections.abc import Sequence
from typing import Any

from ..._dispatch import backend_of
from ..._typing import Array, Namespace
from ...errors import ArrayTypeError, OptionError, ShapeError
from .matmul import matmul

__all__ = ["COMPOSITIONS", "multi_dot", "tensordot"]


def tensordot(x1: Array, x2: Array, /, *, axes: Any = 2) -> Array:
    """Sum of products over some axes of two arrays.

    Parameters
    ----------
    x1, x2
        Arrays of any shape, real or complex floating; nothing is conjugated.
    axes
        The number of axes that are summed over, the last of `x1` and the first of `x2`; or the axes
        themselves, one sequence for each array.

    Returns
    -------
    array
        The axes that are left of `x1`, and then those of `x2`.
    """
    xp = backend_of("tensordot", ("x1", "x2"), (x1, x2)).xp
    ranks = len(x1.shape), len(x2.shape)
    if isinstance(axes, int):
        axes = range(ranks[0] - axes, ranks[0]), range(axes)
    try:
        one, two = ([a + r * (a < 0) for a in given] for given, r in zip(axes, ranks, strict=True))
    except (TypeError, ValueError):
        msg = f"tensordot: option 'axes' is {axes!r}; it must be a number or two sequences of them"
        raise OptionError(msg) from None
    if [x1.shape[i] for i in one] != [x2.shape[i] for i in two]:
        shapes = tuple(x1.shape), tuple(x2.shape)
        msg = f"tensordot: axes {one} and {two} of arrays of shapes {shapes[0]} and {shapes[1]} differ"
        raise ShapeError(msg)
    left = [i for i in range(ranks[0]) if i not in one]
    right = [i for i in range(ranks[1]) if i not in two]
    product = matmul(_matrix(x1, left, one, xp), _matrix(x2, two, right, xp))
    return xp.reshape(product, (*(x1.shape[i] for i in left), *(x2.shape[i] for i in right)))


def multi_dot(arrays: Sequence[Array], /) -> Array:
    """Product of two or more matrices, in the order that takes the fewest operations.

    Parameters
    ----------
    arrays
        Matrices of fitting shapes; the first and the last may be vectors. Batch axes broadcast.

    Returns
    -------
    array
        The product, as by `matmul` from left to right.
    """
    if len(arrays) < 2:
        msg = f"multi_dot: takes two or more arrays, {len(arrays)} given"
        raise ArrayTypeError(msg)
    lengths = [a.shape[-2] if len(a.shape) > 1 else 1 for a in arrays]
    lengths[0] = 1 if len(arrays[0].shape) == 1 else lengths[0]
    lengths[1:] = [a.shape[-1] for a in arrays[:-1]]
    lengths.append(arrays[-1].shape[-1] if len(arrays[-1].shape) > 1 else 1)
    return _product(arrays, _splits(lengths), 0, len(arrays) - 1)


def _splits(lengths: list[int]) -> dict[tuple[int, int], int]:
    """Where each partial product is best divided; matrix i is ``lengths[i]`` by ``lengths[i + 1]``."""
    count = len(lengths) - 1
    cost = dict.fromkeys([(i, i) for i in range(count)], 0)
    split = {}
    for size in range(1, count):
        for i in range(count - size):
            j = i + size
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1], k)
                for k in range(i, j)
            )
    return split


def _product(arrays: Sequence[Array], split: dict[tuple[int, int], int], i: int, j: int) -> Array:
    if i == j:
        return arrays[i]
    k = split[i, j]
    return matmul(_product(arrays, split, i, k), _product(arrays, split, k + 1, j))


def _matrix(x: Array, rows: list[int], columns: list[int], xp: Namespace) -> Array:
    """The array as a matrix, with some axes for its rows and the others for its columns."""
    shape = [math.prod(x.shape[i] for i in axes) for axes in (rows, columns)]
    return xp.reshape(xp.permute_dims(x, (*rows, *columns)), shape)


COMPOSITIONS = (multi_dot, tensordot)
