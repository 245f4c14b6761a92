"""Eigenvalues and singular values, with and without their vectors."""

from . import _mirror as _mirror
from .eigh import eigh
from .eigh_generalized import eigh_generalized
from .eigvalsh import eigvalsh
from .eigvalsh_generalized import eigvalsh_generalized
from .svd import svd
from .svdvals import svdvals

__all__ = ["eigh", "eigh_generalized", "eigvalsh", "eigvalsh_generalized", "svd", "svdvals"]
