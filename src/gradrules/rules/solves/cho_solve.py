r"""Solution of a positive definite system of known Cholesky factor, :math:`X = (L L^H)^{-1} B`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded

__all__ = ["cho_solve"]

_B = [[1.0], [2.0]]


@rule(
    signature="(n,n),(n,k?)->(n,k?)",
    needs={"c": "nonzero diagonal"},
    degrees={"c": (-2,), "b": (1,)},
    domain="triangles without a zero on the diagonal; else the array library raises or returns inf/NaN",
    cost="primal: two substitutions; each derivative: two substitutions and two products",
    sources=("M. Seeger et al., arXiv:1710.08717, 2017",),
    variants=({}, {"lower": True}),
    edges={
        "entries of 1e-60": Edge(primals=([[1e-60, 2e-60], [0.0, 4e-60]], _B)),
        "negative diagonal": Edge(primals=([[-1.0, 2.0], [0.0, 4.0]], _B)),
        "singular": Edge(
            primals=([[1.0, 2.0], [2.0, 0.0]], _B), value="any", first="any", second="any"
        ),
    },
)
def cho_solve(c: Array, b: Array, /, *, lower: bool = False, xp: Namespace) -> Array:
    """Solve ``a @ y = b``, given the Cholesky factor of a.

    SciPy takes the pair ``(c, lower)``; here arrays are positional and `lower` is an option.

    Parameters
    ----------
    c
        ``(..., n, n)``, real or complex floating, of which one triangle is read: the factor C of
        ``a = C^H C``, or with `lower` that of ``a = C C^H``.
    b
        ``(..., n, k)``, or one vector ``(n,)``. The batch axes of the two broadcast.
    lower
        Which triangle is read; the gradient lives there.

    Returns
    -------
    array
        ``(..., n, k)`` or ``(..., n)``.
    """
    half = hooks.solve_triangular(c, b, lower=lower, adjoint=not lower, xp=xp)
    x = hooks.solve_triangular(c, half, lower=lower, adjoint=lower, xp=xp)
    return guarded(_read(c, lower, xp), xp, (x, 2))[0]


# With L = C or C^H: L L^H Y = B, hence L L^H Y' = B' - (L' L^H + L L'^H) Y.
@cho_solve.def_jvp
def cho_solve_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, lower: bool, xp: Namespace
) -> Array:
    """``A^-1 (B_dot - A_dot Y)``."""
    (c, _), (y,), (c_dot, right) = primals, outputs, tangents
    if c_dot is not None:
        factor, moved = (_lower(m, lower, xp) for m in (c, c_dot))
        change = moved @ (adjoint(factor, xp) @ y) + factor @ (adjoint(moved, xp) @ y)
        right = -change if right is None else right - change
    return cho_solve(c, right, lower=lower)


@cho_solve.def_vjp
def cho_solve_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, lower: bool, xp: Namespace
) -> Arrays:
    """``B_bar = A^-1 Y_bar``, ``L_bar = -(B_bar Y^H + Y B_bar^H) L``."""
    (c, _), (y,), (y_bar,) = primals, outputs, cotangents
    b_bar = cho_solve(c, y_bar, lower=lower)
    factor = _lower(c, lower, xp)
    both = b_bar @ (adjoint(y, xp) @ factor) + y @ (adjoint(b_bar, xp) @ factor)
    return -_read(both if lower else adjoint(both, xp), lower, xp), b_bar


def _read(c: Array, lower: bool, xp: Namespace) -> Array:
    return xp.tril(c) if lower else xp.triu(c)


def _lower(c: Array, lower: bool, xp: Namespace) -> Array:
    """The factor L, whichever triangle holds it."""
    return xp.tril(c) if lower else adjoint(xp.triu(c), xp)
