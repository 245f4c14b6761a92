r"""Pfaffian of a skew-symmetric matrix, :math:`\operatorname{pf}(A)^2 = \det A`."""

from typing import Any

import numpy as np

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj, eps, guarded, one_norm, poisoned
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
        "every matrix, singular ones included, to first order; from the second order on condition "
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
        "rank two of four": Edge(primals=(_OF_RANK_TWO,), second="nan"),
        "order two, zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],)),
        "zero matrix": Edge(primals=(np.zeros((4, 4)).tolist(),), second="nan"),
        "rank two of six": Edge(
            primals=(np.kron([[1.0, 2.0, -1.0]] * 3, [[0.0, 1.0], [-1.0, 0.0]]).tolist(),),
            second="nan",
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
    a = _skew(x, xp)
    low, t, e, sign = skew_eliminate(a, xp)
    others = xp.where(
        hooks.eye_like(a, xp=xp) != 0, xp.ones_like(a), t[..., None, :] + xp.zeros_like(a)
    )
    n = hooks.length(a, -1, xp=xp)
    row, column = xp.arange(n)[:, None], xp.arange(n)[None, :]
    pair = (column == row + 1) & (row % 2 == 0)
    weights = xp.prod(others, axis=-1)[..., :, None] * xp.astype(sign * (1 - n % 2), a.dtype)
    upper = xp.where(pair, weights + xp.zeros_like(a), xp.zeros_like(a))
    frame = hooks.solve_triangular(
        low, xp.astype(e, a.dtype), lower=True, unit_diagonal=True, xp=xp
    )
    inner = upper - xp.matrix_transpose(upper)
    return guarded(a, xp, (_skew(xp.matrix_transpose(frame) @ inner @ frame, xp) / 2, 2))[0]


@_pfaffian_cofactor.def_jvp
def _cofactor_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    return _second_derivative(primals[0], tangents[0], xp)


@_pfaffian_cofactor.def_vjp
def _cofactor_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    return conj(_second_derivative(primals[0], conj(cotangents[0], xp), xp), xp)


def _second_derivative(x: Array, e: Array, xp: Namespace) -> Array:
    """``-pf(A) (tr(A^-1 E) A^-1 / 2 - A^-1 E A^-1) / 2``: symmetric, hence its own adjoint.

    It loses ``eps * cond(A)**2``: NaN where that would leave less than half of the digits.
    """
    if x.shape[-1] in {0, 1, 2}:  # the cofactors are constant
        return x * 0
    a, e = _skew(x, xp), _skew(e, xp)
    d = pfaffian(a)[..., None, None]
    bad = ((d == 0) | ~xp.isfinite(d)) | ~xp.isfinite(slogdet(a).logabsdet)[..., None, None]
    y = inv(xp.where(bad, hooks.eye_like(a, xp=xp), a))
    trace = xp.sum(xp.matrix_transpose(y) * e, axis=(-2, -1), keepdims=True)
    change = -d * (trace * y / 2 - y @ e @ y) / 2
    bad = bad | (one_norm(a, xp) * one_norm(y, xp) > eps(x) ** -0.25)
    odd = hooks.length(x, -1, xp=xp) % 2
    return poisoned(_skew(change, xp), x, bad & (odd == 0), xp)


def _skew(x: Array, xp: Namespace) -> Array:
    return (x - xp.matrix_transpose(x)) / 2
