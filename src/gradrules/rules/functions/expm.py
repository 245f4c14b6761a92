r"""Matrix exponential."""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint
from . import _taylor
from .expm_frechet import expm_frechet

__all__ = ["expm"]


@rule(
    signature="(n,n)->(n,n)",
    domain="every square matrix; norms beyond 2**50 that the powers do not reduce give NaN",
    cost="primal: 5 + s products (s squarings); first derivative: 10 + 3 s with the kept powers",
    sources=(
        "I. Najfeld and T. F. Havel, Adv. Appl. Math. 16, 1995",
        "A. H. Al-Mohy and N. J. Higham, SIAM J. Matrix Anal. Appl. 30, 2009",
        "P. Bader, S. Blanes and F. Casas, Mathematics 7, 2019, doi:10.3390/math7121174",
    ),
    edges={
        "zero matrix": Edge(primals=([[0.0, 0.0], [0.0, 0.0]],)),
        "norm 1e-8": Edge(primals=([[1e-8, 2e-8], [-3e-8, 1e-8]],)),
        "norm 0.05": Edge(primals=([[0.0, 0.0499], [0.0499, 0.0]],)),
        "norm 30": Edge(primals=([[10.0, 20.0], [-15.0, 5.0]],)),
        "nonnormal": Edge(primals=([[1.0, 1e6], [0.0, -1.0]],), second="any"),
        "nilpotent": Edge(primals=([[0.0, 1e6], [0.0, 0.0]],), second="any"),
        "skew, norm 1e6": Edge(primals=([[0.0, 1e6], [-1e6, 0.0]],), second="any"),
        "skew, norm 2**60": Edge(
            primals=([[0.0, 2.0**60], [-(2.0**60), 0.0]],), value="nan", first="nan", second="nan"
        ),
        "stable, norm 1e6": Edge(primals=([[-1e6, 2.0], [1.0, -1e6]],)),
        "defective": Edge(primals=([[2.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 0.0, 2.0]],)),
        "rotation by 0.04": Edge(primals=([[0.0, -0.04], [0.04, 0.0]],)),
        "order one": Edge(primals=([[2.0]],)),
    },
)
def expm(A: Array, /, *, xp: Namespace) -> Array:
    """Exponential of a square matrix.

    Parameters
    ----------
    A
        ``(..., n, n)``, real or complex floating, without a unit.

    Returns
    -------
    array
        ``(..., n, n)``, same dtype.
    """
    return _taylor.exponential(A, xp)[0]


# d exp(A)[E] = L(A, E), and the adjoint of L(A, .) is L(A^H, .).
@expm.def_jvp
def expm_jvp(primals: Arrays, outputs: Arrays, tangents: MaybeArrays) -> Array:
    """``L(A, A_dot)``."""
    return expm_frechet(primals[0], tangents[0])[1]


@expm.def_vjp
def expm_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Array:
    """``L(A^H, X_bar)``."""
    return expm_frechet(adjoint(primals[0], xp), cotangents[0])[1]


@expm.def_keep
def expm_keep(A: Array, /, *, xp: Namespace) -> tuple[Array, Arrays]:
    """Keep the scaled powers, the value before squaring and the number of squarings."""
    return _taylor.exponential(A, xp)


@expm.def_fast_jvp
def expm_fast_jvp(
    primals: Arrays,
    outputs: Arrays,
    kept: Arrays,
    tangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Array:
    """As the jvp, with the kept powers."""
    return _taylor.frechet(kept, tangents[0], xp)[1]


@expm.def_fast_vjp
def expm_fast_vjp(
    primals: Arrays,
    outputs: Arrays,
    kept: Arrays,
    cotangents: MaybeArrays,
    *,
    xp: Namespace,
) -> Array:
    """As the vjp, with the kept powers."""
    return _taylor.frechet(kept, cotangents[0], xp, conjugate=True)[1]
