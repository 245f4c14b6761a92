"""A rule in a graph that ``torch.export`` saves: one operation, so that its derivative stays ours.

Taken apart into torch's own operations, a saved graph would be differentiated by torch's derivatives
of our primal. Whoever loads such a graph imports ``gradrules_torch`` first.
"""

import ast
from typing import Any

import torch

from gradrules import Rule
from gradrules.adapters import lookup
from gradrules.errors import UnsupportedTransformError

from ._functions import Arrays, Options, evaluate, owned
from ._namespace import xp

_LIBRARY = torch.library.Library("gradrules", "DEF")
_LIBRARY.define("apply(str rule, str options, Tensor[] arrays) -> Tensor[]")


def saved(rule: Rule, options: Options, arrays: Arrays) -> Arrays:
    """The outputs of `rule`, by an operation that a saved program can name."""
    return tuple(torch.ops.gradrules.apply(rule.name, _text(rule, options), list(arrays)))


@torch.compiler.assume_constant_result
def _text(rule: Rule, options: Options) -> str:
    """Options, written down.

    Raises
    ------
    UnsupportedTransformError
        If they cannot be read again, or the rule is not registered.
    """
    text = repr(options)
    try:
        if ast.literal_eval(text) == options and lookup(rule.name) is rule:
            return text
    except (ValueError, SyntaxError, KeyError):
        pass
    msg = (
        f"{rule.name}: torch.export saves registered rules, with options that are numbers, strings, "
        f"booleans or None; got {text}. Export a function that does not call it"
    )
    raise UnsupportedTransformError(msg)


def _plain(rule: str, options: str, arrays: list[Any]) -> list[Any]:
    outputs = lookup(rule).evaluate(tuple(arrays), ast.literal_eval(options), xp=xp)
    return list(owned(outputs, tuple(arrays)))


def _differentiable(rule: str, options: str, arrays: list[Any]) -> list[Any]:
    return list(evaluate(lookup(rule), ast.literal_eval(options), tuple(arrays)))


_LIBRARY.impl("apply", _plain, "CompositeExplicitAutograd")
_LIBRARY.impl("apply", _differentiable, "Autograd")
torch.library.register_fake("gradrules::apply", _plain, lib=_LIBRARY)
