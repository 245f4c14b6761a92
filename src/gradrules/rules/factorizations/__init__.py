"""Factorizations that are not spectral."""

from .cholesky import cholesky
from .ldl import ldl
from .lq import lq
from .lu import lu
from .qr import qr
from .rq import rq

__all__ = ["cholesky", "ldl", "lq", "lu", "qr", "rq"]
