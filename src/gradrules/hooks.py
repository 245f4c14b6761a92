"""Native routines outside the array API, each with a fallback inside it.

An adapter offers a native routine by :func:`provide`; a rule calls the function here, with the
namespace it was given. This is the whole list: a rule needs nothing else of a framework.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import numpy as numpy_namespace

from ._typing import Array, Arrays, Namespace

__all__ = [
    "all_finite",
    "choose",
    "eig",
    "eye_like",
    "iterate",
    "length",
    "lu",
    "lu_det",
    "lu_factor",
    "lu_solve",
    "provide",
    "recorded",
    "repeat",
    "schur",
    "schur_on_host",
    "solve_triangular",
    "tridiagonal_solve",
]

_NATIVE: dict[Namespace, dict[str, Callable[..., Any]]] = {}


def provide(xp: Namespace, **routines: Callable[..., Any]) -> None:
    """Let calls with the namespace `xp` use these routines in place of the fallbacks."""
    _NATIVE.setdefault(xp, {}).update(routines)


def _native(xp: Namespace, name: str) -> Callable[..., Any] | None:
    routines = _NATIVE.get(xp)
    return None if routines is None else routines.get(name)


def length(a: Array, axis: int, /, *, xp: Namespace) -> Any:
    """Length of an axis: an integer, or a symbolic one where the framework does not know it yet."""
    native = _native(xp, "length")
    return a.shape[axis] if native is None else native(a, axis)


def eye_like(a: Array, /, *, xp: Namespace) -> Array:
    """The identity matrix as long as the last axis of `a`, with the dtype and device of `a`."""
    native = _native(xp, "eye_like")
    if native is not None:
        return native(a)
    return xp.eye(a.shape[-1], dtype=a.dtype, device=a.device)


def all_finite(a: Array, /, *, xp: Namespace) -> bool:
    """Whether all entries are known to be finite; `False` also where looking at them costs much."""
    native = _native(xp, "all_finite")
    return native is not None and native(a)


def recorded(*, xp: Namespace) -> bool:
    """Whether operations of this namespace may be differentiated; those of NumPy are not."""
    native = _native(xp, "recorded")
    return native is None or native()


def lu(a: Array, /, *, xp: Namespace) -> Arrays | None:
    """``(P, L, U)`` with ``a = P @ L @ U``, by row pivoting; P is real.

    `None` without a native routine: elimination is the page of the rule `lu`.
    """
    native = _native(xp, "lu")
    return None if native is None else tuple(native(a))


def eig(a: Array, /, *, xp: Namespace) -> Arrays:
    """Eigenvalues and eigenvectors of length one, complex, in the order and phases of LAPACK.

    Without a native routine by NumPy, on the host.
    """
    return _or_on_host("eig", _eig, a, xp)


def _or_on_host(name: str, function: Callable[[Any], Arrays], a: Array, xp: Namespace) -> Arrays:
    """The native routine, or `function` of the NumPy array."""
    native = _native(xp, name)
    if native is not None:
        return tuple(native(a))
    return tuple(xp.asarray(part) for part in function(np.asarray(a)))


def _eig(a: Any) -> tuple[Any, Any]:
    # NumPy returns real arrays where all eigenvalues of a stack are real.
    dtype = np.result_type(a.dtype, np.complex64)
    w, v = np.linalg.eig(a)
    return w.astype(dtype), v.astype(dtype)


def schur(a: Array, /, *, xp: Namespace) -> Arrays:
    """Complex upper triangle T and unitary Z with ``a = Z @ T @ Z^H``, as of LAPACK.

    Without a native routine by SciPy, on the host.
    """
    return _or_on_host("schur", schur_on_host, a, xp)


def schur_on_host(a: Any) -> tuple[Any, Any]:
    """The same of a NumPy array, for a framework whose own way to the host is to be taken.

    NumPy has no such routine, and a QR iteration over the array API would be slower and less tried.
    """
    from scipy.linalg import schur  # noqa: PLC0415 (an import of half a second)

    dtype = np.result_type(a.dtype, np.complex64)
    t, z = np.empty(a.shape, dtype), np.empty(a.shape, dtype)
    for index in np.ndindex(a.shape[:-2] if a.size else 0):
        t[index], z[index] = schur(a[index], output="complex", check_finite=False)
    return t, z


def lu_factor(a: Array, /, *, xp: Namespace) -> Arrays:
    """Whatever makes :func:`lu_solve` cheap, as arrays with the batch axes of `a` in front.

    Without a native routine that is `a` itself: right, and no faster than a solve.
    """
    native = _native(xp, "lu_factor")
    return (a,) if native is None else tuple(native(a))


def lu_det(factors: Arrays, /, *, xp: Namespace) -> Array:
    """Determinant, given the result of :func:`lu_factor`: with the very rounding of its solutions."""
    native = _native(xp, "lu_det")
    return xp.linalg.det(factors[0]) if native is None else native(factors)


def lu_solve(factors: Arrays, b: Array, /, *, adjoint: bool = False, xp: Namespace) -> Array:
    """Solve ``a @ x = b``, or ``a^H @ x = b``, given the result of :func:`lu_factor`."""
    native = _native(xp, "lu_solve")
    if native is not None:
        return native(factors, b, adjoint)
    (a,) = factors
    if adjoint:
        a = xp.matrix_transpose(a)
        a = xp.conj(a) if xp.isdtype(a.dtype, "complex floating") else a
    return xp.linalg.solve(a, b)


def solve_triangular(
    a: Array,
    b: Array,
    /,
    *,
    lower: bool,
    adjoint: bool = False,
    unit_diagonal: bool = False,
    xp: Namespace,
) -> Array:
    """Solve ``t @ x = b``, or ``t^H @ x = b``, for the lower or upper triangle t of `a`.

    With `unit_diagonal` the diagonal is not looked at, and taken to be one.
    """
    native = _native(xp, "solve_triangular")
    if native is not None:
        return native(a, b, lower, adjoint, unit_diagonal)
    t = xp.tril(a) if lower else xp.triu(a)
    if unit_diagonal:
        one = eye_like(a, xp=xp)
        t = xp.where(one != 0, one, t)
    if adjoint:
        t = xp.matrix_transpose(t)
        t = xp.conj(t) if xp.isdtype(t.dtype, "complex floating") else t
    if lower == adjoint:
        return xp.linalg.solve(t, b)
    # Upside down it is an upper triangle, on which elimination leaves substitution alone.
    turned = xp.linalg.solve(xp.flip(t, axis=(-2, -1)), xp.flip(b, axis=-2))
    return xp.flip(turned, axis=-2)


def repeat(
    count: Array,
    most: int,
    body: Callable[[Array, Arrays], Arrays],
    state: Arrays,
    /,
    *,
    xp: Namespace,
) -> Arrays:
    """Apply ``state = body(i, state)`` for i = 0, 1, ... while ``i < count <= most``.

    `count` is a real scalar array. A framework that traces may run all `most` steps: `body` must
    leave alone what has been done ``count`` times. It uses no array but `i` and those of `state`.
    """
    native = _native(xp, "repeat")
    if native is not None:
        return tuple(native(count, most, body, state))
    for i in range(int(count)):
        state = body(i, state)
    return state


def tridiagonal_solve(dl: Array, d: Array, du: Array, b: Array, /, *, xp: Namespace) -> Array:
    """Solve for the matrix with these three diagonals; ``dl[0]`` and ``du[-1]`` are not looked at.

    Without a native routine by a dense solve, whose cost is n**3.
    """
    native = _native(xp, "tridiagonal_solve")
    if native is not None:
        return native(dl, d, du, b)
    index = xp.arange(length(d, -1, xp=xp))
    row, column = index[:, None], index[None, :]
    zero = d[..., :, None] * 0
    matrix = sum(
        xp.where(row - column == offset, v[..., :, None], zero)
        for offset, v in ((1, dl), (0, d), (-1, du))
    )
    return xp.linalg.solve(matrix, b)


def choose(
    condition: Array,
    one: Callable[[], Array],
    other: Callable[[], Array],
    /,
    *,
    xp: Namespace,
) -> Array:
    """``one()`` where all of `condition` holds, else ``other()``; both of one shape and dtype.

    For two ways to the same value, of which the first is faster: a framework that cannot look at
    `condition` may take the other always.
    """
    native = _native(xp, "choose")
    if native is not None:
        return native(condition, one, other)
    return one() if bool(xp.all(condition)) else other()


def iterate(
    unfinished: Callable[[Arrays], Array],
    body: Callable[[Arrays], Arrays],
    state: Arrays,
    most: int,
    /,
    *,
    xp: Namespace,
) -> Arrays:
    """Apply ``state = body(state)`` while ``unfinished(state)``, at most `most` times.

    `unfinished` returns one truth value. Both functions may read arrays beside their argument.
    """
    native = _native(xp, "iterate")
    if native is not None:
        return tuple(native(unfinished, body, state, most))
    for _ in range(most):
        if not unfinished(state):
            break
        state = body(state)
    return state


provide(
    numpy_namespace,
    all_finite=lambda a: bool(np.isfinite(a).all()),
    eig=_eig,
    recorded=lambda: False,
)
