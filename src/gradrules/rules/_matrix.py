"""Small matrix operations that several rules share, on plain arrays.

`diagonal` and `trace` here are the main ones of square matrices within a formula; the rules of these
names take any diagonal of a matrix of any shape, whatever stands beside it.
"""

from typing import Any

from .. import hooks
from .._dtypes import dtype_name
from .._typing import Array, Arrays, Namespace

_EPS = {"float32": 2.0**-23, "complex64": 2.0**-23, "float64": 2.0**-52, "complex128": 2.0**-52}
_TINY = {
    "float32": 2.0**-126,
    "complex64": 2.0**-126,
    "float64": 2.0**-1022,
    "complex128": 2.0**-1022,
}


def is_complex(a: Array) -> bool:
    """Whether the dtype is complex."""
    return dtype_name(a.dtype).startswith("complex")


def eps(a: Array) -> float:
    """Unit roundoff of the precision of `a`, in the sense of ``finfo.eps``."""
    return _EPS[dtype_name(a.dtype)]


def tiny(a: Array) -> float:
    """Smallest normal number of the precision of `a`."""
    return _TINY[dtype_name(a.dtype)]


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


def skew(a: Array, xp: Namespace) -> Array:
    """Skew-Hermitian part, what the Hermitian part leaves."""
    return (a - adjoint(a, xp)) / 2


def diagonal(a: Array, xp: Namespace) -> Array:
    """Main diagonal of the last two axes, in operations that every framework can batch."""
    return xp.sum(a * hooks.eye_like(a, xp=xp), axis=-1)


def trace(a: Array, xp: Namespace) -> Array:
    """Sum of the main diagonal of the last two axes."""
    return xp.sum(a * hooks.eye_like(a, xp=xp), axis=(-2, -1))


def diagonal_matrix(v: Array, xp: Namespace) -> Array:
    """The matrix with `v` on its diagonal."""
    return v[..., :, None] * hooks.eye_like(v, xp=xp)


def weighted(u: Array, weights: Array, xp: Namespace) -> Array:
    """``u @ diag(weights)`` for real weights."""
    return u * xp.astype(weights, u.dtype)[..., None, :]


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


def guarded(a: Array, xp: Namespace, *results: tuple[Array, int]) -> Arrays:
    """Results, NaN where a matrix of `a` has an entry that is not finite: a library may return numbers.

    Each result comes with its number of axes behind the batch, 0 to 2.
    """
    values = tuple(y for y, _ in results)
    if hooks.all_finite(a, xp=xp):
        return values
    bad = xp.sum(a * 0, axis=(-2, -1), keepdims=True)
    spoils = (bad[(..., *(0,) * (2 - rank))] for _, rank in results)
    return tuple(
        y + (s if is_complex(y) else real(s, xp)) for y, s in zip(values, spoils, strict=True)
    )


def harmless(a: Array, xp: Namespace) -> Array:
    """`a`, and 0 for a matrix with entries that are not finite: on such a routine may never return.

    What is made of it needs :func:`guarded`, with the matrix itself.
    """
    if hooks.all_finite(a, xp=xp):
        return a
    bad = xp.sum(a * 0, axis=(-2, -1), keepdims=True) != 0  # NaN is not 0
    return xp.where(bad, xp.zeros_like(a), a)


def poisoned(y: Array, x: Array, bad: Array, xp: Namespace) -> Array:
    """`y`, and NaN where `bad`, in such a way that all derivatives with respect to `x` are NaN too.

    A NaN that `where` puts in is a constant: its derivative would be a finite, wrong zero.
    """
    zero = xp.zeros_like(x)
    return y + x * xp.where(bad, xp.full_like(x, float("nan")), zero)


def is_square(a: Array) -> bool:
    """Whether there are as many rows as columns; not where a graph does not know it yet."""
    rows, columns = a.shape[-2:]
    return rows is not None and bool(rows == columns)


def one_norm(a: Array, xp: Namespace) -> Array:
    """Largest absolute column sum of each matrix, ``(..., 1, 1)``."""
    return xp.max(xp.sum(xp.abs(a), axis=-2, keepdims=True), axis=-1, keepdims=True)


def unit(a: Array, xp: Namespace) -> tuple[Array, Array]:
    """``a / 2**e`` of a one-norm near 1, and the whole e, ``(..., 1, 1)``; 0 for a zero matrix."""
    size = one_norm(a, xp)
    e = xp.ceil(xp.log2(xp.where(size > 0, size, xp.ones_like(size))))
    return scaled(a, -e, xp), e


def binary_size(a: Array, xp: Namespace) -> Array:
    """Whole e, ``(..., 1, 1)`` and real, for which the largest entry of ``a / 2**e`` is near 1.

    0 for a matrix that is zero, empty, or not finite. Its derivative is zero.
    """
    if 0 in a.shape:
        return xp.sum(xp.abs(a), axis=(-2, -1), keepdims=True)
    size = xp.max(xp.abs(a), axis=(-2, -1), keepdims=True)
    usual = (size > 0) & xp.isfinite(size)
    return xp.round(xp.log2(xp.where(usual, size, xp.ones_like(size))))


def scaled(a: Array, exponent: Array, xp: Namespace) -> Array:
    """``a * 2**exponent`` for a whole real exponent, in two steps that do not overflow early."""
    half = xp.floor(exponent / 2)
    return a * xp.astype(2.0**half, a.dtype) * xp.astype(2.0 ** (exponent - half), a.dtype)
