"""Internal rules that are made of the derivatives of another rule."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from ..._rule import Rule, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import real

__all__ = ["derived", "known", "restored"]


def restored(of: Rule, outputs: Arrays, reals: tuple[str, ...], xp: Namespace) -> Arrays:
    """Outputs of the rule `of` as it made them: beside complex arrays a rule is given all as complex.

    `reals` are those that are real whatever the inputs are.
    """
    return tuple(
        real(y, xp) if name in reals else y for name, y in zip(of.outputs, outputs, strict=True)
    )


def derived(
    of: Rule,
    name: str,
    arrays: Iterable[str],
    primal: Callable[..., Any],
    *,
    signature: str,
    outputs: tuple[str, ...] = ("result",),
    fixed: Iterable[str] = (),
) -> Rule:
    """A rule of the named arrays, with the options of the rule `of` but for those that are `fixed`."""

    def function(*given: Array, xp: Namespace, **_: Any) -> Any:
        return primal(*given, xp=xp)

    kind = inspect.Parameter
    # A rule's inputs and options are those of its primal.
    function.__signature__ = inspect.Signature([  # type: ignore[attr-defined]
        *(kind(array, kind.POSITIONAL_ONLY) for array in arrays),
        *(kind(option, kind.KEYWORD_ONLY, default=value)
          for option, value in of.defaults.items() if option not in fixed),
        kind("xp", kind.KEYWORD_ONLY),
    ])  # fmt: skip
    return rule(name=f"_{of.name}_{name}", signature=signature, outputs=outputs)(function)


def known(of: Rule, signature: str, reals: tuple[str, ...], **fixed: Any) -> Rule:
    """The rule `of`, given its inputs and its outputs: a function of the inputs alone.

    What ``degenerate="project"`` promises is about the loss, not about the derivative that it asks
    for, whose own derivative must therefore be the careful one. So that derivative sees the outputs
    through the rule that is made here, which projects nothing, and decomposes nothing again.

    `reals` are the outputs that are real whatever the inputs are; `fixed` are options that the
    derivatives of `of` are called with.
    """
    count = len(of.inputs)

    def primal(*arrays: Array, xp: Namespace) -> Arrays:
        return tuple(y * 1 for y in restored(of, arrays[count:], reals, xp))

    names = (*of.inputs, *(f"value_{i}" for i in range(len(of.outputs))))
    made = derived(of, "known", names, primal, signature=signature, outputs=of.outputs, fixed=fixed)

    @made.def_jvp
    def jvp(
        primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace, **options: Any
    ) -> MaybeArrays:
        static = of.static_options({**options, **fixed})
        return of.linear("jvp", primals[:count], outputs, tangents[:count], static, xp=xp)

    @made.def_vjp
    def vjp(
        primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace, **options: Any
    ) -> MaybeArrays:
        static = of.static_options({**options, **fixed})
        bars = of.linear("vjp", primals[:count], outputs, cotangents, static, xp=xp)
        return (*bars, *(None for _ in of.outputs))

    return made
