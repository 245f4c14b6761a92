"""Where overrides hold: in which context, and never inside a rule's own primal.

Rules reach a framework's functions through its array namespace, so that an overridden function may
be called by the very rule that stands in for it. Inside a primal everything is native.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

__all__ = [
    "Key",
    "Scope",
    "enter",
    "holds",
    "leave",
    "natively",
    "opened",
    "register",
    "registered",
]

Key = tuple[str, str]  # a framework, and the name of a rule


class Scope:
    """One entered override; closed, it means nothing to the tasks that inherited it."""

    __slots__ = ("closed", "keys", "owner", "tracing")

    def __init__(
        self, owner: object, keys: frozenset[Key], tracing: AbstractContextManager[Any]
    ) -> None:
        self.owner, self.keys, self.tracing = owner, keys, tracing
        self.closed = False


_SCOPES: ContextVar[tuple[Scope, ...]] = ContextVar("gradrules_overrides", default=())
_INSIDE: ContextVar[bool] = ContextVar("gradrules_inside_a_primal", default=False)
_REGISTERED: set[Key] = set()
_used = False


def enter(owner: object, keys: frozenset[Key], tracing: AbstractContextManager[Any]) -> None:
    """Let `keys` hold in this context, and `tracing` with them."""
    global _used  # noqa: PLW0603
    _used = True
    tracing.__enter__()
    _SCOPES.set((*_SCOPES.get(), Scope(owner, keys, tracing)))


def leave(owner: object) -> None:
    """End the scope that `owner` opened last in this context; others stay, whatever the order."""
    scopes = _SCOPES.get()
    mine = next((scope for scope in reversed(scopes) if scope.owner is owner), None)
    if mine is None:  # left in another context than it was entered in
        return
    mine.closed = True
    _SCOPES.set(tuple(scope for scope in scopes if scope is not mine))
    mine.tracing.__exit__(None, None, None)


def register(keys: frozenset[Key]) -> None:
    """Let `keys` hold everywhere."""
    global _used  # noqa: PLW0603
    _used = True
    _REGISTERED.update(keys)


def registered() -> frozenset[Key]:
    """All that holds everywhere."""
    return frozenset(_REGISTERED)


def opened() -> frozenset[Key]:
    """All that holds in this context."""
    scopes = (scope.keys for scope in _SCOPES.get() if not scope.closed)
    return frozenset(_REGISTERED).union(*scopes)


def holds(key: Key) -> bool:
    """Whether a call made here is to have our derivative."""
    if _INSIDE.get():
        return False
    return key in _REGISTERED or any(
        key in scope.keys for scope in _SCOPES.get() if not scope.closed
    )


def natively(function: Callable[..., Any], /, *args: Any, **keywords: Any) -> Any:
    """Call `function`; to it, and to whatever it calls, nothing is overridden."""
    if not _used:
        return function(*args, **keywords)
    token = _INSIDE.set(True)
    try:
        return function(*args, **keywords)
    finally:
        _INSIDE.reset(token)
