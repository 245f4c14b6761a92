"""What a matrix has without a choice of basis: projections, nearest matrices, pseudo-inverses.

A file for each rule, of its name; and what they share:

========================  ======================================
``_singular_projectors``  projectors onto singular vectors
``_skew_sylvester``       ``P X + X P = C`` for skew-Hermitian C
========================  ======================================
"""

from .low_rank_approximation import low_rank_approximation
from .null_projector import null_projector
from .orthogonal_procrustes import orthogonal_procrustes
from .pinv import pinv
from .pinvh import pinvh
from .polar import polar
from .range_projector import range_projector

__all__ = [
    "low_rank_approximation",
    "null_projector",
    "orthogonal_procrustes",
    "pinv",
    "pinvh",
    "polar",
    "range_projector",
]
