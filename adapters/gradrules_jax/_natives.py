"""JAX's own functions that a rule can stand in for.

By default JAX reads the Hermitian part of a matrix, as our rules do; `lower` and `UPLO` change
nothing then.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from gradrules.adapters import Native

Arrays = tuple[Any, ...]
Options = Mapping[str, Hashable]


def _symmetrized(UPLO: str | None = None, symmetrize_input: bool = True) -> Options | None:  # noqa: ARG001, N803 (JAX's name)
    return {} if symmetrize_input else None


def _standard(
    b: object = None, eigvals_only: bool = False, eigvals: object = None, type: int = 1, **_: Hashable  # noqa: A002
) -> Options | None:  # fmt: skip
    return {} if b is None and eigvals is None and type == 1 and not eigvals_only else None


def _general(assume_a: str = "gen", **_: Hashable) -> Options | None:
    return {} if assume_a == "gen" else None


def _full(upper_triangular: bool = False, max_squarings: int = 16) -> Options | None:  # noqa: ARG001
    return None if upper_triangular else {}


def _pair(method: str | None = None, compute_expm: bool = True) -> Options | None:  # noqa: ARG001
    return {} if compute_expm else None


def _as_one_of_two(lower: bool = False, **_: Hashable) -> Options:
    return {"upper": not lower}


def _with_q(mode: str = "reduced") -> Options | None:
    return {"mode": mode} if mode in {"reduced", "complete"} else None


def _in_three(permute_l: bool = False, **_: Hashable) -> Options | None:
    return None if permute_l else {}


def _upper(upper: bool = False, symmetrize_input: bool = True) -> Options | None:
    return {"upper": upper} if symmetrize_input else None


def _triangle(
    trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False, **_: Hashable
) -> Options:
    return {"trans": trans, "lower": lower, "unit_diagonal": unit_diagonal}


def _not_vectors(arrays: Arrays, **_: Hashable) -> Arrays | None:
    # To these functions a stack of rows beside a stack of matrices is a stack of vectors.
    a, b = arrays
    return None if b.ndim > 1 and b.ndim == a.ndim - 1 else arrays


def _factors(
    full_matrices: bool = True,
    compute_uv: bool = True,
    hermitian: bool = False,
    subset_by_index: tuple[int, int] | None = None,
    **_: Hashable,
) -> Options | None:
    served = compute_uv and not hermitian and subset_by_index is None
    return {"full_matrices": full_matrices} if served else None


def _above(rtol: object = None, hermitian: bool = False) -> Options | None:
    if hermitian or not isinstance(rtol, float | None):
        return None
    return {} if rtol is None else {"rtol": rtol}


def _side(
    side: str = "right", method: str = "qdwh", eps: object = None, max_iterations: object = None  # noqa: ARG001
) -> Options:  # fmt: skip
    return {"side": side}


NATIVES = (
    Native("det", "jax.numpy.linalg.det", "a"),
    Native("det", "jax.scipy.linalg.det", "a overwrite_a check_finite"),
    Native("slogdet", "jax.numpy.linalg.slogdet", "a method"),
    Native("inv", "jax.numpy.linalg.inv", "a"),
    Native("inv", "jax.scipy.linalg.inv", "a overwrite_a check_finite"),
    Native("solve", "jax.numpy.linalg.solve", "a b"),
    Native(
        "solve",
        "jax.scipy.linalg.solve",
        "a b lower overwrite_a overwrite_b debug check_finite assume_a",
        _general,
    ),
    Native(
        "solve_triangular",
        "jax.scipy.linalg.solve_triangular",
        "a b trans lower unit_diagonal overwrite_b debug check_finite",
        _triangle,
        before=_not_vectors,
    ),
    Native("lu", "jax.scipy.linalg.lu", "a permute_l overwrite_a check_finite", _in_three),
    Native("qr", "jax.numpy.linalg.qr", "a mode", _with_q),
    Native("cholesky", "jax.numpy.linalg.cholesky", "a upper symmetrize_input", _upper),
    Native(
        "cholesky",
        "jax.scipy.linalg.cholesky",
        "a lower overwrite_a check_finite",
        _as_one_of_two,
    ),
    Native("pinv", "jax.numpy.linalg.pinv", "a rtol hermitian", _above),
    Native("polar", "jax.scipy.linalg.polar", "a side method eps max_iterations", _side),
    Native("eigh", "jax.numpy.linalg.eigh", "a UPLO symmetrize_input", _symmetrized),
    Native(
        "eigh",
        "jax.scipy.linalg.eigh",
        "a b lower eigvals_only overwrite_a overwrite_b turbo eigvals type check_finite",
        _standard,
    ),
    Native("eigvalsh", "jax.numpy.linalg.eigvalsh", "a UPLO symmetrize_input", _symmetrized),
    Native("eig", "jax.numpy.linalg.eig", "a"),
    Native(
        "svd",
        "jax.numpy.linalg.svd",
        "a full_matrices compute_uv hermitian subset_by_index",
        _factors,
    ),
    Native(
        "svd",
        "jax.scipy.linalg.svd",
        "a full_matrices compute_uv overwrite_a check_finite lapack_driver",
        _factors,
    ),
    Native("svdvals", "jax.numpy.linalg.svdvals", "x"),
    Native("expm", "jax.scipy.linalg.expm", "A upper_triangular max_squarings", _full),
    Native("expm_frechet", "jax.scipy.linalg.expm_frechet", "A E method compute_expm", _pair),
)
