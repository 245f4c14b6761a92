r"""RQ factorization, :math:`A = R Q`.

With J, which reverses an order, :math:`J A = (J R J) (J Q)` is the LQ factorization.
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from . import _signs
from .lq import lq_jvp, lq_primal, lq_vjp
from .qr import qr_options

__all__ = ["rq"]


@rule(
    signature="(m,n)->(m,k),(k,n)",
    outputs=("R", "Q"),
    needs={"x": "nonsingular"},
    degrees={"x": (1, 0)},
    gauge=_signs.OF_ROWS,
    domain=(
        "matrices whose last min(m, n) rows are independent; NaN at others. The complete Q of a "
        "wide matrix is not unique, and has no derivative"
    ),
    cost="primal: the library's QR; each derivative: one triangular solve and 3 products",
    sources=("D. A. O. Roberts and L. R. Roberts, arXiv:2009.10071, 2020",),
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
def rq(x: Array, /, *, mode: str = "reduced", xp: Namespace) -> Arrays:
    """Upper triangle and orthonormal rows.

    SciPy calls the modes ``"economic"`` and ``"full"``; the names here are those of `qr`.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.
    mode
        ``"reduced"``: k = min(m, n) rows; ``"complete"``: n rows, which have no derivative where they
        are more than m.

    Returns
    -------
    (R, Q)
        ``(..., m, k)``, zero below the diagonal that ends in the last corner, which is real, with the
        unit of `x`; ``(..., k, n)`` with orthonormal rows.

    Raises
    ------
    NotDifferentiableError
        If a derivative of the complete factorization of a wide matrix is asked for.
    """
    return _turned(lq_primal(_rows(x, xp), mode, xp), xp)


rq.def_options(qr_options)


@rq.def_jvp
def rq_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    mode: str,
    xp: Namespace,
) -> Arrays:
    """What `lq` has of the rows in reverse order, turned back."""
    x, x_dot = (_rows(m, xp) for (m,) in (primals, tangents))
    return _turned(lq_jvp((x,), _turned(outputs, xp), (x_dot,), mode=mode, xp=xp), xp)


@rq.def_vjp
def rq_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    mode: str,
    xp: Namespace,
) -> Array:
    """What `lq` has of the rows in reverse order, turned back."""
    x, pair, bars = _rows(primals[0], xp), _turned(outputs, xp), _turned(cotangents, xp)
    return _rows(lq_vjp((x,), pair, bars, mode=mode, xp=xp), xp)


def _rows(x: Array, xp: Namespace) -> Array:
    return xp.flip(x, axis=-2)


def _turned(pair: MaybeArrays, xp: Namespace) -> MaybeArrays:
    """Rows in reverse order, of the triangle columns too."""
    triangle, q = pair
    return (
        None if triangle is None else xp.flip(triangle, axis=(-2, -1)),
        None if q is None else _rows(q, xp),
    )
