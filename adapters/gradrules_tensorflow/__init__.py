"""Rules as differentiable operations of TensorFlow.

``gradrules`` finds `adapter` by itself once TensorFlow is imported. To read: ``_adapter`` (how a
rule meets tapes and accumulators), ``_graph`` (how it meets graphs: ``tf.function`` differentiated
from outside, loops, ``vectorized_map``, SavedModels), ``_namespace`` and ``_linalg`` (the array
namespace that rules compute with), ``_hooks`` (native routines outside it), ``_natives`` (functions
that rules stand in for), ``_gradients`` (the same for operations of graphs built elsewhere),
``_transforms`` (TensorFlow's transformations, as tests drive them).
"""

from . import _hooks  # noqa: F401 (registers the native routines)
from ._adapter import adapter
from ._gradients import gradient_names, register_gradients

__all__ = ["adapter", "gradient_names", "register_gradients"]
