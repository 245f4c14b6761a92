"""Determinants and other scalars of a matrix.

A file for each rule, of its name; and what they share:

=====================  ============================================================
``cofactor``           the cofactor matrix, an internal rule: the gradient of `det`
``_counted``           eigenvalues that are not zero
``_gradient``          derivatives, given a gradient that is Hermitian
``_partial_products``  products of all numbers but one or two
``_skew_elimination``  elimination in a skew-symmetric matrix
=====================  ============================================================
"""

from .det import det
from .logdet import logdet
from .logpdet import logpdet
from .pdet import pdet
from .pfaffian import pfaffian
from .slogdet import slogdet

__all__ = ["det", "logdet", "logpdet", "pdet", "pfaffian", "slogdet"]
