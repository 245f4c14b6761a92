"""All the mathematics: one rule, one file, each a page that runs; a folder for each family.

What families share is in the files that begin with an underscore; what the rules of one share, likewise
in its folder.

==================  =======================================================================
``actions``         what is known of a matrix by its action, or of a function by its values
``factorizations``  factorizations that are not spectral
``functions``       functions of matrices
``norms``           norms of vectors and matrices
``parts``           parts of a matrix, and other arrangements
``products``        products of vectors and matrices
``projections``     projections, nearest matrices, pseudo-inverses
``scalars``         determinants and other scalars
``solves``          linear systems and inverses
``spectra``         eigenvalues and singular values
``_matrix``         small operations on matrices
``_options``        checks of the values of options
``_rank``           which singular values are zero
``_kinked``         values that have no derivative
==================  =======================================================================
"""

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
