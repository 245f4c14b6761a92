r"""Eigenvalues of a pencil, :math:`A v = w B v`."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from ._general import decompose
from ._losses import no_slope
from .eig import eig, pencil_vjp
from .eig_generalized import crossed
from .eigvals import eigvals, pencil_values_jvp

__all__ = ["eigvals_generalized"]


@eigvals.def_form
@rule(
    signature="(n,n),(n,n)->(n)",
    outputs="eigenvalues",
    needs={"a": "simple eigenvalues", "b": "nonsingular"},
    # No degrees: in another size LAPACK may find the eigenvalues in another order.
    gauge=eigvals.declaration.gauge,
    domain="nonsingular b (all eigenvalues are finite), else NaN; for the rest that of eigvals",
    cost="primal: one solve and the library's eig; derivative: that of eigvals and two products",
    sources=("G. W. Stewart and J.-G. Sun, Matrix Perturbation Theory, 1990, chapter VI",),
    edges={
        "a is b, no slope": Edge(
            primals=([[2.0, 0], [0, 1.0]], [[2.0, 0], [0, 1.0]]), loss=no_slope, second="nan"
        ),
        "Jordan block": Edge(
            primals=([[4.0, 2.0], [0.0, 2.0]], [[2.0, 0.0], [0.0, 1.0]]), first="nan", second="nan"
        ),
        "hidden Jordan block of 0": Edge(
            primals=([[-0.99, 0.99], [-0.462, 0.462]], [[2.0, 1.0], [0.3, 1.1]]),
            value="any", first="nan", second="nan",
        ),
        # What is lost is lost in b; the double eigenvalue is found first.
        "hidden Jordan block of a large b": Edge(
            primals=(
                [[3e-4, 0, 0, 0], [0, 2e-4, 0, 0], [0, 0, 11e3, 0], [0, 0, 0, 11e3]],
                [[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, -9991e3, 10001e3], [0, 0, -10001e3, 10011e3]],
            ),
            value="any", first="nan", second="nan",
        ),
        "b singular": Edge(
            primals=([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 0.0]]),
            value="nan", first="nan", second="nan",
        ),
        "rows and columns scaled apart": Edge(
            primals=([[1e6, 1.0], [1e12, 2e6]], [[2e6, 0.5], [3e11, 1e6]]), second="any"
        ),
        "order one": Edge(primals=([[2.0]], [[-4.0]])),
    },
)  # fmt: skip
def eigvals_generalized(a: Array, b: Array, /, *, xp: Namespace) -> Array:
    """Eigenvalues of ``a @ v = w * b @ v``, also as ``eigvals(a, b)``.

    Parameters
    ----------
    a, b
        ``(..., n, n)``, real or complex floating; `b` is nonsingular.

    Returns
    -------
    array
        ``(..., n)``, complex, in the order of ``eig(a, b)``, and in the unit of ``a / b``.
    """
    return decompose(a, b, xp)[0]


@eigvals_generalized.def_jvp
def eigvals_generalized_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """The diagonal of ``L (A_dot V - B_dot V diag(w))``, ``L = (B V)^-1``."""
    (a, b), (a_dot, b_dot) = primals, tangents
    pairs = eig(a, b)
    w_dot = pencil_values_jvp(a, b, pairs, a_dot, b_dot, xp)
    return crossed.tangent(w_dot, primals, pairs, tangents, xp)


@eigvals_generalized.def_vjp
def eigvals_generalized_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """``L^H diag(w_bar) V^H`` and ``-L^H diag(w_bar conj(w)) V^H``."""
    a, b = primals
    pairs = eig(a, b)
    bars = pencil_vjp(a, b, pairs, (cotangents[0], None), xp)
    return crossed.cotangents(cotangents[0], bars, primals, pairs, xp)


@eigvals_generalized.def_keep
def eigvals_generalized_keep(a: Array, b: Array, /, *, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the eigenvectors."""
    w, v = decompose(a, b, xp)
    return w, (v,)


@eigvals_generalized.def_fast_jvp
def eigvals_generalized_fast_jvp(
    primals: Arrays, outputs: Arrays, kept: Arrays, tangents: MaybeArrays, *, xp: Namespace
) -> Array:
    """As the jvp, with the kept eigenvectors."""
    (a, b), (a_dot, b_dot) = primals, tangents
    return pencil_values_jvp(a, b, (*outputs, *kept), a_dot, b_dot, xp)


@eigvals_generalized.def_fast_vjp
def eigvals_generalized_fast_vjp(
    primals: Arrays, outputs: Arrays, kept: Arrays, cotangents: MaybeArrays, *, xp: Namespace
) -> Arrays:
    """As the vjp, with the kept eigenvectors."""
    a, b = primals
    return pencil_vjp(a, b, (*outputs, *kept), (cotangents[0], None), xp)
