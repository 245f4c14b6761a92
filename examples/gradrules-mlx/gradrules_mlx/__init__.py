"""Carries rules into MLX: written from outside, with the public names of gradrules alone.

=============  ==========================================================================
`_adapter`     the adapter, and how a rule becomes an operation of MLX
`_namespace`   ``mlx.core`` as the array namespace that rules compute with
`_transforms`  MLX's transformations, for tests and ``gradrules check``
=============  ==========================================================================
"""

from ._adapter import MlxAdapter

__all__ = ["adapter"]

adapter = MlxAdapter()
