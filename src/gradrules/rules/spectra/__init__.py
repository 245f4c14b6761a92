"""Eigenvalues and singular values, with and without their vectors.

A file for each rule, of its name; and what they share:

=================  ===================================================================
``_gap_quotient``  division by gaps: what happens at equal eigenvalues
``_phase``         vectors that are unique up to a phase
``_losses``        what a decomposition is asked for where it is degenerate: for tests
``_known``         a rule of inputs and outputs, made of the derivatives of another
``_crossing``      NaN in second derivatives where eigenvectors have none
``_across``        derivative of a spectral projector
``_commutator``    triangular Sylvester equations, for `schur`
``_general``       what matrices that are not Hermitian share
``_mirror``        the Hermitian matrix that a triangle stands for
=================  ===================================================================
"""

from . import _mirror as _mirror
from .eig import eig
from .eig_generalized import eig_generalized
from .eigh import eigh
from .eigh_generalized import eigh_generalized
from .eigh_tridiagonal import eigh_tridiagonal
from .eigvals import eigvals
from .eigvals_generalized import eigvals_generalized
from .eigvalsh import eigvalsh
from .eigvalsh_generalized import eigvalsh_generalized
from .schur import schur
from .spectral_projector import spectral_projector
from .svd import svd
from .svdvals import svdvals

__all__ = [
    "eig",
    "eig_generalized",
    "eigh",
    "eigh_generalized",
    "eigh_tridiagonal",
    "eigvals",
    "eigvals_generalized",
    "eigvalsh",
    "eigvalsh_generalized",
    "schur",
    "spectral_projector",
    "svd",
    "svdvals",
]
