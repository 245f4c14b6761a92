"""torch's own functions that a rule can stand in for.

torch reads one triangle of a Hermitian matrix and returns a Hermitian gradient, and so do we: the
rule is given the whole matrix, and where it would look at it again, the triangle that torch reads.
"""

from collections.abc import Hashable, Mapping
from typing import Any

from gradrules import natives
from gradrules.adapters import Native, lookup

Arrays = tuple[Any, ...]
Options = Mapping[str, Hashable]
Axes = tuple[int, ...] | None


def _left(left: bool = True) -> Options | None:
    return {} if left else None


def _triangle(
    upper: bool | None = None, left: bool = True, unitriangular: bool = False
) -> Options | None:
    served = left and upper is not None
    return {"lower": not upper, "unit_diagonal": unitriangular} if served else None


def _no_vectors(arrays: Arrays, **_: Hashable) -> Arrays | None:
    # torch refuses a vector here, and a rule does not.
    return arrays if min(a.ndim for a in arrays) > 1 else None


def _of_lower(upper: bool = False) -> Options:
    return {"lower": not upper}


def _with_q(mode: str = "reduced") -> Options | None:
    return None if mode == "r" else {"mode": mode}


def _thin_or_not(some: bool = True) -> Options:
    return {"mode": "reduced" if some else "complete"}


def _pivoted(pivot: bool = True) -> Options | None:
    return {} if pivot else None


def _real_permutation(result: Any) -> Arrays:
    p, lower, upper = result
    return p.real if p.is_complex() else p, lower, upper


def _cast_permutation(outputs: Arrays, arrays: Arrays) -> Arrays:
    p, lower, upper = outputs
    return p.detach().to(arrays[0].dtype), lower, upper


def _not_vectors(arrays: Arrays, left: bool = True) -> Arrays | None:  # noqa: ARG001
    # To torch a stack of rows beside a stack of as many matrices is a stack of vectors.
    a, b = arrays
    return None if b.ndim > 1 and b.shape == a.shape[:-1] else arrays


def _whole(arrays: Arrays, UPLO: str = "L", **_: Hashable) -> Arrays:  # noqa: N803
    return (lookup("_mirror")(*arrays, lower=UPLO in "Ll"),)


def _whole_of_upper(arrays: Arrays, upper: bool = False) -> Arrays:
    return _whole(arrays, "U" if upper else "L")


def _factors(full_matrices: bool = True, driver: str | None = None) -> Options:  # noqa: ARG001
    return {"full_matrices": full_matrices}


def _some_factors(some: bool = True, compute_uv: bool = True) -> Options | None:
    return {"full_matrices": not some} if compute_uv else None


def _adjoint_behind(outputs: Arrays, arrays: Arrays = ()) -> Arrays:  # noqa: ARG001
    u, s, v = outputs
    return u, s, v.mH


def _any_driver(driver: str | None = None) -> Options:  # noqa: ARG001
    return {}


def _above(atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Options | None:
    # torch's default is ours. A bound may also be a tensor, and then stays there.
    if atol is not None or hermitian or not isinstance(rtol, float | None):
        return None
    return {} if rtol is None else {"rtol": rtol}


def _above_hermitian(atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Options | None:
    options = _above(atol, rtol)
    return None if options is None or not hermitian else {**options, "lower": True}


def _above_rounding(rcond: float = 1e-15) -> Options:
    return {"rtol": rcond} if rcond > 1e-15 else {}


# -- norms: as NumPy's, with other names for the axes ----------------------------------------------


def _as_numpy(ord: Any, dim: Any = None, keepdim: bool = False) -> dict[str, Any]:  # noqa: A002
    return {"ord": ord, "axis": None if dim == () else dim, "keepdims": keepdim}


def _entries(ord: Any = 2, **given: Any) -> Options:  # noqa: A002
    return natives.entries(**_as_numpy(ord, **given))


def _over_axes(axes: Axes, **arguments: Hashable) -> Options:
    return {**arguments, "dim": axes, "keepdim": False}


def _vector_order(ord: Any = None, **given: Any) -> Options | None:  # noqa: A002
    return natives.vector_order(**_as_numpy(ord, **given))


def _trailing(arrays: Arrays, dim: Any = None, **_: Hashable) -> Arrays | None:
    return natives.trailing(arrays, None if dim == () else dim)


def _vectors(arrays: Arrays, ord: Any = None, dim: Any = None, **_: Hashable) -> Arrays | None:  # noqa: A002
    # torch.linalg.norm names at most two axes.
    served = dim is not None or ord is not None or arrays[0].ndim < 3
    return natives.vectors(arrays, ord, dim) if served else None


def _of_any_axes(p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Options | None:
    if p in ("fro", None):
        p, served = 2, not isinstance(dim, tuple) or len(dim) <= 2
    else:
        served = p != "nuc"
    return _entries(p, dim=dim, keepdim=keepdim) if served else None


def _over_any_axes(axes: Axes, p: Any = "fro", **_: Hashable) -> Options:
    return {"p": 2 if p in ("fro", None) else p, "dim": axes}


def _nuclear(p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Options | None:  # noqa: ARG001
    return {"ord": p, "keepdims": keepdim} if p == "nuc" else None


def _nuclear_over_last_two(axes: Axes, p: Any = "nuc", **_: Hashable) -> Options:  # noqa: ARG001
    return {"p": p, "dim": (-2, -1)}


def _matrix_order(ord: Any = "fro", **given: Any) -> Options | None:  # noqa: A002
    return natives.matrix_order(**_as_numpy(ord, **given))


def _matrices(arrays: Arrays, dim: Any = None, **_: Hashable) -> Arrays | None:
    return natives.matrices(arrays, dim)


def _last_two(arrays: Arrays, dim: Any = (-2, -1), **_: Hashable) -> Arrays | None:
    return natives.matrices(arrays, dim)


def _over_last_two(axes: Axes, ord: Any = "fro", **_: Hashable) -> Options:  # noqa: A002, ARG001
    return {"ord": ord, "dim": (-2, -1)}


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
    Native("pinv", "torch.linalg.pinv", "input * atol rtol hermitian", _above),
    Native("pinv", "torch.pinverse", "input rcond", _above_rounding),
    Native("pinv", "torch.Tensor.pinverse", "self rcond", _above_rounding),
    Native("pinvh", "torch.linalg.pinv", "input * atol rtol hermitian", _above_hermitian),
    Native("solve", "torch.linalg.solve", "A B * left", _left, before=_not_vectors),
    Native(
        "solve_triangular",
        "torch.linalg.solve_triangular",
        "input B * upper left unitriangular",
        _triangle,
        before=_no_vectors,
    ),
    Native(
        "cho_solve",
        "torch.cholesky_solve",
        "input input2 upper",
        _of_lower,
        before=_no_vectors,
        inputs="input2 input",
    ),
    Native(
        "cho_solve",
        "torch.Tensor.cholesky_solve",
        "self input2 upper",
        _of_lower,
        before=_no_vectors,
        inputs="input2 self",
    ),
    Native(
        "lu",
        "torch.linalg.lu",
        "A * pivot",
        _pivoted,
        outputs=_real_permutation,
        after=_cast_permutation,
    ),
    Native("qr", "torch.linalg.qr", "A mode", _with_q),
    Native("qr", "torch.qr", "input some", _thin_or_not),
    Native("qr", "torch.Tensor.qr", "self some", _thin_or_not),
    Native(
        "cholesky", "torch.linalg.cholesky", "input * upper", natives.upper, before=_whole_of_upper
    ),
    Native("cholesky", "torch.cholesky", "input upper", natives.upper, before=_whole_of_upper),
    Native(
        "cholesky", "torch.Tensor.cholesky", "self upper", natives.upper, before=_whole_of_upper
    ),
    Native("eigh", "torch.linalg.eigh", "input UPLO"),
    Native("eigvalsh", "torch.linalg.eigvalsh", "input UPLO", before=_whole),
    # torch.linalg.eigvals may have another order than the eigenvectors that its derivative needs.
    Native("eig", "torch.linalg.eig", "input"),
    Native("svd", "torch.linalg.svd", "A full_matrices * driver", _factors),
    Native(
        "svd",
        "torch.svd",
        "input some compute_uv",
        _some_factors,
        outputs=_adjoint_behind,
        after=_adjoint_behind,
    ),
    Native(
        "svd",
        "torch.Tensor.svd",
        "self some compute_uv",
        _some_factors,
        outputs=_adjoint_behind,
        after=_adjoint_behind,
    ),
    Native("svdvals", "torch.linalg.svdvals", "A * driver", _any_driver),
    Native("expm", "torch.linalg.matrix_exp", "input"),
    Native("expm", "torch.matrix_exp", "input"),
    Native("expm", "torch.Tensor.matrix_exp", "self"),
    Native("matrix_power", "torch.linalg.matrix_power", "input n", natives.power),
    Native("matrix_power", "torch.matrix_power", "input n", natives.power),
    Native("matrix_power", "torch.Tensor.matrix_power", "self n", natives.power),
    Native("cond", "torch.linalg.cond", "input p", natives.condition),
    Native(
        "vector_norm",
        "torch.linalg.vector_norm",
        "input ord dim keepdim",
        _entries,
        before=_trailing,
        handed=_over_axes,
    ),
    Native(
        "vector_norm",
        "torch.linalg.norm",
        "input ord dim keepdim",
        _vector_order,
        before=_vectors,
        handed=_over_axes,
    ),
    Native(
        "vector_norm",
        "torch.norm torch.functional.norm",
        "input p dim keepdim",
        _of_any_axes,
        before=_trailing,
        handed=_over_any_axes,
    ),
    Native(
        "vector_norm",
        "torch.Tensor.norm",
        "self p dim keepdim",
        _of_any_axes,
        before=_trailing,
        handed=_over_any_axes,
    ),
    Native(
        "matrix_norm",
        "torch.linalg.matrix_norm",
        "input ord dim keepdim",
        _matrix_order,
        before=_last_two,
        handed=_over_last_two,
    ),
    Native(
        "matrix_norm",
        "torch.linalg.norm",
        "input ord dim keepdim",
        _matrix_order,
        before=_matrices,
        handed=_over_last_two,
    ),
    Native(
        "matrix_norm",
        "torch.norm torch.functional.norm",
        "input p dim keepdim",
        _nuclear,
        before=_matrices,
        handed=_nuclear_over_last_two,
    ),
    Native(
        "matrix_norm",
        "torch.Tensor.norm",
        "self p dim keepdim",
        _nuclear,
        before=_matrices,
        handed=_nuclear_over_last_two,
    ),
)
