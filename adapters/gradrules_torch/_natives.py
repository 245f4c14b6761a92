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


def _not_vectors(arrays: Arrays, left: bool = True) -> Arrays | None:  # noqa: ARG001
    # To torch a stack of rows beside a stack of as many matrices is a stack of vectors.
    a, b = arrays
    return None if b.ndim > 1 and b.shape == a.shape[:-1] else arrays


def _whole(arrays: Arrays, UPLO: str = "L") -> Arrays:  # noqa: N803
    return (lookup("_mirror")(*arrays, lower=UPLO in "Ll"),)


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
    Native("eigh", "torch.linalg.eigh", "A UPLO"),
    Native("eigvalsh", "torch.linalg.eigvalsh", "A UPLO", before=_whole),
    Native("expm", "torch.linalg.matrix_exp", "A"),
    Native("expm", "torch.matrix_exp", "input"),
    Native("expm", "torch.Tensor.matrix_exp", "self"),
)
