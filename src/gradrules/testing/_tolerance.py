"""How far a computed number may be from the truth: the one place that decides.

A backward stable algorithm returns the exact answer of data that are off by a few ``n * eps``. So an
error is allowed of

    SAFETY * n * eps * (|q| + |Dq[delta]|)

where q is the true quantity (a value, a derivative), ``delta`` a perturbation of the primals as
large as the primals, and ``Dq[delta]`` the change of q that it causes to first order: the
conditioning of the question, measured at 140 digits at the very input. Nothing else loosens it.
"""

from typing import Any, Self

import numpy as np

SAFETY = 64.0
EPS = {"float32": 2.0**-23, "complex64": 2.0**-23, "float64": 2.0**-52, "complex128": 2.0**-52}


def largest(array: Any) -> float:
    """Largest absolute value; 0 for an empty array."""
    array = np.asarray(array)
    return float(np.max(np.abs(array))) if array.size else 0.0


class Tolerance(float):
    """An allowed error that remembers what it was made of, for whoever reads a failure."""

    origin: str

    def __new__(cls, value: float, origin: str) -> Self:
        """A number, and its origin in words."""
        made = super().__new__(cls, value)
        made.origin = origin
        return made

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]
        """For copies."""
        return float(self), self.origin

    def __truediv__(self, scale: float) -> "Tolerance":
        """The same relative to something."""
        words = self.origin if scale == 1.0 else f"({self.origin}) / {scale:.2e}"
        return Tolerance(float(self) / scale, words)


def allowed(dtype: str, size: int, quantity: float, change: float, doubt: float = 0.0) -> Tolerance:
    """The error that is allowed for a quantity, see the module's docstring.

    `doubt` is the relative error of the truth itself, where that had to be extrapolated.
    """
    n, eps = max(size, 1), EPS[dtype]
    with np.errstate(over="ignore"):
        smallest = float(np.finfo(dtype).tiny)
        value = SAFETY * n * eps * (quantity + change) + doubt * quantity + smallest
    origin = (
        f"{SAFETY:.0f} n eps (|q| + |Dq[delta]|), n = {n}, eps = {eps:.1e}, |q| = {quantity:.2e}, "
        f"|Dq[delta]| = {change:.2e}"
    )
    if doubt:
        origin += f"; + {doubt:.0e} |q|, the truth being extrapolated"
    return Tolerance(value, origin)
