r"""LQ factorization, :math:`A = L Q`; of the adjoint, :math:`A^H = Q^H L^H` is the QR factorization."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint
from . import _signs
from .qr import qr_jvp, qr_options, qr_primal, qr_vjp

__all__ = ["lq"]


@rule(
    signature="(m,n)->(m,k),(k,n)",
    outputs=("L", "Q"),
    needs={"x": "nonsingular"},
    degrees={"x": (1, 0)},
    gauge=_signs.OF_ROWS,
    domain=(
        "matrices whose first min(m, n) rows are independent; NaN at others. The complete Q of a "
        "wide matrix is not unique, and has no derivative"
    ),
    cost="primal: the library's QR; each derivative: one triangular solve and 3 products",
    sources=(
        "D. A. O. Roberts and L. R. Roberts, arXiv:2009.10071, 2020",
        "M. Seeger et al., arXiv:1710.08717, 2017",
    ),
    variants=({}, {"mode": "complete"}),
    edges={
        "complete, wide": Edge(
            primals=([[1.0, 2.0, 0.5], [3.0, -4.0, 1.0]],), options={"mode": "complete"},
            value="finite", first="refused", second="refused",
        ),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -4e150]],)),
        "scale 1e-150": Edge(primals=([[1e-150, 2e-150], [3e-150, -4e-150]],)),
        "one column": Edge(primals=([[2.0], [1.0], [-3.0]],)),
        "dependent rows": Edge(
            primals=([[1.0, 2.0, -1.0], [2.0, 4.0, -2.0]],),
            value="finite", first="nan", second="nan",
        ),
    },
)  # fmt: skip
def lq(x: Array, /, *, mode: str = "reduced", xp: Namespace) -> Arrays:
    """Lower triangle and orthonormal rows.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    mode
        ``"reduced"``: k = min(m, n) rows; ``"complete"``: n rows, which have no derivative where they
        are more than m.

    Returns
    -------
    (L, Q)
        ``(..., m, k)``, lower triangular or trapezoidal, with a real diagonal and the unit of `x`;
        ``(..., k, n)`` with orthonormal rows.

    Raises
    ------
    NotDifferentiableError
        If a derivative of the complete factorization of a wide matrix is asked for.
    """
    return lq_primal(x, mode, xp)


def lq_primal(x: Array, mode: str, xp: Namespace) -> Arrays:
    """The adjoints of the library's `qr` of the adjoint."""
    return _adjoint(qr_primal(adjoint(x, xp), mode, xp), xp)


lq.def_options(qr_options)


@lq.def_jvp
def lq_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    mode: str,
    xp: Namespace,
) -> Arrays:
    """The adjoints of what `qr` has at the adjoint."""
    x, pair, x_dot = _adjoint(primals, xp), _adjoint(outputs, xp), _adjoint(tangents, xp)
    return _adjoint(qr_jvp(x, pair, x_dot, mode=mode, xp=xp), xp)


@lq.def_vjp
def lq_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    mode: str,
    xp: Namespace,
) -> Array:
    """The adjoint of what `qr` has at the adjoint."""
    x, pair, bars = _adjoint(primals, xp), _adjoint(outputs, xp), _adjoint(cotangents, xp)
    return adjoint(qr_vjp(x, pair, bars, mode=mode, xp=xp), xp)


def _adjoint(matrices: MaybeArrays, xp: Namespace) -> MaybeArrays:
    """The adjoints, in the opposite order."""
    return tuple(None if a is None else adjoint(a, xp) for a in reversed(matrices))
