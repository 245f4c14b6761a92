"""A framework's own functions, with our derivatives: what is put in their place, and taken back.

While an override of a function exists anywhere in the process, each name under which the framework
exposes it is bound to a *stand-in*. Called where the override holds, a stand-in applies a variant of
the rule whose primal is the native function itself; called anywhere else, it is that function.
"""

import functools
import importlib
import inspect
import sys
import threading
import types
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from . import _scope, adapters
from ._layout import Arrangement
from ._registry import lookup
from ._rule import Rule
from ._scope import Key
from ._typing import Array, Arrays, Namespace, Options, TypedOptions
from .adapters import Adapter, Native
from .errors import (
    AdapterError,
    ArrayTypeError,
    OptionError,
    OverrideWarning,
    ShapeError,
    UnsupportedTransformError,
)

__all__ = ["Override", "override", "register"]

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)
# Variants to remember; it bounds what a program that passes ever new static arguments holds on to.
CACHE = 4096
# What a rule says of arguments that it does not take. The native function may take them, or say so.
_NOT_FOR_THE_RULE = (ArrayTypeError, OptionError, ShapeError, UnsupportedTransformError)


# -- what a user calls ---------------------------------------------------------------------------


def override(framework: str, /, *functions: str) -> "Override":
    """Give a framework's own functions our derivatives, within a context.

    Values, shapes, dtypes and types of results stay those of the framework, whose function computes
    them. A call that no rule can serve (``out=``, integers, ...) stays native altogether.

    Parameters
    ----------
    framework
        Name of an adapter: ``"jax"``, ``"torch"``, ``"tensorflow"``, ``"autograd"``, ...
    *functions
        Names of rules; by default all for which the framework has a function.

    Returns
    -------
    Override
        A context manager that may be nested, entered again and used from several threads, each of
        which sees its own alone. It decorates functions and coroutine functions, too.

    Raises
    ------
    AdapterError
        If there is no such adapter, or it has no table of native functions.
    OptionError
        If the framework has no function for one of the names.

    Examples
    --------
    >>> with override("torch"):  # doctest: +SKIP
    ...     torch.linalg.det(a).backward()
    """
    return Override(framework, functions)


def register(framework: str, /, *functions: str) -> None:
    """Give a framework's own functions our derivatives for the life of the process, in all threads.

    Parameters and errors are those of :func:`override`.
    """
    adapter, keys = _chosen(framework, functions)
    with _LOCK:
        _install(adapter, keys)
        _scope.register(keys)
        if adapter.trace_key is not None:
            adapter.trace_key.set_global(_of(adapter, _scope.registered()))
    _warn_of_names(adapter, keys)


class Override:
    """What :func:`override` returns."""

    def __init__(self, framework: str, functions: tuple[str, ...]) -> None:
        self._adapter, self._keys = _chosen(framework, functions)

    def __repr__(self) -> str:
        names = ", ".join(repr(rule) for _, rule in sorted(self._keys))
        return f"<override of {self._adapter.name!r}: {names}>"

    def __enter__(self) -> None:
        try:
            with _LOCK:
                _install(self._adapter, self._keys)
            _warn_of_names(self._adapter, self._keys)  # which may raise
            _scope.enter(self, self._keys, _trace_context(self._adapter, self._keys))
        except BaseException:
            self._remove()
            raise

    def __exit__(self, *exception: object) -> None:
        try:
            _scope.leave(self)
        finally:
            self._remove()

    def _remove(self) -> None:
        with _LOCK:
            _remove(self._keys)

    def __call__(self, function: F) -> F:
        """Decorate `function`: each call of it is made within the override."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            msg = (
                f"override: {function.__name__!r} is a generator function, whose body runs in the "
                f"context of whoever asks for its items; put `with override(...)` there"
            )
            raise TypeError(msg)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def within(*args: Any, **keywords: Any) -> Any:
                with self:
                    return await function(*args, **keywords)
        else:

            @functools.wraps(function)
            def within(*args: Any, **keywords: Any) -> Any:
                with self:
                    return function(*args, **keywords)

        return within  # type: ignore[return-value]


def _chosen(framework: str, functions: tuple[str, ...]) -> tuple[Adapter, frozenset[Key]]:
    adapter = adapters.load(framework)
    offered = list(dict.fromkeys(native.rule for native in adapter.natives))
    if not offered:
        msg = (
            f"adapter {framework!r} has no table of native functions to override; call the rules "
            f"themselves (gradrules.det, ...), or give the adapter `natives`"
        )
        raise AdapterError(msg)
    for name in functions:
        if name not in offered:
            msg = (
                f"override: {framework!r} has no function for {name!r}; choose among the rules "
                f"{', '.join(offered)}"
            )
            raise OptionError(msg)
    return adapter, frozenset((framework, name) for name in functions or offered)


def _trace_context(adapter: Adapter, keys: frozenset[Key]) -> AbstractContextManager[Any]:
    if adapter.trace_key is None:
        return nullcontext()
    return adapter.trace_key(_of(adapter, _scope.opened() | keys))


def _of(adapter: Adapter, keys: frozenset[Key]) -> frozenset[Key]:
    return frozenset(key for key in keys if key[0] == adapter.name)


# -- stand-ins -----------------------------------------------------------------------------------

_STAYS_NATIVE = object()


@functools.cache
def _stand_in(adapter: Adapter, natives: tuple[Native, ...], function: Function) -> Function:
    """What is put in the place of `function`; one for the life of the process."""
    keys = {native: (adapter.name, native.rule) for native in natives}

    @functools.wraps(function)
    def stand_in(*args: Any, **keywords: Any) -> Any:
        for native, key in keys.items():
            if _scope.holds(key):
                result = _differentiable(adapter, native, function, args, keywords)
                if result is not _STAYS_NATIVE:
                    return result
        return function(*args, **keywords)

    shown = adapter.opaque(stand_in)
    _STAND_INS.add(shown)
    return shown


def _differentiable(
    adapter: Adapter, native: Native, function: Function, args: Arrays, keywords: dict[str, Any]
) -> Any:
    """The native result with our derivative, unless the rule cannot serve this call."""
    call = _read(native, args, keywords)
    if call is None or not _belong(adapter, call[0]):
        return _STAYS_NATIVE
    given, static, options = call
    try:
        arrays = native.before(given, **dict(static))
        if arrays is None:
            return _STAYS_NATIVE
        _, fitted, arranged, merged = lookup(native.rule).prepare(arrays, options)
        lengths = arranged.lengths(arrays[0], adapter.xp)
        variant = _variant(native, function, static, arranged, lengths)
        computed = adapter.apply(variant.rule, fitted, merged)
        outputs = tuple(variant.rule.arranged(computed, arranged, xp=adapter.xp))
        return variant.structured(native.after(outputs, given))
    except _NOT_FOR_THE_RULE:
        return _STAYS_NATIVE


def called(native: Native, function: Function, arrays: Arrays, arguments: Mapping[str, Any]) -> Any:
    """The function at the rule's arrays, with its other arguments by their names."""
    given = {**arguments, **dict(zip(native.arrays, native.within(arrays), strict=True))}
    args = []
    for name, *group in native.names:
        if given.keys().isdisjoint(native.arrays):
            break
        args.append(tuple(map(given.pop, group)) if group else given.pop(name))
    return function(*args, **given)


def _read(
    native: Native, args: Arrays, keywords: dict[str, Any]
) -> tuple[Arrays, Options, Any] | None:
    """Arrays, static arguments and the rule's options; `None` for a call that stays native."""
    given = dict(zip((name for name, *_ in native.names[: native.positional]), args, strict=False))
    if len(given) < len(args) or given.keys() & keywords.keys():
        return None
    given.update(keywords)
    for name, *group in native.names:
        if group and name in given:
            together = given.pop(name)
            if not isinstance(together, tuple | list) or len(together) != len(group):
                return None
            given.update(zip(group, together, strict=True))
    known = {name for names in native.names for name in names[1:] or names}
    if not set(native.arrays) <= given.keys() <= known:
        return None
    arrays = tuple(given.pop(name) for name in native.arrays)
    options = native.options(**given)
    return None if options is None else (arrays, TypedOptions(sorted(given.items())), options)


def _belong(adapter: Adapter, arrays: Arrays) -> bool:
    """Whether these are arrays of the framework, and of one dtype: it alone knows what else means."""
    theirs = [adapter.handles(type(array)) for array in arrays]
    return (
        any(theirs)
        and all(t or isinstance(a, adapter.companions) for t, a in zip(theirs, arrays, strict=True))
        and all(array.dtype == arrays[0].dtype for array in arrays[1:])
    )


@dataclass(eq=False)
class _Variant:
    """A rule with a native primal, and the type of what the native function returns."""

    native: Native
    function: Function
    static: dict[str, Hashable]
    arranged: Arrangement
    lengths: tuple[int, ...]
    kind: Any = None

    def __post_init__(self) -> None:
        self.rule: Rule = lookup(self.native.rule).with_primal(self._primal)

    def _primal(self, *arrays: Array, xp: Namespace, **options: Hashable) -> Any:  # noqa: ARG002
        native, arranged = self.native, self.arranged
        whole = tuple(arranged.outward(array, self.lengths, xp) for array in arrays)
        arguments = native.handed(arranged.axes, **self.static)
        result = called(native, self.function, whole, arguments)
        # No argument can change it, and no framework lets it be known before the first call.
        self.kind = type(result)
        outputs = native.outputs(result)
        return outputs if len(outputs) > 1 else outputs[0]

    def structured(self, outputs: Arrays) -> Any:
        """The result in the native type: an array, a tuple, or a tuple with fields named otherwise."""
        if len(outputs) == 1:
            return outputs[0]
        make = getattr(self.kind, "_make", self.kind)
        return make(outputs)


@functools.lru_cache(maxsize=CACHE)
def _cached_variant(
    rule: Rule,  # noqa: ARG001
    native: Native,
    function: Function,
    static: Options,
    *place: Any,
) -> _Variant:
    return _Variant(native, function, dict(static), *place)


def _variant(native: Native, *call: Any) -> _Variant:
    """The variant for such a call: the same object each time, for compilers' caches."""
    try:
        # The rule is part of the key, because a rule may be replaced.
        return _cached_variant(lookup(native.rule), native, *call)
    except TypeError as error:
        msg = f"{native.rule}: an argument that cannot be hashed ({error})"
        raise OptionError(msg) from error


# -- putting them in place, and back -------------------------------------------------------------


@dataclass(frozen=True)
class _Patch:
    """One name that was bound to a stand-in."""

    keys: frozenset[Key]
    path: str
    owner: Any
    name: str
    original: Function
    stand_in: Function
    inherited: bool

    def undo(self) -> None:
        """Restore the name, unless somebody else has bound it since."""
        if getattr(self.owner, self.name, None) is not self.stand_in:
            return
        if self.inherited:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.original)


_LOCK = threading.RLock()
_USES: Counter[Key] = Counter()
_PATCHES: list[_Patch] = []
_STAND_INS: set[Function] = set()


def _install(adapter: Adapter, keys: frozenset[Key]) -> None:
    _USES.update(keys)
    for patch in _patches(adapter, keys):
        _PATCHES.append(patch)  # noqa: PERF402 (what is made must be known if a later one fails)


def _remove(keys: frozenset[Key]) -> None:
    _USES.subtract(keys)
    for patch in _PATCHES[::-1]:
        if not any(_USES[key] for key in patch.keys):
            _PATCHES.remove(patch)
            patch.undo()


def _patches(adapter: Adapter, chosen: frozenset[Key]) -> Iterator[_Patch]:
    """Those that are not in place yet."""
    for path, natives in _by_path(adapter).items():
        keys = frozenset((adapter.name, native.rule) for native in natives)
        owner_path, _, name = path.rpartition(".")
        if not keys & chosen or (owner := resolve(owner_path)) is None:
            continue
        # Some modules remember what they were asked for, by the identity of the name.
        name = sys.intern(name)
        function = getattr(owner, name, None)
        if function is None or function in _STAND_INS:
            continue
        inherited = isinstance(owner, type) and name not in vars(owner)
        stand_in = _stand_in(adapter, natives, function)
        setattr(owner, name, stand_in)
        yield _Patch(keys, path, owner, name, function, stand_in, inherited)


@functools.cache
def _by_path(adapter: Adapter) -> dict[str, tuple[Native, ...]]:
    """All that may serve a call of a function, in the order of the table."""
    found: dict[str, tuple[Native, ...]] = {}
    for native in adapter.natives:
        for path in native.paths.split():
            found[path] = (*found.get(path, ()), native)
    return found


def resolve(path: str) -> Any:
    """The module or class at a dotted path; `None` if there is none, or its import fails."""
    parent, _, name = path.rpartition(".")
    found = getattr(resolve(parent), name, None) if parent else sys.modules.get(path)
    if found is not None:
        return found
    try:
        return importlib.import_module(path)
    except ImportError:
        return None


# -- what cannot be reached ----------------------------------------------------------------------

_SCANNED: dict[frozenset[Key], set[str]] = {}


def _warn_of_names(adapter: Adapter, keys: frozenset[Key]) -> None:
    """Warn of modules that imported a native function by name; each module is looked at once."""
    scanned = _SCANNED.setdefault(keys, set())
    unseen = {name: module for name, module in list(sys.modules.items()) if name not in scanned}
    if not unseen:
        return
    scanned.update(unseen)
    with _LOCK:
        patches = [patch for patch in _PATCHES if patch.keys & keys]
    paths = {id(patch.original): patch.path for patch in reversed(patches)}
    bound = [
        f"{module}.{name} is {paths[id(value)]}"
        for module, content in unseen.items()
        if _is_user_code(module, adapter) and isinstance(content, types.ModuleType)
        for name, value in list(vars(content).items())
        if id(value) in paths
    ]
    if bound:
        msg = (
            f"override: functions of {adapter.name} were imported by name before, and stay native "
            f"there: {', '.join(bound)}; call them through their module"
        )
        warnings.warn(msg, OverrideWarning, stacklevel=3)


def _is_user_code(module: str, adapter: Adapter) -> bool:
    root = module.partition(".")[0]
    return root not in (adapter.name, "array_api_compat", "__mp_main__") and not root.startswith(
        "gradrules"
    )
