"""Rules as differentiable operations of TensorFlow.

``gradrules`` finds `adapter` by itself once TensorFlow is imported.

===============  ====================================================================================
``_adapter``     the adapter: how a rule meets tapes and accumulators
``_graph``       how it meets graphs: ``tf.function`` differentiated from outside, loops, SavedModels
``_closures``    users' functions as arguments of rules
``_namespace``   the array namespace that rules compute with
``_linalg``      its linear algebra
``_hooks``       native routines beyond the array API: Schur, loops
``_host``        which tensors NumPy may read
``_natives``     TensorFlow's functions that rules stand in for
``_gradients``   the same for operations of graphs that are built elsewhere
``_transforms``  TensorFlow's transformations, as tests drive them
``_rows``        more of them, as users write them: for the transform matrix
===============  ====================================================================================
"""

from . import _hooks  # noqa: F401 (registers the native routines)
from ._adapter import adapter
from ._gradients import gradient_names, register_gradients

__all__ = ["adapter", "gradient_names", "register_gradients"]
