"""Functions of matrices."""

from .expm import expm
from .expm_frechet import expm_frechet

__all__ = ["expm", "expm_frechet"]
