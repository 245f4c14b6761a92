"""Products of vectors and matrices."""

from .cross import cross
from .inverse_quadratic_form import inverse_quadratic_form
from .khatri_rao import khatri_rao
from .kron import kron
from .matmul import matmul
from .matrix_power import matrix_power
from .outer import outer
from .quadratic_form import quadratic_form
from .vecdot import vecdot

__all__ = [
    "cross",
    "inverse_quadratic_form",
    "khatri_rao",
    "kron",
    "matmul",
    "matrix_power",
    "outer",
    "quadratic_form",
    "vecdot",
]
