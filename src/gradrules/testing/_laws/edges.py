"""The law of declared outcomes: hard inputs, and data that are not finite."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from array_api_compat import numpy as xp

from gradrules.errors import GradrulesError, NotDifferentiableError, UnsupportedTransformError

from .._backends import FrameworkBackend
from .._cases import of_matrices
from .._tolerance import largest
from .first_order import of_jvp, of_value, of_vjp, paired, paired_size
from .second_order import NESTINGS, of_second
from .third_order import nested, of_third
from .trial import (
    NO_TRUTH,
    Inapplicable,
    Measure,
    Trial,
    batch_rank,
    empty,
    frugal,
    functional,
    inner,
)

# Derivatives that one loss has, of which each part is looked at.
HIGHER = ("second", "third")


def edge(trial: Trial) -> list[Measure]:
    """At a declared hard input, value and derivatives are what was declared; bad data give NaN."""
    declared = trial.case.edge
    if declared is not None:
        promised = [("value", declared.value)]
        if declared.loss is None:
            promised += [("jvp", declared.first), ("vjp", declared.first)]
        if isinstance(trial.backend, FrameworkBackend):
            promised += [("loss", declared.first)] if declared.loss else []
            promised += [("second", declared.second)]
            promised += [("third", declared.third)] if declared.third else []
        return [m for what, outcome in promised for m in _declared(trial, outcome, what)]
    if trial.case.kind == "shape" and batch_rank(trial) and not empty(trial):
        return [m for bad in (float("nan"), float("inf")) for m in _bad_data(trial, bad)]
    return []


def _declared(trial: Trial, outcome: str, what: str) -> list[Measure]:
    """Compare what comes with the outcome that the rule declares for it."""
    try:
        if outcome in ("exact", "mean"):
            return (_against_truth if outcome == "exact" else _against_the_mean)(trial, what)
        found = _computed(trial, what)
    except UnsupportedTransformError:
        raise
    except Inapplicable:  # the other promises would go untried
        return [Measure(1.0, 0.0, f"{what} is declared {outcome!r}, and there is no true value")]
    except Exception as error:  # an array library may raise anything at a singular matrix
        if outcome != "refused" and (outcome not in ("any", "raises") or _is_mistake(error)):
            raise
        other = outcome == "refused" and not isinstance(error, NotDifferentiableError)
        return [Measure(float(other), 0.0, f"{what}: raises {type(error).__name__}")]
    # A higher derivative of one loss: each part is to say that it does not exist, that of each input.
    declared = trial.case.edge
    some = any if what in HIGHER and declared is not None and declared.loss else all
    finite = [some(np.all(np.isfinite(v)) for v in way if v is not None) for way in found]
    if outcome == "any" and any(finite):
        try:
            return _against_truth(trial, what)
        except Inapplicable:
            return [Measure(1.0, 0.0, f"{what} is finite, and there is no true value")]
    wrong = {"nan": any(finite), "finite": not all(finite), "any": False}
    return [
        Measure(float(wrong.get(outcome, True)), 0.0, f"{what} is not {outcome!r}, as was declared")
    ]


def _against_truth(trial: Trial, what: str) -> list[Measure]:
    runs: dict[str, Callable[[], list[Measure]]] = {
        "value": lambda: of_value(trial),
        "jvp": lambda: of_jvp(trial, 1),
        "vjp": lambda: of_vjp(trial),
        "loss": lambda: _of_the_loss(trial),
        # Each mode over itself: both derivatives in their closed form.
        "second": lambda: of_second(trial, NESTINGS[::3] if trial.quick else NESTINGS),
        "third": lambda: of_third(trial),
    }
    return [replace(m, what=f"{what}: {m.what}") for m in runs[what]()]


def _against_the_mean(trial: Trial, what: str) -> list[Measure]:
    """At a kink the truth, a central difference, is the mean of both sides; its change tells nothing."""
    d, bars = trial.direction(0), trial.cotangents(trial.outputs)
    want = trial.truth.derivative(d)
    if want is None:
        raise Inapplicable(NO_TRUTH)
    if what == "jvp":
        dots = trial.backend.jvp(trial.rule, trial.options, trial.primals, d)[1]
        return [trial.compare(v, w, 0, what) for v, w in zip(dots, want, strict=True)]
    gradients = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    size = paired_size(bars, want)
    return [trial.pair(inner(gradients, d), inner(bars, want), size, 0.0, what)]


def _of_the_loss(trial: Trial) -> list[Measure]:
    """First derivatives of the declared loss, in both modes."""
    backend, f, weights = functional(trial)
    x, w = (tuple(map(backend.array, arrays)) for arrays in (trial.primals, weights))
    d = trial.direction(0)
    dots = tuple(None if v is None else backend.array(v) for v in d)
    truth = trial.truth.derivative(d, invariants=True)
    change = trial.truth.derivative(d, trial.perturbation, invariants=True)
    if truth is None:
        raise Inapplicable(NO_TRUTH)
    pushed = list(map(backend.numpy, backend.transforms.jvp(f, x, dots)))
    gradients = list(map(backend.numpy, backend.transforms.vjp(f, x, w)))
    return [
        *(
            trial.compare(got, want, 0 if change is None else change[i], f"jvp [{i}]")
            for i, (got, want) in enumerate(zip(pushed, truth, strict=True))
        ),
        paired(trial, trial.truth, weights, gradients, d, "vjp", invariants=True),
    ]


def _computed(trial: Trial, what: str) -> list[list[Any]]:
    """What comes, in each way that there is to it: a second derivative has four nestings."""
    d = trial.direction(0)
    if what == "value":
        return [list(trial.outputs)]
    if what == "jvp":
        return [list(trial.backend.jvp(trial.rule, trial.options, trial.primals, d)[1])]
    if what == "vjp":
        bars = trial.cotangents(trial.outputs)
        return [list(trial.backend.vjp(trial.rule, trial.options, trial.primals, bars))]
    backend, f, weights = functional(trial)
    if what == "third":
        ways = [compute() for name, (compute, *_) in nested(trial).items() if "," not in name]
        return [[None if v is None else backend.numpy(v) for v in third] for third in ways]
    t = backend.transforms
    w = tuple(map(backend.array, weights))
    x = tuple(map(backend.array, trial.primals))
    dots = tuple(None if v is None else backend.array(v) for v in d)
    firsts: list[tuple[Callable[..., Any], Any]] = [
        (lambda *a: t.vjp(f, a, w), dots),
        (lambda *a: t.jvp(f, a, dots), w),
    ]
    if what == "loss":
        ways = [first(*x) for first, _ in firsts]
    elif frugal(trial):
        (gradient, bars), (pushed, _) = firsts[0], firsts[1]
        ways = [t.vjp(gradient, x, bars), t.jvp(pushed, x, dots)]
    else:
        ways = [way for g, bars in firsts for way in (t.jvp(g, x, dots), t.vjp(g, x, bars))]
    return [[None if v is None else backend.numpy(v) for v in one] for one in ways]


def _bad_data(trial: Trial, bad: float) -> list[Measure]:
    """NaN or infinity in one element of a batch: not finite there, right elsewhere."""
    if trial.rule.name.startswith("_"):
        return []  # the rules that call an internal one have looked at the data
    # An elementwise function may well have a value at infinity.
    undefined = of_matrices(trial.rule)
    word = "nan" if np.isnan(bad) else "inf"
    clean = trial.backend.value(trial.rule, trial.options, tuple(p[:1] for p in trial.primals))
    touched = [i for i in range(len(trial.primals)) if trial.rule.differentiable(i)]
    measures = []
    for one in touched:
        damaged = _damaged(trial, [one], bad)
        for what, compute in (
            ("value", lambda x: trial.backend.value(trial.rule, trial.options, x)),
            (
                "value beside a tangent",
                lambda x: trial.backend.jvp(trial.rule, trial.options, x, trial.direction(0))[0],
            ),
        ):
            outputs = _unless_refused(compute, damaged)
            if outputs is None:
                continue
            finite = undefined and all(np.all(np.isfinite(y[1])) for y in outputs)
            label = f"{word} in {trial.rule.inputs[one]}"
            measures.append(Measure(float(finite), 0.0, f"{label}, and a finite {what}"))
            for got, want in zip(outputs, clean, strict=True):
                wrong = got.dtype != want.dtype
                measures.append(Measure(float(wrong), 0.0, f"{label}, and a {what} of {got.dtype}"))
                if trial.gauge is None:
                    measures.append(
                        trial.compare(got[0], want[0], largest(want), f"{label} next door")
                    )
    bars = tuple(None if b is None else np.ones_like(b) for b in trial.cotangents(trial.outputs))
    if trial.gauge is not None:
        bars = tuple(trial.gauge.horizontal(tuple(trial.outputs), bars, xp))
    gradients = _unless_refused(
        lambda x: trial.backend.vjp(trial.rule, trial.options, x, bars),
        _damaged(trial, touched, bad),
    )
    if gradients is not None:
        finite = undefined and all(np.all(np.isfinite(g[1])) for g in gradients)
        finite = finite and not _is_linear(trial, bars)
        measures.append(Measure(float(finite), 0.0, f"{word} in the data, and a finite gradient"))
        spoiled = any(not np.all(np.isfinite(g[0])) for g in gradients)
        measures.append(Measure(float(spoiled), 0.0, f"{word} spoils another matrix of the batch"))
    return measures


def _is_linear(trial: Trial, bars: tuple[Any, ...]) -> bool:
    """Whether the gradient is the same at other data: that of a linear function sees none."""
    others = tuple(
        p if d is None else d for p, d in zip(trial.primals, trial.direction(0), strict=True)
    )
    here, there = (
        _unless_refused(lambda x: trial.backend.vjp(trial.rule, trial.options, x, bars), x)
        for x in (trial.primals, others)
    )
    return there is not None and all(map(np.array_equal, here, there))


def _damaged(trial: Trial, which: Sequence[int], bad: float) -> tuple[Any, ...]:
    """The primals, those of `which` with a bad entry in the second element of the batch."""
    damaged = tuple(p.copy() for p in trial.primals)
    for i in which:
        damaged[i][(1, *(0,) * (damaged[i].ndim - 1))] = bad
    return damaged


def _unless_refused(compute: Callable[[Any], Any], primals: tuple[Any, ...]) -> Any:
    """What comes, or `None` if the array library refuses such data."""
    try:
        return compute(primals)
    except Exception as error:
        if _is_mistake(error):
            raise
        return None


def _is_mistake(error: Exception) -> bool:
    """Whether it is no refusal: that of an array library, or ours of a derivative that does not exist."""
    mistakes = (GradrulesError, TypeError, LookupError, AttributeError, NameError, AssertionError)
    return isinstance(error, mistakes) and not isinstance(error, NotDifferentiableError)
