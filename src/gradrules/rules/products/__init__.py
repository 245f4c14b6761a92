"""Products of vectors and matrices.

A file for each rule, of its name; and

=================  ===============================================================
``_compositions``  functions without a rule of their own: `multi_dot`, `tensordot`
=================  ===============================================================
"""

from ._compositions import multi_dot, tensordot
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
    "multi_dot",
    "outer",
    "quadratic_form",
    "tensordot",
    "vecdot",
]
