"""torch's transformations, in the form that the tests drive every framework through."""

from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

import torch

from gradrules import Transforms

Arrays = tuple[Any, ...]
Function = Callable[..., Arrays]


class TorchTransforms(Transforms):
    """``torch.func``, which nests, and ``torch.compile``."""

    # Everything that concerns derivatives; inductor only compiles the graph that comes out of it.
    backend = "aot_eager"

    def array(self, value: Any) -> Any:
        """A tensor with its own memory."""
        return torch.tensor(value)

    def numpy(self, value: Any) -> Any:
        """The value of a tensor."""
        return value.detach().resolve_conj().resolve_neg().numpy()

    def vjp(self, f: Function, primals: Arrays, cotangents: tuple[Any, ...]) -> Arrays:
        """``torch.func.vjp`` with respect to the primals that are not integers."""
        where = [i for i, x in enumerate(primals) if _inexact(x)]

        def wanted(*active: Any) -> Arrays:
            values = f(*_replaced(primals, where, active))
            return tuple(y for y, c in zip(values, cotangents, strict=True) if c is not None)

        found: dict[int, Any] = {}
        if any(c is not None for c in cotangents):
            _, pullback = torch.func.vjp(wanted, *(primals[i] for i in where))
            values = pullback(tuple(c for c in cotangents if c is not None))
            found = dict(zip(where, values, strict=True))
        return tuple(found[i] if i in found else torch.zeros_like(x) for i, x in enumerate(primals))

    def jvp(self, f: Function, primals: Arrays, tangents: tuple[Any, ...]) -> Arrays:
        """``torch.func.jvp`` with respect to the primals that have a tangent."""
        where = [i for i, t in enumerate(tangents) if t is not None]
        if not where:
            return tuple(torch.zeros_like(y) for y in f(*primals))

        def active(*values: Any) -> Arrays:
            return f(*_replaced(primals, where, values))

        points = tuple(primals[i] for i in where)
        return torch.func.jvp(active, points, tuple(tangents[i] for i in where))[1]

    def vmap(self, f: Function) -> Function:
        """``torch.vmap``."""
        return torch.vmap(f)

    def timed(self, f: Function, primals: Arrays, cotangents: Arrays) -> dict[str, Any]:
        """Eager."""
        leaves = tuple(p.clone().requires_grad_() for p in primals)
        outputs = f(*leaves)

        def backward(values: Arrays, *, again: bool) -> Arrays:
            return torch.autograd.grad(values, leaves, cotangents, retain_graph=again)

        return {
            "forward": lambda: f(*primals),
            "backward": lambda: backward(outputs, again=True),
            "both": lambda: backward(f(*leaves), again=False),
        }

    def rows(self) -> Iterable[Any]:
        """What users write: ``backward``, ``torch.autograd.functional``, checkpoints, exporters, ..."""
        from ._rows import rows  # noqa: PLC0415 (for tests alone)

        return rows()

    def compile(self, f: Function) -> Function:
        """``torch.compile``, in one graph."""

        def run(*arrays: Any) -> Arrays:
            return f(*arrays)

        # torch.compile limits recompilations per code object: every function gets its own.
        fresh = FunctionType(run.__code__.replace(), globals(), closure=run.__closure__)
        # Nor are shapes made symbolic when one follows another: torch 2.13 fails on such in forward mode.
        return torch.compile(fresh, fullgraph=True, dynamic=False, backend=self.backend)


def _inexact(x: Any) -> bool:
    return x.is_floating_point() or x.is_complex()


def _replaced(values: Arrays, positions: list[int], new: Arrays) -> Arrays:
    result = list(values)
    for i, x in zip(positions, new, strict=True):
        result[i] = x
    return tuple(result)
