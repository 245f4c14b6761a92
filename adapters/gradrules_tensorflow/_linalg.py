"""The ``linalg`` extension of :mod:`gradrules_tensorflow._namespace`, and matrix products.

Everything works on stacks of matrices. Where TensorFlow differs from the standard (no broadcasting
of batch axes, complex eigenvalues of Hermitian matrices, ``svd`` as ``(s, u, v)``) the code says so.

XLA on the CPU has no determinant, and no complex inverse, solve or SVD. Solving goes by QR there;
for the others TensorFlow's error names the operation. What is wrong without an error is refused.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

from gradrules.errors import UnsupportedTransformError

# ruff: noqa: A002 (`ord` is the standard's name)

Tensor = Any


class EighResult(NamedTuple):
    """Eigenvalues, real and ascending, and eigenvectors in columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """Orthonormal columns and an upper triangle."""

    Q: Tensor
    R: Tensor


class SlogdetResult(NamedTuple):
    """Sign (complex: phase) and logarithm of the absolute value of a determinant."""

    sign: Tensor
    logabsdet: Tensor


class SVDResult(NamedTuple):
    """Left vectors, singular values and adjoint right vectors."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def _complex_in_xla(x: Tensor) -> bool:
    graph = tf.compat.v1.get_default_graph()
    return x.dtype.is_complex and bool(GraphOrParentsInXlaContext(graph))


def broadcast_batches(arrays: Sequence[Tensor], core_ranks: Sequence[int]) -> tuple[Tensor, ...]:
    """Give `arrays` common batch axes; the last ``core_ranks[i]`` axes of each are left alone.

    Lengths that are not known before the graph runs are compared when it runs.
    """
    batches = [
        tf.shape(a)[: a.shape.rank - core] for a, core in zip(arrays, core_ranks, strict=True)
    ]
    static = [a.shape[: a.shape.rank - core] for a, core in zip(arrays, core_ranks, strict=True)]
    common, known = batches[0], static[0]
    for batch, shape in zip(batches[1:], static[1:], strict=True):
        common = tf.broadcast_dynamic_shape(common, batch)
        known = tf.broadcast_static_shape(known, shape)
    results = []
    for array, core in zip(arrays, core_ranks, strict=True):
        split = array.shape.rank - core
        result = tf.broadcast_to(array, tf.concat([common, tf.shape(array)[split:]], axis=0))
        result.set_shape(known.concatenate(array.shape[split:]))
        results.append(result)
    return tuple(results)


def matmul(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Matrix product; a vector is a row on the left and a column on the right."""
    left = x1[None, :] if x1.shape.rank == 1 else x1
    right = x2[:, None] if x2.shape.rank == 1 else x2
    product = tf.matmul(left, right)
    if x2.shape.rank == 1:
        product = product[..., 0]
    if x1.shape.rank == 1:
        product = product[..., 0] if x2.shape.rank == 1 else product[..., 0, :]
    return product


def matrix_transpose(x: Tensor, /) -> Tensor:
    """Exchange the last two axes."""
    return tf.linalg.matrix_transpose(x)


def tensordot(x1: Tensor, x2: Tensor, /, *, axes: Any = 2) -> Tensor:
    """Sum of products over the given axes."""
    return tf.tensordot(x1, x2, axes)


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """``sum(conj(x1) * x2)`` along an axis."""
    return tf.reduce_sum(tf.math.conj(x1) * x2, axis=axis)


def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Product of a column and a row."""
    return x1[:, None] * x2[None, :]


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """Triangular factor of a positive definite matrix."""
    factor = tf.linalg.cholesky(x)
    return tf.linalg.adjoint(factor) if upper else factor


def det(x: Tensor, /) -> Tensor:
    """Determinant."""
    return tf.linalg.det(x)


def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """Diagonal of the last two axes."""
    rows, columns = x.shape[-2], x.shape[-1]
    if rows is not None and columns is not None and not -rows < offset < columns:
        return x[..., 0, :0]  # TensorFlow refuses a diagonal outside the matrix
    return tf.linalg.diag_part(x, k=offset)


def eigh(x: Tensor, /) -> EighResult:
    """Eigenvalues and eigenvectors of a Hermitian matrix."""
    _refuse_complex_in_xla(x)
    w, v = tf.linalg.eigh(x)
    return EighResult(tf.math.real(w), v)  # TensorFlow: complex eigenvalues for a complex matrix


def _refuse_complex_in_xla(x: Tensor) -> None:
    # TensorFlow 2.21 on the CPU, 3 x 3, float64: `v w v^H` is off by 3, in complex64 at 8 x 8 by 1e31.
    if _complex_in_xla(x):
        msg = (
            "XLA's eigenvalue solver returns wrong numbers for complex Hermitian matrices; "
            "leave this function out of jit_compile=True"
        )
        raise UnsupportedTransformError(msg)


def eigvalsh(x: Tensor, /) -> Tensor:
    """Eigenvalues of a Hermitian matrix."""
    _refuse_complex_in_xla(x)
    return tf.math.real(tf.linalg.eigvalsh(x))


def inv(x: Tensor, /) -> Tensor:
    """Inverse."""
    if _complex_in_xla(x):
        return _solve_by_qr(x, tf.eye(tf.shape(x)[-1], batch_shape=tf.shape(x)[:-2], dtype=x.dtype))
    return tf.linalg.inv(x)


def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    """Norm of each matrix: ``"fro"``, ``"nuc"``, 1, 2, -1, -2, inf or -inf."""
    if ord in (2, -2, "nuc"):
        s = svdvals(x)
        value = tf.reduce_sum(s, -1) if ord == "nuc" else s[..., 0] if ord == 2 else s[..., -1]
        return value[..., None, None] if keepdims else value
    if ord == "fro":
        size = tf.abs(x)
        return tf.sqrt(tf.reduce_sum(size * size, axis=(-2, -1), keepdims=keepdims))
    sums = tf.reduce_sum(tf.abs(x), axis=-2 if abs(ord) == 1 else -1, keepdims=True)
    choose = tf.reduce_max if ord > 0 else tf.reduce_min
    return choose(sums, axis=(-2, -1), keepdims=keepdims)


def pinv(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    """Pseudo-inverse; singular values up to ``rtol`` times the largest count as zero."""
    u, s, vh = svd(x, full_matrices=False)  # TensorFlow's own is real only
    cutoff = max(x.shape[-2:]) * np.finfo(s.dtype.as_numpy_dtype).eps if rtol is None else rtol
    small = s <= cutoff * tf.reduce_max(s, axis=-1, keepdims=True)
    inverse = tf.where(small, tf.zeros_like(s), 1 / tf.where(small, tf.ones_like(s), s))
    scaled = tf.linalg.adjoint(vh) * tf.cast(inverse, x.dtype)[..., None, :]
    return scaled @ tf.linalg.adjoint(u)


def qr(x: Tensor, /, *, mode: str = "reduced") -> QRResult:
    """``x = Q R``; `mode` is ``"reduced"`` or ``"complete"``."""
    return QRResult(*tf.linalg.qr(x, full_matrices=mode == "complete"))


def slogdet(x: Tensor, /) -> SlogdetResult:
    """Sign and logarithm of the absolute value of the determinant."""
    sign, logabsdet = tf.linalg.slogdet(x)
    return SlogdetResult(sign, tf.math.real(logabsdet))


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """Solve ``x1 @ x = x2``; one-dimensional `x2` is a vector."""
    vector = x2.shape.rank == 1
    x1, x2 = broadcast_batches((x1, x2[:, None] if vector else x2), (2, 2))
    x = _solve_by_qr(x1, x2) if _complex_in_xla(x1) else tf.linalg.solve(x1, x2)
    return x[..., 0] if vector else x


def _solve_by_qr(a: Tensor, b: Tensor) -> Tensor:
    q, r = tf.linalg.qr(a)
    return tf.linalg.triangular_solve(r, tf.matmul(q, b, adjoint_a=True), lower=False)


def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVDResult:
    """Singular value decomposition ``x = U diag(S) Vh``."""
    s, u, v = tf.linalg.svd(x, full_matrices=full_matrices)
    return SVDResult(u, s, tf.linalg.adjoint(v))


def svdvals(x: Tensor, /) -> Tensor:
    """Singular values, descending."""
    return tf.linalg.svd(x, compute_uv=False)


def trace(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """Sum of a diagonal."""
    return tf.reduce_sum(diagonal(x, offset=offset), axis=-1)


def vector_norm(x: Tensor, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    """Norm over one or more axes: 2, 1, inf, -inf, 0 or any other real order."""
    size = tf.abs(x)
    if ord in (float("inf"), float("-inf")):
        choose = tf.reduce_max if ord > 0 else tf.reduce_min
        return choose(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return tf.reduce_sum(tf.cast(size != 0, size.dtype), axis=axis, keepdims=keepdims)
    return tf.reduce_sum(size**ord, axis=axis, keepdims=keepdims) ** (1 / ord)
