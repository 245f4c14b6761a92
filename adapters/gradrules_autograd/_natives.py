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


def _as_one_of_two(
    lower: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,  # noqa: ARG001
) -> Options | None:
    return None if overwrite_a else {"upper": not lower}


def _with_q(mode: str = "reduced") -> Options | None:
    return {"mode": mode} if mode in {"reduced", "complete"} else None


def _of_triangle(
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    **_: Hashable,
) -> Options | None:
    options = {"trans": trans, "lower": lower, "unit_diagonal": unit_diagonal}
    return None if overwrite_b else options


def _pair(compute_expm: bool = True, **_: Hashable) -> Options | None:
    return {} if compute_expm else None


def _factors(
    full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Options | None:
    return {"full_matrices": full_matrices} if compute_uv and not hermitian else None


def _above(rcond: object = None, hermitian: bool = False) -> Options | None:
    if hermitian or not isinstance(rcond, float | None):
        return None
    return {} if rcond is None else {"rtol": rcond}


_NUMPY = "autograd.numpy.linalg."
_SCIPY = "autograd.scipy.linalg."

NATIVES = (
    Native("det", _NUMPY + "det", "a"),
    Native("slogdet", _NUMPY + "slogdet", "a"),
    Native("inv", _NUMPY + "inv", "a"),
    Native("solve", _NUMPY + "solve", "a b"),
    Native("pinv", _NUMPY + "pinv", "a rcond hermitian", _above),
    Native("qr", _NUMPY + "qr", "a mode", _with_q),
    Native("cholesky", _NUMPY + "cholesky", "a"),
    Native("eigh", _NUMPY + "eigh", "a UPLO", _triangle),
    Native("eigvalsh", _NUMPY + "eigvalsh", "a UPLO", _triangle),
    Native("svd", _NUMPY + "svd", "a full_matrices compute_uv hermitian", _factors),
    Native("det", _SCIPY + "det", "a overwrite_a check_finite", _kept),
    Native("inv", _SCIPY + "inv", "a overwrite_a check_finite", _kept),
    Native(
        "solve",
        _SCIPY + "solve",
        "a b lower overwrite_a overwrite_b check_finite assume_a transposed",
        _general,
    ),
    Native("cholesky", _SCIPY + "cholesky", "a lower overwrite_a check_finite", _as_one_of_two),
    Native(
        "solve_triangular",
        _SCIPY + "solve_triangular",
        "a b trans lower unit_diagonal overwrite_b check_finite",
        _of_triangle,
    ),
    # The other arguments of SciPy's eigh and eigvalsh choose another problem, or a part of it.
    Native("eigh", _SCIPY + "eigh", "a lower check_finite", _standard),
    Native("eigvalsh", _SCIPY + "eigvalsh", "a lower check_finite", _standard),
    Native("expm", _SCIPY + "expm", "A"),
    Native("expm_frechet", _SCIPY + "expm_frechet", "A E method compute_expm check_finite", _pair),
)
