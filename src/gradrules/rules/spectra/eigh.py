r"""Hermitian eigendecomposition, :math:`A = V \operatorname{diag}(w) V^H`."""

from ..._rule import Edge, Gauge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import (
    adjoint,
    diagonal,
    diagonal_matrix,
    guarded,
    herm,
    is_complex,
    read,
    read_adjoint,
    real,
)
from ._gap_quotient import check_degenerate, gap_quotient, gaps

__all__ = ["eigh"]


def _align(outputs: Arrays, reference: Arrays, xp: Namespace) -> Arrays:
    w, v = outputs
    overlap = xp.sum(xp.conj(v) * reference[1], axis=-2)[..., None, :]
    return w, v * (overlap / xp.abs(overlap))


def _invariants(outputs: Arrays, xp: Namespace) -> Arrays:
    w, v = outputs
    return w, v[..., :, None, :] * xp.conj(v)[..., None, :, :]


def _horizontal(outputs: Arrays, cotangents: MaybeArrays, xp: Namespace) -> MaybeArrays:
    (_, v), (w_bar, v_bar) = outputs, cotangents
    if v_bar is None or not is_complex(v):
        return cotangents
    k = diagonal(adjoint(v, xp) @ v_bar, xp)
    return w_bar, v_bar - v * (k - xp.astype(real(k, xp), k.dtype))[..., None, :]


def _of_cluster(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss that sees the two lowest eigenvalues, which are equal, by their sum and projector."""
    w, v = outputs
    pairs = v[..., :, None, :2] * xp.conj(v)[..., None, :, :2]
    return w[..., 0] + w[..., 1], pairs[..., 0] + pairs[..., 1]


def _of_highest(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss that sees the highest eigenvalue, a simple one, and its projector."""
    w, v = outputs
    return w[..., -1], v[..., :, None, -1] * xp.conj(v)[..., None, :, -1]


@rule(
    signature="(n,n)->(n),(n,n)",
    outputs=("eigenvalues", "eigenvectors"),
    structure={"x": "hermitian"},
    needs={"x": "simple spectrum"},
    degrees={"x": (1, 0)},
    gauge=Gauge(
        group="each eigenvector may be multiplied by a phase (real: a sign); derivatives are those "
        "with diag(V^H V_dot) = 0, and exact for every loss that does not see the phases",
        align=_align,
        invariants=_invariants,
        horizontal=_horizontal,
    ),
    domain=(
        "eigenvectors: where the gaps that matter are above rounding; eigenvalues: everywhere to "
        "first order. What a degenerate cluster makes undefined is NaN"
    ),
    cost="primal: the library's; derivative: 3 matrix products, eigenvalues alone 1",
    sources=(
        "J. R. Magnus, Econometric Theory 1, 1985",
        "M. B. Giles, NA-08/01, Oxford University, 2008, section 3.1 (real)",
        "C. Boeddeker et al., arXiv:1701.00392, 2017 (complex)",
    ),
    variants=({}, {"lower": True}, {"lower": False}, {"lower": True, "degenerate": "project"}),
    edges={
        "triple eigenvalue": Edge(
            primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), first="nan", second="nan"
        ),
        "pair of equal eigenvalues": Edge(
            primals=([[4.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), first="nan", second="nan"
        ),
        "pair of equal eigenvalues, projected": Edge(
            primals=([[4.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), options={"degenerate": "project"},
            loss=_of_cluster, second="nan",
        ),
        "beside a pair of equal eigenvalues, projected": Edge(
            primals=([[4.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), options={"degenerate": "project"},
            loss=_of_highest, second="nan",
        ),
        "zero matrix": Edge(primals=([[0.0, 0], [0, 0.0]],), first="nan", second="nan"),
        "ring of six": Edge(
            primals=([[2.0, -1, 0, 0, 0, -1], [-1, 2, -1, 0, 0, 0], [0, -1, 2, -1, 0, 0],
                      [0, 0, -1, 2, -1, 0], [0, 0, 0, -1, 2, -1], [-1, 0, 0, 0, -1, 2]],),
            first="nan", second="nan",
        ),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [2e150, -3e150]],), second="any"),
        "scale 1e-150": Edge(primals=([[1e-150, 2e-150], [2e-150, -3e-150]],), second="any"),
        "order one": Edge(primals=([[2.0]],)),
    },
)  # fmt: skip
def eigh(
    x: Array,
    /,
    *,
    lower: bool | None = None,
    degenerate: str = "nan",
    xp: Namespace,
) -> Arrays:
    """Eigenvalues and eigenvectors of a Hermitian (or real symmetric) matrix.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating.
    lower
        What is read of `x`: its Hermitian part (`None`), or one triangle. The gradient lives there.
    degenerate
        ``"nan"``: a derivative that a cluster of equal eigenvalues makes undefined is NaN.
        ``"project"``: your word that the loss sees each cluster only through its projector and
        symmetric functions of its eigenvalues; then the undefined terms are dropped. That is wrong
        for ``V @ diag(f(w)) @ V^H``. Second derivatives at a cluster are NaN all the same.

    Returns
    -------
    (eigenvalues, eigenvectors)
        ``(..., n)`` real and ascending, in the unit of `x`; ``(..., n, n)``, unitary, in columns.
    """
    return decompose(read(x, lower, xp), xp)


def decompose(a: Array, xp: Namespace) -> Arrays:
    """The library's `eigh`, and NaN for a matrix that is not finite: LAPACK may return numbers."""
    w, v = xp.linalg.eigh(a)
    return guarded(a, xp, (w, 1), (v, 2))


@eigh.def_options
def eigh_options(lower: object, degenerate: object) -> None:
    """Refuse values that are not allowed."""
    if lower not in (None, True, False):
        msg = f"option 'lower' is {lower!r}; it must be None, True or False"
        raise ValueError(msg)
    check_degenerate(degenerate)


# With M = V^H A' V: w_j' = Re M_jj and V' = V Z, Z_ij = M_ij / (w_j - w_i).
@eigh.def_jvp
def eigh_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    lower: bool | None,
    degenerate: str,
    xp: Namespace,
) -> tuple[Array, Array]:
    """First-order perturbation theory in the eigenbasis."""
    w, v = _tied(primals, outputs, lower, degenerate)
    m = adjoint(v, xp) @ read(tangents[0], lower, xp) @ v
    return real(diagonal(m, xp), xp), v @ quotient(m, w, degenerate, xp)


@eigh.def_vjp
def eigh_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    lower: bool | None,
    degenerate: str,
    xp: Namespace,
) -> Array:
    """``V (diag(w_bar) + Z) V^H``, Hermitian part, with ``Z = (V^H V_bar) / gaps``."""
    w, v = _tied(primals, outputs, lower, degenerate)
    w_bar, v_bar = cotangents
    if v_bar is None:
        return values_vjp(v, w_bar, lower, xp)
    inner = quotient(adjoint(v, xp) @ v_bar, w, degenerate, xp)
    if w_bar is not None:
        inner = inner + xp.astype(diagonal_matrix(w_bar, xp), v.dtype)
    return read_adjoint(herm(v @ inner @ adjoint(v, xp), xp), lower, xp)


def quotient(k: Array, w: Array, degenerate: str, xp: Namespace) -> Array:
    """``K_ij / (w_j - w_i)``, 0 on the diagonal."""
    if 0 in k.shape:
        return k
    size = xp.max(xp.abs(w), axis=-1)[..., None, None]
    return gap_quotient(k, *gaps(w, size, xp), degenerate=degenerate)


def values_vjp(v: Array, w_bar: Array, lower: bool | None, xp: Namespace) -> Array:
    """``V diag(w_bar) V^H``: the vjp of the eigenvalues alone, one product."""
    g = (v * xp.astype(w_bar, v.dtype)[..., None, :]) @ adjoint(v, xp)
    return read_adjoint(g, lower, xp)


def _tied(primals: Arrays, outputs: Arrays, lower: bool | None, degenerate: str) -> Arrays:
    """The outputs, as functions of the input whose derivative projects nothing.

    What ``degenerate="project"`` promises is about the loss, not about this derivative, whose own
    derivative must therefore be the careful one.
    """
    if degenerate != "project":
        return outputs
    return tuple(_eigh_given(*primals, *outputs, lower=lower))


@rule(
    name="_eigh_given",
    signature="(n,n),(n),(n,n)->(n),(n,n)",
    outputs=("eigenvalues", "eigenvectors"),
)
def _eigh_given(
    x: Array,
    w: Array,
    v: Array,
    /,
    *,
    lower: bool | None = None,
) -> Arrays:
    """`eigh` of `x`, whose value ``(w, v)`` is known already; a function of `x` alone."""
    return w * 1, v * 1


@_eigh_given.def_jvp
def _eigh_given_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, lower: bool | None, xp: Namespace
) -> MaybeArrays:
    if tangents[0] is None:
        return None, None
    return eigh_jvp(primals[:1], outputs, tangents[:1], lower=lower, degenerate="nan", xp=xp)


@_eigh_given.def_vjp
def _eigh_given_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, lower: bool | None, xp: Namespace
) -> tuple[Array, None, None]:
    x_bar = eigh_vjp(primals[:1], outputs, cotangents, lower=lower, degenerate="nan", xp=xp)
    return x_bar, None, None
