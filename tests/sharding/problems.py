"""What the programs of this folder share: what is computed of a rule, and how it is reported."""

import json
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ours import REPRESENTATIVES

import gradrules as gr
from gradrules.testing._cases import draw, generator

DTYPES = ("float64", "complex128")


@dataclass(frozen=True)
class Problem:
    """A rule at a batch of inputs, with a cotangent for each output and a tangent for each input.

    A gradient is that of given cotangents, not of a loss: a loss would add up over the batch, and a
    sum of what is split is a collective.
    """

    rule: gr.Rule
    dtype: str
    primals: tuple[Any, ...]
    bars: tuple[Any, ...]
    directions: tuple[Any, ...]

    def function(self, primals: Any) -> tuple[Callable[..., tuple[Any, ...]], tuple[Any, ...]]:
        """The floating outputs as a function of the inputs that have a derivative, and these."""
        moving = moving_positions(self.rule, primals)

        def f(*values: Any) -> tuple[Any, ...]:
            there = dict(zip(moving, values, strict=True))
            y = self.rule(*(there.get(i, p) for i, p in enumerate(primals)))
            return floating_outputs(y)

        return f, tuple(primals[i] for i in moving)


def problem(rule: gr.Rule, dtype: str, batch: int) -> Problem:
    """The same on every machine."""
    primals, directions = (
        draw(rule, generator(rule.name, dtype, k), dtype, batch=(batch,)) for k in (0, 1)
    )
    rng = generator(rule.name, dtype, "bars")
    bars = tuple(
        np.asarray(rng.standard_normal(y.shape), y.dtype) for y in floating_outputs(rule(*primals))
    )
    moving = moving_positions(rule, primals)
    return Problem(rule, dtype, primals, bars, tuple(directions[i] for i in moving))


def problems(batch: int) -> Iterable[Problem]:
    """One rule of each shape, in all dtypes that are tried."""
    for rule in REPRESENTATIVES.values():
        for dtype in DTYPES:
            if dtype in rule.declaration.dtypes:
                yield problem(rule, dtype, batch)


def moving_positions(rule: gr.Rule, primals: Any) -> list[int]:
    return [i for i, p in enumerate(primals) if floating(p) and rule.differentiable(i)]


def floating_outputs(y: Any) -> tuple[Any, ...]:
    return tuple(filter(floating, y if isinstance(y, tuple) else (y,)))


def floating(array: Any) -> bool:
    """Whether an array of any framework is of floating numbers, real or complex."""
    name = str(array.dtype)
    return "float" in name or "complex" in name


def distance(found: Iterable[Any], wanted: Iterable[Any]) -> float:
    """The largest difference, relative to the largest entry of each array."""
    pairs = [(np.asarray(y), np.asarray(w)) for y, w in zip(found, wanted, strict=True)]
    return float(max(np.max(np.abs(y - w)) / np.max(np.abs(w), initial=1e-300) for y, w in pairs))


def attempt(cell: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What a cell reports; of one that raises, the end of the traceback."""
    try:
        return cell(*arguments)
    except Exception:
        return {"failure": traceback.format_exc(limit=-3)}


def report(cells: dict[str, dict[str, Any]]) -> None:
    """Write all cells to the file that the command line names."""
    Path(sys.argv[1]).write_text(json.dumps(cells))
