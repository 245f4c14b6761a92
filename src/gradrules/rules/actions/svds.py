r"""Largest singular values of a matrix given by its action, :math:`A(\theta)\, v_j = s_j u_j`."""

import math
from typing import Any

from ..._functions import Function
from ..._rule import rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj, eps
from ._krylov import length, or_one
from ._lanczos import check_sizes, lanczos
from ._vectors import flat, shaped
from .eigsh import pulled, pushed, total

__all__ = ["svds"]


@rule(
    signature="f,*,...->*,*,*",
    outputs=("U", "S", "Vh"),
    domain="where the gaps that matter are above rounding, and the singular values that are asked for "
    "positive. What is not defined or does not converge is NaN",
    cost="primal: calls of the function and of its adjoint; derivative: k linear solves by action and "
    "2 k derivatives of the function",
    sources=(
        "G. Golub and W. Kahan, SIAM J. Numer. Anal. 2, 1965",
        "M. F. Kasim, arXiv:2011.04366, 2020 (the derivative, by linear solves)",
    ),
)
def svds(
    mv: Function,
    v0: Array,
    /,
    *params: Array,
    k: int = 6,
    ncv: int | None = None,
    maxiter: int = 300,
    xp: Namespace,
) -> Arrays:
    """Find the `k` largest singular values of an action, and their singular vectors.

    Parameters
    ----------
    mv
        A pure function ``mv(x, *params)``, linear in `x`, of an array like `v0`, with a value of any
        shape and the same dtype. Its adjoint comes from its vjp.
    v0
        Where to start, real or complex floating, of any shape. Its gradient is zero.
    *params
        Arrays, or trees of them.
    k
        How many.
    ncv, maxiter
        As in :func:`eigsh`.

    Returns
    -------
    (U, S, Vh)
        ``(*shape of a value, k)``; ``(k,)``, descending; ``(k, *v0.shape)``, with orthonormal
        columns and rows. NaN if the iteration does not converge; the vectors of a singular value 0
        are not unique, and NaN.
    """
    u0 = mv(v0, *params)
    pair = _pair(mv)
    starts = (flat(x, mv, xp) for x in (u0, v0))
    z0 = xp.concat([x / xp.astype(or_one(length(x, xp), xp), x.dtype) for x in starts], axis=-1)
    if not 1 <= k <= min(math.prod(x.shape[mv.batch :]) for x in (u0, v0)):
        msg = f"svds: option 'k' is {k}, more than there are singular values"
        raise ValueError(msg)
    s, rows = lanczos(
        lambda z: pair(z, v0, *params), z0, k=k, which="LA", ncv=ncv, maxiter=maxiter, xp=xp
    )
    s, rows = xp.flip(s, axis=-1), xp.flip(rows, axis=-2) * 2**0.5
    u, v = _parted(rows, v0, mv)
    # Of the value 0 a vector of the pair mixes those of +0 and -0, which have nothing to do with it.
    mixed = xp.abs(xp.sum(xp.abs(u) ** 2, axis=-1, keepdims=True) - 1) > eps(v0) ** 0.5
    u, v = (xp.where(mixed, xp.full_like(x, float("nan")), x) for x in (u, v))
    u = xp.reshape(xp.matrix_transpose(u), (*u0.shape, k))
    return u, s, xp.reshape(conj(v, xp), (*v0.shape[: mv.batch], k, *v0.shape[mv.batch :]))


@svds.def_options
def svds_options(k: int, ncv: int | None, **_: object) -> None:
    """Refuse values that are not allowed."""
    check_sizes(k, ncv)


# The pairs (u, v) / sqrt(2) are eigenvectors, for s, of the Hermitian action (u, v) -> (A v, A^H u).
@svds.def_jvp
def svds_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    mv: Function,
    xp: Namespace,
    **_: Any,
) -> MaybeArrays:
    """As for eigenvectors, of the pairs."""
    v0, u, vh = primals[0], outputs[0], outputs[2]
    pair, z = _pair(mv), _pairs(u, vh, mv, xp)
    inputs = (z[..., 0], *primals)
    s_dot, z_dot = pushed(pair, inputs, (outputs[1], z), (None, None, *tangents[1:]), xp)
    if s_dot is None:
        return None, None, None
    u_dot, v_dot = _parted(xp.matrix_transpose(z_dot) * 2**0.5, v0, mv)
    u_dot = xp.reshape(xp.matrix_transpose(u_dot), u.shape)
    return u_dot, s_dot, xp.reshape(conj(v_dot, xp), vh.shape)


@svds.def_vjp
def svds_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, mv: Function, xp: Namespace,
    **_: Any,
) -> MaybeArrays:  # fmt: skip
    """As for eigenvectors, of the pairs; ``Re <c, A' v> + Re <A' d, u>`` for a pair ``(c, d)``."""
    (v0, *params), (u, s, vh), (u_bar, s_bar, vh_bar) = primals, outputs, cotangents
    z, z_bar = _pairs(u, vh, mv, xp), None
    if not (u_bar is None and vh_bar is None):
        u_bar, vh_bar = (
            xp.zeros_like(x) if x_bar is None else x_bar for x, x_bar in ((u, u_bar), (vh, vh_bar))
        )
        z_bar = 2 * _pairs(u_bar, vh_bar, mv, xp)
    inputs = (z[..., 0], *primals)
    columns = pulled(_pair(mv), inputs, (s, z), (s_bar, z_bar), xp)
    found = []
    for j, column in enumerate(columns):
        (c, d), (x, y) = (_parted(one, v0, mv) for one in (column, z[..., j]))
        one = shaped(c, u[..., 0], xp), shaped(y, v0, xp)
        other = shaped(x, u[..., 0], xp), shaped(d, v0, xp)
        for cotangent, point in (one, other):
            found.append(mv.vjp((point, *params), cotangent, range(1, len(primals))))
    return None, *map(total, zip(*found, strict=True))


def _pair(mv: Function) -> Function:
    """``(z, v0, *params)``: the Hermitian action on pairs of vectors, one behind the other."""
    xp = mv.xp

    def act(z: Array, v0: Array, *params: Array) -> Array:
        u, v = _parted(z, v0, mv)
        image = mv(shaped(v, v0, xp), *params)
        (back,) = mv.vjp((xp.zeros_like(v0), *params), shaped(u, image, xp), (0,))
        return xp.concat([flat(image, mv, xp), flat(back, mv, xp)], axis=-1)

    return mv.derived(act, act)


def _parted(z: Array, v0: Array, mv: Function) -> tuple[Array, Array]:
    n = math.prod(v0.shape[mv.batch :])
    return z[..., : z.shape[-1] - n], z[..., z.shape[-1] - n :]


def _pairs(u: Array, vh: Array, mv: Function, xp: Namespace) -> Array:
    """Pairs in columns, of norm 1."""
    k = u.shape[-1]
    batch = u.shape[: mv.batch]
    columns = xp.reshape(u, (*batch, -1, k))
    rows = xp.matrix_transpose(conj(xp.reshape(vh, (*batch, k, -1)), xp))
    return xp.concat([columns, rows], axis=-2) / 2**0.5
