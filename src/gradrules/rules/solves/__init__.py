"""Linear systems and inverses: a file for each rule, of its name."""

from .cho_solve import cho_solve
from .inv import inv
from .lstsq import lstsq
from .ridge import ridge
from .solve import solve
from .solve_banded import solve_banded
from .solve_toeplitz import solve_toeplitz
from .solve_triangular import solve_triangular
from .tridiagonal_solve import tridiagonal_solve

__all__ = [
    "cho_solve",
    "inv",
    "lstsq",
    "ridge",
    "solve",
    "solve_banded",
    "solve_toeplitz",
    "solve_triangular",
    "tridiagonal_solve",
]
