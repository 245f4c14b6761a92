r"""The exponential and its Fréchet derivative by a Taylor polynomial of degree 18.

Bader, Blanes and Casas evaluate the polynomial with five products. With the powers
:math:`A, A^2, A^3, A^6` and five linear combinations :math:`B_1 \dots B_5` of them and the identity,

.. math:: A_9 = B_1 B_5 + B_4, \qquad e^A \approx B_2 + (B_3 + A_9) A_9,

after scaling by :math:`2^{-s}`, and s squarings undo the scaling. The norms of the powers, not of A,
choose s (Al-Mohy and Higham): a nonnormal matrix is not scaled more than it needs.

References: P. Bader, S. Blanes, F. Casas, Mathematics 7 (2019) 1174, doi:10.3390/math7121174;
A. H. Al-Mohy, N. J. Higham, SIAM J. Matrix Anal. Appl. 31 (2009) 970, doi:10.1137/09074721X.
"""

import math

from ... import hooks
from ..._typing import Array, Arrays, Namespace
from .._matrix import adjoint, eps, one_norm, scaled

# Row b_i holds the coefficients of (I, A, A^2, A^3, A^6) in B_i.
_B = (
    (0.0, -1.00365581030144618291e-01, -8.02924648241156932449e-03, -8.92138498045729985177e-04, 0.0),
    (0.0, 3.97849749499645077844e-01, 1.36783778460411720168e00, 4.98289622525382669416e-01,
     -6.37898194594723280150e-04),
    (-1.09676396052962061844e01, 1.68015813878906206114e00, 5.71779846478865511061e-02,
     -6.98210122488052056106e-03, 3.34975017086070470649e-05),
    (-9.04316832390810593223e-02, -6.76404519071381882256e-02, 6.75961301770459654925e-02,
     2.95552570429315521194e-02, -1.39180257516060693404e-05),
    (0.0, 0.0, -9.23364619367118555360e-02, -1.69364939002081722752e-02, -1.40086798182036094347e-05),
)  # fmt: skip
# Largest scaled norm for which the truncation error is below rounding.
_THETA = {2.0**-52: 1.090863719290036, 2.0**-23: 3.010066362817634}
# Beyond 2**MOST the squarings leave no digit of a general matrix: NaN.
MOST = 50


def exponential(a: Array, xp: Namespace) -> tuple[Array, Arrays]:
    """``expm(a)`` and what :func:`sweep` needs: scaled powers, the unsquared value, and s."""
    if 0 in a.shape:
        return a * 1, ()
    powers, s = _powers(a, xp)
    _, _, u, a9, b2 = _halves(powers, xp)
    start = b2 + u @ a9

    def square(i: Array, state: Arrays) -> Arrays:
        x, s = state
        return xp.where(i < s, x @ x, x), s

    x, _ = hooks.repeat(_largest(s, xp), MOST, square, (start, s), xp=xp)
    x = xp.where(s > MOST, xp.full_like(x, float("nan")), x)
    return x, (*powers, a9, start, s[..., 0, 0])


def frechet(
    kept: Arrays, e: Array, xp: Namespace, *, conjugate: bool = False
) -> tuple[Array, Array]:
    """``expm`` and its derivative in the direction `e`, from what :func:`exponential` kept.

    With `conjugate` at the adjoint matrix, whose powers are the adjoints: the adjoint derivative.
    """
    if not kept:
        return e * 1, e * 1
    *matrices, scaling = kept
    if conjugate:
        matrices = [adjoint(m, xp) for m in matrices]
    a, a2, a3, a6, a9, x = matrices
    s = scaling[..., None, None]
    b1, b5, u, _, _ = _halves((a, a2, a3, a6), xp, a9)
    d = scaled(e, -s, xp)
    d2 = d @ a + a @ d
    d3 = d2 @ a + a2 @ d
    d6 = d3 @ a3 + a3 @ d3
    e1, e2, e3, e4, e5 = (_combine(row[1:], (d, d2, d3, d6)) for row in _B)
    d9 = e1 @ b5 + b1 @ e5 + e4
    y = e2 + (e3 + d9) @ a9 + u @ d9

    def square(i: Array, state: Arrays) -> Arrays:
        x, y, s = state
        more = i < s
        return xp.where(more, x @ x, x), xp.where(more, x @ y + y @ x, y), s

    x, y, _ = hooks.repeat(_largest(s, xp), MOST, square, (x, y, s), xp=xp)
    beyond = s > MOST
    nothing = xp.full_like(y, float("nan"))
    return xp.where(beyond, nothing, x), xp.where(beyond, nothing, y)


def _halves(
    powers: Arrays, xp: Namespace, a9: Array | None = None
) -> tuple[Array, Array, Array, Array, Array]:
    """``B_1, B_5, B_3 + A_9, A_9, B_2``."""
    one = hooks.eye_like(powers[0], xp=xp)
    b1, b2, b3, b4, b5 = (_combine(row, (one, *powers)) for row in _B)
    if a9 is None:
        a9 = b1 @ b5 + b4
    return b1, b5, b3 + a9, a9, b2


def _combine(coefficients: tuple[float, ...], matrices: Arrays) -> Array:
    total = None
    for c, m in zip(coefficients, matrices, strict=True):
        if c != 0.0:
            total = c * m if total is None else total + c * m
    return total


def _powers(a: Array, xp: Namespace) -> tuple[Arrays, Array]:
    """The scaled powers A, A^2, A^3, A^6, and the number of squarings, ``(..., 1, 1)``.

    Each power is held as a matrix of norm near 1 and an exponent: none over- or underflows.
    """
    m1, e1 = _unit(a, 0.0, xp)
    m2, e2 = _unit(m1 @ m1, 2 * e1, xp)
    m3, e3 = _unit(m2 @ m1, e1 + e2, xp)
    m6, e6 = _unit(m3 @ m3, 2 * e3, xp)
    l1, l2, l3, l6 = (
        e + _log2(one_norm(m, xp), xp) for m, e in ((m1, e1), (m2, e2), (m3, e3), (m6, e6))
    )
    l2 = xp.minimum(l2, 2 * l1)
    l3 = xp.minimum(l3, l1 + l2)
    l6 = xp.minimum(l6, xp.minimum(2 * l3, 3 * l2))
    # |A^k|^(1/k) for k = 19 ... 24; every higher power is a product of these and of A^6.
    bounds = (
        (3 * l6 + l1) / 19, (3 * l6 + l2) / 20, (3 * l6 + l3) / 21,
        (3 * l6 + xp.minimum(2 * l2, l1 + l3)) / 22, (3 * l6 + l2 + l3) / 23, l6 / 6,
    )  # fmt: skip
    worst = bounds[0]
    for bound in bounds[1:]:
        worst = xp.maximum(worst, bound)
    s = xp.ceil(worst - math.log2(_THETA[eps(a)]))
    # Data that are not finite give NaN, without endless squaring.
    s = xp.where((s > 0) & xp.isfinite(s), s, xp.zeros_like(s))
    powers = (
        scaled(m, e - k * s, xp) for m, e, k in ((m1, e1, 1), (m2, e2, 2), (m3, e3, 3), (m6, e6, 6))
    )
    return tuple(powers), s


def _unit(m: Array, exponent: Array, xp: Namespace) -> tuple[Array, Array]:
    """`m` scaled to a norm near 1, and the exponent of what it stands for; 0 for a zero matrix."""
    size = one_norm(m, xp)
    shift = xp.where(size > 0, xp.ceil(_log2(size, xp)), xp.zeros_like(size))
    return scaled(m, -shift, xp), xp.where(size > 0, exponent + shift, xp.zeros_like(size))


def _log2(x: Array, xp: Namespace) -> Array:
    """Logarithm that is very negative, and finite, at 0: sums of such stay meaningful."""
    positive = x > 0
    return xp.where(positive, xp.log2(xp.where(positive, x, xp.ones_like(x))), -1e6 + 0 * x)


def _largest(s: Array, xp: Namespace) -> Array:
    """The most squarings any matrix needs, at most MOST."""
    most = xp.max(s)
    return xp.minimum(most, xp.full_like(most, float(MOST)))
