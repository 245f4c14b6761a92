r"""Powers of a modulus, :math:`|x|^q` and :math:`x |x|^{q-1}`, each the derivative of the other.

With :math:`u = x / |x|`, 0 at 0, :math:`d|x|^q = q \operatorname{Re}(\overline{u |x|^{q-1}}\, dx)`, and
:math:`d(u |x|^q) = |x|^{q-1} dx + (q-1)\, u |x|^{q-1} \operatorname{Re}(\bar u\, dx)`.
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj, is_complex, real

__all__ = ["modulus_power", "over", "signed_power"]


_Q = tuple({"q": q} for q in (1.5, 2, 0, -0.5))


@rule(
    name="_modulus_power",
    variants=_Q,
    edges={"1e100, q = -2": Edge(primals=([1e100, -2e100],), options={"q": -2})},
)
def modulus_power(x: Array, /, *, q: float, xp: Namespace) -> Array:
    """``|x|**q``, real; infinite at 0 for a negative `q`."""
    return _raised(xp.abs(x), q, xp)


@modulus_power.def_jvp
def modulus_power_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, q: float, xp: Namespace
) -> Array | None:
    """As above."""
    if q == 0:
        return None
    return q * real(conj(signed_power(primals[0], q=q - 1), xp) * tangents[0], xp)


@modulus_power.def_vjp
def modulus_power_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, q: float, xp: Namespace
) -> Array | None:
    """Its adjoint."""
    if q == 0:
        return None
    s = signed_power(primals[0], q=q - 1)
    return q * s * xp.astype(cotangents[0], s.dtype)


@rule(
    name="_signed_power",
    variants=(*_Q, {"q": 1}, {"q": 3}),
    edges={"1e100, q = -2": Edge(primals=([1e100, -2e100],), options={"q": -2})},
)
def signed_power(x: Array, /, *, q: float, xp: Namespace) -> Array:
    """``x |x|**(q - 1)``: the sign for ``q = 0``, 0 at 0 unless `q` is negative."""
    if q == 1:
        return x * 1
    size = xp.abs(x)
    zero = size == 0
    safe = xp.where(zero, xp.ones_like(size), size)
    u = x / xp.astype(safe, x.dtype)
    return u * xp.astype(_raised(size, q, xp) if q else xp.ones_like(size), x.dtype)


@signed_power.def_jvp
def signed_power_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, q: float, xp: Namespace
) -> Array:
    """As above."""
    return _linear(primals[0], tangents[0], q, xp)


@signed_power.def_vjp
def signed_power_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, q: float, xp: Namespace
) -> Array:
    """The same map: it is symmetric."""
    return _linear(primals[0], cotangents[0], q, xp)


def _linear(x: Array, v: Array, q: float, xp: Namespace) -> Array:
    if q == 1:
        return v
    size = modulus_power(x, q=q - 1)
    if not is_complex(x):
        return q * size * v
    along = real(conj(signed_power(x, q=0.0), xp) * v, xp)
    curved = (q - 1) * signed_power(x, q=q - 1) * xp.astype(along, x.dtype)
    return xp.astype(size, x.dtype) * v + curved


@rule(
    name="_over",
    edges={
        "by zero": Edge(primals=([1.0, 0.0], [0.0, 0.0]), value="finite", first="nan", second="nan")
    },
)
def over(x: Array, y: Array, /, *, at_zero: float = 0.0, xp: Namespace) -> Array:
    """``x / y``, and `at_zero` where `y` is 0; no square of `y` is ever formed.

    Where `y` is 0 all derivatives are NaN.
    """
    zero = y == 0
    return xp.where(zero, xp.full_like(x, at_zero), x / xp.where(zero, xp.ones_like(y), y))


@over.def_jvp
def over_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, at_zero: float, xp: Namespace
) -> Array:
    """``(x_dot - q y_dot) / y``."""
    (_, y), (q,), (x_dot, y_dot) = primals, outputs, tangents
    moved = x_dot
    if y_dot is not None:
        moved = -q * y_dot if x_dot is None else x_dot - q * y_dot
    return over(moved, y, at_zero=float("nan"))


@over.def_vjp
def over_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, at_zero: float, xp: Namespace
) -> Arrays:
    """``x_bar = q_bar / conj(y)``, ``y_bar = -x_bar conj(q)``."""
    x_bar = over(cotangents[0], conj(primals[1], xp), at_zero=float("nan"))
    return x_bar, -x_bar * conj(outputs[0], xp)


def _raised(size: Array, q: float, xp: Namespace) -> Array:
    zero = size == 0
    safe = xp.where(zero, xp.ones_like(size), size)
    at_zero = 0.0 if q > 0 else 1.0 if q == 0 else float("inf")
    return xp.where(zero, xp.full_like(size, at_zero), safe**q)
