"""Norms of vectors and matrices, and what is made of them.

A file for each rule, of its name; and what they share:

==========  ===================
``_power``  powers of a modulus
==========  ===================
"""

from .cond import cond
from .ky_fan_norm import ky_fan_norm
from .matrix_norm import matrix_norm
from .schatten_norm import schatten_norm
from .vector_norm import vector_norm

__all__ = ["cond", "ky_fan_norm", "matrix_norm", "schatten_norm", "vector_norm"]
