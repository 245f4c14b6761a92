"""The law of third derivatives."""

from typing import Any

from .second_order import last_variant
from .trial import (
    NO_TRUTH,
    Inapplicable,
    Measure,
    Trial,
    batch_rank,
    functional,
    inner,
    kept_outputs,
    representative,
    summed,
)


def order3(trial: Trial) -> list[Measure]:
    """Third derivatives equal the truth: what a second derivative calls is differentiable too.

    Second derivatives are differentiated in their tangents and cotangents, too.
    """
    if not representative(trial) or batch_rank(trial) or trial.case.dtype != "float64":
        return []
    if trial.quick and trial.options and not last_variant(trial):
        return []
    return of_third(trial)


def nested(trial: Trial) -> dict[str, tuple[Any, ...]]:
    """By its name what computes each nesting, what that is paired with, and the directions of its truth."""
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

    pushed, pulled = forward(f, d), backward(f, w)
    return {
        "fwd over fwd over fwd": (lambda: forward(forward(pushed, e), h)(*x), weights, (ds, es, hs)),
        "rev over rev over rev": (lambda: backward(backward(pulled, d), e)(*x), hs, (ds, es, hs)),
        "fwd over fwd over fwd, in the tangents": (
            lambda: t.jvp(lambda *along: forward(pushed, along)(*x), e, h), weights, (ds, hs),
        ),
        "rev over rev over rev, in the cotangents": (
            lambda: t.vjp(lambda *bars: backward(pulled, bars)(*x), d, e), hs, (es, hs),
        ),
        "fwd over fwd over fwd, in the first tangents": (
            lambda: t.jvp(lambda *along: forward(forward(f, along), e)(*x), d, h), weights, (es, hs),
        ),
        "rev over rev over rev, in the first cotangents": (
            lambda: t.vjp(lambda *bars: backward(backward(f, bars), d)(*x), w, e), weights, (ds, es),
        ),
    }  # fmt: skip


def of_third(trial: Trial) -> list[Measure]:
    """Each nesting against the truth."""
    backend, _, weights = functional(trial)
    measures = []
    for name, (compute, against, directions) in nested(trial).items():
        truth, change = (
            kept_outputs(trial, trial.truth.derivative(*along, invariants=True))
            for along in (directions, (*directions, trial.perturbation))
        )
        if truth is None:
            raise Inapplicable(NO_TRUTH)
        got = inner([v for v in against if v is not None], list(map(backend.numpy, compute())))
        size, moved = summed(weights, truth), summed(weights, change)
        measures.append(trial.pair(got, inner(weights, truth), size, moved, name))
    return measures
