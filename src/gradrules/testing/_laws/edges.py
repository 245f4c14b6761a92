"""The law of declared outcomes: hard inputs, and data that are not finite."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from array_api_compat import numpy as xp

from gradrules.errors import UnsupportedTransformError

from .._backends import FrameworkBackend
from .._cases import of_matrices
from .._tolerance import largest
from .first_order import of_jvp, of_value, of_vjp
from .second_order import NESTINGS, of_second
from .trial import Inapplicable, Measure, Trial, batch_rank, empty, functional


def edge(trial: Trial) -> list[Measure]:
    """At a declared hard input, value and derivatives are what was declared; bad data give NaN."""
    if trial.case.edge is not None:
        return [
            *_declared(trial, trial.case.edge.value, "value"),
            *_declared(trial, trial.case.edge.first, "jvp"),
            *_declared(trial, trial.case.edge.first, "vjp"),
            *(
                _declared(trial, trial.case.edge.second, "second")
                if isinstance(trial.backend, FrameworkBackend)
                else []
            ),
        ]
    if trial.case.kind == "shape" and batch_rank(trial) and not empty(trial):
        return [m for bad in (float("nan"), float("inf")) for m in _bad_data(trial, bad)]
    return []


def _declared(trial: Trial, outcome: str, what: str) -> list[Measure]:
    """Compare what comes with the outcome that the rule declares for it."""
    try:
        if outcome == "exact":
            return _against_truth(trial, what)
        found = _computed(trial, what)
    except (Inapplicable, UnsupportedTransformError):
        raise
    except Exception as error:  # an array library may raise anything at a singular matrix
        if outcome in ("any", "raises"):
            return [Measure(0.0, 0.0, f"{what}: raises {type(error).__name__}")]
        raise
    finite = all(bool(np.all(np.isfinite(v))) for v in found if v is not None)
    if outcome == "any" and finite:
        try:
            return _against_truth(trial, what)
        except Inapplicable:
            return [Measure(1.0, 0.0, f"{what} is finite, and there is no true value")]
    wrong = {"nan": finite, "finite": not finite, "raises": True, "any": False}[outcome]
    return [Measure(float(wrong), 0.0, f"{what} is not {outcome!r}, as was declared")]


def _against_truth(trial: Trial, what: str) -> list[Measure]:
    runs: dict[str, Callable[[], list[Measure]]] = {
        "value": lambda: of_value(trial),
        "jvp": lambda: of_jvp(trial, 1),
        "vjp": lambda: of_vjp(trial),
        "second": lambda: of_second(trial, NESTINGS[:2] if trial.quick else NESTINGS),
    }
    return [replace(m, what=f"{what}: {m.what}") for m in runs[what]()]


def _computed(trial: Trial, what: str) -> list[Any]:
    d = trial.direction(0)
    if what == "value":
        return list(trial.outputs)
    if what == "jvp":
        return list(trial.backend.jvp(trial.rule, trial.options, trial.primals, d)[1])
    if what == "vjp":
        bars = trial.cotangents(trial.outputs)
        return list(trial.backend.vjp(trial.rule, trial.options, trial.primals, bars))
    backend, f, weights = functional(trial)
    t = backend.transforms
    w = tuple(map(backend.array, weights))
    x = tuple(map(backend.array, trial.primals))
    dots = tuple(None if v is None else backend.array(v) for v in d)
    return [backend.numpy(v) for v in t.jvp(lambda *a: t.vjp(f, a, w), x, dots)]


def _bad_data(trial: Trial, bad: float) -> list[Measure]:
    """NaN or infinity in one element of a batch: not finite there, right elsewhere."""
    damaged = tuple(p.copy() for p in trial.primals)
    for i, p in enumerate(damaged):
        if trial.rule.differentiable(i):
            p[(1, *(0,) * (p.ndim - 1))] = bad
    word = "nan" if np.isnan(bad) else "inf"
    d = trial.direction(0)
    try:
        outputs, _ = trial.backend.jvp(trial.rule, trial.options, damaged, d)
        bars = tuple(
            None if b is None else np.ones_like(b) for b in trial.cotangents(trial.outputs)
        )
        if trial.gauge is not None:
            bars = tuple(trial.gauge.horizontal(tuple(trial.outputs), bars, xp))
        gradients = trial.backend.vjp(trial.rule, trial.options, damaged, bars)
    except UnsupportedTransformError:
        raise
    except Exception as error:  # the library's own refusal of such data
        return [Measure(0.0, 0.0, f"{word}: raises {type(error).__name__}")]
    measures = []
    for what, arrays in (("value", outputs), ("gradient", gradients)):
        if not of_matrices(trial.rule):
            break  # an elementwise function may well have a value at infinity
        finite = all(np.all(np.isfinite(a[1])) for a in arrays)
        measures.append(Measure(float(finite), 0.0, f"{word} in the data, and a finite {what}"))
    clean = trial.backend.value(trial.rule, trial.options, tuple(p[:1] for p in trial.primals))
    if trial.gauge is None:
        for got, want in zip(outputs, clean, strict=True):
            measures.append(trial.compare(got[0], want[0], largest(want), f"{word} next door"))
    spoiled = any(not np.all(np.isfinite(g[0])) for g in gradients)
    measures.append(Measure(float(spoiled), 0.0, f"{word} spoils another matrix of the batch"))
    return measures
