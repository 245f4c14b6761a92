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


def _any_triangle(UPLO: str = "L") -> Options:  # noqa: ARG001, N803 (torch's name)
    return {}


def _whole(arrays: Arrays, UPLO: str = "L") -> Arrays:  # noqa: N803
    return (lookup("_mirror")(*arrays, lower=UPLO in "Ll"),)


def _named(rule: str, parameters: str, *paths: str, **maps: Any) -> Native:
    return Native(rule=rule, parameters=tuple(parameters.split()), paths=paths, **maps)


NATIVES = (
    _named("det", "A", "torch.linalg.det"),
    _named("det", "input", "torch.det"),
    _named("det", "self", "torch.Tensor.det"),
    _named("slogdet", "A", "torch.linalg.slogdet"),
    _named("slogdet", "input", "torch.slogdet"),
    _named("slogdet", "self", "torch.Tensor.slogdet"),
    _named("inv", "A", "torch.linalg.inv"),
    _named("inv", "input", "torch.inverse"),
    _named("inv", "self", "torch.Tensor.inverse"),
    _named("solve", "A B left", "torch.linalg.solve", options=_left, before=_not_vectors),
    _named("eigh", "A UPLO", "torch.linalg.eigh", options=_any_triangle),
    _named("eigvalsh", "A UPLO", "torch.linalg.eigvalsh", options=_any_triangle, before=_whole),
    _named("expm", "A", "torch.linalg.matrix_exp"),
    _named("expm", "input", "torch.matrix_exp"),
    _named("expm", "self", "torch.Tensor.matrix_exp"),
)
