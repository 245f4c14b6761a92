"""What is measured: a rule, and the part of its outputs that a loss sees."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gradrules import Rule, registry

Arrays = tuple[Any, ...]


def _all(outputs: Arrays, n: int) -> Arrays:  # noqa: ARG001
    return outputs


def _none(n: int) -> dict[str, Any]:  # noqa: ARG001
    return {}


@dataclass(frozen=True)
class Question:
    """One use of a rule.

    Attributes
    ----------
    rule, use
        Its name, and what of its outputs is used.
    options
        The options with which our rule gives exactly that, for matrices of order n.
    ours, native
        What is used of the outputs, of the rule and of the framework's function.
    """

    rule: str
    use: str = "all"
    options: Callable[[int], dict[str, Any]] = _none
    ours: Callable[[Arrays, int], Arrays] = _all
    native: Callable[[Arrays, int], Arrays] = _all


def _output(position: int) -> Callable[[Arrays, int], Arrays]:
    return lambda outputs, _: (outputs[position],)


def questions(rules: Sequence[str]) -> Iterator[Question]:
    """All uses of some rules: everything, and each output alone."""
    for name in rules:
        rule: Rule = registry[name]
        yield Question(name)
        for position, output in enumerate(rule.outputs):
            if len(rule.outputs) > 1:
                one = _output(position)
                yield Question(name, output, ours=one, native=one)
        if "subset_by_index" in rule.defaults:
            yield Question(name, "highest n/8", _highest, native=_last)


def _highest(n: int) -> dict[str, Any]:
    return {"subset_by_index": (n - max(n // 8, 1), n - 1)}


def _last(outputs: Arrays, n: int) -> Arrays:
    return tuple(y[..., -max(n // 8, 1) :] for y in outputs)
