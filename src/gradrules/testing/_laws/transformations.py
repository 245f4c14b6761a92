"""Laws of batches, vectorizing transformations and compilers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .._backends import FrameworkBackend, as_tuple
from .._cases import SINGLE, normal
from .._tolerance import largest
from .._truth import Truth
from .trial import (
    NO_TRUTH,
    Inapplicable,
    Measure,
    Trial,
    at,
    batch_rank,
    elements,
    empty,
    functional,
    inner,
    kept_outputs,
    repeated,
    representative,
    summed,
)


def batch(trial: Trial) -> list[Measure]:
    """With batch axes in front, every element has its own value, tangent and gradient."""
    if trial.case.kind == "edge" or empty(trial) or not batch_rank(trial):
        return []
    d = trial.direction(0)
    outputs, dots = trial.backend.jvp(trial.rule, trial.options, trial.primals, d)
    bars = trial.cotangents(outputs)
    gradients = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    measures = []
    for index in elements(trial):
        one, delta = tuple(at(d, index)), tuple(at(trial.perturbation, index))
        truth = trial.truth_at(tuple(at(trial.primals, index)), tuple(at(outputs, index)))
        value, tangent = truth.derivative(), truth.derivative(one)
        moved, curved = truth.derivative(delta), truth.derivative(one, delta)
        if value is None or tangent is None or moved is None or curved is None:
            raise Inapplicable(NO_TRUTH)
        for i, name in enumerate(trial.rule.outputs):
            what = f"{name}{list(index)}"
            measures.append(trial.compare(outputs[i][index], value[i], moved[i], what))
            if dots[i] is not None:
                what = f"its tangent{list(index)}"
                measures.append(trial.compare(dots[i][index], tangent[i], curved[i], what))
        here = at(bars, index)
        size, change = (
            float(
                sum(
                    largest(b) * np.sum(np.abs(v))
                    for b, v in zip(here, values, strict=True)
                    if b is not None
                )
            )
            for values in (tangent, curved)
        )
        got, want = inner(at(gradients, index), one), inner(here, tangent)
        measures.append(trial.pair(got, want, size, change, f"gradient{list(index)}"))
    return measures


def _near(trial: Trial, rng: np.random.Generator) -> tuple[Any, ...]:
    """Primals not far from those of the trial, of the same structure."""
    moved = []
    for i, (name, p) in enumerate(zip(trial.rule.inputs, trial.primals, strict=True)):
        step = normal(rng, p.shape, str(p.dtype))
        if trial.rule.declaration.structure.get(name) == "positive definite":
            step = step @ np.conj(np.swapaxes(step, -1, -2))
        near = np.asarray(p + 0.1 * largest(p) * step, dtype=p.dtype)
        moved.append(near if trial.rule.differentiable(i) else p)
    return tuple(moved)


def _transformed(
    trial: Trial, around: Callable[[Callable[..., Any]], Callable[..., Any]], count: int | None
) -> list[Measure]:
    """Value, gradient, tangent and a second derivative of a function under a transformation.

    `count` is the length of a new leading axis of all arguments, or `None`.
    """
    backend, f, weights = functional(trial)
    t = backend.transforms
    w = tuple(map(backend.array, weights))
    d = trial.direction(0)
    dots = tuple(None if v is None else backend.array(v) for v in d)
    points = [trial.primals]
    if count is not None:
        rng = trial.random("points")
        points = [_near(trial, rng) for _ in range(count)]
    stacked = points[0] if count is None else tuple(map(np.stack, zip(*points, strict=True)))
    x = tuple(map(backend.array, stacked))

    def gradient(*arrays: Any) -> Any:
        return t.vjp(f, arrays, w)

    def pushed(*arrays: Any) -> Any:
        return t.jvp(f, arrays, dots)

    def curved(*arrays: Any) -> Any:
        return t.jvp(gradient, arrays, dots)

    parts: dict[str, Callable[..., Any]] = {
        "value": f, "gradient": gradient, "tangent": pushed, "second": curved
    }  # fmt: skip
    if trial.case.dtype in SINGLE:
        del parts["second"]
    lengths: dict[str, int] = {}

    def everything(*arrays: Any) -> Any:
        """One function, so that a compiler is asked once."""
        found = {name: as_tuple(part(*arrays)) for name, part in parts.items()}
        lengths.update({name: len(values) for name, values in found.items()})
        return tuple(value for values in found.values() for value in values)

    flat = iter([backend.numpy(v) for v in around(everything)(*x)])
    results = {name: [next(flat) for _ in range(length)] for name, length in lengths.items()}
    measures = []
    for i, point in enumerate(points):
        truth = trial.truth_at(
            point, trial.backend.value(trial.rule, trial.options, point) if trial.gauge else ()
        )
        pick = (
            (lambda arrays: arrays)
            if count is None
            else (lambda arrays, i=i: [a[i] for a in arrays])
        )
        measures += _judge(trial, truth, weights, d, {k: pick(v) for k, v in results.items()}, i)
    return measures


def _judge(
    trial: Trial, truth: Truth, weights: Any, d: Any, results: dict[str, Any], number: int
) -> list[Measure]:
    delta, e = trial.perturbation, trial.direction(1)

    def derivative(*directions: Any) -> Any:
        return kept_outputs(trial, truth.derivative(*directions, invariants=True))

    value, moved = derivative(), derivative(delta)
    tangent, bent = derivative(d), derivative(d, delta)
    if value is None or moved is None or tangent is None or bent is None:
        raise Inapplicable(NO_TRUTH)
    pairs = [("vjp", results["gradient"], derivative(e), derivative(e, delta))]
    if "second" in results:
        pairs.append(("fwd over rev", results["second"], derivative(d, e), derivative(d, e, delta)))
    if any(want is None for _, _, want, _ in pairs):
        raise Inapplicable(NO_TRUTH)
    measures = []
    for index in elements(trial):
        where = [number, *index]
        for i in range(len(value)):
            for name, got, want, change in (
                ("value", results["value"], value, moved),
                ("jvp", results["tangent"], tangent, bent),
            ):
                arrays = got[i][index], want[i][index], change[i][index]
                measures.append(trial.compare(*arrays, f"{name} {where}"))
        w = at(weights, index)
        for name, got, want, change in pairs:
            ours, true = at(got, index), at(want, index)
            more = None if change is None else at(change, index)
            measures.append(
                trial.pair(
                    inner(ours, at(e, index)),
                    inner(w, true),
                    summed(w, true),
                    summed(w, more),
                    f"{name} {where}",
                )
            )
    return measures


def vmap(trial: Trial) -> list[Measure]:
    """Mapped over a new axis: function, gradient, jvp and second derivative, each element right."""
    if not representative(trial) or (trial.quick and repeated(trial)):
        return []
    backend = trial.backend
    assert isinstance(backend, FrameworkBackend)
    return _transformed(trial, backend.transforms.vmap, 3)


def compile(trial: Trial) -> list[Measure]:  # noqa: A001 (the name of the law)
    """Through the framework's compiler: function, gradient, jvp and second derivative."""
    if not representative(trial) or trial.case.dtype in SINGLE:
        return []
    if trial.quick and (trial.case.dtype != "float64" or trial.options):
        return []
    backend = trial.backend
    assert isinstance(backend, FrameworkBackend)
    measures = []
    for name, compiler in backend.transforms.compilers().items():
        refused = backend.refused(name, trial.rule, trial.case.dtype)
        if refused:
            trial.refusals.append(f"{name}: {refused}")
            continue
        found = _transformed(trial, compiler, None)
        measures += [replace(m, what=f"{name}: {m.what}") for m in found]
    return measures
