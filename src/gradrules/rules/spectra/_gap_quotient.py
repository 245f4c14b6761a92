r"""Quotient by gaps of a spectrum, :math:`Z_{ij} = K_{ij} / D_{ij}`.

The one place that decides what happens at a degenerate cluster. A gap below rounding has no
quotient; where the numerator is negligible too, the pair contributes nothing and Z is 0; where it
is not, the derivative that is asked for does not exist and Z is NaN. Being a rule, linear in K,
it decides the same at every order and in both modes.
"""

from typing import Any

from ... import hooks
from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj, eps, order, real
from .._options import one_of

__all__ = [
    "DEGENERATE",
    "Part",
    "check_degenerate",
    "differences",
    "gap_quotient",
    "gaps",
    "gaps_across",
    "unresolved",
]

# The first and the last of a range of values; `None` is all.
Part = tuple[int, int] | None
DEGENERATE = ("nan", "project")
# A computed eigenvalue is off by a small multiple of eps * |A|, which grows like sqrt(n) in
# practice; n * eps would call one pair in hundreds degenerate in float32 at n = 1000.
GAP = 8.0
NUMERATOR = 50.0


def check_degenerate(degenerate: object) -> None:
    """Refuse a value of the option that is not allowed."""
    one_of("degenerate", degenerate, DEGENERATE)


def differences(w: Array, xp: Namespace) -> Array:
    """``w_j - w_i``, infinite of a value to itself."""
    gap = w[..., None, :] - w[..., :, None]
    return xp.where(hooks.eye_like(gap, xp=xp) != 0, xp.full_like(gap, float("inf")), gap)


def gaps(w: Array, size: Array, xp: Namespace) -> Arrays:
    """The same, and `size`, ``(..., 1, 1)``, for each of them.

    `size` is that of the matrix, of which rounding is a part.
    """
    gap = differences(w, xp)
    return gap, size * order(w, xp) ** 0.5 + xp.zeros_like(gap)


def gaps_across(w: Array, part: tuple[int, int], xp: Namespace) -> Arrays:
    """The same for the values j of a range; infinite for i inside, so that nothing is divided by it."""
    columns = slice(part[0], part[1] + 1)
    gap, size = gaps(w, xp.max(xp.abs(w), axis=-1)[..., None, None], xp)
    inside = xp.sum(hooks.eye_like(w, xp=xp)[:, columns], axis=-1, keepdims=True) != 0
    gap = gap[..., columns]
    return xp.where(inside, xp.full_like(gap, float("inf")), gap), size[..., columns]


def unresolved(gap: Array, size: Array, xp: Namespace) -> Array:
    """Where a gap is rounding."""
    return xp.abs(gap) <= GAP * eps(gap) * real(size, xp)


def _sample(rng: Any, shapes: Any, dtype: str) -> tuple[Any, Any, Any]:
    """A matrix, and gaps that are apart from zero."""
    turn = 1j if "c" in dtype else 0
    k, gap = (rng.standard_normal(s) + rng.standard_normal(s) * turn for s in shapes[:2])
    gap = gap / abs(gap) * rng.uniform(0.5, 2.0, shapes[1])
    real = "float32" if dtype in ("float32", "complex64") else "float64"
    return k.astype(dtype), gap.astype(dtype), rng.uniform(1.0, 2.0, shapes[2]).astype(real)


_ONES = [[1.0, 1.0], [1.0, 1.0]]
_CLUSTER = [[float("inf"), 0.0], [0.0, float("inf")]]


@rule(
    name="_gap_quotient",
    signature="(m,n),(m,n),(m,n)->(m,n)",
    sample=_sample,
    edges={
        "1e-9 in a cluster": Edge(
            primals=([[1.0, 1e-9], [1e-9, 1.0]], _CLUSTER, _ONES),
            value="nan", first="nan", second="nan",
        ),
        "1e-17 in a cluster": Edge(
            primals=([[1.0, 1e-17], [1e-17, 1.0]], _CLUSTER, _ONES),
            value="finite", first="nan", second="nan",
        ),
    },
)  # fmt: skip
def gap_quotient(
    k: Array, gap: Array, size: Array, /, *, degenerate: str = "nan", xp: Namespace
) -> Array:
    """Divide `k` by `gap`, real or complex, of which ``GAP * eps * size`` is rounding."""
    return divided(k, gap, size, degenerate=degenerate, xp=xp)


def divided(
    k: Array, gap: Array, size: Array, /, *, degenerate: str = "nan", xp: Namespace
) -> Array:
    """The quotient, where nothing differentiates it."""
    if 0 in k.shape:
        return k
    near = unresolved(gap, size, xp)
    skipped = near | xp.isinf(xp.abs(gap))
    divisor = xp.where(skipped, xp.ones_like(gap), gap)
    z = xp.where(skipped, xp.zeros_like(k), k / xp.astype(divisor, k.dtype))
    if degenerate == "project":
        return z
    numerator = xp.abs(k)
    negligible = numerator <= NUMERATOR * order(k, xp) * eps(k) * xp.max(
        numerator, axis=(-2, -1), keepdims=True
    )
    return xp.where(near & ~negligible, xp.full_like(k, float("nan")), z)


# Rounding is no part of the function: `size` has no derivative.
@gap_quotient.def_jvp
def gap_quotient_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    degenerate: str,
    xp: Namespace,
) -> Array | None:
    """``Q(K_dot - Z * gap_dot)``; beyond first order nothing is projected."""
    (_, gap, size), (z,), (k_dot, gap_dot, _) = primals, outputs, tangents
    moved = k_dot
    if gap_dot is not None:
        change = z * xp.astype(gap_dot, z.dtype)
        moved = -change if k_dot is None else k_dot - change
    return None if moved is None else gap_quotient(moved, gap, size)


@gap_quotient.def_vjp
def gap_quotient_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    degenerate: str,
    xp: Namespace,
) -> MaybeArrays:
    """``K_bar = Q(Z_bar)`` with the conjugate gap, and ``gap_bar = -conj(Z) K_bar``."""
    (_, gap, size), (z,), (z_bar,) = primals, outputs, cotangents
    k_bar = gap_quotient(z_bar, conj(gap, xp), size)
    return k_bar, -conj(z, xp) * k_bar, None
