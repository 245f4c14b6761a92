"""autograd's own functions that a rule can stand in for: those of NumPy and SciPy that it wraps.

One triangle of a Hermitian matrix is read, and the gradient of its eigenvalues and eigenvectors lives
there, as autograd has it. Calls that overwrite an argument stay native.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from gradrules import natives
from gradrules.adapters import Native, lookup

Arrays = tuple[Any, ...]
Options = Mapping[str, Hashable]


def _triangle(UPLO: str = "L") -> Options:  # noqa: N803 (NumPy's name)
    return {"lower": UPLO in "Ll"}


def _lower(lower: bool = True, check_finite: bool = True) -> Options:  # noqa: ARG001
    return {"lower": bool(lower)}


def _general(assume_a: str | None = None, **_: Hashable) -> Options | None:
    return {} if assume_a in {None, "gen", "general"} else None


def _whole(arrays: Arrays, upper: bool = False, lower: bool = True, **_: Hashable) -> Arrays:
    return (lookup("_mirror")(*arrays, lower=lower and not upper),)


def _whole_of_one(arrays: Arrays, lower: bool = False, **_: Hashable) -> Arrays:
    return _whole(arrays, lower=lower)


def _matrix_or_vector(arrays: Arrays, **_: Hashable) -> Arrays | None:
    # Of stacks SciPy has its own idea.
    a, b = arrays
    return arrays if a.ndim == 2 and b.ndim <= 2 else None


def _above(rcond: object = None, hermitian: bool = False, rtol: object = None) -> Options | None:
    bound = rcond if rtol is None else rtol
    if hermitian or not isinstance(bound, float | None):
        return None
    return {} if bound is None else {"rtol": bound}


def _above_hermitian(
    rcond: object = None, hermitian: bool = False, rtol: object = None
) -> Options | None:
    options = _above(rcond, rtol=rtol)
    return {**options, "lower": True} if hermitian and options is not None else None


def _above_relative(
    rtol: object = None, lower: bool | None = None, check_finite: bool = True  # noqa: ARG001
) -> Options | None:  # fmt: skip
    options = _above(rtol)
    return options if options is None or lower is None else {**options, "lower": bool(lower)}


def _lower_above_relative(rtol: object = None, lower: bool = True, **_: Hashable) -> Options | None:
    return _above_relative(rtol, lower)


_NUMPY = "autograd.numpy.linalg."
_SCIPY = "autograd.scipy.linalg."

NATIVES = (
    Native("det", _NUMPY + "det", "a"),
    Native("det", _SCIPY + "det", "a * check_finite"),
    Native("slogdet", _NUMPY + "slogdet", "a"),
    Native("inv", _NUMPY + "inv", "a"),
    Native("inv", _SCIPY + "inv", "a * check_finite"),
    Native("pinv", _NUMPY + "pinv", "a rcond hermitian * rtol", _above),
    Native("pinv", _SCIPY + "pinv", "a * rtol check_finite", _above_relative),
    Native("pinvh", _NUMPY + "pinv", "a rcond hermitian * rtol", _above_hermitian),
    Native("pinvh", _SCIPY + "pinvh", "a * rtol lower check_finite", _lower_above_relative),
    Native("solve", _NUMPY + "solve", "a b"),
    Native("solve", _SCIPY + "solve", "a b * lower check_finite assume_a", _general),
    Native(
        "solve_triangular",
        _SCIPY + "solve_triangular",
        "a b trans lower unit_diagonal * check_finite",
        natives.triangle,
        before=_matrix_or_vector,
    ),
    Native(
        "cho_solve",
        _SCIPY + "cho_solve",
        "c_and_lower=(c,lower) b * check_finite",
        natives.lower_factor,
        before=_matrix_or_vector,
        inputs="c b",
    ),
    Native(
        "solve_banded",
        _SCIPY + "solve_banded",
        "l_and_u ab b * check_finite",
        natives.band,
        before=_matrix_or_vector,
        inputs="ab b",
    ),
    Native("lu", _SCIPY + "lu", "a * check_finite"),
    Native("qr", _NUMPY + "qr", "a mode", natives.as_qr),
    Native("qr", _SCIPY + "qr", "a * mode check_finite", natives.as_scipy_qr),
    Native("rq", _SCIPY + "rq", "a * mode check_finite", natives.as_scipy_qr),
    Native("cholesky", _NUMPY + "cholesky", "a * upper", natives.upper, before=_whole),
    Native(
        "cholesky",
        _SCIPY + "cholesky",
        "a lower * check_finite",
        natives.other_triangle,
        before=_whole_of_one,
    ),
    Native("polar", _SCIPY + "polar", "a side", natives.side),
    Native("orthogonal_procrustes", _SCIPY + "orthogonal_procrustes", "A B check_finite"),
    Native("eigh", _NUMPY + "eigh", "a UPLO", _triangle),
    Native("eigvalsh", _NUMPY + "eigvalsh", "a UPLO", _triangle),
    # The other arguments of SciPy's functions choose another problem, or a part of it.
    Native("eigh", _SCIPY + "eigh", "a * lower check_finite", _lower),
    Native("eigvalsh", _SCIPY + "eigvalsh", "a * lower check_finite", _lower),
    Native("eigh_generalized", _SCIPY + "eigh", "a b * lower check_finite", _lower),
    Native("eigvalsh_generalized", _SCIPY + "eigvalsh", "a b * lower check_finite", _lower),
    Native("eigh_tridiagonal", _SCIPY + "eigh_tridiagonal", "d e * check_finite tol lapack_driver"),
    Native("eig", _NUMPY + "eig", "a"),
    Native("eig", _SCIPY + "eig", "a * check_finite"),
    Native("eig_generalized", _SCIPY + "eig", "a b * check_finite"),
    Native("svd", _NUMPY + "svd", "a full_matrices compute_uv hermitian", natives.factors),
    Native(
        "svd",
        _SCIPY + "svd",
        "a full_matrices compute_uv * check_finite lapack_driver",
        natives.factors,
    ),
    Native("svdvals", _NUMPY + "svdvals", "x"),
    Native("svdvals", _SCIPY + "svdvals", "a * check_finite"),
    Native("svdvals", _NUMPY + "svd", "a full_matrices compute_uv hermitian", natives.no_factors),
    Native(
        "svdvals",
        _SCIPY + "svd",
        "a full_matrices compute_uv * check_finite lapack_driver",
        natives.no_factors,
    ),
    Native("expm", _SCIPY + "expm", "A"),
    Native(
        "expm_frechet",
        _SCIPY + "expm_frechet",
        "A E method compute_expm check_finite",
        natives.both,
    ),
    Native(
        "expm_frechet",
        _SCIPY + "expm_frechet",
        "A E method compute_expm check_finite",
        natives.one_of_two,
        handed=natives.frechet_of_both,
        after=natives.last,
    ),
    Native("matrix_power", _NUMPY + "matrix_power", "a n", natives.power),
    Native("cond", _NUMPY + "cond", "x p", natives.condition),
    Native(
        "vector_norm",
        _NUMPY + "vector_norm",
        "x * axis keepdims ord",
        natives.entries,
        before=natives.trailing,
        handed=natives.without_kept_axes,
    ),
    Native(
        "vector_norm",
        _NUMPY + "norm",
        "x ord axis keepdims",
        natives.vector_order,
        before=natives.vectors,
        handed=natives.without_kept_axes,
    ),
    Native(
        "matrix_norm",
        _NUMPY + "matrix_norm",
        "x * keepdims ord",
        natives.matrix_order,
        handed=natives.without_kept_axes,
    ),
    Native(
        "matrix_norm",
        _NUMPY + "norm",
        "x ord axis keepdims",
        natives.matrix_order,
        before=natives.matrices,
        handed=natives.without_kept_axes,
    ),
)
