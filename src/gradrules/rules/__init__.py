"""All the mathematics: one rule, one file, each a page that runs; a folder for each family."""

from . import actions, functions, scalars, solves, spectra
from .actions import *
from .functions import *
from .scalars import *
from .solves import *
from .spectra import *

__all__ = [
    *actions.__all__,
    *functions.__all__,
    *scalars.__all__,
    *solves.__all__,
    *spectra.__all__,
]
