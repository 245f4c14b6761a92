r"""Eigenvalues of a general matrix."""

from ..._rule import Edge, Gauge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ._general import basis, checked, decompose, moved
from ._losses import last_value, no_slope
from .eig import crossed, eig, pencil_vjp

__all__ = ["eigvals", "pencil_values_jvp"]


def _unchanged(outputs: Arrays, *_: object) -> Arrays:
    return tuple(outputs)


def _given(outputs: Arrays, cotangents: MaybeArrays, xp: Namespace) -> MaybeArrays:
    return cotangents


@rule(
    signature="(n,n)->(n)",
    outputs="eigenvalues",
    needs={"a": "simple eigenvalues"},
    degrees={"a": (1,)},
    gauge=Gauge(
        group="the order is the library's, and follows each eigenvalue",
        align=_unchanged,
        invariants=_unchanged,
        horizontal=_given,
    ),
    domain=(
        "eigenvalues that are apart by more than their rounding; of a multiple one that is not "
        "defective sums have a derivative, and one that is defective has none: NaN"
    ),
    cost="primal: the library's eig; derivative: an inverse and 3 matrix products, in complex arithmetic",
    sources=(
        "J. R. Magnus, Econometric Theory 1, 1985",
        "G. W. Stewart and J.-G. Sun, Matrix Perturbation Theory, 1990",
    ),
    edges={
        "Jordan block": Edge(primals=([[2.0, 1.0], [0.0, 2.0]],), first="nan", second="nan"),
        "nilpotent of order three": Edge(
            primals=([[0.0, 1, 0], [0, 0, 1.0], [0, 0, 0]],), first="nan", second="nan"
        ),
        "identity": Edge(primals=([[1.0, 0], [0, 1.0]],), first="finite", second="nan"),
        "identity, no slope": Edge(primals=([[1.0, 0], [0, 1.0]],), loss=no_slope, second="nan"),
        "nearly defective": Edge(
            primals=([[0.9 - 0.48e-8, 0.36e-8], [-0.64e-8, 0.9 + 0.48e-8]],),
            value="any", first="nan", second="nan",
        ),
        "value in the rounding of a Jordan block": Edge(
            primals=([[1.7, 0.3, 0], [-0.3, 2.3, 0], [0, 0, 2.0000002]],), loss=last_value, second="any"
        ),
        "value of a Jordan block once more": Edge(
            primals=([[2.0, 1.0, 0], [0, 2.0, 0], [0, 0, 2.0000000000000004]],),
            loss=last_value, first="nan", second="nan",
        ),
        "value amidst those of a Jordan block": Edge(
            primals=([[6.0, -12.0, 8.0, 0], [1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 0, 2.0]],),
            loss=last_value, first="nan", second="nan",
        ),
        "double, ill-conditioned": Edge(
            primals=([[1.0, 0, 1e5], [0, 1.0, 0], [0, 0, 2.0]],), first="finite", second="any"
        ),
        # LAPACK finds the double eigenvalue first.
        "hidden Jordan block, out of order": Edge(
            primals=([[5.0, 0, 0, 0], [0, 7.0, 0, 0], [0, 0, 1.7, 0.3], [0, 0, -0.3, 2.3]],),
            value="any", first="nan", second="nan",
        ),
        "rotation": Edge(primals=([[0.0, -1.0], [1.0, 0.0]],)),
        "nonnormal": Edge(primals=([[1.0, 1e6], [0.0, -1.0]],), second="any"),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -3e150]],), second="any"),
        "order one": Edge(primals=([[-2.0]],)),
    },
)  # fmt: skip
def eigvals(a: Array, /, *, xp: Namespace) -> Array:
    """Eigenvalues of a general matrix.

    Parameters
    ----------
    a
        ``(..., n, n)``, real or complex floating. A real one has a real gradient.

    Returns
    -------
    array
        ``(..., n)``, complex, in the order of `eig`, and in the unit of `a`.
    """
    # Without vectors LAPACK may have another order, which would not be that of the derivative.
    return decompose(a, None, xp)[0]


# w_j' = (L A' V)_jj, L = V^-1. The closed form gets V from `eig`, the fast form keeps it.
@eigvals.def_jvp
def eigvals_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace) -> Array:
    """The diagonal of the tangent in the eigenbasis."""
    (a,) = primals
    pairs = eig(a)
    w_dot = pencil_values_jvp(a, None, pairs, tangents[0], None, xp)
    return crossed.tangent(w_dot, (a,), pairs, tangents, xp)


@eigvals.def_vjp
def eigvals_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``L^H diag(w_bar) V^H``."""
    (a,) = primals
    pairs = eig(a)
    bars = pencil_vjp(a, None, pairs, (cotangents[0], None), xp)[:1]
    return crossed.cotangents(cotangents[0], bars, (a,), pairs, xp)


@eigvals.def_keep
def eigvals_keep(a: Array, /, *, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the eigenvectors."""
    w, v = decompose(a, None, xp)
    return w, (v,)


@eigvals.def_fast_jvp
def eigvals_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the jvp, with the kept eigenvectors."""
    return pencil_values_jvp(primals[0], None, (*outputs, *kept), tangents[0], None, xp)


@eigvals.def_fast_vjp
def eigvals_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the vjp, with the kept eigenvectors."""
    return pencil_vjp(primals[0], None, (*outputs, *kept), (cotangents[0], None), xp)[0]


def pencil_values_jvp(
    a: Array,
    b: Array | None,
    pairs: Arrays,
    a_dot: Array | None,
    b_dot: Array | None,
    xp: Namespace,
) -> Array:
    """Tangents of the eigenvalues of a pencil, given them and their vectors."""
    w, v = pairs
    found = basis(a, b, w, v, xp)
    right = xp.matrix_transpose(moved(w, v, a_dot, b_dot, xp))
    return checked(xp.sum(found.left * right, axis=-1), found.defined, xp)
