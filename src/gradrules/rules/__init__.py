"""All the mathematics: one rule, one file, each a page that runs."""

from . import _mirror as _mirror
from .det import det
from .eigh import eigh
from .eigvalsh import eigvalsh
from .expm import expm
from .expm_frechet import expm_frechet
from .inv import inv
from .slogdet import slogdet
from .solve import solve

__all__ = [
    "det",
    "eigh",
    "eigvalsh",
    "expm",
    "expm_frechet",
    "inv",
    "slogdet",
    "solve",
]
