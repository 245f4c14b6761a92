"""Factorizations that are not spectral.

A file for each rule, of its name; and what they share:

================  =================================================
``_elimination``  elimination where there is no routine
``_independent``  whether the columns of a triangle are independent
``_signs``        what is not unique: signs
================  =================================================
"""

from .cholesky import cholesky
from .ldl import ldl
from .lq import lq
from .lu import lu
from .qr import qr
from .rq import rq

__all__ = ["cholesky", "ldl", "lq", "lu", "qr", "rq"]
