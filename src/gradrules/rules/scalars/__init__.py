"""Determinants and other scalars of a matrix."""

from .det import det
from .slogdet import slogdet

__all__ = ["det", "slogdet"]
