"""Eigenvalues and singular values, with and without their vectors."""

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
