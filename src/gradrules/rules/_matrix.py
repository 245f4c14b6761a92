"""Small matrix operations that several rules share."""

from typing import Any

from .. import hooks
from .._typing import Array, Namespace
from ..adapters import dtype_name

_EPS = {"float32": 2.0**-23, "complex64": 2.0**-23, "float64": 2.0**-52, "complex128": 2.0**-52}


def is_complex(a: Array) -> bool:
    """Whether the dtype is complex."""
    return dtype_name(a.dtype).startswith("complex")


def eps(a: Array) -> float:
    """Unit roundoff of the precision of `a`, in the sense of ``finfo.eps``."""
    return _EPS[dtype_name(a.dtype)]


def order(a: Array, xp: Namespace) -> Any:
    """Length of the last axis for arithmetic: a number, or where it is not known yet a real array."""
    n = hooks.length(a, -1, xp=xp)
    return xp.astype(n, real(a, xp).dtype) if hasattr(n, "dtype") else n


def conj(a: Array, xp: Namespace) -> Array:
    """Complex conjugate; a real array is returned as it is."""
    return xp.conj(a) if is_complex(a) else a


def real(a: Array, xp: Namespace) -> Array:
    """Real part; a real array is returned as it is."""
    return xp.real(a) if is_complex(a) else a


def adjoint(a: Array, xp: Namespace) -> Array:
    """Conjugate transpose of the last two axes."""
    return conj(xp.matrix_transpose(a), xp)


def herm(a: Array, xp: Namespace) -> Array:
    """Hermitian part, the orthogonal projection onto the Hermitian matrices."""
    return (a + adjoint(a, xp)) / 2


def diagonal(a: Array, xp: Namespace) -> Array:
    """Main diagonal of the last two axes, in operations that every framework can batch."""
    return xp.sum(a * hooks.eye_like(a, xp=xp), axis=-1)


def trace(a: Array, xp: Namespace) -> Array:
    """Sum of the main diagonal of the last two axes."""
    return xp.sum(a * hooks.eye_like(a, xp=xp), axis=(-2, -1))


def diagonal_matrix(v: Array, xp: Namespace) -> Array:
    """The matrix with `v` on its diagonal."""
    return v[..., :, None] * hooks.eye_like(v, xp=xp)


def frobenius(a: Array, xp: Namespace) -> Array:
    """Frobenius norm of each matrix, free of overflow; no derivative is taken of it."""
    size = xp.abs(a)
    largest = xp.max(size, axis=(-2, -1), keepdims=True)
    unit = xp.where(largest > 0, largest, xp.ones_like(largest))
    return (unit * xp.sqrt(xp.sum((size / unit) ** 2, axis=(-2, -1), keepdims=True)))[..., 0, 0]


def read(a: Array, lower: bool | None, xp: Namespace) -> Array:
    """The Hermitian matrix that a function of `a` reads.

    `None` reads the Hermitian part, `True` or `False` the lower or upper triangle.
    """
    if lower is None:
        return herm(a, xp)
    half = triangle(a, lower, xp)
    return half + adjoint(half, xp)


def triangle(a: Array, lower: bool, xp: Namespace) -> Array:
    """One triangle of `a`, with half of the real part of the diagonal."""
    strict = xp.tril(a, k=-1) if lower else xp.triu(a, k=1)
    return strict + xp.astype(diagonal_matrix(real(diagonal(a, xp), xp), xp), a.dtype) / 2


def read_adjoint(g: Array, lower: bool | None, xp: Namespace) -> Array:
    """The adjoint of :func:`read`, for a Hermitian `g`."""
    return g if lower is None else 2 * triangle(g, lower, xp)


def spoil(a: Array, xp: Namespace) -> Array:
    """Zero, or NaN where a matrix has an entry that is not finite: ``(..., 1, 1)``.

    Added to a result, it keeps a library from returning numbers for data that are none.
    """
    return xp.sum(a * 0, axis=(-2, -1), keepdims=True)


def poisoned(y: Array, x: Array, bad: Array, xp: Namespace) -> Array:
    """`y`, and NaN where `bad`, in such a way that all derivatives with respect to `x` are NaN too.

    A NaN that `where` puts in is a constant: its derivative would be a finite, wrong zero.
    """
    zero = xp.zeros_like(x)
    return y + x * xp.where(bad, xp.full_like(x, float("nan")), zero)


def one_norm(a: Array, xp: Namespace) -> Array:
    """Largest absolute column sum of each matrix, ``(..., 1, 1)``."""
    return xp.max(xp.sum(xp.abs(a), axis=-2, keepdims=True), axis=-1, keepdims=True)


def scaled(a: Array, exponent: Array, xp: Namespace) -> Array:
    """``a * 2**exponent`` for a whole real exponent, in two steps that do not overflow early."""
    half = xp.floor(exponent / 2)
    return a * xp.astype(2.0**half, a.dtype) * xp.astype(2.0 ** (exponent - half), a.dtype)
