"""Linear systems and inverses."""

from .inv import inv
from .solve import solve

__all__ = ["inv", "solve"]
