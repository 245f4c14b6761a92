"""Determinants and other scalars of a matrix."""

from .det import det
from .logdet import logdet
from .pfaffian import pfaffian
from .slogdet import slogdet

__all__ = ["det", "logdet", "pfaffian", "slogdet"]
