"""autograd's own functions that a rule can stand in for: those of NumPy and SciPy that it wraps.

One triangle of a Hermitian matrix is read, and the gradient lives there, as autograd has it.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from gradrules.adapters import Native

Options = Mapping[str, Hashable]


def _any(**_: Hashable) -> Options:
    return {}


def _triangle(UPLO: str = "L") -> Options:  # noqa: N803 (NumPy's name)
    return {"lower": UPLO in "Ll"}


def _kept(overwrite_a: bool = False, **_: Hashable) -> Options | None:
    return None if overwrite_a else {}


def _general(
    assume_a: str | None = None,
    transposed: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    **_: Hashable,
) -> Options | None:
    served = assume_a in {None, "gen", "general"}
    return {} if served and not (transposed or overwrite_a or overwrite_b) else None


def _standard(lower: bool = True, check_finite: bool = True) -> Options:  # noqa: ARG001
    return {"lower": bool(lower)}


def _pair(compute_expm: bool = True, **_: Hashable) -> Options | None:
    return {} if compute_expm else None


def _numpy(rule: str, parameters: str, options: Any = _any) -> Native:
    path = f"autograd.numpy.linalg.{rule}"
    return Native(rule=rule, paths=(path,), parameters=tuple(parameters.split()), options=options)


def _scipy(rule: str, parameters: str, options: Any = _any) -> Native:
    path = f"autograd.scipy.linalg.{rule}"
    return Native(rule=rule, paths=(path,), parameters=tuple(parameters.split()), options=options)


NATIVES = (
    _numpy("det", "a"),
    _numpy("slogdet", "a"),
    _numpy("inv", "a"),
    _numpy("solve", "a b"),
    _numpy("eigh", "a UPLO", _triangle),
    _numpy("eigvalsh", "a UPLO", _triangle),
    _scipy("det", "a overwrite_a check_finite", _kept),
    _scipy("inv", "a overwrite_a check_finite", _kept),
    _scipy("solve", "a b lower overwrite_a overwrite_b check_finite assume_a transposed", _general),
    # The other arguments of SciPy's eigh and eigvalsh choose another problem, or a part of it.
    _scipy("eigh", "a lower check_finite", _standard),
    _scipy("eigvalsh", "a lower check_finite", _standard),
    _scipy("expm", "A"),
    _scipy("expm_frechet", "A E method compute_expm check_finite", _pair),
)
