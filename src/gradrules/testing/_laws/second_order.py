"""The law of second derivatives."""

from collections.abc import Callable, Sequence
from typing import Any

from .._cases import SINGLE
from .trial import (
    NO_TRUTH,
    Inapplicable,
    Measure,
    Trial,
    at,
    crossed,
    elements,
    empty,
    functional,
    inner,
    kept_outputs,
    summed,
)

NESTINGS = ("rev over rev", "fwd over rev", "rev over fwd", "fwd over fwd")


def order2(trial: Trial) -> list[Measure]:
    """Second derivatives equal the truth, in all four nestings of the framework's two modes."""
    if not crossed(trial) or empty(trial) or trial.case.dtype in SINGLE:
        return []
    if trial.quick and trial.options:
        # Each mode over itself.
        wanted = last_variant(trial) and trial.case.dtype == _widest(trial)
        if not wanted:
            return []
        return [*of_second(trial, NESTINGS[::3]), *_in_the_linear_argument(trial)]
    if trial.quick and not trial.case.crossed:
        return []
    # Two of the nestings in float64, all in complex128, where there is such an input.
    fewer = trial.quick and trial.case.dtype == "float64"
    fewer = fewer and "complex128" in trial.rule.declaration.dtypes
    nestings = NESTINGS[2:] if fewer else NESTINGS
    return [*of_second(trial, nestings), *_in_the_linear_argument(trial)]


def last_variant(trial: Trial) -> bool:
    """Of the options those that the rule names last: a quick check tries high orders with these."""
    return trial.options == dict(trial.rule.declaration.variants[-1])


def _widest(trial: Trial) -> str:
    """The dtype in double precision that shows most: complex, if the rule has it."""
    return next(d for d in ("complex128", "float64") if d in trial.rule.declaration.dtypes)


def _in_the_linear_argument(trial: Trial) -> list[Measure]:
    """The vjp differentiated in its cotangents is the jvp, the jvp in its tangents is itself.

    Second derivatives of a composition pass there; those of the rule alone do not.
    """
    backend, f, weights = functional(trial)
    t = backend.transforms
    x, w = (tuple(map(backend.array, arrays)) for arrays in (trial.primals, weights))
    ds, es = trial.direction(0), trial.direction(1)
    present = [i for i, v in enumerate(ds) if v is not None]
    d, e = (tuple(backend.array(v[i]) for i in present) for v in (ds, es))

    def pulled(*bars: Any) -> Any:
        found = t.vjp(f, x, bars)
        return tuple(found[i] for i in present)

    def pushed(*dots: Any) -> Any:
        given = dict(zip(present, dots, strict=True))
        return t.jvp(f, x, tuple(given.get(i) for i in range(len(ds))))

    measures = []
    for what, got, direction in (
        ("rev over rev, in the cotangents", t.vjp(pulled, w, d), ds),
        ("fwd over fwd, in the tangents", t.jvp(pushed, d, e), es),
    ):
        want = kept_outputs(trial, trial.truth.derivative(direction, invariants=True))
        moved = kept_outputs(
            trial, trial.truth.derivative(direction, trial.perturbation, invariants=True)
        )
        if want is None:
            raise Inapplicable(NO_TRUTH)
        for i, v in enumerate(map(backend.numpy, got)):
            for index in elements(trial):
                change = 0 if moved is None else moved[i][index]
                measures.append(trial.compare(v[index], want[i][index], change, what))
    return measures


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
    parts: dict[str, Callable[[], tuple[Sequence[Any], Sequence[Any]]]] = {
        "rev over rev": lambda: (t.vjp(gradient, x, d_present), es),
        "fwd over rev": lambda: (t.jvp(gradient, x, e), ds_present),
        "rev over fwd": lambda: (t.vjp(pushed, x, w), es),
        "fwd over fwd": lambda: (t.jvp(pushed, x, e), weights),
    }
    measures = []
    for name in nestings:
        found, against = parts[name]()
        arrays = [backend.numpy(v) for v in found]
        for index in elements(trial):
            ours, want = at(weights, index), at(truth, index)
            more = None if change is None else at(change, index)
            measures.append(
                trial.pair(
                    inner(at(arrays, index), at(against, index)),
                    inner(ours, want),
                    summed(ours, want),
                    summed(ours, more),
                    f"{name}{list(index) or ''}",
                )
            )
    return measures
