"""Factorizations that are not spectral."""

from .cholesky import cholesky

__all__ = ["cholesky"]
