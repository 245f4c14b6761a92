"""All the mathematics: one rule, one file, each a page that runs; a folder for each family."""

from . import (
    actions,
    factorizations,
    functions,
    norms,
    parts,
    products,
    projections,
    scalars,
    solves,
    spectra,
)
from .actions import *
from .factorizations import *
from .functions import *
from .norms import *
from .parts import *
from .products import *
from .projections import *
from .scalars import *
from .solves import *
from .spectra import *

__all__ = [
    *actions.__all__,
    *factorizations.__all__,
    *functions.__all__,
    *norms.__all__,
    *parts.__all__,
    *products.__all__,
    *projections.__all__,
    *scalars.__all__,
    *solves.__all__,
    *spectra.__all__,
]
