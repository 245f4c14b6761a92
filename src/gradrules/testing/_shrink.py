"""The smallest input at which a law fails as it failed."""

import hashlib
import time
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from gradrules import Rule

from ._backends import Backend
from ._cases import Case
from ._laws import Inapplicable, Measure, Trial, carry_out, worst

# Inputs that are tried, and seconds of processor time after which no other is: some laws compile each.
EXAMPLES = 250
SECONDS = 20.0


def smallest(
    fails: Callable[[Any], bool],
    strategy: Any,
    *,
    seed: int = 0,
    examples: int = EXAMPLES,
    seconds: float = SECONDS,
) -> Any | None:
    """The smallest value of a hypothesis strategy for which `fails` is true; `None` if none is found.

    The same seed gives the same value, unless `seconds` of this process pass before hypothesis is
    done; then it is the smallest one until then.
    """
    import hypothesis  # noqa: PLC0415 (half a second, and a check that passes has no use for it)

    known: dict[bytes, bool] = {}
    deadline = time.process_time() + seconds

    def condition(value: Any) -> bool:
        # What was said once is said again: hypothesis repeats the last failure to be sure of it.
        key = _digest(value)
        if key not in known:
            if len(known) >= examples or time.process_time() > deadline:
                return False
            known[key] = bool(fails(value))
        return known[key]

    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    try:
        return hypothesis.find(strategy, condition, settings=settings, random=Random(seed))
    except (hypothesis.errors.NoSuchExample, hypothesis.errors.Unsatisfiable):
        return None


def _digest(value: Any) -> bytes:
    parts = value if isinstance(value, tuple) else (value,)
    digest = hashlib.sha256()
    for part in parts:
        array = np.asarray(part)
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(array.tobytes())
    return digest.digest()


def smaller(
    rule: Rule, backend: Backend, law: str, case: Case, seed: int, failure: Exception | None
) -> tuple[Trial, Measure | None] | None:
    """The smallest trial that fails as `case` does: by the same error, or by a measure.

    Same rule, backend, law, dtype and options. `None` where the input is not a random one, or hypothesis
    finds no failure.
    """
    from . import strategies  # noqa: PLC0415 (imports hypothesis)

    if case.kind == "edge" or law == "edge":
        return None

    def attempt(primals: Any) -> tuple[Trial, Measure | None] | None:
        one = Case(
            "smallest", "general", case.dtype, primals, case.options,
            representative=True, crossed=True,
        )  # fmt: skip
        trial = Trial(rule, backend, one, seed)
        try:
            measures = carry_out(law, trial)
        except Inapplicable:
            return None
        except Exception as error:
            return (trial, None) if type(error) is type(failure) else None
        if failure is not None or not measures or worst(measures).passed:
            return None
        return trial, worst(measures)

    plain = {"dtype": case.dtype, "n": strategies.orders(rule, longest=3), "kind": "general"}
    for more in ({}, {"batch": strategies.batches(axes=1, longest=2), "kind": None}):
        strategy = strategies.primals(rule, **{"batch": (), **plain, **more})
        found = smallest(lambda primals: attempt(primals) is not None, strategy, seed=seed)
        if found is not None:
            return attempt(found)
    return None
