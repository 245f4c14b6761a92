r"""Condition number, :math:`\kappa = \|A\| \|A^{-1}\|`; in the spectral norm :math:`s_1 / s_n`.

.. math:: d\kappa = \frac{ds_1 - \kappa\, ds_n}{s_n}, \qquad
          d\kappa = \operatorname{Re}\bigl\langle \|X\| G - \|A\| X^H H X^H,\, dA \bigr\rangle

where :math:`X = A^{-1}`, and G, H are the gradients of the norm at A and X.
"""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, poisoned
from .._options import one_of
from .._rank import rounding
from ..scalars.slogdet import slogdet
from ..solves.inv import inv
from .matrix_norm import ORDERS, matrix_norm, of_matrix, steepest
from .vector_norm import INF, along, times

__all__ = ["cond"]


@rule(
    signature="(m,n)->()",
    needs={"x": "simple singular values"},
    degrees={"x": (0,)},
    domain=(
        "nonsingular matrices whose norm, and that of the inverse, have a derivative: see matrix_norm; "
        "at one that is singular up to rounding all derivatives are NaN"
    ),
    cost="p None, 2, -2: one SVD, and two for a derivative; others: one inverse",
    sources=("G. A. Watson, Linear Algebra Appl. 170, 1992",),
    variants=({}, {"p": -2}),
    least_length=1,
    edges={
        "of two large": Edge(
            primals=([[3.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 0.5]],)
        ),
        "identity": Edge(primals=([[1.0, 0.0], [0.0, 1.0]],), first="finite", second="nan"),
        "singular": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]],), value="finite", first="nan", second="nan"
        ),
        "singular, p = 1": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]],), options={"p": 1},
            value="any", first="nan", second="nan",
        ),
        **{
            f"p = {p}": Edge(primals=([[2.0, 1.0, 0.5], [-1.0, 3.0, 1.0], [0.5, 0.75, 1.0]],),
                             options={"p": p})
            for p in ("fro", "nuc", 1, -1, INF, -INF)
        },
        "complex, p = fro": Edge(
            primals=([[2.0 + 1.0j, 1.0], [-1.0j, 3.0]],), options={"p": "fro"}, dtypes=("complex128",)
        ),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -1e150]],)),
        "scale 1e-150": Edge(primals=([[1e-150, 2e-150], [3e-150, -1e-150]],), second="any"),
    },
)  # fmt: skip
def cond(x: Array, /, *, p: float | str | None = None, xp: Namespace) -> Array:
    """Condition number.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating; square, but for the spectral norm.
    p
        The norm, as `ord` of `matrix_norm`; `None` is 2, and -2 is the reciprocal of that.

    Returns
    -------
    array
        ``(...)``, real, without a unit.
    """
    if p in (None, 2, -2):
        large, small = of_matrix(x, 2, xp), of_matrix(x, -2, xp)
        above, below = (small, large) if p == -2 else (large, small)
        zero = below == 0
        infinite = xp.where(above == 0, xp.full_like(above, float("nan")), xp.full_like(above, INF))
        return xp.where(zero, infinite, above / xp.where(zero, xp.ones_like(below), below))
    bad = ~xp.isfinite(xp.linalg.slogdet(x)[1])
    y = xp.linalg.inv(xp.where(bad[..., None, None], hooks.eye_like(x, xp=xp), x))
    value = of_matrix(x, p, xp) * of_matrix(y, p, xp)
    return xp.where(bad, xp.full_like(value, INF), value)


@cond.def_options
def cond_options(p: object) -> None:
    """Refuse values that are not allowed."""
    if p is not None:
        one_of("p", p, ORDERS)


@cond.def_jvp
def cond_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    p: float | str | None,
    xp: Namespace,
) -> Array:
    """As above."""
    return along(_gradient(primals[0], outputs[0], p, xp), tangents[0], (-2, -1), xp)


@cond.def_vjp
def cond_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    p: float | str | None,
    xp: Namespace,
) -> Array:
    """As above."""
    return times(_gradient(primals[0], outputs[0], p, xp), cotangents[0][..., None, None], xp)


def _gradient(x: Array, y: Array, p: float | str | None, xp: Namespace) -> Array:
    if p in (None, 2, -2):
        above, below = (-2, 2) if p == -2 else (2, -2)
        norms = {order: matrix_norm(x, ord=order) for order in (above, below)}
        bad = ~(norms[-2] > rounding(x, xp) * norms[2])
        size = xp.where(bad, xp.ones_like(y), norms[below])
        top, bottom = (steepest(x, norms[order], order, xp) for order in (above, below))
        g = times(top - times(bottom, y[..., None, None], xp), 1 / size[..., None, None], xp)
        return poisoned(g, x, bad[..., None, None], xp)
    bad = ~xp.isfinite(slogdet(x)[1])[..., None, None]
    z = inv(xp.where(bad, hooks.eye_like(x, xp=xp), x))
    one, two = matrix_norm(x, ord=p), matrix_norm(z, ord=p)
    zh = adjoint(z, xp)
    g = times(steepest(x, one, p, xp), two[..., None, None], xp)
    g = g - times(zh @ steepest(z, two, p, xp) @ zh, one[..., None, None], xp)
    return poisoned(g, x, bad, xp)
