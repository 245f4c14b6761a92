r"""Sign and logarithm of a determinant, :math:`\det A = \sigma e^{\ell}`."""

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, conj, guarded, is_complex, poisoned, real
from ..solves.inv import inv

__all__ = ["slogdet"]


@rule(
    signature="(n,n)->(),()",
    outputs=("sign", "logabsdet"),
    needs={"x": "nonsingular"},
    degrees={"x": (0, None)},
    domain="nonsingular matrices; at a singular one logabsdet is -inf and every derivative is NaN",
    cost="primal: one LU; first derivative: one inverse",
    sources=("M. B. Giles, NA-08/01, Oxford University, 2008, section 2.2.4",),
    edges={
        "singular": Edge(primals=([[1.0, 2.0], [2.0, 4.0]],), first="nan", second="nan"),
        "zero": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],), first="nan", second="nan"),
        "entries of 1e150": Edge(primals=([[1e150, 2e150], [3e150, 4e150]],)),
        "negative": Edge(primals=([[0.0, 1.0, 0.5], [2.0, 0.0, 0.0], [0.0, 0.5, 3.0]],)),
    },
)
def slogdet(x: Array, /, *, xp: Namespace) -> Arrays:
    """Sign (for complex `x`: phase) and logarithm of the absolute value of a determinant.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating.

    Returns
    -------
    (sign, logabsdet)
        Both ``(...)``; `sign` has the dtype of `x`, `logabsdet` is real.
    """
    sign, logabsdet = xp.linalg.slogdet(x)
    return *guarded(x, xp, (sign, 0)), real(logabsdet, xp)


# With t = tr(A^-1 A'): l' = Re t, and sigma' = i sigma Im t. For a real A the sign is constant.
@slogdet.def_jvp
def slogdet_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> tuple[Array, Array]:
    """``(i sign Im t, Re t)`` with ``t = tr(A^-1 A_dot)``."""
    (x,), (sign, logabsdet), (x_dot,) = primals, outputs, tangents
    y = _inverse(x, logabsdet, xp)
    t = xp.sum(xp.matrix_transpose(y) * x_dot, axis=(-2, -1))
    sign_dot = sign * (t - xp.astype(real(t, xp), t.dtype)) if is_complex(x) else t * 0
    return sign_dot, real(t, xp)


@slogdet.def_vjp
def slogdet_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array | None:
    """``(l_bar - i Im(conj(sign_bar) sign)) A^-H``."""
    (x,), (sign, logabsdet), (sign_bar, logabsdet_bar) = primals, outputs, cotangents
    total = None if logabsdet_bar is None else xp.astype(logabsdet_bar, x.dtype)
    if sign_bar is not None and is_complex(x):
        phase = conj(sign_bar, xp) * sign
        phase = xp.astype(real(phase, xp), x.dtype) - phase  # -i Im
        total = phase if total is None else total + phase
    if total is None:
        return None
    return total[..., None, None] * adjoint(_inverse(x, logabsdet, xp), xp)


def _inverse(x: Array, logabsdet: Array, xp: Namespace) -> Array:
    """The inverse, and NaN where there is none: libraries raise, or return something large."""
    bad = ~xp.isfinite(logabsdet)[..., None, None]
    y = inv(xp.where(bad, hooks.eye_like(x, xp=xp), x))
    return poisoned(y, x, bad, xp)
