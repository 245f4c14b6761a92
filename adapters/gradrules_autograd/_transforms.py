"""autograd's transformations in our convention: cotangents are the conjugates of autograd's."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from autograd import make_jvp, make_vjp
from autograd.builtins import tuple as traced_tuple
from autograd.tracer import getval

from gradrules import Transforms

from . import _namespace as xp

__all__ = ["AutogradTransforms"]

Array = Any
Arrays = tuple[Array, ...]
MaybeArrays = tuple[Array | None, ...]
Function = Callable[..., Arrays]


class AutogradTransforms(Transforms):
    """Differentiation of functions of arrays; traced arrays nest."""

    missing = {  # noqa: RUF012 (never changed)
        "vmap": "autograd has no vectorizing transformation",
        "compile": "autograd has no compiler",
    }

    def array(self, value: Any) -> Array:
        """Return a NumPy array: what is not being differentiated is not traced."""
        return np.asarray(value)

    def numpy(self, value: Array) -> Any:
        """Return the value under all traces."""
        return np.asarray(getval(value))

    def vjp(self, f: Function, primals: Arrays, cotangents: MaybeArrays) -> Arrays:
        """Reverse mode; an input of integers gets zeros."""
        wrt = tuple(i for i, p in enumerate(primals) if _inexact(p))
        seen = tuple(i for i, c in enumerate(cotangents) if c is not None)
        pullback, _ = _quietly(make_vjp(_some_outputs(f, seen), wrt), *primals)
        values = pullback(traced_tuple([xp.conj(cotangents[i]) for i in seen]))
        bars = {i: xp.conj(values[position]) for position, i in enumerate(wrt)}
        return tuple(
            bars[i] if i in bars else np.zeros_like(getval(p)) for i, p in enumerate(primals)
        )

    def jvp(self, f: Function, primals: Arrays, tangents: MaybeArrays) -> MaybeArrays:
        """Forward mode; an output of integers has the tangent `None`."""
        wrt = tuple(i for i, t in enumerate(tangents) if t is not None)
        shown: list[int] = []
        count = 0

        def inexact(*arrays: Array) -> Any:
            nonlocal count
            outputs = f(*arrays)
            count = len(outputs)
            shown[:] = [i for i, y in enumerate(outputs) if _inexact(y)]
            return traced_tuple([outputs[i] for i in shown])

        push = make_jvp(inexact, wrt)(*primals)
        _, values = _quietly(push, traced_tuple([tangents[i] for i in wrt]))
        dots = {i: values[position] for position, i in enumerate(shown)}
        return tuple(dots.get(i) for i in range(count))

    def timed(self, f: Function, primals: Arrays, cotangents: Arrays) -> dict[str, Any]:
        """As `make_vjp` has them."""
        every = tuple(range(len(primals)))
        outputs = tuple(range(len(cotangents)))
        pullback, _ = _quietly(make_vjp(_some_outputs(f, outputs), every), *primals)
        bars = traced_tuple(cotangents)
        return {
            "forward": lambda: f(*primals),
            "backward": lambda: pullback(bars),
            "both": lambda: self.vjp(f, primals, cotangents),
        }

    def rows(self) -> Iterable[Any]:
        """What users write: ``grad``, ``hessian``, ``make_hvp``, ``checkpoint``, ..."""
        from ._rows import rows  # noqa: PLC0415 (for tests alone)

        return rows()


def _some_outputs(f: Function, positions: tuple[int, ...]) -> Function:
    def chosen(*arrays: Array) -> Any:
        outputs = f(*arrays)
        # A tuple that holds traced arrays must be traced itself.
        return traced_tuple([outputs[i] for i in positions])

    return chosen


def _inexact(array: Array) -> bool:
    return np.result_type(getval(array)).kind in "fc"


def _quietly(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call `function` without autograd's warning that a derivative is zero."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Output seems independent of input")
        return function(*arguments)
