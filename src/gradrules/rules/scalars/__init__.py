"""Determinants and other scalars of a matrix."""

from .det import det
from .logdet import logdet
from .slogdet import slogdet

__all__ = ["det", "logdet", "slogdet"]
