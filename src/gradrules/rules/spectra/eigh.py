r"""Hermitian eigendecomposition, :math:`A = V \operatorname{diag}(w) V^H`."""

from ..._rule import Edge, Gauge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ...errors import OptionError
from .._matrix import (
    adjoint,
    conj,
    guarded,
    herm,
    one_norm,
    read,
    read_adjoint,
    real,
)
from .._options import index_range
from ._across import across
from ._crossing import crossing
from ._gap_quotient import Part, check_degenerate, divided, gap_quotient, gaps, gaps_across
from ._known import known
from ._losses import last_vector, no_slope, of_cluster
from ._phase import GROUP, align, horizontal, invariants

__all__ = ["eigh"]

Beyond = tuple[Array | None, Array | None]


_SIMPLE = [[2.0, 1.0, 0.0], [1.0, -1.0, 1.0], [0.0, 1.0, 3.0]]


@rule(
    signature="(n,n)->(k),(n,k)",
    outputs=("eigenvalues", "eigenvectors"),
    structure={"x": "hermitian"},
    needs={"x": "simple spectrum"},
    degrees={"x": (1, 0)},
    gauge=Gauge(group=GROUP, align=align, invariants=invariants, horizontal=horizontal),
    domain=(
        "eigenvectors: where the gaps that matter are above rounding; eigenvalues: everywhere to "
        "first order. What a degenerate cluster makes undefined is NaN"
    ),
    cost="primal: the library's; derivative: 3 matrix products, eigenvalues alone 1; of k eigenpairs "
    "3 products with k columns",
    sources=(
        "J. R. Magnus, Econometric Theory 1, 1985",
        "M. B. Giles, NA-08/01, Oxford University, 2008, section 3.1 (real)",
        "C. Boeddeker et al., arXiv:1701.00392, 2017 (complex)",
    ),
    variants=(
        {},
        {"lower": True},
        {"lower": False},
        {"subset_by_index": (1, 2)},
        {"lower": True, "degenerate": "project"},
        {"lower": True, "subset_by_index": (0, 1), "degenerate": "project"},
    ),
    edges={
        "triple eigenvalue, no slope": Edge(
            primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), loss=no_slope, second="nan"
        ),
        "triple eigenvalue": Edge(
            primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), first="nan", second="nan"
        ),
        "pair of equal eigenvalues": Edge(
            primals=([[4.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), first="nan", second="nan"
        ),
        "pair of equal eigenvalues, projected": Edge(
            primals=([[4.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), options={"degenerate": "project"},
            loss=of_cluster, second="nan",
        ),
        "beside a pair of equal eigenvalues, projected": Edge(
            primals=([[4.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), options={"degenerate": "project"},
            loss=last_vector, second="nan",
        ),
        "the simple one of three": Edge(
            primals=([[4.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), options={"subset_by_index": (2, 2)},
        ),
        "one of a triple eigenvalue, no slope": Edge(
            primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), options={"subset_by_index": (0, 0)},
            loss=no_slope, second="nan",
        ),
        "of one triangle, the other is large": Edge(
            primals=([[2.0, 1e18, 1e18], [1.0, -1.0, 1e18], [0.0, 1.0, 3.0]],),
            options={"lower": True, "subset_by_index": (0, 1)},
        ),
        "eigenvalues alone": Edge(primals=(_SIMPLE,), loss=no_slope),
        "one of two that are equal, projected": Edge(
            primals=([[[1.0, 0, 0], [0, 1.0, 0], [0, 0, 4.0]], _SIMPLE, _SIMPLE],),
            options={"subset_by_index": (1, 2), "degenerate": "project"}, first="nan", second="nan",
        ),
        "two that are close, of a large matrix": Edge(
            primals=([[1.0, 0, 0], [0, 1.0 + 2.0**-50, 0], [0, 0, 64.0]],),
            options={"subset_by_index": (0, 1)}, first="nan", second="nan",
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
    subset_by_index: Part = None,
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
    subset_by_index
        Indices of the first and the last eigenpair that is returned, of all if `None`. Only the gaps
        of these matter.
    degenerate
        ``"nan"``: a derivative that a cluster of equal eigenvalues makes undefined is NaN.
        ``"project"``: your word that the loss sees each cluster only through its projector and
        symmetric functions of its eigenvalues; then the undefined terms are dropped. That is wrong
        for ``V @ diag(f(w)) @ V^H``. Second derivatives at a cluster are NaN all the same.

    Returns
    -------
    (eigenvalues, eigenvectors)
        ``(..., k)`` real and ascending, in the unit of `x`; ``(..., n, k)``, orthonormal, in columns.
        ``k`` is n without a subset.
    """
    return chosen(decompose(read(x, lower, xp), xp), subset_by_index)


def decompose(a: Array, xp: Namespace) -> Arrays:
    """The library's `eigh`, and NaN for a matrix that is not finite: LAPACK may return numbers."""
    w, v = xp.linalg.eigh(a)
    return guarded(a, xp, (w, 1), (v, 2))


def chosen(pairs: Arrays, part: Part) -> Arrays:
    """The eigenpairs of a range, which must be there."""
    if part is None:
        return pairs
    n = pairs[0].shape[-1]
    if type(n) is int and part[1] >= n > 0:
        msg = f"option 'subset_by_index' is {part}, of a matrix of order {n}"
        raise OptionError(msg)
    return columns(pairs, part)


def columns(pairs: Arrays, part: tuple[int, int]) -> Arrays:
    """The eigenpairs of a range."""
    w, v = (x[..., part[0] : part[1] + 1] for x in pairs)
    return w, v


@eigh.def_options
def eigh_options(lower: object, subset_by_index: object = None, degenerate: object = "nan") -> None:
    """Refuse values that are not allowed."""
    if lower not in (None, True, False):
        msg = f"option 'lower' is {lower!r}; it must be None, True or False"
        raise ValueError(msg)
    index_range("subset_by_index", subset_by_index)
    check_degenerate(degenerate)


# With M = V^H A' V: w_j' = Re M_jj and V' = V Z, Z_ij = M_ij / (w_j - w_i), and of a subset of the vectors
# what moves out of their span.
@eigh.def_jvp
def eigh_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    lower: bool | None,
    subset_by_index: Part,
    degenerate: str,
    xp: Namespace,
) -> tuple[Array, Array]:
    """First-order perturbation theory in the eigenbasis."""
    w, v = _tied(primals, outputs, lower, subset_by_index, degenerate)
    moved = read(tangents[0], lower, xp) @ v
    beyond = _beyond(primals[0], v, moved, (), lower, subset_by_index, xp)
    w_dot, v_dot = _jvp(w, v, moved, beyond, degenerate, xp)
    return crossed.tangent(
        w_dot, primals, (w, v), tangents, xp, lower=lower, subset_by_index=subset_by_index
    ), v_dot


@eigh.def_vjp
def eigh_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    lower: bool | None,
    subset_by_index: Part,
    degenerate: str,
    xp: Namespace,
) -> Array | Arrays:
    """``(V_k diag(w_bar) + V Z) V_k^H``, Hermitian part, with ``Z = (V^H V_bar) / gaps``."""
    w, v = _tied(primals, outputs, lower, subset_by_index, degenerate)
    w_bar, v_bar = cotangents
    if v_bar is None:
        g = values_vjp(v, w_bar, lower, xp)
    else:
        beyond = _beyond(primals[0], v, v_bar, (), lower, subset_by_index, xp)
        g = _vjp(w, v, cotangents, beyond, lower, degenerate, xp)
    options = {"lower": lower, "subset_by_index": subset_by_index}
    return crossed.cotangents(w_bar, (g,), primals, (w, v), xp, **options)


@eigh.def_keep
def eigh_keep(
    x: Array,
    /,
    *,
    lower: bool | None,
    subset_by_index: Part,
    degenerate: str,
    xp: Namespace,
) -> tuple[Arrays, Arrays]:
    """Keep all eigenpairs, if a subset is wanted."""
    every = decompose(read(x, lower, xp), xp)
    return chosen(every, subset_by_index), () if subset_by_index is None else every


@eigh.def_fast_jvp
def eigh_fast_jvp(
    primals: Arrays,
    outputs: Arrays,
    kept: Arrays,
    tangents: MaybeArrays,
    *,
    lower: bool | None,
    subset_by_index: Part,
    degenerate: str,
    xp: Namespace,
) -> tuple[Array, Array]:
    """As the jvp, with the kept eigenpairs."""
    w, v = outputs
    moved = read(tangents[0], lower, xp) @ v
    beyond = _beyond(primals[0], v, moved, kept, lower, subset_by_index, xp)
    return _jvp(w, v, moved, beyond, degenerate, xp)


@eigh.def_fast_vjp
def eigh_fast_vjp(
    primals: Arrays,
    outputs: Arrays,
    kept: Arrays,
    cotangents: MaybeArrays,
    *,
    lower: bool | None,
    subset_by_index: Part,
    degenerate: str,
    xp: Namespace,
) -> Array:
    """As the vjp, with the kept eigenpairs."""
    (w, v), (w_bar, v_bar) = outputs, cotangents
    if v_bar is None:
        return values_vjp(v, w_bar, lower, xp)
    beyond = _beyond(primals[0], v, v_bar, kept, lower, subset_by_index, xp)
    return _vjp(w, v, cotangents, beyond, lower, degenerate, xp)


def _jvp(
    w: Array, v: Array, moved: Array, beyond: Beyond, degenerate: str, xp: Namespace
) -> tuple[Array, Array]:
    out, size = beyond
    v_dot = v @ quotient(adjoint(v, xp) @ moved, w, degenerate, xp, size)
    return real(xp.sum(conj(v, xp) * moved, axis=-2), xp), v_dot if out is None else v_dot + out


def _vjp(
    w: Array,
    v: Array,
    cotangents: MaybeArrays,
    beyond: Beyond,
    lower: bool | None,
    degenerate: str,
    xp: Namespace,
) -> Array:
    (w_bar, v_bar), (out, size) = cotangents, beyond
    left = v @ quotient(adjoint(v, xp) @ v_bar, w, degenerate, xp, size)
    left = left if out is None else left + out
    if w_bar is not None:
        left = left + v * xp.astype(w_bar, v.dtype)[..., None, :]
    return read_adjoint(herm(left @ adjoint(v, xp), xp), lower, xp)


def _beyond(
    x: Array, v: Array, y: Array, every: Arrays, lower: bool | None, part: Part, xp: Namespace
) -> Beyond:
    """Of a subset V_k what is outside its span, the columns ``(w_j - A)^+ y_j``, and the size of A.

    By all eigenpairs if they are there, else by a rule that differentiates no eigenvector outside.
    """
    if part is None:
        return None, None
    a, vh = read(x, lower, xp), adjoint(v, xp)
    size = one_norm(a, xp)
    if not every:
        return across(a, v @ vh, y @ vh) @ v, size
    out = outside(every, y, part, xp)
    # Where the subset cuts a cluster there is none of its vectors.
    return out + xp.sum(0 * out, axis=(-2, -1), keepdims=True), size


def outside(pairs: Arrays, y: Array, part: tuple[int, int], xp: Namespace) -> Array:
    """``(w_j - A)^+ y_j`` for each j of a range, outside the span of its vectors, by all eigenpairs."""
    w, v = pairs
    return v @ divided(adjoint(v, xp) @ y, *gaps_across(w, part, xp), xp=xp)


def quotient(
    k: Array, w: Array, degenerate: str, xp: Namespace, size: Array | None = None
) -> Array:
    """``K_ij / (w_j - w_i)``, 0 of a value to itself; `size` is that of the matrix, if not of w."""
    if 0 in k.shape:
        return k
    if size is None:
        size = xp.max(xp.abs(w), axis=-1)[..., None, None]
    return gap_quotient(k, *gaps(w, size, xp), degenerate=degenerate)


def values_vjp(v: Array, w_bar: Array, lower: bool | None, xp: Namespace) -> Array:
    """``V diag(w_bar) V^H``: the vjp of the eigenvalues alone, one product."""
    g = (v * xp.astype(w_bar, v.dtype)[..., None, :]) @ adjoint(v, xp)
    return read_adjoint(g, lower, xp)


def _tied(
    primals: Arrays, outputs: Arrays, lower: bool | None, part: Part, degenerate: str
) -> Arrays:
    """The outputs, as functions of the input whose derivative projects nothing."""
    if degenerate != "project":
        return outputs
    return tuple(_eigh_known(*primals, *outputs, lower=lower, subset_by_index=part))


_eigh_known = known(eigh, "(n,n),(k),(n,k)->(k),(n,k)", ("eigenvalues",), degenerate="nan")
crossed = crossing(eigh, "(n,n)", "(k),(n,k)", ("eigenvalues",), degenerate="nan")
