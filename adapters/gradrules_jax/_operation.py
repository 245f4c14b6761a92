"""The primitive ``gradrules``: a rule's primal, with the rule's derivative.

Executed, it runs the primal; its derivative is the primal again, now with kept arrays if the rule
has them, and the primitive of `_linear` at that point.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from jax.interpreters import ad

from gradrules import Rule

from ._linear import push_forward
from ._primitive import compiled, is_zero, make_primitive, zero

__all__ = ["apply", "execute"]

Array = Any
Arrays = tuple[Array, ...]
Options = tuple[tuple[str, Hashable], ...]


@dataclass(frozen=True)
class Call:
    """A rule (not its name: a rule that replaces another is another key) and its options."""

    rule: Rule
    options: Options
    keep: bool = False


def apply(rule: Rule, options: Options, arrays: Arrays) -> Arrays:
    """The outputs of `rule`, differentiably."""
    return tuple(_bind(*arrays, call=Call(rule, options)))


def execute(rule: Rule, options: Options, arrays: Arrays) -> Arrays:
    """The outputs of `rule` for arrays that nothing differentiates."""
    return tuple(compiled(_evaluate, Call(rule, options))(*arrays))


def _evaluate(call: Call, *arrays: Array) -> list[Array]:
    outputs, kept = call.rule.evaluate_keep(arrays, call.options, xp=jnp, keep=call.keep)
    return [*outputs, *kept]


_operation_p, _bind = make_primitive("gradrules", _evaluate)


@_operation_p.def_abstract_eval
def _abstract(*operands: Any, call: Call) -> Any:
    return jax.make_jaxpr(compiled(_evaluate, call))(*operands).out_avals


def _jvp(primals: Sequence[Array], tangents: Sequence[Any], *, call: Call) -> tuple[Any, Any]:
    rule = call.rule
    for position, (name, tangent) in enumerate(zip(rule.inputs, tangents, strict=True)):
        if not (rule.differentiable(position) or is_zero(tangent)):
            raise rule.refusal(name)
    results = _bind(*primals, call=replace(call, keep=rule.defines("keep")))
    outputs, kept = results[: len(rule.outputs)], results[len(rule.outputs) :]
    dots = push_forward(rule, call.options, (primals, outputs, kept), tangents)
    if not call.keep:
        return outputs, dots
    # Nothing is differentiated through what is kept.
    return results, [*dots, *map(zero, kept)]


ad.primitive_jvps[_operation_p] = _jvp
