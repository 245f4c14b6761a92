"""Eigenvalues and singular values, with and without their vectors."""

from . import _mirror as _mirror
from .eigh import eigh
from .eigvalsh import eigvalsh
from .svd import svd
from .svdvals import svdvals

__all__ = ["eigh", "eigvalsh", "svd", "svdvals"]
