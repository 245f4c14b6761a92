"""A rule at a value that is known already."""

import inspect
from typing import Any

from ..._rule import Rule, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import real

__all__ = ["known"]


def known(of: Rule, signature: str, reals: tuple[str, ...], **fixed: Any) -> Rule:
    """The rule `of`, given its inputs and its outputs: a function of the inputs alone.

    What ``degenerate="project"`` promises is about the loss, not about the derivative that it asks
    for, whose own derivative must therefore be the careful one. So that derivative sees the outputs
    through the rule that is made here, which projects nothing, and decomposes nothing again.

    `reals` are the outputs that are real whatever the inputs are; `fixed` are options that the
    derivatives of `of` are called with.
    """
    count = len(of.inputs)

    def primal(*arrays: Array, xp: Namespace, **options: Any) -> Arrays:
        return tuple(
            (real(y, xp) if name in reals else y) * 1
            for name, y in zip(of.outputs, arrays[count:], strict=True)
        )

    names = (*of.inputs, *(f"value_{i}" for i in range(len(of.outputs))))
    kind = inspect.Parameter
    # A rule's inputs and options are those of its primal.
    primal.__signature__ = inspect.Signature([  # type: ignore[attr-defined]
        *(kind(name, kind.POSITIONAL_ONLY) for name in names),
        *(kind(name, kind.KEYWORD_ONLY, default=value)
          for name, value in of.defaults.items() if name not in fixed),
        kind("xp", kind.KEYWORD_ONLY),
    ])  # fmt: skip
    made = rule(name=f"_{of.name}_known", signature=signature, outputs=of.outputs)(primal)

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
