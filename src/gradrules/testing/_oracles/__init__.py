"""The primals of our rules at 140 digits: object arrays of mpmath numbers in, the same out.

A file for each folder of `gradrules.rules` whose rules take arrays alone; in ``_exact`` what they share.
"""

from .factorizations import *
from .functions import *
from .norms import *
from .parts import *
from .products import *
from .projections import *
from .scalars import *
from .solves import *
from .spectra import *
