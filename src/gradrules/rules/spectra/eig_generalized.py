r"""Eigendecomposition of a pencil, :math:`A V = B V \operatorname{diag}(w)`."""

from ..._rule import Edge, Gauge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ._crossing import crossing
from ._general import decompose
from ._losses import no_slope
from ._phase import GROUP, align, horizontal, invariants
from .eig import eig, pencil_jvp, pencil_vjp

__all__ = ["eig_generalized"]


@eig.def_form
@rule(
    signature="(n,n),(n,n)->(n),(n,n)",
    outputs=("eigenvalues", "eigenvectors"),
    needs={"a": "simple eigenvalues", "b": "nonsingular"},
    # No degrees: in another size LAPACK may find the eigenvalues in another order.
    gauge=Gauge(group=GROUP, align=align, invariants=invariants, horizontal=horizontal),
    domain="nonsingular b (all eigenvalues are finite), else NaN; for the rest that of eig",
    cost="primal: one solve and the library's eig; derivative: that of eig and two products",
    sources=("G. W. Stewart and J.-G. Sun, Matrix Perturbation Theory, 1990, chapter VI",),
    edges={
        "a is b, no slope": Edge(
            primals=([[2.0, 0], [0, 1.0]], [[2.0, 0], [0, 1.0]]), loss=no_slope, second="nan"
        ),
        "Jordan block": Edge(
            primals=([[4.0, 2.0], [0.0, 2.0]], [[2.0, 0.0], [0.0, 1.0]]), first="nan", second="nan"
        ),
        "a is b": Edge(
            primals=([[2.0, 1.0], [0, 1.0]], [[2.0, 1.0], [0, 1.0]]), first="nan", second="nan"
        ),
        "b singular": Edge(
            primals=([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 0.0]]),
            value="nan", first="nan", second="nan",
        ),
        "rows and columns scaled apart": Edge(
            primals=([[1e6, 1.0], [1e12, 2e6]], [[2e6, 0.5], [3e11, 1e6]]), second="any"
        ),
        "columns scaled apart, values close": Edge(
            primals=(
                [[2.00008, 5.0014e-13], [0.300049, 1.000095e-12]],
                [[2.0, 5e-13], [0.3, 1e-12]],
            ),
            second="any",
        ),
        "order one": Edge(primals=([[2.0]], [[-4.0]])),
    },
)  # fmt: skip
def eig_generalized(a: Array, b: Array, /, *, xp: Namespace) -> Arrays:
    """Eigenvalues and eigenvectors of ``a @ v = w * b @ v``, also as ``eig(a, b)``.

    Parameters
    ----------
    a, b
        ``(..., n, n)``, real or complex floating; `b` is nonsingular.

    Returns
    -------
    (eigenvalues, eigenvectors)
        ``(..., n)`` and ``(..., n, n)``, complex, in the library's order; eigenvalues in the unit of
        ``a / b``, eigenvectors in columns of length one.
    """
    return decompose(a, b, xp)


@eig_generalized.def_jvp
def eig_generalized_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> tuple[Array, Array]:
    """As of `eig`, with ``L = (B V)^-1`` and ``P = L (A_dot V - B_dot V diag(w))``."""
    (a, b), (a_dot, b_dot) = primals, tangents
    w_dot, v_dot = pencil_jvp(a, b, outputs, a_dot, b_dot, xp)
    return crossed.tangent(w_dot, (a, b), outputs, tangents, xp), v_dot


@eig_generalized.def_vjp
def eig_generalized_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``L^H X V^H`` and ``-L^H X diag(conj(w)) V^H``, with X as of `eig`."""
    a, b = primals
    bars = pencil_vjp(a, b, outputs, cotangents, xp)
    return crossed.cotangents(cotangents[0], bars, (a, b), outputs, xp)


crossed = crossing(eig_generalized, "(n,n),(n,n)", "(n),(n,n)")
