r"""Schur decomposition, :math:`A = Z T Z^H` with unitary Z and upper triangular T.

With :math:`M = Z^H \dot A Z` and X strictly lower, :math:`\operatorname{stril}(X T - T X) =
\operatorname{stril} M`,

.. math:: \dot Z = Z \Omega, \qquad \dot T = \operatorname{triu}(M + T \Omega - \Omega T), \qquad
    \Omega = X - X^H.
"""

from ... import hooks
from ..._rule import Edge, Gauge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import (
    adjoint,
    diagonal,
    eps,
    guarded,
    harmless,
    one_norm,
    poisoned,
    real,
    scaled,
    unit,
)
from ._commutator import commutator_solve
from ._gap_quotient import GAP, differences
from ._general import ROUNDING, inverse_or_nan
from .eig import eig

__all__ = ["schur"]


def _align(outputs: Arrays, reference: Arrays, xp: Namespace) -> Arrays:
    """Schur vectors in the phases nearest to the reference."""
    t, z = outputs
    overlap = xp.sum(xp.conj(z) * reference[1], axis=-2)
    turn = overlap / xp.astype(xp.abs(overlap), overlap.dtype)
    return xp.conj(turn)[..., :, None] * t * turn[..., None, :], z * turn[..., None, :]


def _invariants(outputs: Arrays, xp: Namespace) -> Arrays:
    """Projectors, and of each Schur vector the outer product with its row of ``T Z^H``."""
    t, z = outputs
    rows = t @ xp.conj(xp.matrix_transpose(z))
    columns = xp.matrix_transpose(z)[..., :, :, None]
    return (
        columns * xp.conj(xp.matrix_transpose(z))[..., :, None, :],
        columns * rows[..., :, None, :],
    )


def _horizontal(outputs: Arrays, cotangents: MaybeArrays, xp: Namespace) -> MaybeArrays:
    """Without T's part the phases are taken from Z; of T alone, from each of its entries."""
    (t, z), (t_bar, z_bar) = outputs, cotangents
    if z_bar is None:
        size = real(xp.conj(t) * t, xp)
        along = real(xp.conj(t) * t_bar, xp) / xp.where(size > 0, size, xp.ones_like(size))
        own = hooks.eye_like(t, xp=xp)
        return own * t_bar + (1 - own) * xp.astype(along, t.dtype) * t, None
    seen = diagonal(adjoint(z, xp) @ z_bar, xp)
    if t_bar is not None:
        th = adjoint(t, xp)
        seen = seen + diagonal(th @ t_bar - t_bar @ th, xp)
    seen = seen - xp.astype(real(seen, xp), seen.dtype)
    return t_bar, z_bar - z * seen[..., None, :]


_JORDAN = [[2.0, 1.0], [0.0, 2.0]]
# P J P^-1 with whole numbers: no zero shows that it is defective.
_DEFECTIVE = [[3.0, -1.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 2.0]]


@rule(
    signature="(n,n)->(n,n),(n,n)",
    outputs=("T", "Z"),
    needs={"a": "simple eigenvalues"},
    degrees={"a": (1, 0)},
    gauge=Gauge(
        group="each column of Z may be multiplied by a phase, which T follows; derivatives are those "
        "with diag(Z^H Z_dot) = 0, and exact for every loss that does not see the phases",
        align=_align,
        invariants=_invariants,
        horizontal=_horizontal,
    ),
    domain="matrices whose eigenvalues are all apart by more than their rounding; NaN at others",
    cost="primal: the library's; derivative: n triangular solves, 5 matrix products, and the "
    "eigenvectors of T, by which it is decided whether eigenvalues are apart",
    sources=(
        "G. W. Stewart and J.-G. Sun, Matrix Perturbation Theory, 1990",
        "M. Konstantinov, P. Petkov and N. Christov, SIAM J. Matrix Anal. Appl. 15, 1994",
    ),
    edges={
        "Jordan block": Edge(primals=(_JORDAN,), value="finite", first="nan", second="nan"),
        "defective, dense": Edge(primals=(_DEFECTIVE,), value="finite", first="nan", second="nan"),
        "hidden Jordan block": Edge(
            primals=([[1.7, 0.3], [-0.3, 2.3]],), value="any", first="nan", second="nan"
        ),
        "double by cancellation": Edge(
            primals=([[3.0, 1.0, 0.0], [-4999.0, -1999.0, 999.0], [-9993.0, -3997.0, 2000.0]],),
            value="any", first="nan", second="nan",
        ),
        "identity": Edge(
            primals=([[1.0, 0], [0, 1.0]],), value="finite", first="nan", second="nan"
        ),
        "rotation": Edge(primals=([[0.0, -1.0], [1.0, 0.0]],)),
        "triangular": Edge(primals=([[1.0, 2.0, 3.0], [0.0, 4.0, 5.0], [0.0, 0.0, -6.0]],)),
        "nonnormal": Edge(primals=([[1.0, 1e6], [0.0, -1.0]],), second="any"),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -3e150]],), second="any"),
        "scale 1e-150": Edge(primals=([[1e-150, 2e-150], [3e-150, -3e-150]],), second="any"),
        "order one": Edge(primals=([[-2.0]],)),
    },
)  # fmt: skip
def schur(a: Array, /, *, xp: Namespace) -> Arrays:
    """Schur decomposition in complex arithmetic, that of SciPy's ``schur(a, output="complex")``.

    The real one of a real matrix has blocks that come and go with pairs of eigenvalues.

    Parameters
    ----------
    a
        ``(..., n, n)``, real or complex floating. A real one has a real gradient.

    Returns
    -------
    (T, Z)
        Both ``(..., n, n)`` and complex: an upper triangle, with the eigenvalues on its diagonal in the
        library's order and in the unit of `a`; and a unitary matrix, ``a = Z @ T @ Z^H``.
    """
    if 0 in a.shape:
        return hooks.schur(a, xp=xp)
    near_one, e = unit(harmless(a, xp), xp)
    t, z = hooks.schur(near_one, xp=xp)
    return guarded(xp.astype(a, t.dtype), xp, (scaled(t, e, xp), 2), (z, 2))


@schur.def_jvp
def schur_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace) -> Arrays:
    """As above."""
    t, z = outputs
    m = adjoint(z, xp) @ xp.astype(tangents[0], z.dtype) @ z
    x = commutator_solve(_simple(t, xp), m)
    turn = x - adjoint(x, xp)
    return xp.triu(m + t @ turn - turn @ t), z @ turn


@schur.def_vjp
def schur_vjp(primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace) -> Array:
    """``Z (triu(T_bar) + Y) Z^H``, where Y is the adjoint map of ``W - W^H``.

    ``W = T^H T_bar - T_bar T^H + Z^H Z_bar``.
    """
    (t, z), (t_bar, z_bar) = outputs, cotangents
    w = None if z_bar is None else adjoint(z, xp) @ z_bar
    if t_bar is not None:
        t_bar, th = xp.triu(t_bar), adjoint(t, xp)
        moved = th @ t_bar - t_bar @ th
        w = moved if w is None else w + moved
    y = commutator_solve(_simple(t, xp), w - adjoint(w, xp), turned=True)
    inner = y if t_bar is None else t_bar + y
    return z @ inner @ adjoint(z, xp)


def _simple(t: Array, xp: Namespace) -> Array:
    """T, and NaN where an eigenvalue is not apart from another.

    Unlike `eig` the routine scales no rows: rounding is that of the whole matrix.
    """
    if 0 in t.shape:
        return t
    w, v = eig(t)
    condition = xp.sum(xp.abs(inverse_or_nan(v, xp)) ** 2, axis=-1) ** 0.5
    error = ROUNDING * one_norm(t, xp)[..., 0] * condition
    # The gap of two is looked at twice, once with the error of each; NaN is not apart either.
    apart = xp.abs(differences(w, xp)) > GAP * eps(t) * error[..., None]
    return poisoned(t, t, ~xp.all(apart, axis=(-2, -1), keepdims=True), xp)
