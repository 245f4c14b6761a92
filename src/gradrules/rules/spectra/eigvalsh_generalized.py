r"""Eigenvalues of a definite pencil, :math:`A v = w B v`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, diagonal, read, real
from ._losses import no_slope
from .eigh_generalized import crossed, decompose, eigh_generalized, pencil_values_vjp
from .eigvalsh import eigvalsh, eigvalsh_options

__all__ = ["eigvalsh_generalized"]

_A, _B = [[8.0, 0, 0], [0, 1.0, 0], [0, 0, 5.0]], [[2.0, 0, 0], [0, 1.0, 0], [0, 0, 5.0]]


@eigvalsh.def_form
@rule(
    signature="(n,n),(n,n)->(n)",
    outputs="eigenvalues",
    structure={"a": "hermitian", "b": "positive definite"},
    needs={"a": "simple spectrum", "b": "positive definite"},
    degrees={"a": (1,), "b": (-1,)},
    domain=(
        "b positive definite; there everywhere to first order (a subgradient where eigenvalues "
        "cross); second derivatives at a cluster are NaN"
    ),
    cost="primal and kept vectors: those of eigh(a, b); derivative: 2 matrix products",
    sources=("J. R. Magnus, Econometric Theory 1, 1985",),
    variants=({}, {"lower": True}, {"lower": False}),
    edges={
        "a is b, no slope": Edge(
            primals=([[4.0, 0], [0, 1.0]], [[4.0, 0], [0, 1.0]]), loss=no_slope, second="nan"
        ),
        "pair of equal eigenvalues": Edge(primals=(_A, _B), first="finite", second="nan"),
        "a is b": Edge(primals=(_B, _B), first="finite", second="nan"),
        "of b one triangle": Edge(
            primals=([[1.0, 5.0], [2.0, -1.0]], [[3.0, 7.0], [1.0, 2.0]]), options={"lower": True}
        ),
        "order one": Edge(primals=([[2.0]], [[3.0]])),
    },
)
def eigvalsh_generalized(
    a: Array, b: Array, /, *, lower: bool | None = None, xp: Namespace
) -> Array:
    """Eigenvalues of ``a @ v = w * b @ v``, also as ``eigvalsh(a, b)``.

    Parameters
    ----------
    a, b
        ``(..., n, n)``, real or complex floating; Hermitian, and Hermitian positive definite.
    lower
        What is read of both: the Hermitian part (`None`), or one triangle. The gradients live there.

    Returns
    -------
    array
        ``(..., n)``, real and ascending, in the unit of ``a / b``.
    """
    return decompose(read(a, lower, xp), read(b, lower, xp), xp)[0]


eigvalsh_generalized.def_options(eigvalsh_options)


# w_j' = Re (V^H (A' - w_j B') V)_jj. The closed form gets V from `eigh`, the fast form keeps it.
@eigvalsh_generalized.def_jvp
def eigvalsh_generalized_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    lower: bool | None,
    xp: Namespace,
) -> Array:
    """The diagonal of the tangents in the eigenbasis."""
    w, v = eigh_generalized(*primals, lower=lower)
    w_dot = _jvp(w, v, tangents, lower, xp)
    return crossed.tangent(w_dot, primals, (w, v), tangents, xp, lower=lower)


@eigvalsh_generalized.def_vjp
def eigvalsh_generalized_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    lower: bool | None,
    xp: Namespace,
) -> Arrays:
    """``V diag(w_bar) V^H`` and ``-V diag(w_bar w) V^H``."""
    w, v = eigh_generalized(*primals, lower=lower)
    bars = pencil_values_vjp(w, v, cotangents[0], lower, xp)
    return crossed.cotangents(cotangents[0], bars, primals, (w, v), xp, lower=lower)


@eigvalsh_generalized.def_keep
def eigvalsh_generalized_keep(
    a: Array, b: Array, /, *, lower: bool | None, xp: Namespace
) -> tuple[Array, Arrays]:
    """Keep the eigenvectors."""
    w, v = decompose(read(a, lower, xp), read(b, lower, xp), xp)
    return w, (v,)


@eigvalsh_generalized.def_fast_jvp
def eigvalsh_generalized_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays,
    *, lower: bool | None, xp: Namespace,
) -> Array:  # fmt: skip
    """As the jvp, with the kept eigenvectors."""
    return _jvp(outputs[0], kept[0], tangents, lower, xp)


@eigvalsh_generalized.def_fast_vjp
def eigvalsh_generalized_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays,
    *, lower: bool | None, xp: Namespace,
) -> Arrays:  # fmt: skip
    """As the vjp, with the kept eigenvectors."""
    return pencil_values_vjp(outputs[0], kept[0], cotangents[0], lower, xp)


def _jvp(w: Array, v: Array, tangents: MaybeArrays, lower: bool | None, xp: Namespace) -> Array:
    p, r = (
        None if t is None else real(diagonal(adjoint(v, xp) @ read(t, lower, xp) @ v, xp), xp)
        for t in tangents
    )
    if r is None:
        return p
    return -w * r if p is None else p - w * r
