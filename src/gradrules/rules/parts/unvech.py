r"""The Hermitian matrix whose lower triangle a vector holds, row by row: the inverse of `vech`."""

from typing import Any

import numpy as np

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, is_complex
from ._packing import check_packed, packed, unpacked

__all__ = ["unvech"]


def _sample(rng: Any, shapes: Any, dtype: str) -> Any:
    """A vector as long as a triangle."""
    *batch, n = shapes[0]
    shape = (*batch, n * (n + 1) // 2)
    v = rng.standard_normal(shape) + rng.standard_normal(shape) * (1j if "c" in dtype else 0)
    return (np.asarray(v).astype(dtype),)


@rule(
    signature="(l)->(n,n)",
    degrees={"v": (1,)},
    sample=_sample,
    cost="1 operation for each entry",
    sources=("J. R. Magnus and H. Neudecker, SIAM J. Algebraic Discrete Methods 1, 1980",),
    edges={"order two": Edge(primals=([1.0, 2.0, 3.0],))},
)
def unvech(v: Array, /, *, xp: Namespace) -> Array:
    """Hermitian matrix from its lower triangle.

    Parameters
    ----------
    v
        ``(..., n (n + 1) / 2)``, real or complex floating: the entries (0, 0), (1, 0), (1, 1), (2, 0), ...
        Of an entry on the diagonal the real part is read.

    Returns
    -------
    array
        ``(..., n, n)``, same dtype.

    Raises
    ------
    ShapeError
        If no triangle has so many entries.
    """
    check_packed(v.shape[-1], "unvech")
    whole = unpacked(v, xp)
    if not is_complex(v):
        return whole
    strict = xp.tril(whole, k=-1)
    middle = xp.triu(xp.tril(whole))
    return strict + adjoint(strict, xp) + xp.astype(xp.real(middle), v.dtype)


@unvech.def_jvp
def unvech_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """The same map."""
    return unvech(tangents[0])


@unvech.def_vjp
def unvech_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """``vech`` of the cotangent, where what stands beside the diagonal counts twice."""
    g = cotangents[0]
    both = g + adjoint(g, xp)
    return packed(both - xp.triu(both) / 2, xp)
