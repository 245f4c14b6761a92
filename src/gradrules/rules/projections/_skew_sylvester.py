r"""Solution of :math:`P X + X P = C` for Hermitian P and skew-Hermitian C.

What turns the unitary factor of a polar decomposition. In the eigenbasis of P it is a division by the
sums :math:`w_i + w_j`, which are not small where eigenvalues are equal. With Y the solution for
:math:`\bar X`, that is :math:`\bar C = Y` and :math:`\bar P = X Y + Y X`.
"""

from typing import Any

import numpy as np

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, eps, guarded, harmless, order, skew
from ..spectra._gap_quotient import GAP

__all__ = ["skew_sylvester"]


def _sample(rng: Any, shapes: Any, dtype: str) -> tuple[Any, Any]:
    """A positive definite and a skew-Hermitian matrix."""
    kind = 1j if "c" in dtype else 0
    a, c = (rng.standard_normal(s) + rng.standard_normal(s) * kind for s in shapes)
    p = a @ np.conj(np.swapaxes(a, -1, -2)) + np.eye(shapes[0][-1])
    return p.astype(dtype), (c - np.conj(np.swapaxes(c, -1, -2))).astype(dtype)


_TURN = [[0.0, 1.0], [-1.0, 0.0]]


@rule(
    name="_skew_sylvester",
    signature="(n,n),(n,n)->(n,n)",
    structure={"p": "hermitian", "c": "skew"},
    sample=_sample,
    edges={
        "equal eigenvalues": Edge(primals=([[2.0, 0.0], [0.0, 2.0]], _TURN)),
        "singular": Edge(
            primals=([[2.0, 0.0], [0.0, 0.0]], _TURN), value="nan", first="nan", second="nan"
        ),
        "singular, indefinite allowed": Edge(
            primals=([[2.0, 0.0], [0.0, 0.0]], _TURN), options={"definite": False}
        ),
        "negative sum, indefinite allowed": Edge(
            primals=([[2.0, 0.0], [0.0, -3.0]], _TURN), options={"definite": False}
        ),
        "opposite eigenvalues": Edge(
            primals=([[2.0, 0.0], [0.0, -2.0]], _TURN), options={"definite": False},
            value="nan", first="nan", second="nan",
        ),
    },
)  # fmt: skip
def skew_sylvester(p: Array, c: Array, /, *, definite: bool = True, xp: Namespace) -> Array:
    """Solve ``p x + x p = c``; both are ``(..., n, n)``, and `p` positive definite.

    If it need not be, no two eigenvalues may have sum zero: what a real `c` has on its diagonal is 0.
    """
    if 0 in p.shape:
        return c * 1
    w, v = xp.linalg.eigh(harmless((p + adjoint(p, xp)) / 2, xp))
    sums = w[..., :, None] + w[..., None, :]
    small = GAP * order(p, xp) ** 0.5 * eps(p) * xp.max(xp.abs(w), axis=-1)[..., None, None]
    near = (sums if definite else xp.abs(sums)) <= small
    own = hooks.eye_like(sums, xp=xp) != 0
    bad = xp.any(near if definite else near & ~own, axis=(-2, -1), keepdims=True)
    vh = adjoint(v, xp)
    k = vh @ skew(c, xp) @ v
    x = k / xp.astype(xp.where(near, xp.ones_like(sums), sums), k.dtype)
    x = skew(v @ x @ vh, xp)
    return guarded(p, xp, (xp.where(bad, xp.full_like(x, float("nan")), x), 2))[0]


# P X' + X' P = C' - P' X - X P'.
@skew_sylvester.def_jvp
def skew_sylvester_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    definite: bool,
    xp: Namespace,
) -> Array:
    """The solution for ``C_dot - P_dot X - X P_dot``, whose skew part has the Hermitian part of P_dot."""
    (p, _), (x,), (p_dot, c_dot) = primals, outputs, tangents
    right = c_dot
    if p_dot is not None:
        moved = p_dot @ x + x @ p_dot
        right = -moved if c_dot is None else c_dot - moved
    return skew_sylvester(p, right, definite=definite)


@skew_sylvester.def_vjp
def skew_sylvester_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    definite: bool,
    xp: Namespace,
) -> Arrays:
    """``C_bar = Y``, the solution for ``X_bar``, and ``P_bar = X Y + Y X``."""
    (p, _), (x,) = primals, outputs
    y = skew_sylvester(p, cotangents[0], definite=definite)
    return x @ y + y @ x, y
