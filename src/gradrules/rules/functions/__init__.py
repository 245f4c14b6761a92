"""Functions of matrices.

A file for each rule, of its name; and what they share:

===========  ======================================
``_taylor``  the exponential by a Taylor polynomial
===========  ======================================
"""

from .expm import expm
from .expm_frechet import expm_frechet

__all__ = ["expm", "expm_frechet"]
