r"""QR factorization, :math:`A = Q R`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ...errors import NotDifferentiableError
from .._matrix import (
    adjoint,
    diagonal,
    diagonal_matrix,
    guarded,
    herm,
    is_complex,
    is_square,
    poisoned,
    read,
    read_adjoint,
)
from .._options import one_of
from ..solves.solve_triangular import solve_triangular
from . import _signs
from ._independent import independent

__all__ = ["qr"]

MODES = ("reduced", "complete")


@rule(
    signature="(m,n)->(m,k),(k,n)",
    outputs=("Q", "R"),
    needs={"x": "nonsingular"},
    degrees={"x": (0, 1)},
    gauge=_signs.OF_COLUMNS,
    domain=(
        "matrices whose first min(m, n) columns are independent; NaN at others. The complete Q of "
        "a tall matrix is not unique, and has no derivative"
    ),
    cost="primal: the library's; each derivative: one triangular solve and 3 products",
    sources=(
        "S. F. Walter and L. Lehmann, arXiv:1009.6112, 2010",
        "D. A. O. Roberts and L. R. Roberts, arXiv:2009.10071, 2020",
    ),
    variants=({}, {"mode": "complete"}),
    edges={
        "complete, tall": Edge(
            primals=([[1.0, 2.0], [3.0, -4.0], [0.5, 1.0]],), options={"mode": "complete"},
            value="finite", first="refused", second="refused",
        ),
        "identity": Edge(primals=([[1.0, 0.0], [0.0, 1.0]],)),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -4e150]],)),
        "scale 1e-150": Edge(primals=([[1e-150, 2e-150], [3e-150, -4e-150]],)),
        "columns scaled apart": Edge(primals=([[1e12, 2e-12], [3e12, -4e-12], [5e11, 1e-12]],)),
        "order one": Edge(primals=([[-2.0]],)),
        "orthonormal columns": Edge(primals=([[0.6, 0.0], [0.8, 0.0], [0.0, 1.0]],)),
        "one row": Edge(primals=([[2.0, 1.0, -3.0]],)),
        "dependent columns": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]],),
            value="finite", first="nan", second="nan",
        ),
        "dependent to rounding": Edge(
            primals=([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]],),
            value="finite", first="nan", second="nan",
        ),
        "zero matrix": Edge(
            primals=([[0.0, 0.0], [0.0, 0.0]],), value="finite", first="nan", second="nan"
        ),
        "wide, dependent in front": Edge(
            primals=([[1.0, 2.0, 3.0], [2.0, 4.0, 1.0]],),
            value="finite", first="nan", second="nan",
        ),
    },
)  # fmt: skip
def qr(x: Array, /, *, mode: str = "reduced", xp: Namespace) -> Arrays:
    """Orthonormal columns and an upper triangle.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    mode
        ``"reduced"``: k = min(m, n) columns; ``"complete"``: m columns, which have no derivative
        where they are more than n.

    Returns
    -------
    (Q, R)
        ``(..., m, k)`` with orthonormal columns; ``(..., k, n)``, upper triangular or trapezoidal,
        with a real diagonal and the unit of `x`.

    Raises
    ------
    NotDifferentiableError
        If a derivative of the complete factorization of a tall matrix is asked for.
    """
    return qr_primal(x, mode, xp)


def qr_primal(x: Array, mode: str, xp: Namespace) -> Arrays:
    """The library's `qr`, and NaN for a matrix that is not finite."""
    q, r = xp.linalg.qr(x, mode=mode)
    return guarded(x, xp, (q, 2), (r, 2))


@qr.def_options
def qr_options(mode: object) -> None:
    """Refuse values that are not allowed."""
    one_of("mode", mode, MODES)


# Of the first k columns, X = Q U. With C = X' U^-1 and M = Q^H C: Q' = (C - Q M) + Q W and U' = T U,
# M = W + T, where W is skew and T upper triangular with a real diagonal: the strict lower triangle
# and the imaginary diagonal of M are those of W, and T is twice the upper triangle of herm(M). C - Q M
# is 0 for a square Q; its rounding would be divided by U. Of the other columns, Y = Q V:
# V' = Q'^H Y + Q^H Y'.
@qr.def_jvp
def qr_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    mode: str,
    xp: Namespace,
) -> tuple[Array, Array]:
    """``Q_dot = (C - Q M) + Q W`` and ``R_dot = (T U, Q_dot^H Y + Q^H Y_dot)``."""
    (x,), (q, r), (x_dot,) = primals, outputs, tangents
    _refuse_complete(r, mode)
    k = hooks.length(q, -1, xp=xp)
    u, bad = independent(r[..., :k], xp)
    c = adjoint(solve_triangular(u, adjoint(x_dot[..., :k], xp), trans=2), xp)
    c = poisoned(c, x[..., :k], bad, xp)
    m = adjoint(q, xp) @ c
    below = _below(m, xp)
    q_dot = q @ (below - adjoint(below, xp))
    if not is_square(q):
        q_dot = q_dot + (c - q @ m)
    t = read_adjoint(herm(m, xp), lower=False, xp=xp)
    v_dot = adjoint(q_dot, xp) @ x[..., k:] + adjoint(q, xp) @ x_dot[..., k:]
    return q_dot, xp.concat([t @ r[..., :k], v_dot], axis=-1)


# The adjoint of T of M is S of U_bar U^H, the Hermitian matrix with the same upper triangle; that of W
# of M is the part below of N - N^H, where N = Q^H Q_bar.
@qr.def_vjp
def qr_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    mode: str,
    xp: Namespace,
) -> Array:
    """``((Q_bar - Q N) + Q (S + below(N - N^H))) U^-H`` and ``Q V_bar``; to Q_bar comes ``Y V_bar^H``."""
    (x,), (q, r), (q_bar, r_bar) = primals, outputs, cotangents
    _refuse_complete(r, mode)
    k = hooks.length(q, -1, xp=xp)
    q_bar = xp.zeros_like(q) if q_bar is None else q_bar
    r_bar = xp.zeros_like(r) if r_bar is None else r_bar
    v_bar = r_bar[..., k:]
    q_bar = q_bar + x[..., k:] @ adjoint(v_bar, xp)
    u, bad = independent(r[..., :k], xp)
    n = adjoint(q, xp) @ q_bar
    s = read(r_bar[..., :k] @ adjoint(u, xp), lower=False, xp=xp)
    right = q @ (s + _below(n - adjoint(n, xp), xp))
    if not is_square(q):
        right = right + (q_bar - q @ n)
    x_bar = adjoint(solve_triangular(u, adjoint(right, xp)), xp)
    x_bar = poisoned(x_bar, x[..., :k], bad, xp)
    return xp.concat([x_bar, q @ v_bar], axis=-1)


def _below(m: Array, xp: Namespace) -> Array:
    """The strict lower triangle and half of the diagonal, of whose real part nothing is left in the end."""
    below = xp.tril(m, k=-1)
    return below + diagonal_matrix(diagonal(m, xp), xp) / 2 if is_complex(m) else below


def _refuse_complete(r: Array, mode: str) -> None:
    rows, columns = r.shape[-2:]
    if mode == "complete" and (rows is None or columns is None or rows > columns):
        msg = (
            "qr: the complete Q of a tall matrix is not unique beyond its first columns, and has no "
            "derivative; use mode='reduced'"
        )
        raise NotDifferentiableError(msg)
