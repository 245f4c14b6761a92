"""Checks of the values of options, which several rules share."""

from collections.abc import Iterable

__all__ = ["index_range", "one_of", "whole"]


def one_of(name: str, value: object, allowed: Iterable[object]) -> None:
    """Refuse a value that is not among those allowed."""
    allowed = tuple(allowed)
    if value not in allowed or (type(value) is bool and not any(a is value for a in allowed)):
        msg = f"option {name!r} is {value!r}; it must be one of {', '.join(map(repr, allowed))}"
        raise ValueError(msg)


def whole(name: str, value: object, least: int | None = None) -> None:
    """Refuse what is no whole number, or one below `least`."""
    if type(value) is not int or (least is not None and value < least):
        bound = "" if least is None else f" from {least} on"
        msg = f"option {name!r} is {value!r}; it must be a whole number{bound}"
        raise ValueError(msg)


def index_range(name: str, value: object) -> None:
    """Refuse what is neither None nor a pair of indices, the first and the last."""
    if value is None:
        return
    pair = isinstance(value, tuple) and len(value) == 2 and all(type(i) is int for i in value)
    if not (pair and 0 <= value[0] <= value[1]):  # type: ignore[index]
        msg = (
            f"option {name!r} is {value!r}; it must be None or a pair of indices "
            f"(first, last), both included"
        )
        raise ValueError(msg)
