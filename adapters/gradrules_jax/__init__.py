"""Gradrules in JAX: every rule under `grad`, `jvp`, `vmap`, `jit`, `scan`, `checkpoint`, `export`.

A rule becomes two primitives of JAX. One is its primal; the other, linear, maps tangents to tangents
and is the derivative of the first. JAX transposes the second into the rule's vjp, so that both modes
run the rule's own derivatives, and differentiating them again runs their closed form, to any order.

==================  ======================================================================
module              what it holds
==================  ======================================================================
``_adapter``        what gradrules sees: which arrays are JAX's, and how a rule is applied
``_operation``      the first primitive: a rule's primal, and its derivative
``_linear``         the second: tangents to tangents, or cotangents to cotangents
``_primitive``      what the two share: value, `vmap`, `jit`, `shard_map`
``_sharding``       batches that are split over an explicit mesh
``_closures``       users' functions as arguments of rules
``_hooks``          native routines beyond the array API: LU, Schur, loops
``_natives``        JAX's functions that rules stand in for, under ``gradrules.override``
``_transforms``     JAX's transformations as the tests drive them
``_rows``           more of them, as users write them: for the transform matrix
==================  ======================================================================
"""

from . import _hooks as _hooks
from ._adapter import JaxAdapter

__all__ = ["adapter"]

adapter = JaxAdapter()
