"""Carries gradrules rules into PyTorch.

A rule becomes two `torch.autograd.Function`: its primal, whose derivatives are the rule's jvp and
vjp, and its linear map from tangent to tangent, which is an operation of its own, so that it can run
the fast form and yet be differentiated as the closed form. Both modes, any nesting of them,
``torch.func``, ``torch.vmap`` and ``torch.compile`` follow from these two.

=================  ==============================================================================
``_adapter``       the adapter: when something is differentiated, and what ``torch.compile`` sees
``_closures``      users' functions as arguments of rules
``_export``        rules in programs that ``torch.export`` saves
``_functions``     the two autograd Functions
``_namespace``     the array API of torch, with the hot operations spelled natively
``_hooks``         native routines beyond the array API: LU, loops
``_host``          which tensors NumPy may read
``_natives``       torch's functions that rules stand in for, under ``gradrules.override``
``_sharding``      batches that are distributed over devices
``_transforms``    torch's transformations in the common form that the tests drive
``_rows``          more of them, as users write them: for the transform matrix
=================  ==============================================================================
"""

from ._adapter import adapter

__all__ = ["adapter"]
