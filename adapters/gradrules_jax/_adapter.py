"""The adapter: which arrays are JAX's, and how a rule is applied to them."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradrules import Adapter, FlatFunction, Function, Rule

from ._closures import close
from ._natives import NATIVES
from ._operation import apply, execute
from ._transforms import JaxTransforms

__all__ = ["JaxAdapter"]

Array = Any
Arrays = tuple[Array, ...]
Options = tuple[tuple[str, Hashable], ...]


class JaxAdapter(Adapter):
    """Carries rules into JAX; NumPy arrays may stand beside JAX's own."""

    name = "jax"
    xp = jnp
    transforms = JaxTransforms()
    companions = (np.ndarray, np.generic)
    natives = NATIVES
    trace_key = jax.make_user_context()

    def handles(self, kind: type) -> bool:
        """Whether `kind` is JAX's array type, or a tracer of any transformation."""
        return issubclass(kind, jax.Array | jax.core.Tracer)

    def check(self, rule: Rule, arrays: Arrays) -> Arrays:
        """As every adapter; NumPy arrays become JAX's, with the dtype that JAX gives them."""
        return self.adopt(super().check(rule, arrays))

    def adopt(self, arrays: Arrays) -> Arrays:
        """NumPy arrays as JAX's."""
        if any(isinstance(a, self.companions) for a in arrays):
            return tuple(jnp.asarray(a) for a in arrays)
        return arrays

    def flatten(self, tree: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """By `jax.tree`, with `None` as a leaf: a tangent may be zero."""
        leaves, structure = jax.tree.flatten(tree, is_leaf=lambda x: x is None)
        return leaves, structure.unflatten

    def close(self, rule: str, f: FlatFunction, example: Arrays) -> tuple[Function, Arrays]:
        """Tracers that `f` captures become arguments."""
        return close(rule, f, example)

    def apply(self, rule: Rule, arrays: Arrays, options: Options) -> Arrays:
        """Evaluate `rule`; without tracers nothing can differentiate, and the primal is enough."""
        if any(isinstance(a, jax.core.Tracer) for a in arrays):
            return apply(rule, options, arrays)
        return execute(rule, options, arrays)
