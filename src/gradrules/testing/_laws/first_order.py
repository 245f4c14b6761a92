"""Laws of values and first derivatives."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._cases import SINGLE
from .._tolerance import largest
from .._truth import Truth
from .trial import NO_TRUTH, Inapplicable, Measure, Trial, crossed, elsewhere, inner

DIRECTIONS = 3


def primal(trial: Trial) -> list[Measure]:
    """The value equals the truth."""
    if elsewhere(trial):
        return []
    if trial.case.kind == "edge" and trial.case.edge and trial.case.edge.value != "exact":
        return []
    return of_value(trial)


def of_value(trial: Trial) -> list[Measure]:
    truth = trial.truth.derivative()
    change = trial.truth.derivative(trial.perturbation)
    if truth is None:
        raise Inapplicable(NO_TRUTH)
    return [
        trial.compare(got, want, 0 if change is None else change[i], f"output {name}")
        for i, (name, got, want) in enumerate(
            zip(trial.rule.outputs, trial.outputs, truth, strict=True)
        )
        if want.size
    ]


def jvp(trial: Trial) -> list[Measure]:
    """The jvp equals the directional derivative of the truth."""
    if trial.case.kind == "edge" or elsewhere(trial):
        return []
    return of_jvp(trial)


def of_jvp(trial: Trial, directions: int = 2) -> list[Measure]:
    measures = []
    for number in range(directions):
        d = trial.direction(number)
        outputs, dots = trial.backend.jvp(trial.rule, trial.options, trial.primals, d)
        truth = trial.truth_at(trial.primals, tuple(outputs))
        want = truth.derivative(d)
        change = truth.derivative(d, trial.perturbation)
        if want is None:
            raise Inapplicable(NO_TRUTH)
        measures += [
            trial.compare(got, want[i], 0 if change is None else change[i], f"tangent of {name}")
            for i, (name, got) in enumerate(zip(trial.rule.outputs, dots, strict=True))
            if got is not None and want[i].size
        ]
    return measures


def vjp(trial: Trial) -> list[Measure]:
    """The vjp is the adjoint of the directional derivative of the truth."""
    if trial.case.kind == "edge" or elsewhere(trial):
        return []
    return of_vjp(trial)


def of_vjp(trial: Trial) -> list[Measure]:
    bars = trial.cotangents(trial.outputs)
    gradients = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    shapes = [np.shape(g) for g in gradients]
    if shapes != [p.shape for p in trial.primals]:
        return [Measure(float("inf"), 0.0, f"gradient shapes {shapes}")]
    return [
        paired(trial, trial.truth, bars, gradients, d, f"<gradient, direction {i}>")
        for i, d in enumerate(_directions(trial))
    ]


def _directions(trial: Trial) -> list[tuple[Any | None, ...]]:
    """Random directions; for a small real input the whole basis, one entry at a time."""
    total = sum(p.size for p in trial.primals)
    if len(trial.primals) > 1 or total > 4 or np.iscomplexobj(trial.primals[0]):
        return [trial.direction(i) for i in range(DIRECTIONS)]
    basis = np.eye(total, dtype=trial.primals[0].dtype)
    return [(row.reshape(trial.primals[0].shape),) for row in basis]


def paired(
    trial: Trial,
    truth: Truth,
    bars: Sequence[Any],
    gradients: Sequence[Any],
    d: tuple[Any | None, ...],
    what: str,
    *,
    invariants: bool = False,
) -> Measure:
    """``<gradient, d>`` against ``<cotangent, derivative along d>``."""
    want = truth.derivative(d, invariants=invariants)
    change = truth.derivative(d, trial.perturbation, invariants=invariants)
    if want is None:
        raise Inapplicable(NO_TRUTH)
    count = max(*(np.size(w) for w in want), trial.case.order)
    size, moved = paired_size(bars, want), paired_size(bars, change)
    return trial.pair(inner(gradients, d), inner(bars, want), size, moved, what, count=count)


def paired_size(bars: Sequence[Any], values: Sequence[Any] | None) -> float:
    """A bound of the terms of ``<bars, values>``; 0 for values that do not exist."""
    if values is None:
        return 0.0
    return sum(largest(b) * largest(v) for b, v in zip(bars, values, strict=True) if b is not None)


def adjoint(trial: Trial) -> list[Measure]:
    """``<y_bar, jvp(d)> = <vjp(y_bar), d>``, without any truth."""
    if trial.case.kind == "edge" or elsewhere(trial):
        return []
    d = trial.direction(0)
    outputs, dots = trial.backend.jvp(trial.rule, trial.options, trial.primals, d)
    bars = trial.cotangents(outputs)
    gradients = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    change = trial.truth.derivative(d, trial.perturbation)
    size, moved = paired_size(bars, dots), paired_size(bars, change)
    count = max(p.size for p in trial.primals)
    left, right = inner(gradients, d), inner(bars, dots)
    return [trial.pair(left, right, size, moved, "difference", count=count, truth=False)]


def linear(trial: Trial) -> list[Measure]:
    """The jvp is linear in the tangents, the vjp in the cotangents; a missing one is zero."""
    if not crossed(trial) or (trial.quick and trial.case.dtype in SINGLE):
        return []
    first, second = trial.direction(0), trial.direction(1)
    both = tuple(
        None if a is None else np.asarray(2 * a - b, dtype=a.dtype)
        for a, b in zip(first, second, strict=True)
    )
    run = trial.backend.jvp
    dots = [run(trial.rule, trial.options, trial.primals, d)[1] for d in (first, second, both)]
    change = [trial.truth.derivative(d, trial.perturbation) for d in (first, second)]
    measures = []
    for i, name in enumerate(trial.rule.outputs):
        if dots[0][i] is None:
            continue
        size = max(largest(d[i]) for d in dots)
        moved = sum(0.0 if c is None else largest(c[i]) for c in change)
        wanted = 2 * dots[0][i] - dots[1][i]
        measures.append(trial.compare(dots[2][i], wanted, size + moved, f"tangent of {name}"))
    given = [i for i, v in enumerate(first) if v is not None]
    if len(given) > 1:
        single = [tuple(v if i == j else None for j, v in enumerate(first)) for i in given]
        parts = [run(trial.rule, trial.options, trial.primals, d)[1] for d in single]
        for i, whole in enumerate(dots[0]):
            if whole is not None:
                terms = [part[i] for part in parts if part[i] is not None]
                moved = sum(map(largest, terms)) + (
                    0.0 if change[0] is None else largest(change[0][i])
                )
                measures.append(trial.compare(whole, sum(terms), moved, "sum over single tangents"))
    bars = trial.cotangents(trial.outputs)
    whole = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    present = [i for i, b in enumerate(bars) if b is not None]
    if len(present) > 1:
        parts = [
            trial.backend.vjp(
                trial.rule,
                trial.options,
                trial.primals,
                tuple(b if i == j else None for j, b in enumerate(bars)),
            )
            for i in present
        ]
        moved = sum(0.0 if c is None else sum(map(largest, c)) for c in change)
        for k, g in enumerate(whole):
            if trial.rule.differentiable(k):
                total = sum(part[k] for part in parts)
                size = sum(largest(part[k]) for part in parts) + moved
                measures.append(trial.compare(g, total, size, "sum over single cotangents"))
    return measures
