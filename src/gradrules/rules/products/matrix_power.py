r"""Integer power of a square matrix, :math:`A^n`.

.. math:: L_n(A, E) = \sum_{j=0}^{n-1} A^j E A^{n-1-j}

is the derivative, and its adjoint :math:`L_n(A^H, \cdot)`. Both come by repeated squaring of a matrix
and its tangent together, in O(log n) products. For a negative power A is the inverse.
"""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded
from .._options import whole
from ..solves.inv import inv

__all__ = ["matrix_power"]


@rule(
    signature="(n,n)->(n,n)",
    needs={"x": "nonsingular"},
    domain="everywhere for n >= 0, nonsingular matrices for n < 0",
    cost="up to 2 log2 n products; derivative: 3 times that; for n < 0 an inverse more",
    sources=(
        "M. B. Giles, NA-08/01, Oxford University, 2008, section 2.3.4",
        "N. J. Higham, Functions of Matrices, 2008, section 4.1",
    ),
    variants=({"n": 3}, {"n": 0}, {"n": 1}, {"n": 2}, {"n": 6}, {"n": -1}, {"n": -3}),
    edges={
        "zero, n = 2": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), options={"n": 2}),
        "zero, n = 1": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), options={"n": 1}),
        "singular": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],), options={"n": 2}),
        "singular, n = -2": Edge(
            primals=([[1.0, 2.0], [2.0, 4.0]],), options={"n": -2},
            value="any", first="any", second="any",
        ),
        "Jordan block": Edge(
            primals=([[2.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 0.0, 2.0]],), options={"n": 5}
        ),
        "n = 100": Edge(primals=([[0.5, 0.75], [-0.5, 1.0]],), options={"n": 100}),
        "rows scaled apart": Edge(primals=([[1e-12, 2e-12], [3e12, -4e12]],), options={"n": -2}),
    },
)  # fmt: skip
def matrix_power(x: Array, /, *, n: int, xp: Namespace) -> Array:
    """A matrix multiplied by itself.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating.
    n
        Any whole number; 0 gives the identity.

    Returns
    -------
    array
        ``(..., n, n)``, same dtype.
    """
    if n == 0:
        return guarded(x, xp, (xp.zeros_like(x) + hooks.eye_like(x, xp=xp), 2))[0]
    return _power(xp.linalg.inv(x) if n < 0 else x, abs(n))


@matrix_power.def_options
def matrix_power_options(n: object) -> None:
    """Refuse values that are not allowed."""
    whole("n", n)


@matrix_power.def_jvp
def matrix_power_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, n: int, xp: Namespace
) -> Array | None:
    """``L_n(A, A_dot)``; with ``X = A^-1`` in place of A, ``X_dot = -X A_dot X``."""
    (x,), (x_dot,) = primals, tangents
    if n >= 0:
        return _derivative(x, x_dot, n) if n else None
    y = inv(x)
    return -_derivative(y, y @ x_dot @ y, -n)


@matrix_power.def_vjp
def matrix_power_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, n: int, xp: Namespace
) -> Array | None:
    """The same at the adjoint matrix."""
    (x,), (y_bar,) = primals, cotangents
    if n >= 0:
        return _derivative(adjoint(x, xp), y_bar, n) if n else None
    yh = adjoint(inv(x), xp)
    return -(yh @ _derivative(yh, y_bar, -n) @ yh)


def _power(a: Array, n: int) -> Array:
    """``a**n`` for ``n > 0``."""
    x = a * 1
    for bit in bin(n)[3:]:
        x = x @ x @ a if bit == "1" else x @ x
    return x


def _derivative(a: Array, e: Array, n: int) -> Array:
    """``L_n(a, e)``: the steps of the power, each differentiated."""
    x, y = a, e
    for bit in bin(n)[3:]:
        x, y = x @ x, y @ x + x @ y
        if bit == "1":
            x, y = x @ a, y @ a + x @ e
    return y
