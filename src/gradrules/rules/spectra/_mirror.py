r"""The Hermitian matrix that a triangle stands for, with the derivative of the Hermitian part.

A library may read one triangle of a matrix that it takes to be Hermitian, and return a Hermitian
gradient all the same. Its function is then one of Hermitian matrices, and this is how any other
matrix becomes one.
"""

from ..._rule import rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, herm

__all__ = ["mirror"]


@rule(name="_mirror", signature="(n,n)->(n,n)")
def mirror(x: Array, /, *, lower: bool = True, xp: Namespace) -> Array:
    """Read one triangle of `x`, which is ``(..., n, n)``."""
    one = xp.ones_like(x)
    kept = (xp.tril(one) if lower else xp.triu(one)) != 0
    return xp.where(kept, x, adjoint(x, xp))  # the other triangle may hold anything, NaN too


@mirror.def_jvp
def mirror_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, lower: bool, xp: Namespace
) -> Array:
    """Hermitian part of the tangent."""
    return herm(tangents[0], xp)


@mirror.def_vjp
def mirror_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, lower: bool, xp: Namespace
) -> Array:
    """Hermitian part of the cotangent."""
    return herm(cotangents[0], xp)
