r"""Matrix of cofactors, :math:`C_{ij} = \partial \det A / \partial A_{ij} = \operatorname{adj}(A)_{ji}`.

With a singular value decomposition :math:`A = U S V^H`, :math:`\varphi = \det U \det V^H` and
:math:`M = U^H E V`, the expansion of :math:`\det(S + M)` gives

.. math::
    C(A) = \varphi\, \bar U \operatorname{diag}(p)\, V^T, \qquad
    D C(A)[E] = \varphi\, \bar U \bigl(\operatorname{diag}(P \operatorname{diag} M)
                - (P \circ M)^T\bigr) V^T,

where :math:`p_i` is the product of all singular values but the i-th, and :math:`P_{ij}` of all but
the i-th and j-th (0 on the diagonal). Nothing is divided by a singular value that can be zero.
"""

from typing import Any

import numpy as np

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, conj, diagonal, diagonal_matrix, eps, one_norm, poisoned, scaled
from ..solves.inv import inv
from ._partial_products import all_but_one, all_but_two

__all__ = ["cofactor"]


@rule(name="_cofactor", signature="(n,n)->(n,n)")
def cofactor(x: Array, /, *, xp: Namespace) -> Array:
    """Matrix of cofactors: the transposed adjugate, the gradient of the determinant.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating, of any rank.

    Returns
    -------
    array
        ``(..., n, n)``, same dtype.
    """
    if 0 in x.shape:
        return x * 0
    frame = _Frame(x, xp)
    return frame.back(diagonal_matrix(frame.cast(scaled(*all_but_one(frame.s, xp), xp)), xp))


@cofactor.def_jvp
def cofactor_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """The second derivative of the determinant."""
    return _cofactor_derivative(primals[0], tangents[0])


@cofactor.def_vjp
def cofactor_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Array:
    """The same map: the second derivative of the determinant is symmetric."""
    return conj(_cofactor_derivative(primals[0], conj(cotangents[0], xp)), xp)


def _sample(rng: Any, shapes: Any, dtype: str) -> Any:
    """Matrices of small condition: others have no derivative of this rule."""
    kind = 1j if "c" in dtype else 0
    x, e = (rng.standard_normal(s) + rng.standard_normal(s) * kind for s in shapes)
    return (x / 8 + np.eye(shapes[0][-1])).astype(dtype), e.astype(dtype)


_E = [[1.0, -2.0, 0.5], [0.0, 3.0, 1.0], [2.0, 1.0, -1.0]]


@rule(
    name="_cofactor_derivative",
    signature="(n,n),(n,n)->(n,n)",
    sample=_sample,
    least_length=2,  # of a number the cofactor is constant
    edges={
        "rank n-1": Edge(
            primals=([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]], _E),
            first="nan", second="nan",
        ),
        "condition 3721": Edge(
            primals=([[1.0, 60.0, 60.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], _E), second="finite"
        ),
        "condition 10000": Edge(
            primals=([[100.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.01]], _E),
            first="nan", second="nan",
        ),
    },
)  # fmt: skip
def _cofactor_derivative(x: Array, e: Array, /, *, xp: Namespace) -> Array:
    """Derivative of the cofactors of `x` in the direction `e`; bilinear in the cofactors and `e`."""
    if 0 in x.shape:
        return x * 0
    frame = _Frame(x, xp)
    m = adjoint(frame.u, xp) @ e @ adjoint(frame.vh, xp)
    p = frame.cast(scaled(*all_but_two(frame.s, xp), xp))
    on_diagonal = (p @ diagonal(m, xp)[..., None])[..., 0]
    return frame.back(diagonal_matrix(on_diagonal, xp) - xp.matrix_transpose(p * m))


@_cofactor_derivative.def_jvp
def _derivative_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Array | None:
    (x, e), (x_dot, e_dot) = primals, tangents
    linear = None if e_dot is None else _cofactor_derivative(x, e_dot)
    if x_dot is None:
        return linear
    curved = _second_derivative(x, e, x_dot, xp)
    return curved if linear is None else curved + linear


@_cofactor_derivative.def_vjp
def _derivative_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Arrays:
    (x, e), (y_bar,) = primals, cotangents
    direction = conj(y_bar, xp)
    return (
        conj(_second_derivative(x, e, direction, xp), xp),
        conj(_cofactor_derivative(x, direction), xp),
    )


def _second_derivative(x: Array, e: Array, f: Array, xp: Namespace) -> Array:
    """Second derivative of the cofactors, by rules: it can be differentiated to any order.

    Differentiating ``A adj(A) = det(A) I`` gives each derivative Z of the adjugate from the lower
    ones. That divides by the determinant and loses ``eps * cond(A)**2``: NaN where it would leave
    less than half of the digits.
    """
    from .det import det  # noqa: PLC0415 (det and its cofactors define each other)

    if 0 in x.shape:
        return x * 0
    one = hooks.eye_like(x, xp=xp)
    d = det(x)
    bad = ((d == 0) | ~xp.isfinite(d))[..., None, None]
    y = inv(xp.where(bad, one, x))
    z = d[..., None, None] * y
    z_e, z_f = (y @ (_dot(z, g, xp) * one - g @ z) for g in (e, f))
    z_ef = y @ (_dot(z_f, e, xp) * one - e @ z_f - f @ z_e)
    bad = bad | (one_norm(x, xp) * one_norm(y, xp) > eps(x) ** -0.25)
    return xp.matrix_transpose(poisoned(z_ef, x, bad, xp))


def _dot(z: Array, g: Array, xp: Namespace) -> Array:
    return xp.sum(xp.matrix_transpose(z) * g, axis=(-2, -1), keepdims=True)


class _Frame:
    """The bases in which `x` is diagonal; NaN in matrices that are not finite."""

    def __init__(self, x: Array, xp: Namespace) -> None:
        finite = xp.all(xp.isfinite(x), axis=(-2, -1), keepdims=True)
        one = hooks.eye_like(x, xp=xp)
        self.u, self.s, self.vh = xp.linalg.svd(xp.where(finite, x, one), full_matrices=False)
        phase = (xp.linalg.det(self.u) * xp.linalg.det(self.vh))[..., None, None]
        self.phase = xp.where(finite, phase, xp.full_like(phase, float("nan")))
        self.xp = xp

    def cast(self, real: Array) -> Array:
        return self.xp.astype(real, self.u.dtype)

    def back(self, w: Array) -> Array:
        """From coefficients in the frame to a gradient with respect to the matrix."""
        return self.phase * (conj(self.u, self.xp) @ w @ conj(self.vh, self.xp))
