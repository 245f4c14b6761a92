"""Products of positive numbers, and of all but one or two of them, as mantissa and exponent.

1e150 * 1e150 * 1e-150 must not overflow.
"""

from ... import hooks
from ..._typing import Array, Namespace
from .._matrix import scaled

__all__ = ["all_but_one", "all_but_two", "split"]


def split(s: Array, xp: Namespace) -> tuple[Array, Array]:
    """Numbers near 1 and whole exponents of two; of zero 0 and 0."""
    positive = s > 0
    exponent = xp.where(
        positive, xp.round(xp.log2(xp.where(positive, s, xp.ones_like(s)))), xp.zeros_like(s)
    )
    return scaled(s, -exponent, xp), exponent


def all_but_one(s: Array, xp: Namespace) -> tuple[Array, Array]:
    """The i-th product leaves out the i-th number."""
    m, e = split(s, xp)
    same = hooks.eye_like(s, xp=xp) > 0
    others = xp.where(same, xp.ones_like(m[..., None, :]), m[..., None, :])
    return xp.prod(others, axis=-1), xp.sum(e, axis=-1, keepdims=True) - e


def all_but_two(s: Array, xp: Namespace) -> tuple[Array, Array]:
    """For descending `s`: divide the product without the smaller of a pair by the larger.

    If the larger is zero too, only the pair of the two last values can leave a nonzero product.
    """
    m, e = split(s, xp)
    without, exponent = all_but_one(s, xp)
    n = hooks.length(s, -1, xp=xp)
    index = xp.arange(n)
    row, column = index[:, None], index[None, :]
    larger = m[..., :, None]
    nonzero = larger > 0
    quotient = without[..., None, :] / xp.where(nonzero, larger, xp.ones_like(larger))
    first = xp.prod(xp.where(index < n - 2, m, xp.ones_like(m)), axis=-1)[..., None, None]
    last_pair = (row == n - 2) & (column == n - 1)
    zero = xp.zeros_like(quotient)
    upper = xp.where(nonzero, quotient, xp.where(last_pair, first, zero))
    upper = xp.where(row < column, upper, zero)
    return upper + xp.matrix_transpose(upper), exponent[..., None, :] - e[..., :, None]
