r"""Singular values."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, diagonal, guarded, harmless, real
from ._losses import no_slope
from .svd import crossed, decompose, svd, values_vjp

__all__ = ["svdvals"]


@rule(
    signature="(m,n)->(k)",
    outputs="S",
    needs={"x": "simple singular values"},
    degrees={"x": (1,)},
    domain=(
        "everywhere to first order (a subgradient where singular values cross or vanish); second "
        "derivatives at a cluster, and at zero, are NaN"
    ),
    cost="primal: the library's; derivative: 1 matrix product, with the singular vectors kept",
    sources=("M. B. Giles, NA-08/01, Oxford University, 2008, section 3.2",),
    edges={
        "identity": Edge(primals=([[1.0, 0], [0, 1.0]],), first="finite", second="nan"),
        "identity, no slope": Edge(primals=([[1.0, 0], [0, 1.0]],), loss=no_slope, second="nan"),
        "zero matrix": Edge(
            primals=([[0.0, 0], [0, 0.0], [0, 0.0]],), first="finite", second="nan"
        ),
        "rank one": Edge(primals=([[3.0, 0, 0], [0, 0, 0]],), first="finite", second="nan"),
        "values 1e-9 apart": Edge(primals=([[1.0, 0], [0, 1.0 + 1e-9]],), second="any"),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -3e150]],), second="any"),
        "scale 1e-150": Edge(primals=([[1e-150, 2e-150], [3e-150, -3e-150]],), second="any"),
        "order one": Edge(primals=([[-2.0]],)),
        "a column": Edge(primals=([[2.0], [1.0], [-2.0]],)),
    },
)
def svdvals(x: Array, /, *, xp: Namespace) -> Array:
    """Singular values.

    Parameters
    ----------
    x
        ``(..., m, n)``, real or complex floating.

    Returns
    -------
    array
        ``(..., min(m, n))``, real and descending, in the unit of `x`.
    """
    return guarded(x, xp, (xp.linalg.svdvals(harmless(x, xp)), 1))[0]


# s_j' = Re (U^H A' V)_jj. The closed form gets U and V from `svd`, the fast form keeps them.
@svdvals.def_jvp
def svdvals_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace) -> Array:
    """The diagonal of the tangent in the singular bases."""
    found = svd(primals[0], full_matrices=False)
    s_dot = _jvp(found[0], found[2], tangents[0], xp)
    return crossed.tangent(s_dot, primals, found, tangents, xp)


@svdvals.def_vjp
def svdvals_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``U diag(s_bar) V^H``."""
    found = svd(primals[0], full_matrices=False)
    x_bar = values_vjp(found[0], found[2], cotangents[0], xp)
    return crossed.cotangents(cotangents[0], (x_bar,), primals, found, xp)


@svdvals.def_keep
def svdvals_keep(x: Array, /, *, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the singular vectors."""
    u, s, vh = decompose(x, xp, full_matrices=False)
    return s, (u, vh)


@svdvals.def_fast_jvp
def svdvals_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the jvp, with the kept vectors."""
    u, vh = kept
    return _jvp(u, vh, tangents[0], xp)


@svdvals.def_fast_vjp
def svdvals_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the vjp, with the kept vectors."""
    u, vh = kept
    return values_vjp(u, vh, cotangents[0], xp)


def _jvp(u: Array, vh: Array, x_dot: Array, xp: Namespace) -> Array:
    return real(diagonal(adjoint(u, xp) @ x_dot @ adjoint(vh, xp), xp), xp)
