r"""Eigendecomposition of a definite pencil, :math:`A V = B V \operatorname{diag}(w)`, :math:`V^H B V = I`."""

from ..._rule import Edge, Gauge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, diagonal, diagonal_matrix, guarded, herm, read, read_adjoint, real
from ._crossing import crossing
from ._known import known
from ._losses import last_vector, no_slope, of_cluster
from ._phase import GROUP, align, horizontal, invariants, level
from .eigh import eigh, eigh_options, quotient, values_vjp

__all__ = ["eigh_generalized"]


# The pencil's eigenvalues are 1, 1 and 4.
_A, _B = [[8.0, 0, 0], [0, 1.0, 0], [0, 0, 5.0]], [[2.0, 0, 0], [0, 1.0, 0], [0, 0, 5.0]]


@eigh.def_form
@rule(
    signature="(n,n),(n,n)->(n),(n,n)",
    outputs=("eigenvalues", "eigenvectors"),
    structure={"a": "hermitian", "b": "positive definite"},
    needs={"a": "simple spectrum", "b": "positive definite"},
    degrees={"a": (1, 0), "b": (-1, -0.5)},
    gauge=Gauge(group=GROUP, align=align, invariants=invariants, horizontal=horizontal),
    domain=(
        "b positive definite (else the array library raises, or returns NaN); eigenvectors: where the "
        "gaps that matter are above rounding; eigenvalues: everywhere to first order. What a "
        "degenerate cluster makes undefined is NaN"
    ),
    cost="primal: a Cholesky factorization, two solves and the library's eigh; derivative: 5 products",
    sources=(
        "J. R. Magnus, Econometric Theory 1, 1985",
        "C. Boeddeker et al., arXiv:1701.00392, 2017, section 4.4",
    ),
    variants=({}, {"lower": True}, {"lower": False}, {"lower": True, "degenerate": "project"}),
    edges={
        "a is b, no slope": Edge(
            primals=([[4.0, 0], [0, 1.0]], [[4.0, 0], [0, 1.0]]), loss=no_slope, second="nan"
        ),
        "pair of equal eigenvalues": Edge(primals=(_A, _B), first="nan", second="nan"),
        "pair of equal eigenvalues, projected": Edge(
            primals=(_A, _B), options={"degenerate": "project"}, loss=of_cluster, second="nan"
        ),
        "beside a pair of equal eigenvalues, projected": Edge(
            primals=(_A, _B), options={"degenerate": "project"}, loss=last_vector, second="nan"
        ),
        "a is b": Edge(primals=(_B, _B), first="nan", second="nan"),
        "b scaled apart": Edge(
            primals=([[2.0, 1.0], [1.0, -3.0]], [[1e12, 0.5], [0.5, 1e-12]]), second="any"
        ),
        "a of 1e150, b of 1e-150": Edge(
            primals=([[1e150, 2e150], [2e150, -3e150]], [[2e-150, 1e-150], [1e-150, 3e-150]]),
            value="exact", first="any", second="any",
        ),
        "b indefinite": Edge(
            primals=(_A, [[1.0, 0, 0], [0, -1.0, 0], [0, 0, 1.0]]),
            value="any", first="any", second="any",
        ),
        "of b one triangle": Edge(
            primals=([[1.0, 5.0], [2.0, -1.0]], [[3.0, 7.0], [1.0, 2.0]]), options={"lower": True}
        ),
        "order one": Edge(primals=([[2.0]], [[3.0]])),
    },
)  # fmt: skip
def eigh_generalized(
    a: Array,
    b: Array,
    /,
    *,
    lower: bool | None = None,
    degenerate: str = "nan",
    xp: Namespace,
) -> Arrays:
    """Eigenvalues and eigenvectors of ``a @ v = w * b @ v``, also as ``eigh(a, b)``.

    Parameters
    ----------
    a, b
        ``(..., n, n)``, real or complex floating; Hermitian, and Hermitian positive definite.
    lower
        What is read of both: the Hermitian part (`None`), or one triangle. The gradients live there.
    degenerate
        As of `eigh`.

    Returns
    -------
    (eigenvalues, eigenvectors)
        ``(..., n)`` real and ascending, in the unit of ``a / b``; ``(..., n, n)`` in columns, with
        ``V^H b V = I``.
    """
    return decompose(read(a, lower, xp), read(b, lower, xp), xp)


def decompose(a: Array, b: Array, xp: Namespace) -> Arrays:
    """By the Cholesky factor ``B = L L^H``: the Hermitian problem of ``L^-1 A L^-H``."""
    factor = xp.linalg.cholesky(b)
    half = xp.linalg.solve(factor, a)
    c = herm(xp.linalg.solve(factor, adjoint(half, xp)), xp)
    w, v = xp.linalg.eigh(c)
    return guarded(a + b, xp, (w, 1), (xp.linalg.solve(adjoint(factor, xp), v), 2))


eigh_generalized.def_options(eigh_options)


# With P = V^H A' V, R = V^H B' V and M_ij = P_ij - R_ij (w_i + w_j) / 2: w_j' = Re M_jj and
# V' = V (Z - R / 2), Z_ij = M_ij / (w_j - w_i). The half of R keeps V^H B V = I, in a cluster too;
# `level` takes away what turns the phases.
@eigh_generalized.def_jvp
def eigh_generalized_jvp(
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
    vh = adjoint(v, xp)
    p, r = (None if t is None else vh @ read(t, lower, xp) @ v for t in tangents)
    m = p
    if r is not None:
        of_b = r * _means(w, r, xp)
        m = -of_b if p is None else p - of_b
    z = quotient(m, w, degenerate, xp)
    if r is not None:
        z = z - r / 2
    w_dot = real(diagonal(m, xp), xp)
    w_dot = crossed.tangent(w_dot, primals, (w, v), tangents, xp, lower=lower)
    return w_dot, level(v, v @ z, xp)


@eigh_generalized.def_vjp
def eigh_generalized_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    lower: bool | None,
    degenerate: str,
    xp: Namespace,
) -> Arrays:
    """``A_bar = V X V^H`` and ``B_bar = -V (X * means + K / 2) V^H``, Hermitian parts.

    Here ``K = V^H V_bar`` and ``X = diag(w_bar) + K / gaps``.
    """
    w, v = _tied(primals, outputs, lower, degenerate)
    w_bar, v_bar = cotangents
    if v_bar is None:
        bars = pencil_values_vjp(w, v, w_bar, lower, xp)
    else:
        k = adjoint(v, xp) @ level(v, v_bar, xp)
        x = quotient(k, w, degenerate, xp)
        if w_bar is not None:
            x = x + xp.astype(diagonal_matrix(w_bar, xp), v.dtype)
        of_b = x * _means(w, x, xp) + k / 2
        a_bar, b_bar = (herm(v @ inner @ adjoint(v, xp), xp) for inner in (x, of_b))
        bars = read_adjoint(a_bar, lower, xp), -read_adjoint(b_bar, lower, xp)
    return crossed.cotangents(w_bar, bars, primals, (w, v), xp, lower=lower)


def _means(w: Array, like: Array, xp: Namespace) -> Array:
    """``(w_i + w_j) / 2``."""
    return xp.astype((w[..., :, None] + w[..., None, :]) / 2, like.dtype)


def pencil_values_vjp(
    w: Array, v: Array, w_bar: Array, lower: bool | None, xp: Namespace
) -> Arrays:
    """``V diag(w_bar) V^H`` and ``-V diag(w_bar w) V^H``."""
    return values_vjp(v, w_bar, lower, xp), values_vjp(v, -w_bar * w, lower, xp)


def _tied(primals: Arrays, outputs: Arrays, lower: bool | None, degenerate: str) -> Arrays:
    """The outputs, as functions of the inputs whose derivative projects nothing."""
    if degenerate != "project":
        return outputs
    return tuple(_eigh_generalized_known(*primals, *outputs, lower=lower))


_eigh_generalized_known = known(
    eigh_generalized,
    "(n,n),(n,n),(n),(n,n)->(n),(n,n)",
    ("eigenvalues",),
    degenerate="nan",
)
crossed = crossing(eigh_generalized, "(n,n),(n,n)", "(n),(n,n)", ("eigenvalues",), degenerate="nan")
