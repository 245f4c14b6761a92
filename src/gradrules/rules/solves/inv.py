r"""Matrix inverse, :math:`X = A^{-1}`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded

__all__ = ["inv"]


@rule(
    signature="(n,n)->(n,n)",
    needs={"x": "nonsingular"},
    degrees={"x": (-1,)},
    domain="nonsingular matrices; at a singular one the array library raises or returns inf/NaN",
    cost="primal: the library's; each derivative: 2 matrix products",
    sources=("M. B. Giles, NA-08/01, Oxford University, 2008, section 2.2.3",),
    edges={
        "rows scaled apart": Edge(primals=([[1e-12, 2e-12], [3e12, -4e12]],)),
        "entries of 1e150": Edge(primals=([[1e150, 2e150], [3e150, 4e150]],)),
        "singular": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]],), value="any", first="any", second="any"
        ),
    },
)
def inv(x: Array, /, *, xp: Namespace) -> Array:
    """Inverse of a square matrix.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating.

    Returns
    -------
    array
        ``(..., n, n)``, same dtype. Its unit is the reciprocal of that of `x`.
    """
    return guarded(x, xp, (xp.linalg.inv(x), 2))[0]


# X A = I, hence X' = -X A' X; X is an output, so differentiating these lines uses this rule again.
@inv.def_jvp
def inv_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """``-X A_dot X``."""
    (y,), (x_dot,) = outputs, tangents
    return -(y @ x_dot @ y)


@inv.def_vjp
def inv_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Array:
    """``-X^H X_bar X^H``."""
    (y,), (y_bar,) = outputs, cotangents
    yh = adjoint(y, xp)
    return -(yh @ y_bar @ yh)
