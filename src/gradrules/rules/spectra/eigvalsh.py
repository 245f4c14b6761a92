r"""Eigenvalues of a Hermitian matrix."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, diagonal, guarded, read, real
from ._losses import no_slope
from .eigh import crossed, decompose, eigh, eigh_options, values_vjp

__all__ = ["eigvalsh"]


@rule(
    signature="(n,n)->(n)",
    outputs="eigenvalues",
    structure={"x": "hermitian"},
    needs={"x": "simple spectrum"},
    degrees={"x": (1,)},
    domain=(
        "everywhere to first order (a subgradient where eigenvalues cross); second derivatives at "
        "a cluster are NaN"
    ),
    cost="primal: the library's; derivative: 1 matrix product, with the eigenvectors kept",
    sources=("J. R. Magnus, Econometric Theory 1, 1985",),
    variants=({}, {"lower": True}, {"lower": False}),
    edges={
        "triple eigenvalue": Edge(
            primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), first="finite", second="nan"
        ),
        "triple eigenvalue, no slope": Edge(
            primals=([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]],), loss=no_slope, second="nan"
        ),
        "zero matrix": Edge(primals=([[0.0, 0], [0, 0.0]],), first="finite", second="nan"),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [2e150, -3e150]],), second="any"),
        "order one": Edge(primals=([[2.0]],)),
    },
)
def eigvalsh(x: Array, /, *, lower: bool | None = None, xp: Namespace) -> Array:
    """Eigenvalues of a Hermitian (or real symmetric) matrix.

    Parameters
    ----------
    x
        ``(..., n, n)``, real or complex floating.
    lower
        What is read of `x`: its Hermitian part (`None`), or one triangle. The gradient lives there.

    Returns
    -------
    array
        ``(..., n)``, real and ascending, in the unit of `x`.
    """
    a = read(x, lower, xp)
    return guarded(a, xp, (xp.linalg.eigvalsh(a), 1))[0]


@eigvalsh.def_options
def eigvalsh_options(lower: object) -> None:
    """Refuse values that are not allowed."""
    eigh_options(lower=lower, degenerate="nan")


# w_j' = Re (V^H A' V)_jj. The closed form gets V from `eigh`, the fast form keeps it.
@eigvalsh.def_jvp
def eigvalsh_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    lower: bool | None,
    xp: Namespace,
) -> Array:
    """The diagonal of the tangent in the eigenbasis."""
    pairs = eigh(primals[0], lower=lower)
    w_dot = _jvp(pairs[1], tangents[0], lower, xp)
    return crossed.tangent(w_dot, primals, pairs, tangents, xp, lower=lower)


@eigvalsh.def_vjp
def eigvalsh_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    lower: bool | None,
    xp: Namespace,
) -> Arrays:
    """``V diag(w_bar) V^H``."""
    pairs = eigh(primals[0], lower=lower)
    x_bar = values_vjp(pairs[1], cotangents[0], lower, xp)
    return crossed.cotangents(cotangents[0], (x_bar,), primals, pairs, xp, lower=lower)


@eigvalsh.def_keep
def eigvalsh_keep(x: Array, /, *, lower: bool | None, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the eigenvectors."""
    w, v = decompose(read(x, lower, xp), xp)
    return w, (v,)


@eigvalsh.def_fast_jvp
def eigvalsh_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays,
    *, lower: bool | None, xp: Namespace,
) -> Array:  # fmt: skip
    """As the jvp, with the kept eigenvectors."""
    return _jvp(kept[0], tangents[0], lower, xp)


@eigvalsh.def_fast_vjp
def eigvalsh_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays,
    *, lower: bool | None, xp: Namespace,
) -> Array:  # fmt: skip
    """As the vjp, with the kept eigenvectors."""
    return values_vjp(kept[0], cotangents[0], lower, xp)


def _jvp(v: Array, x_dot: Array, lower: bool | None, xp: Namespace) -> Array:
    return real(diagonal(adjoint(v, xp) @ read(x_dot, lower, xp) @ v, xp), xp)
