r"""Eigendecomposition of a general matrix, :math:`A V = V \operatorname{diag}(w)`, :math:`\|v_j\| = 1`."""

from ..._rule import Edge, Gauge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, conj, diagonal, diagonal_matrix
from ._crossing import crossing
from ._gap_quotient import gap_quotient
from ._general import basis, checked, decompose, moved, pulled
from ._losses import last_vector, no_slope
from ._phase import GROUP, align, horizontal, invariants

__all__ = ["eig", "pencil_jvp", "pencil_vjp"]

_JORDAN = [[2.0, 1.0], [0.0, 2.0]]
# P J P^-1 with whole numbers: no zero shows that it is defective.
_DEFECTIVE = [[3.0, -1.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 2.0]]


@rule(
    signature="(n,n)->(n),(n,n)",
    outputs=("eigenvalues", "eigenvectors"),
    needs={"a": "simple eigenvalues"},
    degrees={"a": (1, 0)},
    gauge=Gauge(group=GROUP, align=align, invariants=invariants, horizontal=horizontal),
    domain=(
        "eigenvalues that are apart by more than their rounding; eigenvectors: where the gaps that "
        "matter are. What a multiple eigenvalue makes undefined is NaN; of one that is not defective "
        "sums have a derivative. Beside a defective one eigenvectors have NaN: V has no inverse"
    ),
    cost="primal: the library's; derivative: an inverse and 5 matrix products, in complex arithmetic",
    sources=(
        "C. Boeddeker et al., arXiv:1701.00392, 2017, equation 4.77",
        "N. P. van der Aa et al., Electron. J. Linear Algebra 16, 2007",
        "G. W. Stewart and J.-G. Sun, Matrix Perturbation Theory, 1990",
    ),
    edges={
        "identity, no slope": Edge(primals=([[1.0, 0], [0, 1.0]],), loss=no_slope, second="nan"),
        "Jordan block": Edge(primals=(_JORDAN,), first="nan", second="nan"),
        "defective, dense": Edge(primals=(_DEFECTIVE,), value="any", first="nan", second="nan"),
        "nilpotent of order three": Edge(
            primals=([[0.0, 1, 0], [0, 0, 1.0], [0, 0, 0]],), first="nan", second="nan"
        ),
        "identity": Edge(primals=([[1.0, 0], [0, 1.0]],), first="nan", second="nan"),
        "vector beside a Jordan block": Edge(
            primals=([[2.0, 1e-4, 0], [0, 2.0, 0], [0, 0, 5.0]],),
            loss=last_vector, first="nan", second="nan",
        ),
        "vector beside a nearly defective block": Edge(
            primals=([[2.0, 1e-8, 0], [0, 2.0, 0], [0, 0, 5.0]],),
            loss=last_vector, value="any", first="finite", second="any",
        ),
        "rotation": Edge(primals=([[0.0, -1.0], [1.0, 0.0]],)),
        "values 1e-7 apart": Edge(primals=([[1.0, 1.0], [0, 1.0 + 1e-7]],), second="any"),
        "nonnormal": Edge(primals=([[1.0, 1e6], [0.0, -1.0]],), second="any"),
        "rows and columns scaled apart": Edge(
            primals=([[1.0, 1e14, 2.0], [1e-14, 1.5, 1e-14], [0.3, 1e14, 1.2]],), second="any"
        ),
        "scale 1e150": Edge(primals=([[1e150, 2e150], [3e150, -3e150]],), second="any"),
        "scale 1e-150": Edge(primals=([[1e-150, 2e-150], [3e-150, -3e-150]],), second="any"),
        "order one": Edge(primals=([[-2.0]],)),
    },
)  # fmt: skip
def eig(a: Array, /, *, xp: Namespace) -> Arrays:
    """Eigenvalues and eigenvectors of a general matrix.

    Parameters
    ----------
    a
        ``(..., n, n)``, real or complex floating. A real one has a real gradient.

    Returns
    -------
    (eigenvalues, eigenvectors)
        ``(..., n)`` and ``(..., n, n)``, complex, in the library's order; eigenvalues in the unit of
        `a`, eigenvectors in columns of length one.
    """
    return decompose(a, None, xp)


# With L = V^-1 and P = L A' V: w_j' = P_jj and V' = W - V diag(V^H W), W = V Z, Z_ij = P_ij / (w_j - w_i).
# What is taken away is what the length of v_j and its phase fix.
@eig.def_jvp
def eig_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> tuple[Array, Array]:
    """First-order perturbation theory in the eigenbasis."""
    (a,) = primals
    w_dot, v_dot = pencil_jvp(a, None, outputs, tangents[0], None, xp)
    return crossed.tangent(w_dot, (a,), outputs, tangents, xp), v_dot


@eig.def_vjp
def eig_vjp(primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace) -> Arrays:
    """``L^H (diag(w_bar) + Z) V^H``, with ``Z_ij = (V^H G)_ij / conj(w_j - w_i)``.

    G is `V_bar` without its parts along each eigenvector.
    """
    (a,) = primals
    bars = pencil_vjp(a, None, outputs, cotangents, xp)[:1]
    return crossed.cotangents(cotangents[0], bars, (a,), outputs, xp)


crossed = crossing(eig, "(n,n)", "(n),(n,n)")


def pencil_jvp(
    a: Array,
    b: Array | None,
    outputs: Arrays,
    a_dot: Array | None,
    b_dot: Array | None,
    xp: Namespace,
) -> tuple[Array, Array]:
    """The same of a pencil, with ``L = (B V)^-1`` and ``P = L (A_dot V - B_dot V diag(w))``."""
    w, v = outputs
    left, gap, size, defined, vectors = basis(a, b, w, v, xp)
    p = left @ moved(w, v, a_dot, b_dot, xp)
    v_dot = v @ gap_quotient(p, gap, size)
    v_dot = checked(_off_columns(v, v_dot, xp), vectors[..., None, :], xp)
    return checked(diagonal(p, xp), defined, xp), v_dot


def pencil_vjp(
    a: Array, b: Array | None, outputs: Arrays, cotangents: MaybeArrays, xp: Namespace
) -> Arrays:
    """Cotangents of both matrices of a pencil."""
    (w, v), (w_bar, v_bar) = outputs, cotangents
    left, gap, size, defined, vectors = basis(a, b, w, v, xp)
    inner = None
    if v_bar is not None:
        g = checked(_off_columns(v, v_bar, xp), vectors[..., None, :], xp)
        inner = gap_quotient(adjoint(v, xp) @ g, conj(gap, xp), size)
    if w_bar is not None:
        of_w = diagonal_matrix(checked(w_bar, defined, xp), xp)
        inner = of_w if inner is None else inner + of_w
    return pulled(w, v, left, inner, xp)


def _off_columns(v: Array, y: Array, xp: Namespace) -> Array:
    """`y` without its parts along the columns of `v`, which have length one."""
    return y - v * xp.sum(conj(v, xp) * y, axis=-2)[..., None, :]
