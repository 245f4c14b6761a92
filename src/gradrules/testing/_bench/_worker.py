"""The measurements of one framework: a task in JSON on standard input, a line for each on standard output."""

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradrules import Rule, Transforms, adapters, registry
from gradrules._dtypes import dtype_name

from .._backends import NotOffered, as_tuple, framework_function
from .._cases import draw, generator
from ._bench import Measured, Sizes
from ._clock import measure
from ._questions import Question, questions

Arrays = tuple[Any, ...]
Function = Callable[..., Arrays]
COMPARED = ("ours", "native", "same")


def main() -> None:
    """Measure what is asked for."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    warnings.simplefilter("ignore")
    task = json.loads(sys.stdin.read())
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for size in map(Sizes.parse, task["sizes"]):
        for question in questions(task["rules"]):
            for dtype in task["dtypes"]:
                for found in _answers(question, task["backend"], dtype, size, task["parts"]):
                    answers.write(json.dumps(found.as_dict()) + "\n")


def _answers(
    question: Question, backend: str, dtype: str, size: Sizes, parts: Sequence[str]
) -> Iterator[Measured]:
    nothing = Measured(question.rule, question.use, backend, dtype, str(size), "")
    with _transforms(backend).precise():
        try:
            calls = _calls(question, backend, dtype, size)
        except Exception as error:  # whatever a native does where it has no derivative
            message = str(error) if isinstance(error, NotOffered) else repr(error)
            for part in parts:
                yield replace(nothing, part=part, message=message)
            return
        for part in parts:
            try:
                times = measure(
                    {
                        name: call[part if name in COMPARED else "forward"]
                        for name, call in calls.items()
                    },
                    "native",
                )
            except Exception as error:  # likewise
                yield replace(nothing, part=part, message=repr(error))
                continue
            ratio = times.ratios["ours"]
            yield replace(
                nothing,
                part=part,
                clock=times.clock,
                seconds=times.seconds["ours"],
                native=times.seconds["native"],
                ratio=ratio.median,
                low=ratio.low,
                high=ratio.high,
                least=ratio.least,
                same=times.ratios["same"].median,
                product=times.seconds["product"],
            )


def _calls(question: Question, backend: str, dtype: str, size: Sizes) -> dict[str, dict[str, Any]]:
    """By name and part: our rule, the framework's function twice, and a matrix product."""
    transforms, rule, n = _transforms(backend), registry[question.rule], size.n
    function, outputs = framework_function(rule, backend)
    functions: dict[str, Function] = {
        "ours": lambda *a: question.ours(as_tuple(rule(*a, **question.options(n))), n),
        "native": lambda *a: question.native(outputs(function(*a)), n),
        "same": lambda *a: question.native(outputs(function(*a)), n),
    }
    primals = tuple(transforms.array(p) for p in _primals(rule, dtype, size))
    cotangents = tuple(
        transforms.array(_normal(tuple(y.shape), dtype_name(y.dtype), i))
        for i, y in enumerate(functions["ours"](*primals))
    )
    calls = {name: transforms.timed(f, primals, cotangents) for name, f in functions.items()}
    calls["product"] = transforms.timed(lambda a: (a @ a,), primals[:1], primals[:1])
    return calls


def _transforms(backend: str) -> Transforms:
    transforms = adapters.load(backend).transforms
    assert transforms is not None
    return transforms


def _primals(rule: Rule, dtype: str, size: Sizes) -> Arrays:
    """Inputs in the set that the rule takes them from: what a function reads of them does not matter."""
    rng = generator("bench", rule.name, dtype, str(size))
    batch = (size.batch,) if size.batch else ()
    primals = draw(rule, rng, dtype, n=size.n, batch=batch)
    structures = rule.declaration.structure
    return tuple(
        np.asarray((a + np.conj(np.swapaxes(a, -1, -2))) / 2, a.dtype)
        if structures.get(name) == "hermitian"
        else a
        for name, a in zip(rule.inputs, primals, strict=True)
    )


def _normal(shape: tuple[int, ...], dtype: str, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if "complex" in dtype else x).astype(dtype)


if __name__ == "__main__":
    main()
