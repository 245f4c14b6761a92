"""The adapter itself, and what ``torch.compile`` is shown of it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils import _pytree as pytree

from gradrules import Adapter, FlatFunction, Function, Rule

from . import _hooks  # noqa: F401 (imported for what it provides)
from ._closures import close
from ._export import saved
from ._functions import Arrays, Options, evaluate
from ._namespace import xp
from ._natives import NATIVES
from ._sharding import is_distributed, on_shards
from ._transforms import TorchTransforms

# Rules met by torch.compile, under names that are never used twice (a rule may be replaced).
_COMPILED: dict[str, Rule] = {}


@torch.compiler.assume_constant_result
def _key(rule: Rule) -> str:
    key = f"{rule.name}-{id(rule)}"
    _COMPILED[key] = rule
    return key


# torch.compile puts a call of this into its graph as it stands; its arguments must be strings, numbers
# and tensors. AOT autograd then runs it, autograd.Functions and all. (Dynamo itself does not take a
# Function that has a jvp.)
@torch.compiler.allow_in_graph
def _opaque(key: str, options: Options, *arrays: Any) -> Arrays:
    return _evaluate(_COMPILED[key], options, arrays)


# Rules of functions run between the graphs that torch.compile makes: nothing of them is compiled.
_close = torch.compiler.disable(close)


@torch.compiler.disable
def _uncompiled(rule: Rule, options: Options, arrays: Arrays) -> Arrays:
    return evaluate(rule, options, _visible(arrays))


def _evaluate(rule: Rule, options: Options, arrays: Arrays) -> Arrays:
    if any(map(is_distributed, arrays)):
        return on_shards(rule, arrays, partial(evaluate, rule, options))
    return evaluate(rule, options, arrays)


def _visible(tensors: Arrays) -> Arrays:
    """`tensors`, so that function modes see them: an `autograd.Function` is hidden from modes."""
    if torch._C._len_torch_function_stack() == 0:
        return tensors
    return tuple(x.view_as(x) for x in tensors)


class TorchAdapter(Adapter):
    """PyTorch tensors and their subclasses."""

    name = "torch"
    xp = xp
    transforms = TorchTransforms()
    natives = NATIVES

    def handles(self, kind: type) -> bool:
        """Whether `kind` is a tensor type."""
        return issubclass(kind, torch.Tensor)

    def apply(self, rule: Rule, arrays: Arrays, options: Options) -> Arrays:
        """Evaluate `rule` so that torch differentiates it by the rule's derivatives."""
        if rule.signature.function:
            outputs: Arrays = _uncompiled(rule, options, arrays)
            return outputs
        if torch.compiler.is_exporting():
            return saved(rule, options, arrays)
        if torch.compiler.is_dynamo_compiling():
            return _opaque(_key(rule), tuple(options), *arrays)
        return _evaluate(rule, options, _visible(arrays))

    def flatten(self, tree: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
        """By torch's own trees."""
        leaves, structure = pytree.tree_flatten(tree)
        return leaves, lambda new: pytree.tree_unflatten(list(new), structure)

    def close(self, rule: str, f: FlatFunction, example: Arrays) -> tuple[Function, Arrays]:
        """Tensors that `f` captures become arguments."""
        found: tuple[Function, Arrays] = _close(rule, f, example)
        return found

    def opaque(self, function: Any) -> Any:
        """``torch.compile`` puts the call into its graph as it stands, as it does native calls."""
        return torch.compiler.allow_in_graph(function)

    def device(self, array: Any) -> torch.device:
        """The device of a tensor."""
        return array.device


adapter = TorchAdapter()
