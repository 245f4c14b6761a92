"""Name -> rule, for readers (`registry`) and for adapters (`lookup`)."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .errors import RegistrationError

if TYPE_CHECKING:
    from ._rule import Rule

_RULES: "dict[str, Rule]" = {}


class Registry(Mapping[str, "Rule"]):
    """All public rules by name; read-only. :func:`gradrules.rule` adds to it."""

    def __getitem__(self, name: str) -> "Rule":
        return _RULES[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name in _RULES if not name.startswith("_"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<registry of {len(self)} rules: {', '.join(self)}>"


registry = Registry()


def of_arrays() -> list[str]:
    """Names of the public rules that the laws can try: no law can draw a function."""
    return [name for name, rule in registry.items() if not rule.signature.function]


def lookup(name: str) -> "Rule":
    """The rule of that name, internal ones included."""
    return _RULES[name]


def add(name: str, rule: "Rule", *, replace: bool) -> None:
    """Register `rule`; called by the `rule` decorator alone."""
    taken = _RULES.get(name)
    if taken is not None and not replace:
        msg = (
            f"a rule named {name!r} is registered already (by {taken.__module__}); "
            f"choose another name, or pass replace=True"
        )
        raise RegistrationError(msg)
    _RULES[name] = rule
