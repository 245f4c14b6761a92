"""Gradrules in JAX: every rule under `grad`, `jvp`, `vmap`, `jit`, `scan`, `checkpoint`, `export`.

A rule becomes a `jax.custom_jvp` function whose tangent map is one linear primitive of our own.
JAX transposes that primitive into the rule's vjp, so both modes run the rule's own derivative, and
differentiating it again runs the rule's closed form, to any order.

========================  ====================================================================
module                    what it holds
========================  ====================================================================
``_adapter``              how a rule becomes a differentiable function of JAX
``_linear``               the linear primitive: tangents to tangents, or cotangents to cotangents
``_hooks``                native routines: LU factorization, a loop, an identity matrix
``_transforms``           JAX's transformations as the tests drive them
========================  ====================================================================
"""

from . import _hooks as _hooks
from ._adapter import JaxAdapter

__all__ = ["adapter"]

adapter = JaxAdapter()
