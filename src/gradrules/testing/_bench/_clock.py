"""Ratios of the times of calls, on a machine that is not quiet.

The calls take turns in every round, in a new order each time, so that whatever else runs disturbs all of
them alike; the ratio to the reference is formed within a round. A short call is repeated until
it takes a while. Long ones are measured by the time of the processor: on the wall clock, whoever takes
long is interrupted more often.
"""

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Call = Callable[[], object]
# Seconds that one measurement of a short call takes.
SLOT = 2e-4
# Seconds from which the time of the processor is taken.
LONG = 2e-3
WARM = 3
# Rounds, for calls of any length up to the one given.
ROUNDS = ((1e-3, 61), (1e-2, 31), (5e-2, 11), (float("inf"), 5))


@dataclass(frozen=True)
class Ratio:
    """How long a call takes, in units of the reference: median and quartiles over the rounds.

    `least` is the ratio of the two shortest times. Where it contradicts the median, the machine decided.
    """

    median: float
    low: float
    high: float
    least: float


@dataclass(frozen=True)
class Times:
    """Seconds of each call (the median), ratios of all to the reference, and the clock."""

    seconds: Mapping[str, float]
    ratios: Mapping[str, Ratio]
    clock: str


def measure(calls: Mapping[str, Call], reference: str, *, seed: int = 0) -> Times:
    """Time `calls` in turns; ratios are to the one that is called `reference`."""
    rough = {name: _warm(call) for name, call in calls.items()}
    longest = max(rough.values())
    clock = time.process_time if longest > LONG else time.perf_counter
    repeats = {name: max(1, round(SLOT / seconds)) for name, seconds in rough.items()}
    rounds = next(count for limit, count in ROUNDS if longest <= limit)
    order, shuffle = list(calls), random.Random(seed).shuffle
    found: dict[str, list[float]] = {name: [] for name in calls}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            shuffle(order)
            for name in order:
                found[name].append(_timed(calls[name], repeats[name], clock))
    finally:
        if collecting:
            gc.enable()
    return Times(
        seconds={name: statistics.median(times) for name, times in found.items()},
        ratios={name: _ratio(times, found[reference]) for name, times in found.items()},
        clock="processor" if clock is time.process_time else "wall",
    )


def _warm(call: Call) -> float:
    for _ in range(WARM):
        call()
    return max(min(_timed(call, 1, time.perf_counter) for _ in range(WARM)), 1e-9)


def _timed(call: Call, repeats: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats


def _ratio(times: list[float], reference: list[float]) -> Ratio:
    each = [t / max(r, 1e-12) for t, r in zip(times, reference, strict=True)]
    low, median, high = statistics.quantiles(each, n=4, method="inclusive")
    return Ratio(median, low, high, min(times) / max(min(reference), 1e-12))
