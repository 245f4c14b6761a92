r"""Least squares with a penalty, :math:`\min_X \|A X - B\|^2 + \alpha \|X\|^2` (Tikhonov, ridge).

.. math:: X = M^{-1} A^H B, \qquad M = A^H A + \alpha I = R^H R

with R from the QR factorization of A above :math:`\sqrt\alpha\, I`: M itself is never formed.
"""

from typing import Any

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, binary_size, conj, guarded, real, scaled

__all__ = ["ridge"]


def _sample(rng: Any, shapes: Any, dtype: str) -> tuple[Any, ...]:
    """Any matrix and right sides, and a positive weight."""
    kind = 1j if "c" in dtype else 0
    a, b = (rng.standard_normal(s) + rng.standard_normal(s) * kind for s in shapes[:2])
    single = dtype in ("float32", "complex64")
    weight = rng.uniform(0.1, 2.0, shapes[2]).astype("float32" if single else "float64")
    return a.astype(dtype), b.astype(dtype), weight


_A, _B = [[1.0, 2.0], [3.0, -1.0], [0.5, 1.0]], [[1.0], [2.0], [-1.0]]


@rule(
    signature="(m,n),(m,k?),()->(n,k?)",
    degrees={"b": (1,)},
    domain="every a for alpha > 0; for alpha = 0 those of full column rank",
    cost="primal: one QR factorization and 2 substitutions; derivative: twice that and 3 products",
    sources=("A. E. Hoerl and R. W. Kennard, Technometrics 12, 1970 (the function)",),
    sample=_sample,
    edges={
        "rank deficient": Edge(primals=([[1.0, 2.0], [2.0, 4.0], [0.0, 0.0]], _B, 0.5)),
        "zero matrix": Edge(primals=([[0.0, 0.0], [0.0, 0.0]], _B[:2], 0.5)),
        "wide": Edge(primals=([[1.0, 2.0, 3.0]], [[2.0]], 0.25)),
        "small weight": Edge(primals=(_A, _B, 1e-12)),
        "no weight": Edge(primals=(_A, _B, 0.0)),
        "entries of 100": Edge(
            primals=([[100.0, 200.0], [300.0, -100.0], [50.0, 100.0]], [[100], [200], [-100]], 1e4)
        ),
        "complex weight, of which the real part counts": Edge(
            primals=(_A, _B, 0.5 + 0.25j), dtypes=("complex128",)
        ),
        "entries of 1e60": Edge(primals=([[1e60, 2e60], [3e60, -1e60], [5e59, 1e60]], _B, 1e120)),
        "entries of 1e-60": Edge(
            primals=([[1e-60, 2e-60], [3e-60, -1e-60], [5e-61, 1e-60]], _B, 1e-120)
        ),
        "entries of 1e150": Edge(
            primals=([[1e150, 2e150], [3e150, -1e150], [5e149, 1e150]], _B, 1e300)
        ),
        "negative weight": Edge(primals=(_A, _B, -1.0), value="nan", first="nan", second="nan"),
    },
)
def ridge(a: Array, b: Array, alpha: Array, /, *, xp: Namespace) -> Array:
    """Solve ``a @ x = b`` in the sense of least squares, with a penalty on the size of x.

    Parameters
    ----------
    a
        ``(..., m, n)``, real or complex floating, of any shape and rank.
    b
        ``(..., m, k)``, or one vector ``(m,)``. The batch axes of all broadcast.
    alpha
        ``(...)``, not negative: the weight of the penalty, in the squared unit of `a`. NaN results
        from a negative one.

    Returns
    -------
    array
        ``(..., n, k)`` or ``(..., n)``.
    """
    q, r = xp.linalg.qr(_stacked(a, alpha, xp))
    top = q[..., : hooks.length(a, -2, xp=xp), :]
    x = hooks.solve_triangular(r, adjoint(top, xp) @ b, lower=False, xp=xp)
    return guarded(a, xp, (x, 2))[0]


def _stacked(a: Array, alpha: Array, xp: Namespace) -> Array:
    """``a`` above ``sqrt(alpha) I``."""
    weight = xp.astype(real(alpha, xp), a.dtype)[..., None, None] ** 0.5
    return xp.concat([a, weight * hooks.eye_like(a, xp=xp)], axis=-2)


@rule(name="_ridge_size", signature="(m,n),()->()")
def _size(a: Array, alpha: Array, /, *, xp: Namespace) -> Array:
    """Whole e, with which the entries of both by ``2**-e`` are near 1. It is a constant."""
    return binary_size(_stacked(a, alpha, xp), xp)[..., 0, 0]


@_size.def_jvp
def _size_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> None:
    return None


@_size.def_vjp
def _size_vjp(primals: Arrays, outputs: Arrays, cotangents: MaybeArrays) -> tuple[None, None]:
    return None, None


def _unit(a: Array, alpha: Array, xp: Namespace) -> Arrays:
    """The problem divided by ``2**e``, and e.

    Derivatives multiply and divide by squares of the matrix, which need not be numbers any more.
    """
    e = _size(a, alpha)
    return scaled(a, -e[..., None, None], xp), scaled(alpha, -2 * e, xp), e[..., None, None]


# M X = A^H B, hence M X' = A'^H (B - A X) + A^H (B' - A' X) - alpha' X. All is written for the unit
# problem, whose solution is 2^e X.
@ridge.def_jvp
def ridge_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace) -> Array:
    """``M^-1 A^H (B_dot - A_dot X) + M^-1 (A_dot^H (B - A X) - alpha_dot X)``."""
    (a, b, alpha), (a_dot, right, alpha_dot) = primals, tangents
    a, alpha, e = _unit(a, alpha, xp)
    x = scaled(outputs[0], e, xp)
    rest = None
    if a_dot is not None:
        a_dot = scaled(a_dot, -e, xp)
        right = -(a_dot @ x) if right is None else right - a_dot @ x
        rest = adjoint(a_dot, xp) @ (b - a @ x)
    if alpha_dot is not None:
        change = _weighted(scaled(alpha_dot, -2 * e[..., 0, 0], xp), x, xp)
        rest = -change if rest is None else rest - change
    moved = None if right is None else ridge(a, right, alpha)
    curved = None if rest is None else gram_solve(a, rest, alpha)
    total = curved if moved is None else moved if curved is None else moved + curved
    return scaled(total, -e, xp)


@ridge.def_vjp
def ridge_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """With ``Y = M^-1 X_bar``: ``(B - A X) Y^H - A Y X^H``, ``A Y``, ``-<X, Y>``."""
    a, b, alpha = primals
    a, alpha, e = _unit(a, alpha, xp)
    x = scaled(outputs[0], e, xp)
    y = gram_solve(a, scaled(cotangents[0], -e, xp), alpha)
    b_bar = a @ y
    a_bar = (b - a @ x) @ adjoint(y, xp) - b_bar @ adjoint(x, xp)
    return scaled(a_bar, -e, xp), b_bar, -scaled(_inner(x, y, xp), -2 * e[..., 0, 0], xp)


@rule(
    name="_gram_solve",
    signature="(m,n),(n,k),()->(n,k)",
    sample=_sample,
    edges={
        "zero matrix": Edge(primals=([[0.0, 0.0], [0.0, 0.0]], _B[:2], 0.5)),
        "wide": Edge(primals=([[1.0, 2.0, 3.0]], _B, 0.25)),
    },
)
def gram_solve(a: Array, c: Array, alpha: Array, /, *, xp: Namespace) -> Array:
    """``M^-1 C``."""
    _, r = xp.linalg.qr(_stacked(a, alpha, xp))
    half = hooks.solve_triangular(r, c, lower=False, adjoint=True, xp=xp)
    return hooks.solve_triangular(r, half, lower=False, xp=xp)


# What calls it has the unit problem already.
@gram_solve.def_jvp
def gram_solve_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """``M^-1 (C_dot - M_dot Y)``; what A^H multiplies is solved for with `ridge`."""
    (a, _, alpha), (y,), (a_dot, right, alpha_dot) = primals, outputs, tangents
    if alpha_dot is not None:
        change = _weighted(alpha_dot, y, xp)
        right = -change if right is None else right - change
    if a_dot is None:
        return gram_solve(a, right, alpha)
    change = adjoint(a_dot, xp) @ (a @ y)
    right = -change if right is None else right - change
    return gram_solve(a, right, alpha) - ridge(a, a_dot @ y, alpha)


@gram_solve.def_vjp
def gram_solve_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """With ``Z = M^-1 Y_bar``: ``-A (Z Y^H + Y Z^H)``, ``Z``, ``-<Y, Z>``."""
    (a, _, alpha), (y,), (y_bar,) = primals, outputs, cotangents
    z = gram_solve(a, y_bar, alpha)
    a_bar = (a @ z) @ adjoint(y, xp) + (a @ y) @ adjoint(z, xp)
    return -a_bar, z, -_inner(y, z, xp)


def _weighted(alpha_dot: Array, x: Array, xp: Namespace) -> Array:
    return xp.astype(real(alpha_dot, xp), x.dtype)[..., None, None] * x


def _inner(x: Array, y: Array, xp: Namespace) -> Array:
    return real(xp.sum(conj(x, xp) * y, axis=(-2, -1)), xp)
