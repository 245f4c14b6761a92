r"""Some eigenpairs of a Hermitian action, :math:`A(\theta) V = V \operatorname{diag}(w)`."""

from collections.abc import Iterable
from typing import Any

from ..._functions import Function
from ..._rule import rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, conj, diagonal, real
from .._options import one_of
from ..spectra.eigh import quotient
from ._krylov import or_one
from ._lanczos import WHICH, check_sizes, lanczos
from ._vectors import acting, flat, shaped
from .solve_action import solve_action

__all__ = ["eigsh", "pulled", "pushed", "total"]


@rule(
    signature="f,*,...->*,*",
    outputs=("eigenvalues", "eigenvectors"),
    domain="where the gaps that matter, those to eigenvalues outside among them, are above rounding; "
    "eigenvalues: everywhere to first order. What is not defined or does not converge is NaN",
    cost="primal: calls of the function, and 4 n ncv operations for each; derivative: k linear solves "
    "by action and k derivatives of the function",
    sources=(
        "K. Wu and H. Simon, SIAM J. Matrix Anal. Appl. 22, 2000 (thick restart)",
        "M. F. Kasim, arXiv:2011.04366, 2020 (the derivative, by linear solves)",
    ),
)
def eigsh(
    mv: Function,
    v0: Array,
    /,
    *params: Array,
    k: int = 6,
    which: str = "LM",
    ncv: int | None = None,
    maxiter: int = 300,
    xp: Namespace,
) -> Arrays:
    """Find `k` extreme eigenvalues of a Hermitian action, and their eigenvectors.

    Parameters
    ----------
    mv
        A pure function ``mv(x, *params)``, linear and Hermitian in `x`, of an array of the shape and
        dtype of `v0`, which it returns as well. What it captures has gradients too.
    v0
        Where to start, real or complex floating, of any shape. Its gradient is zero.
    *params
        Arrays, or trees of them.
    k
        How many.
    which
        ``"LM"``: the largest in magnitude; ``"LA"``, ``"SA"``: the largest, the smallest.
    ncv
        Vectors that are kept, by default ``max(2 k + 1, 20)``, or all.
    maxiter
        Allowed restarts.

    Returns
    -------
    (eigenvalues, eigenvectors)
        ``(k,)`` real and ascending; ``(*v0.shape, k)``, orthonormal. NaN if the iteration does not
        converge, or if `mv` is not Hermitian. Of a multiple eigenvalue of a large matrix copies may
        be missed, as by every method that starts from one vector.
    """
    act = acting("eigsh", mv, v0, params, xp)
    start = flat(v0, mv, xp)
    if not 1 <= k <= start.shape[-1]:
        msg = f"eigsh: option 'k' is {k} for arrays of {start.shape[-1]} entries"
        raise ValueError(msg)
    w, rows = lanczos(act, start, k=k, which=which, ncv=ncv, maxiter=maxiter, xp=xp)
    return w, xp.reshape(xp.matrix_transpose(rows), (*v0.shape, k))


@eigsh.def_options
def eigsh_options(which: str, k: int, ncv: int | None, **_: object) -> None:
    """Refuse values that are not allowed."""
    one_of("which", which, WHICH)
    check_sizes(k, ncv)


# With Z = A' V and M = V^H Z: w_j' = Re M_jj and v_j' = V (M_ij / (w_j - w_i))_i + y_j, where
# (w_j - A) y_j = (1 - V V^H) z_j, orthogonal to V.
@eigsh.def_jvp
def eigsh_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    mv: Function,
    xp: Namespace,
    **_: Any,
) -> MaybeArrays:
    """Perturbation theory; what lies outside of the k vectors, by linear solves."""
    return pushed(mv, primals, outputs, (None, *tangents[1:]), xp)


@eigsh.def_vjp
def eigsh_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, mv: Function, xp: Namespace,
    **_: Any,
) -> MaybeArrays:  # fmt: skip
    """The vjp of `mv` at each eigenvector, of the cotangent of ``A' V``."""
    (v0, *params), vectors = primals, outputs[1]
    columns = pulled(mv, primals, outputs, cotangents, xp)
    wrt = range(1, len(primals))
    found = [
        mv.vjp((vectors[..., j], *params), shaped(column, v0, xp), wrt)
        for j, column in enumerate(columns)
    ]
    return None, *map(total, zip(*found, strict=True))


def pushed(
    mv: Function, primals: Arrays, outputs: Arrays, along: MaybeArrays, xp: Namespace
) -> MaybeArrays:
    """``(w', V')`` for a Hermitian `mv` and tangents of its parameters."""
    (_, *params), (w, vectors) = primals, outputs
    moved = [mv.jvp((vectors[..., j], *params), along) for j in range(w.shape[-1])]
    if moved[0] is None:
        return None, None
    v = _matrix(vectors, w, mv, xp)
    z = xp.stack([flat(column, mv, xp) for column in moved], axis=-1)
    m = adjoint(v, xp) @ z
    v_dot = v @ quotient(m, w, "nan", xp) + _outside(mv, primals, w, v, z, xp)
    return real(diagonal(m, xp), xp), xp.reshape(v_dot, vectors.shape)


def pulled(
    mv: Function, primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, xp: Namespace
) -> list[Array]:
    """Columns of the cotangent of ``A' V``: the adjoint of what :func:`pushed` makes of it."""
    (w, vectors), (w_bar, vectors_bar) = outputs, cotangents
    v = _matrix(vectors, w, mv, xp)
    parts = []
    if w_bar is not None:
        parts.append(v * xp.astype(w_bar, v.dtype)[..., None, :])
    if vectors_bar is not None:
        v_bar = _matrix(vectors_bar, w, mv, xp)
        parts.append(v @ quotient(adjoint(v, xp) @ v_bar, w, "nan", xp))
        parts.append(_outside(mv, primals, w, v, v_bar, xp))
    z_bar = sum(parts[1:], start=parts[0])
    return [z_bar[..., j] for j in range(w.shape[-1])]


def total(parts: Iterable[Array | None]) -> Array | None:
    """The sum of cotangents, of which all may be absent."""
    present = [part for part in parts if part is not None]
    return sum(present[1:], start=present[0]) if present else None


def _matrix(vectors: Array, w: Array, mv: Function, xp: Namespace) -> Array:
    return xp.reshape(vectors, (*vectors.shape[: mv.batch], -1, w.shape[-1]))


def _outside(mv: Function, primals: Arrays, w: Array, v: Array, z: Array, xp: Namespace) -> Array:
    """For each column the ``y`` orthogonal to `v` with ``(w_j - A) y = (1 - V V^H) z_j``."""
    rest = z - v @ (adjoint(v, xp) @ z)
    rows = solve_action(_deflated(mv), xp.matrix_transpose(rest), w, v, *primals)
    return -xp.matrix_transpose(rows)


def _deflated(mv: Function) -> Function:
    """``(rows, w, V, v0, *params)``: ``P (A - w_j) P`` for each row, and a multiple of ``V V^H``."""
    xp = mv.xp

    def act(rows: Array, w: Array, v: Array, v0: Array, *params: Array) -> Array:
        inside = (rows @ conj(v, xp)) @ xp.matrix_transpose(v)
        rest = rows - inside
        moved = [
            flat(mv(shaped(rest[..., j, :], v0, xp), *params), mv, xp) for j in range(w.shape[-1])
        ]
        image = xp.stack(moved, axis=-2) - xp.astype(w, v.dtype)[..., :, None] * rest
        image = image - (image @ conj(v, xp)) @ xp.matrix_transpose(v)
        size = or_one(xp.max(xp.abs(w), axis=-1), xp)
        return image + xp.astype(size, v.dtype)[..., None, None] * inside

    return mv.derived(act, act, lanes=1)
