"""The primitive ``gradrules_linear``: a rule's jvp or vjp as one linear operation of JAX.

Its operands are the primals, the outputs and the kept arrays of a call of the rule (together the
*point*), then the linear inputs: the tangents, or cotangents, that are not zero. What it means is
said four times, once to each part of JAX:

* executed or compiled, it runs the rule's fast form with the kept arrays;
* transposed, it is the other mode of the same rule at the same point;
* differentiated along its linear inputs, it is itself; along primals and outputs, it is the
  derivative of the rule's closed form. Kept arrays are functions of the primals, but the closed
  form does not read them, so that their tangents, always zero here, do not matter;
* under `vmap`, it is itself on one more batch axis.
"""

import functools
import itertools
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import jax
import jax.numpy as jnp
from jax.interpreters import ad

from gradrules import Rule

from ._primitive import compiled, is_zero, make_primitive, zero

__all__ = ["push_forward"]

Array = Any
Operands = Sequence[Array]
Mask = tuple[bool, ...]


@dataclass(frozen=True)
class Call:
    """What is static about one use of the primitive. `given` and `wanted` mark linear in- and outputs."""

    rule: Rule
    options: tuple[tuple[str, Hashable], ...]
    mode: Literal["jvp", "vjp"]
    kept: int
    given: Mask
    wanted: Mask

    @property
    def residuals(self) -> int:
        """How many operands the closed form reads: primals and outputs."""
        return len(self.rule.inputs) + len(self.rule.outputs)

    @property
    def point(self) -> int:
        """How many operands come before the linear inputs."""
        return self.residuals + self.kept

    def targets(self, operands: Operands) -> list[Any]:
        """The operands whose shapes and dtypes the results have."""
        primals = len(self.rule.inputs)
        like = operands[primals : self.residuals] if self.mode == "jvp" else operands[:primals]
        return list(itertools.compress(like, self.wanted))

    def transposed(self, given: Mask) -> "Call":
        """The other mode, from what was wanted to what was given."""
        mode: Literal["jvp", "vjp"] = "vjp" if self.mode == "jvp" else "jvp"
        return replace(self, mode=mode, given=given, wanted=self.given)


def push_forward(
    rule: Rule,
    options: tuple[tuple[str, Hashable], ...],
    point: tuple[Operands, Operands, Operands],
    tangents: Operands,
) -> list[Any]:
    """Output tangents of `rule` at ``point = (primals, outputs, kept)``; symbolic zeros where none.

    Parameters
    ----------
    tangents
        One per primal, some of them symbolic zeros.
    """
    primals, outputs, kept = point
    given = tuple(not is_zero(t) for t in tangents)
    wanted = tuple(jnp.issubdtype(y.dtype, jnp.inexact) for y in outputs)
    if not (any(given) and any(wanted)):
        return [zero(y) for y in outputs]
    call = Call(rule, options, "jvp", len(kept), given, wanted)
    nonzero = itertools.compress(tangents, given)
    dots = iter(_bind(*primals, *outputs, *kept, *nonzero, call=call))
    return [next(dots) if w else zero(y) for w, y in zip(wanted, outputs, strict=True)]


# -- its value -------------------------------------------------------------------------------------


def _evaluate(call: Call, *operands: Array, fast: bool = True) -> list[Array]:
    """Run the rule's derivative: the fast form, or the closed one, which can be differentiated."""
    ends = (0, len(call.rule.inputs), call.residuals, call.point)
    primals, outputs, kept = (tuple(operands[i:j]) for i, j in itertools.pairwise(ends))
    inputs = _scatter(operands[call.point :], call.given)
    # JAX pairs complex numbers without conjugation, gradrules with it.
    if call.mode == "vjp":
        inputs = _conjugate(inputs)
    results = call.rule.linear(
        call.mode, primals, outputs, inputs, call.options, xp=jnp, kept=kept if fast else None
    )
    if call.mode == "vjp":
        results = _conjugate(results)
    return [
        jnp.zeros_like(target) if result is None else result
        for result, target in zip(
            itertools.compress(results, call.wanted), call.targets(operands), strict=True
        )
    ]


def _scatter(values: Iterable[Any], mask: Mask) -> tuple[Any, ...]:
    """The values at the marked places, `None` elsewhere; the inverse of `itertools.compress`."""
    rest: Iterator[Any] = iter(values)
    return tuple(next(rest) if marked else None for marked in mask)


def _conjugate(arrays: Iterable[Array | None]) -> tuple[Array | None, ...]:
    return tuple(a if a is None or not jnp.iscomplexobj(a) else jnp.conj(a) for a in arrays)


_closed = functools.partial(_evaluate, fast=False)
_linear_p, _bind = make_primitive("gradrules_linear", _evaluate)


@_linear_p.def_abstract_eval
def _abstract(*operands: Any, call: Call) -> list[Any]:
    return [target.strip_weak_type() for target in call.targets(operands)]


# -- its transformations ---------------------------------------------------------------------------


def _jvp(primals: Operands, tangents: Operands, *, call: Call) -> tuple[Any, Any]:
    results = _bind(*primals, call=call)
    one, other = _along_inputs(primals, tangents, call), _along_point(primals, tangents, call)
    if one is None and other is None:
        return results, [zero(r) for r in results]
    if one is None or other is None:
        return results, one or other
    return results, [a + b for a, b in zip(one, other, strict=True)]


def _along_inputs(primals: Operands, tangents: Operands, call: Call) -> Any:
    """The operation is linear: the same again, of the tangents of the linear inputs."""
    moving = _scatter(tangents[call.point :], call.given)
    given = tuple(not is_zero(t) for t in moving)
    if not any(given):
        return None
    nonzero = itertools.compress(moving, given)
    return _bind(*primals[: call.point], *nonzero, call=replace(call, given=given))


def _along_point(primals: Operands, tangents: Operands, call: Call) -> Any:
    """The derivative of the closed form along those primals and outputs that have a tangent."""
    moves = tuple(not is_zero(t) for t in tangents[: call.residuals])
    if not any(moves):
        return None
    # Compiled as one piece: fast in eager mode, and `jax_debug_nans` does not stop at a NaN that
    # the closed form selects away.
    closed = compiled(_closed, replace(call, kept=0))
    inputs = primals[call.point :]

    def value(*moving: Array) -> Any:
        there = _scatter(moving, moves)
        residuals = [p if m is None else m for p, m in zip(primals, there, strict=False)]
        return closed(*residuals, *inputs)

    return jax.jvp(
        value,
        tuple(itertools.compress(primals, moves)),
        tuple(itertools.compress(tangents, moves)),
    )[1]


def _transpose(cotangents: Operands, *operands: Any, call: Call) -> list[Any]:
    cotangents = _scatter(cotangents, call.wanted)
    given = tuple(not is_zero(c) for c in cotangents)
    constant: list[Any] = [None] * call.point
    if not any(given):
        return constant + [ad.Zero(x.aval) for x in operands[call.point :]]
    nonzero = itertools.compress(cotangents, given)
    results = _bind(*operands[: call.point], *nonzero, call=call.transposed(given))
    return constant + list(results)


ad.primitive_jvps[_linear_p] = _jvp
ad.primitive_transposes[_linear_p] = _transpose
