"""autograd's own functions that a rule can stand in for: those of NumPy and SciPy that it wraps.

One triangle of a Hermitian matrix is read, and the gradient lives there, as autograd has it.
"""

from collections.abc import Hashable, Mapping

from gradrules.adapters import Native

Options = Mapping[str, Hashable]


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


_NUMPY = "autograd.numpy.linalg."
_SCIPY = "autograd.scipy.linalg."

NATIVES = (
    Native("det", _NUMPY + "det", "a"),
    Native("slogdet", _NUMPY + "slogdet", "a"),
    Native("inv", _NUMPY + "inv", "a"),
    Native("solve", _NUMPY + "solve", "a b"),
    Native("eigh", _NUMPY + "eigh", "a UPLO", _triangle),
    Native("eigvalsh", _NUMPY + "eigvalsh", "a UPLO", _triangle),
    Native("det", _SCIPY + "det", "a overwrite_a check_finite", _kept),
    Native("inv", _SCIPY + "inv", "a overwrite_a check_finite", _kept),
    Native(
        "solve",
        _SCIPY + "solve",
        "a b lower overwrite_a overwrite_b check_finite assume_a transposed",
        _general,
    ),
    # The other arguments of SciPy's eigh and eigvalsh choose another problem, or a part of it.
    Native("eigh", _SCIPY + "eigh", "a lower check_finite", _standard),
    Native("eigvalsh", _SCIPY + "eigvalsh", "a lower check_finite", _standard),
    Native("expm", _SCIPY + "expm", "A"),
    Native("expm_frechet", _SCIPY + "expm_frechet", "A E method compute_expm check_finite", _pair),
)
