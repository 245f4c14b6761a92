"""Columns that are unique up to a phase each: what gauges and derivatives of them share."""

from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import conj, is_complex, real

__all__ = ["align", "horizontal", "invariants", "level"]

GROUP = (
    "each eigenvector may be multiplied by a phase (real: a sign); derivatives are those with "
    "Im diag(V^H V_dot) = 0, and exact for every loss that does not see the phases"
)


def level(v: Array, y: Array, xp: Namespace) -> Array:
    """`y` without its part along ``i v``, column by column: along the orbit of the phase."""
    if not is_complex(v):
        return y
    along = xp.sum(xp.conj(v) * y, axis=-2) / xp.sum(xp.conj(v) * v, axis=-2)
    return y - v * (along - xp.astype(real(along, xp), along.dtype))[..., None, :]


def align(outputs: Arrays, reference: Arrays, xp: Namespace) -> Arrays:
    """Values, and vectors in the phases nearest to the reference."""
    w, v = outputs
    overlap = xp.sum(conj(v, xp) * reference[1], axis=-2)[..., None, :]
    return w, v * (overlap / xp.abs(overlap))


def invariants(outputs: Arrays, xp: Namespace) -> Arrays:
    """Values and projectors. Nothing is called: scripts of an audit hold this text alone."""
    w, v = outputs
    return w, v[..., :, None, :] * xp.conj(v)[..., None, :, :]


def horizontal(outputs: Arrays, cotangents: MaybeArrays, xp: Namespace) -> MaybeArrays:
    """Cotangents of a function that does not see the phases."""
    (_, v), (w_bar, v_bar) = outputs, cotangents
    return w_bar, None if v_bar is None else level(v, v_bar, xp)
