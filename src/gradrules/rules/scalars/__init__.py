"""Determinants and other scalars of a matrix."""

from .det import det
from .logdet import logdet
from .logpdet import logpdet
from .pdet import pdet
from .pfaffian import pfaffian
from .slogdet import slogdet

__all__ = ["det", "logdet", "logpdet", "pdet", "pfaffian", "slogdet"]
