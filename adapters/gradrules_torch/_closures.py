"""Functions as arguments of rules: what they capture is caught on its way into torch's functions.

A function mode sees every tensor that enters an operation of torch. While the function runs for the
first time, one collects the tensors that are neither its arguments nor made by it: closures' and
modules' parameters. In every later run another mode puts arguments in their place. What no mode can
see (inside a `ScriptModule`, an `autograd.Function`) is refused, if anything differentiates it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.autograd.forward_ad as fwd
from torch._C import _are_functorch_transforms_active as transforming
from torch._C._functorch import is_functorch_wrapped_tensor, maybe_current_level, maybe_get_level
from torch._functorch import eager_transforms
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from gradrules import FlatFunction, Function
from gradrules.errors import CapturedArrayError

from ._namespace import xp

__all__ = ["TorchFunction", "close"]

Arrays = tuple[Any, ...]


class TorchFunction(Function):
    """Differentiated and vectorized by torch."""

    xp = xp
    vmap = staticmethod(torch.vmap)

    def __init__(self, call: Callable[..., Any], *, batch: int = 0) -> None:
        super().__init__(call, batch=batch)
        self._checked = False

    def __call__(self, *xs: Any) -> Any:
        """The value; the first is that of a rule's primal, where nothing may be tracked any more."""
        if self._checked or transforming():
            return self._call(*xs)
        self._checked = True
        with torch.enable_grad(), fwd._set_fwd_grad_enabled(True):  # noqa: FBT003 (torch's signature)
            y = self._call(*(x.detach() for x in xs))
            if y.requires_grad or is_functorch_wrapped_tensor(y) or _has_tangent(y):
                msg = (
                    "a function given to a rule uses a tensor that is being differentiated, and that "
                    "gradrules cannot see (inside a ScriptModule, an autograd.Function, torch.func); "
                    "pass it as a parameter"
                )
                raise CapturedArrayError(msg)
        return y.detach()

    @staticmethod
    def push(f: Callable[..., Any], xs: Sequence[Any], dxs: Sequence[Any]) -> Any:
        """By `torch.func.jvp`; beside dual numbers, which it refuses, by the vjp of the vjp."""
        xs, dxs = tuple(xs), tuple(d.to(x.dtype) for x, d in zip(xs, dxs, strict=True))
        if not (fwd._current_level >= 0 and eager_transforms.JVP_NESTING == 0):
            return torch.func.jvp(f, xs, dxs)[1]
        y, _ = torch.func.vjp(f, *xs)
        _, pullback = torch.func.vjp(torch.func.vjp(f, *xs)[1], torch.zeros_like(y))
        return pullback(dxs)[0]

    @staticmethod
    def pull(f: Callable[..., Any], xs: Sequence[Any], cotangent: Any) -> Sequence[Any]:
        """By `torch.func.vjp`."""
        y, pullback = torch.func.vjp(f, *xs)
        return pullback(cotangent.to(y.dtype))


def close(rule: str, f: FlatFunction, example: Arrays) -> tuple[TorchFunction, Arrays]:
    """`f` as a function of all that it reads, and what it captured."""
    level = _level()
    arguments = tuple(x.detach() for x in example)
    catch = _Catch(arguments, level)
    with torch.no_grad(), catch:
        y = f(*arguments)
    captured = tuple(catch.captured.values())
    if (
        id(y) not in catch.known and id(y) not in catch.captured
    ):  # a constant, that no operation met
        captured = (*captured, y)
    count = len(captured)

    def call(x: Any, *arrays: Any) -> Any:
        given, params = arrays[:count], arrays[count:]
        instead = {id(old): new for old, new in zip(captured, given, strict=True)}
        with _Swap(rule, instead, (x, *arrays), _level()):
            y = f(x, *params)
        return instead.get(id(y), y)

    return TorchFunction(call), captured


class _Catch(TorchFunctionMode):  # type: ignore[misc]  # torch's modes are untyped
    """Collects the tensors that come from outside."""

    def __init__(self, known: Iterable[Any], level: int) -> None:
        super().__init__()
        self.level = level
        self.known = {id(x): x for x in known}
        self.captured: dict[int, Any] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for x in _tensors((args, kwargs)):
            if id(x) not in self.known and not _is_inner(x, self.level):
                self.captured.setdefault(id(x), x)
        result = func(*args, **(kwargs or {}))
        for x in _tensors(result):
            if id(x) not in self.captured:
                self.known[id(x)] = x
        return result


class _Swap(TorchFunctionMode):  # type: ignore[misc]  # as above
    """Puts arguments in the place of captured tensors, and refuses what was not captured."""

    def __init__(
        self, rule: str, instead: dict[int, Any], known: Iterable[Any], level: int
    ) -> None:
        super().__init__()
        self.rule, self.instead, self.level = rule, instead, level
        self.known = {id(x): x for x in known}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        args, kwargs = pytree.tree_map_only(torch.Tensor, self._swapped, (args, kwargs or {}))
        result = func(*args, **kwargs)
        for x in _tensors(result):
            self.known[id(x)] = x
        return result

    def _swapped(self, x: Any) -> Any:
        if id(x) in self.instead:
            return self.instead[id(x)]
        if id(x) in self.known or _is_inner(x, self.level):
            return x
        msg = (
            f"{self.rule}: the function reads a tensor of shape {tuple(x.shape)} that it did not read "
            f"when {self.rule} was called; pass it as a parameter"
        )
        raise CapturedArrayError(msg)


def _tensors(tree: Any) -> list[Any]:
    return [x for x in pytree.tree_leaves(tree) if isinstance(x, torch.Tensor)]


def _level() -> int:
    """How deep we are in transformations of torch.func."""
    return maybe_current_level() or -1


def _is_inner(x: Any, level: int) -> bool:
    """Whether a transformation inside the function made this of a tensor that was seen before."""
    return is_functorch_wrapped_tensor(x) and maybe_get_level(x) > level


def _has_tangent(x: Any) -> bool:
    return fwd._current_level >= 0 and fwd.unpack_dual(x).tangent is not None
