"""Linear systems and inverses."""

from .cho_solve import cho_solve
from .inv import inv
from .solve import solve
from .solve_toeplitz import solve_toeplitz
from .solve_triangular import solve_triangular

__all__ = ["cho_solve", "inv", "solve", "solve_toeplitz", "solve_triangular"]
