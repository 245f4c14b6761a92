"""The mark of a kink: a value that is right where its derivative does not exist."""

from typing import Any

import numpy as np

from .._rule import Edge, rule
from .._typing import Array, Arrays, MaybeArrays, Namespace
from ._matrix import real

__all__ = ["kinked"]


def _sample(rng: Any, shapes: Any, dtype: str) -> Any:
    """Numbers, none of which is marked."""
    x = rng.standard_normal(shapes[0]) + rng.standard_normal(shapes[0]) * (
        1j if "c" in dtype else 0
    )
    return np.asarray(x).astype(dtype), np.zeros(shapes[1], dtype)


@rule(
    name="_kinked",
    signature="(),()->()",
    sample=_sample,
    edges={
        # Of a linear function the second derivative is 0 for whoever does not ask for it.
        "marked": Edge(primals=([2.0, -1.0], [1.0, 1.0]), first="nan", second="any"),
        "smooth once": Edge(primals=([2.0, -1.0], [1.0, 1.0]), options={"smooth": 1}, second="nan"),
    },
)
def kinked(x: Array, bad: Array, /, *, smooth: int = 0) -> Array:
    """`x`, whose derivatives beyond the order `smooth` are NaN where `bad`, a real array, is 1.

    It is a function of `x` alone.
    """
    return x * 1


@kinked.def_jvp
def kinked_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, smooth: int, xp: Namespace
) -> Array | None:
    """The tangent, or NaN."""
    x_dot = tangents[0]
    return None if x_dot is None else x_dot * _one(primals[0], primals[1], smooth, xp)


@kinked.def_vjp
def kinked_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, smooth: int, xp: Namespace
) -> tuple[Array, None]:
    """The cotangent, or NaN."""
    return cotangents[0] * _one(primals[0], primals[1], smooth, xp), None


# It depends on x, not on what it multiplies: of a linear map a library need not ask the map again.
def _one(x: Array, bad: Array, smooth: int, xp: Namespace) -> Array:
    """1, or NaN; as long as it is smooth, 1 with such a derivative."""
    if smooth:
        return 1 + kinked(0 * x, bad, smooth=smooth - 1)
    bad = real(bad, xp)
    one = xp.where(bad > 0.5, xp.full_like(bad, float("nan")), xp.ones_like(bad))
    return xp.astype(one, x.dtype)
