"""The law of third derivatives."""

from typing import Any

import numpy as np

from .second_order import last_variant
from .trial import (
    NO_TRUTH,
    Inapplicable,
    Measure,
    Trial,
    batch_rank,
    frugal,
    functional,
    inner,
    kept_outputs,
    representative,
    summed,
)


def order3(trial: Trial) -> list[Measure]:
    """Third derivatives equal the truth: what a second derivative calls is differentiable too.

    Second derivatives are differentiated in their cotangents, too, and where tangents move.
    """
    if not representative(trial) or batch_rank(trial) or trial.case.dtype != "float64":
        return []
    if trial.quick and trial.options and not last_variant(trial):
        return []
    return of_third(trial)


def nested(trial: Trial) -> dict[str, tuple[Any, ...]]:
    """By its name what computes each nesting, what that is paired with, and the derivatives that it is.

    These are a sum: numbers, and the directions of each derivative.
    """
    backend, f, weights = functional(trial)
    t = backend.transforms
    x, w = (tuple(map(backend.array, arrays)) for arrays in (trial.primals, weights))
    ds, es, hs = (trial.direction(i) for i in range(3))
    present = [i for i, v in enumerate(ds) if v is not None]
    d, e, h = (tuple(backend.array(vs[i]) for i in present) for vs in (ds, es, hs))

    def forward(function: Any, along: Any) -> Any:
        given = dict(zip(present, along, strict=True))
        return lambda *arrays: t.jvp(function, arrays, tuple(map(given.get, range(len(ds)))))

    def backward(function: Any, bars: Any) -> Any:
        def gradient(*arrays: Any) -> Any:
            found = t.vjp(function, arrays, bars)
            return tuple(found[i] for i in present)

        return gradient

    def curve(s: Any) -> Any:
        """The function of ``x + s d + s^2 e / 2 + s^3 h / 6``: tangents that move."""
        moved = list(x)
        for i, *steps in zip(present, d, e, h, strict=True):
            moved[i] = x[i] + s * (steps[0] + s * (steps[1] / 2 + s * (steps[2] / 6)))
        return f(*moved)

    def slope(function: Any) -> Any:
        return lambda s: t.jvp(function, (s,), (backend.array(np.ones(())),))

    pushed, pulled = forward(f, d), backward(f, w)
    found = {
        "fwd over fwd over fwd": (
            lambda: forward(forward(pushed, e), h)(*x), weights, [(1, (ds, es, hs))],
        ),
        "rev over rev over rev": (
            lambda: backward(backward(pulled, d), e)(*x), hs, [(1, (ds, es, hs))],
        ),
        "rev over rev over rev, in the cotangents": (
            lambda: t.vjp(lambda *bars: backward(pulled, bars)(*x), d, e), hs, [(1, (es, hs))],
        ),
    }  # fmt: skip
    if not any(np.iscomplexobj(v) for v in (*trial.primals, *ds) if v is not None):
        found["fwd over fwd over fwd, along a curve"] = (
            lambda: slope(slope(slope(curve)))(backend.array(np.zeros(()))), weights,
            [(1, (ds, ds, ds)), (3, (ds, es)), (1, (hs,))],
        )  # fmt: skip
    return found


def of_third(trial: Trial) -> list[Measure]:
    """Each nesting against the truth."""
    backend, _, weights = functional(trial)
    measures = []
    for name, (compute, against, terms) in nested(trial).items():
        if frugal(trial) and "," in name:
            continue
        want = size = moved = 0.0
        for times, along in terms:
            truth, change = (
                kept_outputs(trial, trial.truth.derivative(*directions, invariants=True))
                for directions in (along, (*along, trial.perturbation))
            )
            if truth is None:
                raise Inapplicable(NO_TRUTH)
            want = want + times * inner(weights, truth)
            size, moved = (
                size + times * summed(weights, truth),
                moved + times * summed(weights, change),
            )
        got = inner([v for v in against if v is not None], list(map(backend.numpy, compute())))
        measures.append(trial.pair(got, want, size, moved, name))
    return measures
