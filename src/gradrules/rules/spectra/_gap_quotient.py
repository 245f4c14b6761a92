r"""Quotient by eigenvalue gaps, :math:`Z_{ij} = K_{ij} / (w_j - w_i)` off the diagonal, 0 on it.

The one place that decides what happens at a degenerate cluster. A gap below rounding has no
quotient; where the numerator is negligible too, the pair contributes nothing and Z is 0; where it
is not, the derivative that is asked for does not exist and Z is NaN. Being a rule, linear in K,
it decides the same at every order and in both modes.
"""

from typing import Any

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import eps, is_complex, order, real

__all__ = ["gap_quotient"]

# A computed eigenvalue is off by a small multiple of eps * |A|, which grows like sqrt(n) in
# practice; n * eps would call one pair in hundreds degenerate in float32 at n = 1000.
GAP = 8.0
NUMERATOR = 50.0


def _sample(rng: Any, shapes: Any, dtype: str) -> tuple[Any, Any]:
    """A matrix, and ascending numbers that are apart."""
    k = rng.standard_normal(shapes[0]) + rng.standard_normal(shapes[0]) * (
        1j if "c" in dtype else 0
    )
    w = rng.uniform(0.0, 0.5, shapes[1]) + range(shapes[1][-1])
    single = dtype in ("float32", "complex64")
    return k.astype(dtype), w.astype("float32" if single else "float64")


@rule(
    name="_gap_quotient",
    signature="(n,n),(n)->(n,n)",
    sample=_sample,
    edges={
        "1e-9 in a cluster": Edge(
            primals=([[1.0, 1e-9], [1e-9, 1.0]], [1.0, 1.0]), value="nan", first="nan", second="nan"
        ),
        "1e-17 in a cluster": Edge(
            primals=([[1.0, 1e-17], [1e-17, 1.0]], [1.0, 1.0]),
            value="finite", first="nan", second="nan",
        ),
    },
)  # fmt: skip
def gap_quotient(k: Array, w: Array, /, *, degenerate: str = "nan", xp: Namespace) -> Array:
    """Divide by gaps: `k` is ``(..., n, n)``, `w` real ``(..., n)``."""
    if 0 in k.shape:
        return k
    distance = w[..., None, :] - w[..., :, None]
    rounding = GAP * order(w, xp) ** 0.5 * eps(w) * xp.max(xp.abs(w), axis=-1)[..., None, None]
    near = xp.abs(distance) <= rounding  # of itself every value is
    gap = xp.where(near, xp.ones_like(distance), distance)
    z = xp.where(near, xp.zeros_like(k), k / xp.astype(gap, k.dtype))
    if degenerate == "project":
        return z
    size = xp.abs(k)
    negligible = size <= NUMERATOR * order(k, xp) * eps(k) * xp.max(
        size, axis=(-2, -1), keepdims=True
    )
    bad = near & ~(negligible | (hooks.eye_like(w, xp=xp) != 0))
    return xp.where(bad, xp.full_like(k, float("nan")), z)


@gap_quotient.def_jvp
def gap_quotient_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    degenerate: str,
    xp: Namespace,
) -> Array:
    """``Q(K_dot, w) - Q(Z * gaps(w_dot), w)``; beyond first order nothing is projected."""
    (_, w), (z,), (k_dot, w_dot) = primals, outputs, tangents
    moved = k_dot
    if w_dot is not None:
        change = z * xp.astype(w_dot[..., None, :] - w_dot[..., :, None], z.dtype)
        moved = -change if k_dot is None else k_dot - change
    return gap_quotient(moved, w)


@gap_quotient.def_vjp
def gap_quotient_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    degenerate: str,
    xp: Namespace,
) -> Arrays:
    """``K_bar = Q(Z_bar, w)``, and the column minus the row sums of ``-Re(conj(K_bar) Z)``."""
    (_, w), (z,), (z_bar,) = primals, outputs, cotangents
    k_bar = gap_quotient(z_bar, w)
    s = real(xp.conj(k_bar) * z if is_complex(z) else k_bar * z, xp)
    return k_bar, xp.sum(s, axis=-1) - xp.sum(s, axis=-2)
