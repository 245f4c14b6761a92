"""Parts of a matrix, and the same entries otherwise arranged.

A file for each rule, of its name; and what they share:

============  =================================================
``_offset``   diagonals beside the main one
``_packing``  where the entries of a triangle stand in a vector
============  =================================================
"""

from .diagonal import diagonal
from .matrix_transpose import matrix_transpose
from .trace import trace
from .unvech import unvech
from .vech import vech

__all__ = ["diagonal", "matrix_transpose", "trace", "unvech", "vech"]
