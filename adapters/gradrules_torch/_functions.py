"""A rule as an operation that torch can differentiate: two ``torch.autograd.Function``.

`Primal` evaluates a rule (inside ``torch.func`` as `TransformedPrimal`). Its backward and its jvp are the
rule's linear map, called by `linear`, which decides what it costs: where nothing can differentiate the map
again, the fast form at once, by NumPy if it is small; where plain autograd will, the closed form, recorded;
inside ``torch.func``, which records every map whether a second derivative follows or not, the operation
`Linear`: executed, it is the fast form; differentiated, the closed form. Nothing is ever differentiated
through a kept array.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.autograd.forward_ad as fwd
from torch._C import _are_functorch_transforms_active as transforming
from torch._functorch.utils import unwrap_dead_wrappers

from gradrules import Rule, lifted

from ._host import host
from ._namespace import xp

Arrays = tuple[Any, ...]
Options = tuple[tuple[str, Any], ...]
Mode = Literal["jvp", "vjp"]


@dataclass(frozen=True)
class Call:
    """A rule with its options; `keep` asks for the kept arrays after the outputs."""

    rule: Rule
    options: Options
    keep: bool


@dataclass(frozen=True)
class Map:
    """A rule's linear map, and how its operands are laid out.

    The operands are primals, outputs, kept arrays (as many as `counts` says) and those of the linear
    inputs that are `present`.
    """

    rule: Rule
    options: Options
    mode: Mode
    counts: tuple[int, int, int]
    present: tuple[bool, ...]

    def __call__(self, operands: Arrays, *, fast: bool) -> Arrays:
        primals, outputs, kept, given = split(operands, self.counts)
        values = iter(given)
        inputs = tuple(next(values) if here else None for here in self.present)
        return self.rule.linear(
            self.mode, primals, outputs, inputs, self.options, xp=xp, kept=kept if fast else None
        )


def split(operands: Arrays, counts: tuple[int, int, int]) -> tuple[Arrays, Arrays, Arrays, Arrays]:
    """The first three groups of `counts` arrays, and the rest."""
    p, o, k = counts
    operands = tuple(operands)
    return operands[:p], operands[p : p + o], operands[p + o : p + o + k], operands[p + o + k :]


class Primal(torch.autograd.Function):
    """The outputs of a rule, and the kept arrays if they are asked for."""

    @staticmethod
    def forward(ctx: Any, call: Call, *primals: Any) -> Arrays:
        """Evaluate, and save everything for both modes."""
        outputs, kept, small = host.evaluate(call.rule, primals, call.options, keep=call.keep)
        output = (*outputs, *kept) if small else owned((*outputs, *kept), primals)
        _save(ctx, call, primals, output, small=small)
        return output

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        """The vjp."""
        cotangents = cotangents[: ctx.counts[1]]
        if all(c is None for c in cotangents):
            return (None,) * len(ctx.needs_input_grad)
        call, rule = ctx.call, ctx.call.rule
        for position, name in enumerate(rule.inputs):
            if name in rule.nondifferentiable and ctx.needs_input_grad[1 + position]:
                raise rule.refusal(name)
        # A pull-back may outlive the level that recorded it; torch.func does not look through the rest.
        saved = unwrap_dead_wrappers(ctx.saved_tensors)
        primals, outputs, kept, _ = split(saved, ctx.counts)
        return None, *linear(
            rule, call.options, "vjp", primals, outputs, kept, cotangents, small=ctx.small
        )

    @staticmethod
    def jvp(ctx: Any, _static: None, *tangents: Any) -> tuple[Any, ...]:
        """The jvp."""
        with fwd._set_fwd_grad_enabled(True):  # noqa: FBT003 (torch's signature)
            operands = tuple(_stripped(x) for x in ctx.saved_tensors)
            primals, outputs, kept, _ = split(operands, ctx.counts)
            call = ctx.call
            values = linear(
                call.rule, call.options, "jvp", primals, outputs, kept, tangents, small=ctx.small
            )
            return *_dense(values, outputs), *(None for _ in kept)


class TransformedPrimal(Primal):
    """The same in the form that ``torch.func`` asks for, which costs 40 us more."""

    @staticmethod
    def forward(call: Call, *primals: Any) -> Arrays:  # type: ignore[override]
        """Evaluate."""
        outputs, kept = call.rule.evaluate_keep(primals, call.options, xp=xp, keep=call.keep)
        return owned((*outputs, *kept), primals)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Arrays) -> None:
        """Save everything."""
        call, *primals = inputs
        _save(ctx, call, tuple(primals), output, small=False)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], call: Call, *primals: Any) -> Any:
        """Rules take batch axes: move the mapped one to the front."""
        primals = _front(info, in_dims[1:], primals)
        call = replace(call, options=lifted(call.options))
        if call.keep:  # for the levels above, which cannot use what NumPy would keep
            outputs = TransformedPrimal.apply(call, *primals)
        else:  # nothing above is differentiated, but something below may be
            outputs = evaluate(call.rule, call.options, primals)
        return outputs, (0,) * len(outputs)


def _save(ctx: Any, call: Call, primals: Arrays, output: Arrays, *, small: bool) -> None:
    outputs = len(call.rule.outputs)
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*output[outputs:])
    ctx.call = call
    ctx.small = small
    ctx.counts = len(primals), outputs, len(output) - outputs
    ctx.save_for_backward(*primals, *output)
    ctx.save_for_forward(*primals, *output)


class Linear(torch.autograd.Function):
    """The linear map of a rule from tangent to tangent, or from cotangent to cotangent."""

    @staticmethod
    def forward(map_: Map, *operands: Any) -> Arrays:
        """Execute the fast form."""
        return map_(operands, fast=True)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Arrays) -> None:
        """Save all operands for both modes."""
        ctx.set_materialize_grads(False)
        ctx.map, *operands = inputs
        ctx.zero = tuple(y is None for y in output)
        ctx.save_for_backward(*operands)
        ctx.save_for_forward(*operands)

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        """In the linear inputs the map of the other mode; else the vjp of the closed form."""
        map_, operands = ctx.map, unwrap_dead_wrappers(ctx.saved_tensors)
        needed = ctx.needs_input_grad[1:]
        if all(c is None for c in cotangents):
            return (None,) * (1 + len(operands))
        primals, outputs, kept, given = split(operands, map_.counts)
        first = len(operands) - len(given)
        if not any(needed[:first]):
            other: Mode = "jvp" if map_.mode == "vjp" else "vjp"
            values = linear(map_.rule, map_.options, other, primals, outputs, kept, cotangents)
            here = tuple(v for v, p in zip(values, map_.present, strict=True) if p)
            return (None,) * (1 + first) + here
        positions = [i for i, need in enumerate(needed) if need]

        def closed(*active: Any) -> Arrays:
            replaced = list(operands)
            for i, x in zip(positions, active, strict=True):
                replaced[i] = x
            values = map_(tuple(replaced), fast=False)
            return tuple(v for v, c in zip(values, cotangents, strict=True) if c is not None)

        # Not autograd.grad, which needs that level.
        with torch.enable_grad():
            _, pullback = torch.func.vjp(closed, *(operands[i] for i in positions))
        values = pullback(tuple(c for c in cotangents if c is not None))
        found = dict(zip(positions, values, strict=True))
        return None, *(found.get(i) for i in range(len(operands)))

    @staticmethod
    def jvp(ctx: Any, _static: None, *tangents: Any) -> tuple[Any, ...]:
        """In the linear inputs the same map; else the jvp of the closed form."""
        map_ = ctx.map
        with fwd._set_fwd_grad_enabled(True):  # noqa: FBT003 (torch's signature)
            operands = tuple(_stripped(x) for x in ctx.saved_tensors)
            primals, outputs, kept, given = split(operands, map_.counts)
            first = len(operands) - len(given)
            if all(t is None for t in tangents[:first]):
                moving = iter(tangents[first:])
                inputs = tuple(next(moving) if p else None for p in map_.present)
                values = linear(map_.rule, map_.options, map_.mode, primals, outputs, kept, inputs)
            else:
                dual = tuple(
                    x if t is None else fwd.make_dual(x, t, level=0)
                    for x, t in zip(operands, tangents, strict=True)
                )
                values = tuple(
                    None if y is None else fwd.unpack_dual(y, level=0).tangent
                    for y in map_(dual, fast=False)
                )
            like = outputs if map_.mode == "jvp" else primals
            like = tuple(None if zero else x for zero, x in zip(ctx.zero, like, strict=True))
            return _dense(values, like)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], map_: Map, *operands: Any) -> Any:
        """As in `TransformedPrimal`."""
        map_ = replace(map_, options=lifted(map_.options))
        values = Linear.apply(map_, *_front(info, in_dims[1:], operands))
        return values, (0,) * len(values)


def evaluate(rule: Rule, options: Options, primals: Arrays) -> Arrays:
    """The outputs of a rule, differentiable; nothing is recorded or kept that nobody asks for."""
    if transforming():
        # Directly under vmap nothing differentiates yet; Primal.vmap asks again, one level below.
        top = torch._C._functorch.peek_interpreter_stack().key()
        keep = top != torch._C._functorch.TransformType.Vmap
    else:
        keep = _differentiated(primals) or fwd._current_level >= 0
        if not keep:
            return host.evaluate(rule, primals, options)[0]
    call = Call(rule, options, keep and rule.defines("keep"))
    function = TransformedPrimal if transforming() else Primal
    return function.apply(call, *primals)[: len(rule.outputs)]


def linear(
    rule: Rule,
    options: Options,
    mode: Mode,
    primals: Arrays,
    outputs: Arrays,
    kept: Arrays,
    inputs: tuple[Any, ...],
    *,
    small: bool = False,
) -> tuple[Any, ...]:
    """Apply the linear map, by the cheapest form that whoever is watching allows.

    With `small`, what is kept was made by NumPy, and serves it alone.
    """
    if not transforming():
        # Grad mode off does not mean unwatched: a backward pass inside a dual level carries tangents.
        # In a jvp the operands were stripped of theirs.
        watched = _differentiated((*primals, *outputs, *inputs)) or (
            mode == "vjp" and fwd._current_level >= 0
        )
        if not watched:
            return host.linear(rule, mode, primals, outputs, kept, inputs, options, small=small)
        kept = ()
    if small or not kept or not rule.defines(f"fast_{mode}"):
        return rule.linear(mode, primals, outputs, inputs, options, xp=xp)
    counts = len(primals), len(outputs), len(kept)
    map_ = Map(rule, options, mode, counts, tuple(x is not None for x in inputs))
    return Linear.apply(map_, *primals, *outputs, *kept, *(x for x in inputs if x is not None))


def _differentiated(arrays: tuple[Any, ...]) -> bool:
    return torch.is_grad_enabled() and any(a is not None and a.requires_grad for a in arrays)


def _stripped(x: Any) -> Any:
    # jvp is called with forward mode off (pytorch #197867), which drops the tangents of outer levels;
    # with it on, those of this level are still on the saved arrays, and would recurse for ever.
    return fwd.unpack_dual(x, level=0).primal


def _dense(values: tuple[Any, ...], like: tuple[Any, ...]) -> tuple[Any, ...]:
    """Zeros for what is absent: torch wants a tangent for each output that can have one."""
    return tuple(
        torch.zeros_like(x)
        if v is None and x is not None and (x.is_floating_point() or x.is_complex())
        else v
        for v, x in zip(values, like, strict=True)
    )


def owned(values: Arrays, primals: Arrays) -> Arrays:
    """None may share memory with an input, or torch would take it for a view."""
    return tuple(y.clone() if y._is_view() or any(y is x for x in primals) else y for y in values)


def _front(info: Any, in_dims: tuple[int | None, ...], arrays: Arrays) -> Arrays:
    return tuple(
        a.unsqueeze(0).expand(info.batch_size, *a.shape) if d is None else a.movedim(d, 0)
        for a, d in zip(arrays, in_dims, strict=True)
    )
