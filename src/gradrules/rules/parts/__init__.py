"""Parts of a matrix, and the same entries otherwise arranged."""

from .diagonal import diagonal
from .matrix_transpose import matrix_transpose
from .trace import trace
from .unvech import unvech
from .vech import vech

__all__ = ["diagonal", "matrix_transpose", "trace", "unvech", "vech"]
