"""How far a computed number may be from the truth: the one place that decides.

A backward stable algorithm returns the exact answer of data that are off by a few ``n * eps``. So an
error is allowed of

    SAFETY * n * eps * (|q| + |Dq[delta]|)

where q is the true quantity (a value, a derivative), ``delta`` a perturbation of the primals as
large as the primals, and ``Dq[delta]`` the change of q that it causes to first order: the
conditioning of the question, measured at 140 digits at the very input. Nothing else loosens it.
"""

from typing import Any

import numpy as np

SAFETY = 64.0
EPS = {"float32": 2.0**-23, "complex64": 2.0**-23, "float64": 2.0**-52, "complex128": 2.0**-52}


def largest(array: Any) -> float:
    """Largest absolute value; 0 for an empty array."""
    array = np.asarray(array)
    return float(np.max(np.abs(array))) if array.size else 0.0


def allowed(dtype: str, size: int, quantity: float, change: float, doubt: float = 0.0) -> float:
    """The error that is allowed for a quantity, see the module's docstring.

    `doubt` is the relative error of the truth itself, where that had to be extrapolated.
    """
    with np.errstate(over="ignore"):
        smallest = float(np.finfo(dtype).tiny)
        return (
            SAFETY * max(size, 1) * EPS[dtype] * (quantity + change) + doubt * quantity + smallest
        )


def explained(dtype: str, size: int, quantity: float, change: float, doubt: float = 0.0) -> str:
    """Where the number that :func:`allowed` returns comes from, in words."""
    extrapolated = f", and {doubt:.1e} |q| for the extrapolated truth" if doubt else ""
    return (
        f"{SAFETY:g} n eps (|q| + |Dq[delta]|) with n = {max(size, 1)}, eps = {EPS[dtype]:.1e}, "
        f"|q| = {quantity:.2e}, |Dq[delta]| = {change:.2e}{extrapolated}"
    )
