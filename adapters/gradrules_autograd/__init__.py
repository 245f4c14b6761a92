"""The bridge to HIPS autograd: a rule becomes an autograd primitive with the rule's derivatives.

======================  =========================================================================
`_adapter`              the :class:`gradrules.Adapter`, and how a rule becomes an operation
`_closures`             users' functions as arguments of rules
`_namespace`            ``autograd.numpy`` under array-API names: what derivatives are written with
`_natives`              autograd's functions that rules stand in for
`_transforms`           autograd's transformations, for the tests and ``gradrules check``
`_rows`                 more of them, as users write them: for the transform matrix
======================  =========================================================================

autograd has neither a vmap nor a compiler. Rules get plain NumPy whenever nothing is traced.
"""

from ._adapter import AutogradAdapter

__all__ = ["adapter"]

adapter = AutogradAdapter()
