"""Losses of hard inputs: what a decomposition is asked for where it is degenerate."""

from ..._typing import Arrays, Namespace

__all__ = ["no_slope", "of_cluster", "of_highest"]


def no_slope(outputs: Arrays, xp: Namespace) -> Arrays:
    """One whose first derivative is 0 where all values are 1."""
    off = outputs[0] - 1
    return (off * off,)


def of_cluster(outputs: Arrays, xp: Namespace) -> Arrays:
    """One that sees the vectors of the two lowest eigenvalues, which are equal, by their projector."""
    v = outputs[1]
    pairs = v[..., :, None, :2] * xp.conj(v)[..., None, :, :2]
    return (pairs[..., 0] + pairs[..., 1],)


def of_highest(outputs: Arrays, xp: Namespace) -> Arrays:
    """A loss that sees the vector of the highest eigenvalue, a simple one, by its projector."""
    v = outputs[1]
    return (v[..., :, None, -1:] * xp.conj(v)[..., None, :, -1:],)
