r"""Pfaffian of a skew-symmetric matrix, :math:`\operatorname{pf}(A)^2 = \det A`."""

from typing import Any

import numpy as np

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj, eps, guarded, one_norm, poisoned, trace
from ..factorizations._elimination import magnitude
from ..solves.inv import inv
from ._skew_elimination import skew_eliminate
from .slogdet import slogdet

__all__ = ["pfaffian"]


def _sample(rng: Any, shapes: Any, dtype: str) -> tuple[Any, ...]:
    """Matrices of twice the order and small condition, not quite skew: the skew part is read."""
    kind = 1j if "c" in dtype else 0
    *batch, n, _ = shapes[0]
    x, y = rng.standard_normal((2, *batch, 2 * n, 2 * n))
    pairs = np.kron(np.eye(n), [[0.0, 2.0], [-2.0, 0.0]])
    return (((x + kind * y) / 3 + pairs).astype(dtype),)


_FOUR = [[0.0, 1.0, 2.0, 2.0], [-1.0, 0, 3.0, 1.0], [-2.0, -3.0, 0, 5.0], [-2.0, -1.0, -5.0, 0]]
# The first entry that could be a pivot is none.
_PIVOT_BEHIND = [[0.0, 0, 1.0, 2.0], [0, 0, 3.0, 4.0], [-1.0, -3.0, 0, 5.0], [-2.0, -4.0, -5.0, 0]]
# The products of two rows: of rank two.
_OF_RANK_TWO = [
    [0.0, 1.0, 2.0, 3.0],
    [-1.0, 0.0, 1.0, 2.0],
    [-2.0, -1.0, 0.0, 1.0],
    [-3.0, -2.0, -1.0, 0.0],
]


@rule(
    signature="(n,n)->()",
    domain=(
        "every matrix, singular ones included, to second order; from the third order on condition "
        "numbers below eps**(-1/4) (8e3 in float64), and NaN beyond"
    ),
    cost="primal and first derivative: n / 2 steps of elimination; the latter also 3 products",
    sources=(
        "J. R. Bunch, Math. Comp. 38, 1982",
        "M. Wimmer, ACM Trans. Math. Softw. 38, 2012, doi:10.1145/2331130.2331138",
    ),
    sample=_sample,
    edges={
        "order two": Edge(primals=([[0.0, 3.0], [-3.0, 0.0]],)),
        "order three": Edge(primals=([[0.0, 3.0, 1.0], [-3.0, 0.0, 2.0], [-1.0, -2.0, 0.0]],)),
        "order four": Edge(primals=(_FOUR,)),
        "not skew": Edge(primals=([[7.0, 4.0], [-2.0, -5.0]],)),
        "rank two of four": Edge(primals=(_OF_RANK_TWO,)),
        "order two, zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],)),
        "zero matrix": Edge(primals=(np.zeros((4, 4)).tolist(),)),
        "rank four of six": Edge(
            primals=(np.kron([[1.0, 2.0, -1.0]] * 3, [[0.0, 1.0], [-1.0, 0.0]]).tolist(),),
            third="nan",
        ),
        "rank two of six": Edge(
            primals=(np.kron(np.diag([2.0, 0.0, 0.0]), [[0.0, 1.0], [-1.0, 0.0]]).tolist(),),
            third="nan",
        ),
        "zero matrix of order six": Edge(primals=(np.zeros((6, 6)).tolist(),)),
        "real, of complex dtype": Edge(primals=(_PIVOT_BEHIND,), dtypes=("complex128",)),
        "imaginary": Edge(
            primals=((1j * np.asarray(_PIVOT_BEHIND)).tolist(),), dtypes=("complex128",)
        ),
        "entries of 1e100": Edge(primals=((1e100 * np.asarray(_FOUR)).tolist(),)),
        "entries of 1e-100": Edge(primals=((1e-100 * np.asarray(_FOUR)).tolist(),)),
    },
)
def pfaffian(x: Array, /, *, xp: Namespace) -> Array:
    """Pfaffian of a skew-symmetric matrix; 0 for an odd order.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating. Its skew-symmetric part ``(x - x^T) / 2`` is read,
        without a conjugate.

    Returns
    -------
    array
        ``(...)``, same dtype. Its unit is the power n/2 of that of `x`.
    """
    a = _skew(x, xp)
    _, t, _, sign = skew_eliminate(a, xp)
    even = 1 - hooks.length(x, -1, xp=xp) % 2
    value = xp.prod(t, axis=-1) * xp.astype(sign[..., 0, 0] * even, x.dtype)
    return guarded(x, xp, (value, 0))[0]


# d pf = tr(pf(A) A^-1 dA) / 2. What is before dA is a polynomial of A.
@pfaffian.def_jvp
def pfaffian_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """``sum(C * A_dot)`` with the matrix C of cofactors."""
    return xp.sum(_pfaffian_cofactor(primals[0]) * tangents[0], axis=(-2, -1))


@pfaffian.def_vjp
def pfaffian_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """``y_bar conj(C)``."""
    return cotangents[0][..., None, None] * conj(_pfaffian_cofactor(primals[0]), xp)


@rule(name="_pfaffian_cofactor", signature="(n,n)->(n,n)", sample=_sample)
def _pfaffian_cofactor(x: Array, /, *, xp: Namespace) -> Array:
    """``-pf(A) A^-1 / 2``, by products of all pivots but one: of any rank."""
    frame = _Frame(x, xp)
    return frame.back(frame.pairs * frame.all_but_one()[..., :, None])


@_pfaffian_cofactor.def_jvp
def _cofactor_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    return _pfaffian_cofactor_derivative(primals[0], tangents[0])


@_pfaffian_cofactor.def_vjp
def _cofactor_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """The same map: the second derivative of the Pfaffian is symmetric."""
    return conj(_pfaffian_cofactor_derivative(primals[0], conj(cotangents[0], xp)), xp)


def _sample_two(rng: Any, shapes: Any, dtype: str) -> tuple[Any, ...]:
    return *_sample(rng, shapes, dtype), *_sample(rng, shapes, dtype)


@rule(
    name="_pfaffian_cofactor_derivative",
    signature="(n,n),(n,n)->(n,n)",
    sample=_sample_two,
    edges={"order four": Edge(primals=(_FOUR, _OF_RANK_TWO))},
)
def _pfaffian_cofactor_derivative(x: Array, e: Array, /, *, xp: Namespace) -> Array:
    """Derivative of the cofactors of `x` in the direction `e`, by products of all pivots but two.

    In the frame ``pf(D + M)`` has of second order the Pfaffians of M of the rows of two pairs each.
    """
    frame = _Frame(x, xp)
    m = frame.f @ _skew(e, xp) @ xp.matrix_transpose(frame.f)
    k, p = frame.pairs, frame.all_but_two()
    own = xp.sum(m * xp.triu(k), axis=-1)[..., None]
    return frame.back(k * (p @ own) - p * (k @ m @ xp.matrix_transpose(k)))


@_pfaffian_cofactor_derivative.def_jvp
def _derivative_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array | None:
    (x, e), (x_dot, e_dot) = primals, tangents
    linear = None if e_dot is None else _pfaffian_cofactor_derivative(x, e_dot)
    if x_dot is None:
        return linear
    curved = _second_derivative(x, e, x_dot, xp)
    return curved if linear is None else curved + linear


@_pfaffian_cofactor_derivative.def_vjp
def _derivative_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """The third derivative is symmetric too."""
    (x, e), direction = primals, conj(cotangents[0], xp)
    return (
        conj(_second_derivative(x, e, direction, xp), xp),
        conj(_pfaffian_cofactor_derivative(x, direction), xp),
    )


def _second_derivative(x: Array, e: Array, f: Array, xp: Namespace) -> Array:
    """Second derivative of ``C = -pf(A) Y / 2``, ``Y = A^-1``, by rules: to any order.

    With ``pf' = pf tr(Y E) / 2`` and ``Y' = -Y E Y``. It loses ``eps * cond(A)**2``: NaN where that would
    leave less than half of the digits.
    """
    if x.shape[-1] in {0, 1, 2, 3, 4}:  # the cofactors are linear
        return x * 0
    a, e, f = (_skew(v, xp) for v in (x, e, f))
    d = pfaffian(a)[..., None, None]
    bad = ((d == 0) | ~xp.isfinite(d)) | ~xp.isfinite(slogdet(a).logabsdet)[..., None, None]
    y = inv(xp.where(bad, hooks.eye_like(a, xp=xp), a))
    ye, yf = y @ e, y @ f
    te, tf = trace(ye, xp)[..., None, None] / 2, trace(yf, xp)[..., None, None] / 2
    both = ye @ yf
    change = (te * tf - trace(both, xp)[..., None, None] / 2) * y
    change = change - te * (yf @ y) - tf * (ye @ y) + both @ y + yf @ ye @ y
    bad = bad | (one_norm(a, xp) * one_norm(y, xp) > eps(x) ** -0.25)
    odd = hooks.length(x, -1, xp=xp) % 2
    return poisoned(_skew(-d * change / 2, xp), x, bad & (odd == 0), xp)


class _Frame:
    """What elimination makes of the skew part: ``F A F^T = D``, of the blocks ``[[0, t], [-t, 0]]``."""

    def __init__(self, x: Array, xp: Namespace) -> None:
        self.xp, self.x = xp, x
        low, self.t, e, sign = skew_eliminate(_skew(x, xp), xp)
        n = hooks.length(x, -1, xp=xp)
        self.sign = xp.astype(sign * (1 - n % 2), x.dtype)
        e = xp.astype(e, x.dtype)
        self.f = hooks.solve_triangular(low, e, lower=True, xp=xp)
        row, column = xp.arange(n)[:, None], xp.arange(n)[None, :]
        self.first = column == row - row % 2  # where the pivot of a row is
        upper = xp.astype((column == row + 1) & (row % 2 == 0), x.dtype)
        self.pairs = upper - xp.matrix_transpose(upper)

    def all_but_one(self) -> Array:
        """For each row the product of all pivots but its own."""
        t = self.t[..., None, :]
        return self.xp.prod(self.xp.where(self.first, self.xp.ones_like(t), t), axis=-1)

    def all_but_two(self) -> Array:
        """For two rows that of all but theirs, 0 for rows of one pair.

        The product without the smaller pivot is divided by the larger. If that is zero too, the product of
        those that are not is what is left of exactly two that are.
        """
        xp, t = self.xp, self.t
        own = xp.sum(xp.where(self.first, t[..., None, :], xp.zeros_like(self.f)), axis=-1)
        size = magnitude(own, xp)
        without = self.all_but_one()
        larger = size[..., :, None] >= size[..., None, :]
        over = xp.where(larger, own[..., :, None], own[..., None, :])
        under = xp.where(larger, without[..., None, :], without[..., :, None])
        zero = t == 0
        rest = xp.prod(xp.where(zero, xp.ones_like(t), t), axis=-1)
        two = xp.sum(xp.astype(zero, size.dtype), axis=-1) == 2
        rest = xp.where(two, rest, xp.zeros_like(rest))[..., None, None]
        p = xp.where(over == 0, rest, under / xp.where(over == 0, xp.ones_like(over), over))
        same = xp.any(self.first[:, None, :] & self.first[None, :, :], axis=-1)
        return xp.where(same, xp.zeros_like(p), p)

    def back(self, w: Array) -> Array:
        """To a gradient, from one in the frame."""
        g = self.sign * (self.xp.matrix_transpose(self.f) @ w @ self.f)
        return guarded(self.x, self.xp, (_skew(g, self.xp) / 2, 2))[0]


def _skew(x: Array, xp: Namespace) -> Array:
    return (x - xp.matrix_transpose(x)) / 2
