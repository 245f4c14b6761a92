"""The law of second derivatives."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .trial import NO_TRUTH, Inapplicable, Measure, Trial, functional, inner, kept_outputs

NESTINGS = ("rev over rev", "fwd over rev", "rev over fwd", "fwd over fwd")


def order2(trial: Trial) -> list[Measure]:
    """Second derivatives equal the truth, in all four nestings of the framework's two modes."""
    if trial.case.kind != "general" or trial.case.dtype in ("float32", "complex64"):
        return []
    if trial.quick and (trial.options or trial.case.name.startswith("nonnormal")):
        return []
    return of_second(trial, NESTINGS)


def of_second(trial: Trial, nestings: Sequence[str]) -> list[Measure]:
    backend, f, weights = functional(trial)
    t = backend.transforms
    x = tuple(map(backend.array, trial.primals))
    w = tuple(map(backend.array, weights))
    ds, es = trial.direction(0), trial.direction(1)
    d, e = (tuple(None if v is None else backend.array(v) for v in vs) for vs in (ds, es))
    absent = [i for i, v in enumerate(ds) if v is None]

    def gradient(*arrays: Any) -> Any:
        found = t.vjp(f, arrays, w)
        return tuple(g for i, g in enumerate(found) if i not in absent)

    def pushed(*arrays: Any) -> Any:
        return t.jvp(f, arrays, d)

    d_present = tuple(v for v in d if v is not None)
    ds_present = [v for v in ds if v is not None]
    truth = kept_outputs(trial, trial.truth.derivative(ds, es, invariants=True))
    change = kept_outputs(
        trial, trial.truth.derivative(ds, es, trial.perturbation, invariants=True)
    )
    if truth is None:
        raise Inapplicable(NO_TRUTH)
    want = inner(weights, truth)
    size = sum(np.sum(np.abs(a * b)) for a, b in zip(weights, truth, strict=True))
    moved = (
        0.0
        if change is None
        else sum(np.sum(np.abs(a * b)) for a, b in zip(weights, change, strict=True))
    )
    tolerance = trial.allowed(trial.case.order, float(size), float(moved))
    measures = []
    for name in nestings:
        if name == "rev over rev":
            got = inner([backend.numpy(v) for v in t.vjp(gradient, x, d_present)], es)
        elif name == "fwd over rev":
            got = inner([backend.numpy(v) for v in t.jvp(gradient, x, e)], ds_present)
        elif name == "rev over fwd":
            got = inner([backend.numpy(v) for v in t.vjp(pushed, x, w)], es)
        else:
            got = inner(weights, [backend.numpy(v) for v in t.jvp(pushed, x, e)])
        measures.append(Measure(abs(got - want) / (size or 1.0), tolerance / (size or 1.0), name))
    return measures
