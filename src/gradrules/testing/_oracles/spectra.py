"""Eigenvalues and singular values, with and without their vectors."""

import itertools

import mpmath
import numpy as np

from .._truth import GUARD, Exact, oracle
from ._exact import adjoint, array, matrix, read
from .solves import solve

__all__ = [
    "eig",
    "eig_generalized",
    "eigh",
    "eigh_generalized",
    "eigh_tridiagonal",
    "eigvals",
    "eigvals_generalized",
    "eigvalsh",
    "eigvalsh_generalized",
    "spectral_projector",
    "svd",
    "svdvals",
]


@oracle("eigh")
def eigh(
    x: Exact,
    *,
    lower: bool | None = None,
    subset_by_index: tuple[int, int] | None = None,
    degenerate: str = "nan",  # noqa: ARG001
    reference: tuple[Exact, Exact] | None = None,
) -> tuple[Exact, Exact]:
    """Eigenvalues and eigenvectors, the phases as near as possible to those of the reference."""
    if not x.size:
        return np.empty(0, dtype=object), x
    a = read(x, lower)
    is_complex = any(isinstance(v, mpmath.mpc) for v in x.flat)
    w, v = (mpmath.eighe if is_complex else mpmath.eigsy)(matrix(a))
    first, last = subset_by_index or (0, len(a) - 1)
    columns = slice(first, last + 1)
    values = np.array(list(w), dtype=object)[columns]
    return values, _turned(array(v)[:, columns], reference, _equal(values))


def _turned(vectors: Exact, reference: tuple[Exact, ...] | None, groups: list[slice]) -> Exact:
    """Columns as near to those of the reference as another basis of each group is."""
    if reference is not None:
        for group in groups:
            v = vectors[:, group]
            vectors[:, group] = v @ _nearest(adjoint(v) @ reference[1][:, group])
    return vectors


def _each(vectors: Exact) -> list[slice]:
    """Groups of one column."""
    return [slice(j, j + 1) for j in range(vectors.shape[1])]


def _equal(values: Exact) -> list[slice]:
    """Runs of sorted values that are the same to all digits but the last."""
    size = max((abs(x) for x in values), default=mpmath.mpf(0))
    apart = size * mpmath.mpf(10) ** (GUARD - mpmath.mp.dps)
    ends = [i for i in range(1, len(values)) if abs(values[i] - values[i - 1]) > apart]
    return [slice(*ends) for ends in itertools.pairwise([0, *ends, len(values)])]


def _nearest(overlap: Exact) -> Exact:
    """The unitary factor of the overlap with a reference: it turns a basis of a cluster next to that."""
    if overlap.size == 1:
        return overlap / abs(overlap)
    u, _, vh = mpmath.svd(matrix(overlap))
    return array(u) @ array(vh)


@oracle("eigvalsh")
def eigvalsh(x: Exact, *, lower: bool | None = None) -> Exact:
    """Eigenvalues."""
    return eigh(x, lower=lower)[0]


@oracle("svd")
def svd(
    x: Exact,
    *,
    full_matrices: bool = True,
    degenerate: str = "nan",  # noqa: ARG001
    reference: tuple[Exact, Exact, Exact] | None = None,
) -> tuple[Exact, Exact, Exact]:
    """Singular values and vectors, the phases as near as possible to those of the reference."""
    if not x.size:
        return x[:, :0], np.empty(0, dtype=object), x[:0]
    left, s, right = mpmath.svd(matrix(x))
    u, values, vh = array(left), np.array(list(s), dtype=object), array(right)
    if reference is not None:
        for group in _equal(values):
            overlap = adjoint(u[:, group]) @ reference[0][:, group]
            overlap = overlap + vh[group] @ adjoint(reference[2][group])
            turn = _nearest(overlap)
            u[:, group], vh[group] = u[:, group] @ turn, adjoint(turn) @ vh[group]
    if full_matrices:  # the vectors beyond the singular values are any basis: none
        (m, n), k = x.shape, len(values)
        u = np.hstack([u, np.full((m, m - k), mpmath.mpf(0), dtype=object)])
        vh = np.vstack([vh, np.full((n - k, n), mpmath.mpf(0), dtype=object)])
    return u, values, vh


@oracle("svdvals")
def svdvals(x: Exact) -> Exact:
    """Singular values."""
    return svd(x, full_matrices=False)[1]


@oracle("eigh_generalized")
def eigh_generalized(
    a: Exact,
    b: Exact,
    *,
    lower: bool | None = None,
    degenerate: str = "nan",  # noqa: ARG001
    reference: tuple[Exact, Exact] | None = None,
) -> tuple[Exact, Exact]:
    """Eigenvalues and eigenvectors of a pencil, through an inverse square root of its second matrix."""
    if not a.size:
        return np.empty(0, dtype=object), a
    roots, basis = eigh(read(b, lower))
    half = basis / np.array([mpmath.sqrt(x) for x in roots], dtype=object)
    w, v = eigh(adjoint(half) @ read(a, lower) @ half)
    return w, _turned(half @ v, reference, _equal(w))


@oracle("eigvalsh_generalized")
def eigvalsh_generalized(a: Exact, b: Exact, *, lower: bool | None = None) -> Exact:
    """Eigenvalues of a pencil."""
    return eigh_generalized(a, b, lower=lower)[0]


@oracle("eig")
def eig(a: Exact, *, reference: tuple[Exact, ...] | None = None) -> tuple[Exact, Exact]:
    """Eigenvalues in the order of the reference, and eigenvectors in its phases."""
    if not a.size:
        return np.empty(0, dtype=object), a
    found, right = mpmath.eig(matrix(a))
    w, v = np.array([mpmath.mpc(x) for x in found], dtype=object), array(right)
    order = []
    for near in w if reference is None else reference[0]:
        rest = [k for k in range(len(w)) if k not in order]
        order.append(min(rest, key=lambda k: abs(w[k] - near)))
    w, v = w[order], v[:, order] * mpmath.mpc(1)
    v = v / np.array([mpmath.sqrt(sum(abs(x) ** 2 for x in c)) for c in v.T], dtype=object)
    return w, v if reference is None or len(reference) < 2 else _turned(v, reference, _each(v))


@oracle("eigvals")
def eigvals(a: Exact, *, reference: tuple[Exact, ...] | None = None) -> Exact:
    """Eigenvalues in the order of the reference."""
    return eig(a, reference=reference)[0]


@oracle("eig_generalized")
def eig_generalized(
    a: Exact, b: Exact, *, reference: tuple[Exact, ...] | None = None
) -> tuple[Exact, Exact]:
    """Eigenvalues and eigenvectors of a pencil."""
    w, v = eig(solve(b, a), reference=reference)
    return w, v


@oracle("eigvals_generalized")
def eigvals_generalized(a: Exact, b: Exact, *, reference: tuple[Exact, ...] | None = None) -> Exact:
    """Eigenvalues of a pencil."""
    return eig(solve(b, a), reference=reference)[0]


@oracle("spectral_projector")
def spectral_projector(
    x: Exact, *, subset_by_index: tuple[int, int], lower: bool | None = None
) -> Exact:
    """Projector on a range of the spectrum."""
    v = eigh(x, lower=lower, subset_by_index=subset_by_index)[1]
    return v @ adjoint(v)


@oracle("eigh_tridiagonal")
def eigh_tridiagonal(
    d: Exact,
    e: Exact,
    *,
    degenerate: str = "nan",
    reference: tuple[Exact, Exact] | None = None,
) -> tuple[Exact, Exact]:
    """Eigenvalues and eigenvectors of a tridiagonal matrix."""
    t = np.diag(d) + np.diag(e, 1) + np.diag(e, -1) if e.size else np.diag(d)
    w, v = eigh(t * mpmath.mpf(1), degenerate=degenerate, reference=reference)
    return w, v


@oracle("schur")
def schur(a: Exact, *, reference: tuple[Exact, Exact] | None = None) -> tuple[Exact, Exact]:
    """Orthonormal columns from the eigenvectors, in the order and the phases of the reference."""
    values = () if reference is None else ([reference[0][i, i] for i in range(len(a))],)
    _, v = eig(a, reference=values or None)
    z = v.copy()
    for j in range(len(a)):
        for _ in range(2):  # once more for what cancellation leaves
            z[:, j] = z[:, j] - z[:, :j] @ (adjoint(z[:, :j]) @ z[:, j])
        z[:, j] = z[:, j] / mpmath.sqrt(sum(abs(x) ** 2 for x in z[:, j]))
    z = _turned(z, reference, _each(z))
    return np.triu(adjoint(z) @ a @ z), z
