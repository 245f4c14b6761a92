"""What a matrix has without a choice of basis: projections, nearest matrices, pseudo-inverses."""

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
