"""torch's own functions that a rule can stand in for.

torch reads one triangle of a Hermitian matrix and returns a Hermitian gradient, and so do we: the
rule is given the whole matrix, and where it would look at it again, the triangle that torch reads.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from gradrules.adapters import Native, lookup

Arrays = tuple[Any, ...]
Options = Mapping[str, Hashable]


def _left(left: bool = True) -> Options | None:
    return {} if left else None


def _triangle(upper: bool, left: bool = True, unitriangular: bool = False) -> Options | None:
    return {"lower": not upper, "unit_diagonal": unitriangular} if left else None


def _with_q(mode: str = "reduced") -> Options | None:
    return None if mode == "r" else {"mode": mode}


def _pivoted(pivot: bool = True) -> Options | None:
    return {} if pivot else None


def _real_permutation(result: Any) -> Arrays:
    p, lower, upper = result
    return p.real if p.is_complex() else p, lower, upper


def _cast_permutation(outputs: Arrays, arrays: Arrays) -> Arrays:
    p, lower, upper = outputs
    return p.to(arrays[0].dtype), lower, upper


def _upper(upper: bool = False) -> Options:
    return {"upper": upper}


def _not_vectors(arrays: Arrays, left: bool = True) -> Arrays | None:  # noqa: ARG001
    # To torch a stack of rows beside a stack of as many matrices is a stack of vectors.
    a, b = arrays
    return None if b.ndim > 1 and b.shape == a.shape[:-1] else arrays


def _whole(arrays: Arrays, UPLO: str = "L") -> Arrays:  # noqa: N803
    return (lookup("_mirror")(*arrays, lower=UPLO in "Ll"),)


def _factors(full_matrices: bool = True, driver: str | None = None) -> Options:  # noqa: ARG001
    return {"full_matrices": full_matrices}


def _any_driver(driver: str | None = None) -> Options:  # noqa: ARG001
    return {}


def _above(atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Options | None:
    # torch's default is ours. A bound may also be a tensor, and then stays there.
    if atol is not None or hermitian or not isinstance(rtol, float | None):
        return None
    return {} if rtol is None else {"rtol": rtol}


def _above_rounding(rcond: float = 1e-15) -> Options:
    return {"rtol": rcond} if rcond > 1e-15 else {}


NATIVES = (
    Native("det", "torch.linalg.det", "A"),
    Native("det", "torch.det", "input"),
    Native("det", "torch.Tensor.det", "self"),
    Native("slogdet", "torch.linalg.slogdet", "A"),
    Native("slogdet", "torch.slogdet", "input"),
    Native("slogdet", "torch.Tensor.slogdet", "self"),
    Native("inv", "torch.linalg.inv", "A"),
    Native("inv", "torch.inverse", "input"),
    Native("inv", "torch.Tensor.inverse", "self"),
    Native("solve", "torch.linalg.solve", "A B left", _left, before=_not_vectors),
    Native(
        "solve_triangular",
        "torch.linalg.solve_triangular",
        "A B upper left unitriangular",
        _triangle,
    ),
    Native(
        "lu",
        "torch.linalg.lu",
        "A pivot",
        _pivoted,
        outputs=_real_permutation,
        after=_cast_permutation,
    ),
    Native("qr", "torch.linalg.qr", "A mode", _with_q),
    Native("cholesky", "torch.linalg.cholesky", "A upper", _upper),
    Native("cholesky", "torch.cholesky", "input upper", _upper),
    Native("cholesky", "torch.Tensor.cholesky", "self upper", _upper),
    Native("pinv", "torch.linalg.pinv", "A atol rtol hermitian", _above),
    Native("pinv", "torch.pinverse", "input rcond", _above_rounding),
    Native("pinv", "torch.Tensor.pinverse", "self rcond", _above_rounding),
    Native("eigh", "torch.linalg.eigh", "A UPLO"),
    Native("eigvalsh", "torch.linalg.eigvalsh", "A UPLO", before=_whole),
    # torch.linalg.eigvals may have another order than the eigenvectors that its derivative needs.
    Native("eig", "torch.linalg.eig", "A"),
    Native("svd", "torch.linalg.svd", "A full_matrices driver", _factors),
    Native("svdvals", "torch.linalg.svdvals", "A driver", _any_driver),
    Native("expm", "torch.linalg.matrix_exp", "A"),
    Native("expm", "torch.matrix_exp", "input"),
    Native("expm", "torch.Tensor.matrix_exp", "self"),
)
