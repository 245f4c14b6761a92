"""Projections, nearest matrices and pseudo-inverses, all by the singular value decomposition."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from .._truth import Exact, oracle
from ._exact import adjoint, matrix, read, scalar
from .spectra import svd

__all__ = [
    "low_rank_approximation",
    "null_projector",
    "orthogonal_procrustes",
    "pinv",
    "pinvh",
    "polar",
    "range_projector",
]


def of_singular_values(a: Exact, function: Callable[[Exact], Any]) -> Exact:
    """``U f(s) V^H``."""
    u, s, vh = svd(a, full_matrices=False)
    return (u * np.asarray(function(s), dtype=object)) @ vh


def _kept(s: Exact, a: Exact, rtol: float | None) -> list[bool]:
    bound = max(a.shape) * 2.0**-52 if rtol is None else rtol
    return [bool(x > bound * s[0]) for x in s]


@oracle("_singular_projectors")
def singular_projectors(
    x: Exact, *, start: int = 0, stop: int | None = None, rtol: float | None = None
) -> tuple[Exact, Exact, Exact]:
    """By the singular vectors that are chosen."""
    u, s, vh = svd(x, full_matrices=False)
    chosen = [i for i, kept in enumerate(_kept(s, x, rtol or 0)) if kept or rtol is None]
    chosen = [i for i in chosen if i in range(len(s))[start:stop]]
    u, vh = u[:, chosen], vh[chosen]
    return u @ adjoint(u), u @ vh, adjoint(vh) @ vh


@oracle("polar")
def polar(a: Exact, *, side: str = "right") -> tuple[Exact, Exact]:
    """Both factors; there are none of full precision where a singular value is zero."""
    u, s, vh = svd(a, full_matrices=False)
    if any(x < 1e-60 * s[0] for x in s):
        raise ZeroDivisionError
    basis = adjoint(vh) if side == "right" else u
    return u @ vh, (basis * s) @ adjoint(basis)


@oracle("orthogonal_procrustes")
def orthogonal_procrustes(
    A: Exact, B: Exact, *, rotation: bool = False  # noqa: N803
) -> tuple[Exact, Exact]:  # fmt: skip
    """The nearest unitary matrix, or rotation."""
    u, s, vh = svd(adjoint(A) @ B, full_matrices=False)
    if rotation and len(s) and mpmath.det(matrix(u @ vh)) < 0:
        s[-1] = -s[-1]
        u[:, -1] = -u[:, -1]
    return u @ vh, scalar(sum(s, mpmath.mpf(0)))


@oracle("low_rank_approximation")
def low_rank_approximation(x: Exact, *, k: int) -> Exact:
    """The part of the k largest singular values."""
    return of_singular_values(x, lambda s: [v * (i < k) for i, v in enumerate(s)])


@oracle("pinv")
def pinv(x: Exact, *, rtol: float | None = None) -> Exact:
    """The inverse of the singular values that count."""

    def inverse(s: Exact) -> list[Any]:
        return [1 / v if k else v * 0 for v, k in zip(s, _kept(s, x, rtol), strict=True)]

    return adjoint(of_singular_values(x, inverse))


@oracle("pinvh")
def pinvh(a: Exact, *, rtol: float | None = None, lower: bool | None = None) -> Exact:
    """That of the Hermitian matrix that is read."""
    return pinv(read(a, lower), rtol=rtol)


@oracle("range_projector")
def range_projector(A: Exact, *, rcond: float | None = None) -> Exact:  # noqa: N803
    """Of the left singular vectors that count."""
    u, s, _ = svd(A, full_matrices=False)
    kept = _kept(s, A, rcond)
    if sum(kept) == len(A):
        return np.eye(len(A), dtype=int).astype(object) * mpmath.mpf(1)
    return (u * np.array(kept, dtype=object)) @ adjoint(u)


@oracle("null_projector")
def null_projector(A: Exact, *, rcond: float | None = None) -> Exact:  # noqa: N803
    """What the right ones leave."""
    p = range_projector(adjoint(A), rcond=rcond)
    return np.eye(len(p), dtype=int).astype(object) * mpmath.mpf(1) - p
