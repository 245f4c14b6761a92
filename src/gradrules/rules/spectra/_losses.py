"""Losses of hard inputs: what a decomposition is asked for where it is degenerate."""

from ..._typing import Arrays, Namespace

__all__ = ["last_value", "last_vector", "no_slope", "of_cluster"]


def no_slope(outputs: Arrays, xp: Namespace) -> Arrays:
    """One whose first derivative is 0 where all values are 1."""
    off = outputs[0] - 1
    return (off * off,)


def of_cluster(outputs: Arrays, xp: Namespace) -> Arrays:
    """One that sees the vectors of the two lowest eigenvalues, which are equal, by their projector."""
    v = outputs[1]
    pairs = v[..., :, None, :2] * xp.conj(v)[..., None, :, :2]
    return (pairs[..., 0] + pairs[..., 1],)


def last_value(outputs: Arrays, xp: Namespace) -> Arrays:
    """One that sees the last eigenvalue alone."""
    return (outputs[0][..., -1:],)


def last_vector(outputs: Arrays, xp: Namespace) -> Arrays:
    """One that sees the vector of the last eigenvalue alone, by its projector."""
    v = outputs[1][..., :, -1:]
    return (v * xp.conj(xp.matrix_transpose(v)),)
