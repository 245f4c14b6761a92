"""From rules, backends and laws to records."""

import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gradrules import Rule
from gradrules.errors import UnsupportedTransformError

from . import _oracles, _shrink  # noqa: F401 (the oracles are registered)
from ._backends import Backend
from ._cases import Case, cases
from ._laws import LAWS, Inapplicable, Trial, carry_out, worst

__all__ = ["Record", "run"]

# Why a law about something that a rule may declare does not concern one that does not.
UNDECLARED = {
    "kept": "the rule keeps no arrays",
    "gauge": "the rule declares no gauge",
    "structure": "the rule declares no structure",
    "scale": "the rule declares no degrees",
}


@dataclass(frozen=True)
class Record:
    """What one law said of one rule on one backend at one input."""

    rule: str
    backend: str
    law: str
    status: str  # "pass", "fail" or "skip"
    error: float | None
    tolerance: float | None
    case: str
    seconds: float
    message: str = ""
    repeat: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def run(
    rule: Rule,
    backend: Backend,
    *,
    laws: Sequence[str] = tuple(LAWS),
    quick: bool = True,
    seed: int = 0,
    case: str | None = None,
    samples: dict[str, Any] | None = None,
    shrink: bool = False,
) -> Iterator[Record]:
    """Try `rule` on `backend`, law by law. `samples` collects what the law ``agree`` compares.

    With `shrink` the smallest failing input is searched for, once for each law that fails.
    """
    missing = backend.missing
    inputs = [c for c in cases(rule, quick=quick, seed=seed) if case in (None, c.name)]
    for dtype in dict.fromkeys(c.dtype for c in inputs if c.dtype in missing):
        yield Record(rule.name, backend.name, "all", "skip", None, None, dtype, 0.0, missing[dtype])
    inputs = [c for c in inputs if c.dtype not in missing]
    for law in laws:
        if law not in LAWS:
            continue
        if law in missing:
            yield Record(rule.name, backend.name, law, "skip", None, None, "", 0.0, missing[law])
            continue
        tried, searching = False, shrink
        for one in inputs:
            for record in _try(rule, backend, law, one, seed, quick=quick, shrink=searching):
                tried = True
                searching = searching and record.status != "fail"
                yield record
        if not tried and case is None:
            reason = UNDECLARED.get(law, "no input concerns the law")
            yield Record(rule.name, backend.name, law, "skip", None, None, "", 0.0, reason)
    if samples is not None:
        for one in inputs:
            _sample(rule, backend, one, seed, samples)


def _try(
    rule: Rule, backend: Backend, law: str, case: Case, seed: int, *, quick: bool, shrink: bool
) -> Iterator[Record]:
    start = time.perf_counter()
    message, failure, failed = "", None, None
    trial = Trial(rule, backend, case, seed, quick=quick)
    try:
        measures = carry_out(law, trial)
        for reason in trial.refusals:
            yield Record(rule.name, backend.name, law, "skip", None, None, case.name, 0.0, reason)
        if not measures:
            return
        failed = worst(measures)
        status = "pass" if failed.passed else "fail"
        message = "" if failed.passed else failed.what
        error, tolerance = failed.error, failed.tolerance
    except Inapplicable as nothing:
        status, message, error, tolerance = "skip", str(nothing), None, None
    except Exception as exception:  # a law that cannot be tried has failed, whatever the reason
        if _is_declared_refusal(backend, exception):
            reason = str(exception)
            yield Record(rule.name, backend.name, law, "skip", None, None, case.name, 0.0, reason)
            return
        where = traceback.extract_tb(exception.__traceback__)[-1]
        text = str(exception).strip().splitlines()
        message = f"{type(exception).__name__}: {text[0] if text else ''} ({where.name})"
        status, error, tolerance, failure = "fail", None, None, exception
    repeat = ""
    if status == "fail":
        repeat = (
            f"gradrules check --rule {rule.name} --backend {backend.name} --law {law} "
            f"--seed {seed}{' --quick' if quick else ''} --case {case.name!r}"
        )
        message += _shrink.account(
            rule, backend, law, case, seed, failed=failed, failure=failure, shrink=shrink
        )
    seconds = time.perf_counter() - start
    yield Record(
        rule.name, backend.name, law, status, error, tolerance, case.name, seconds, message, repeat
    )


def _is_declared_refusal(backend: Backend, exception: Exception) -> bool:
    """Whether the adapter refused by the named error, and said beforehand that it would."""
    declared = backend.missing.values()
    return isinstance(exception, UnsupportedTransformError) and str(exception) in declared


def _sample(rule: Rule, backend: Backend, case: Case, seed: int, samples: dict[str, Any]) -> None:
    """The gradient at general inputs in double precision, with its tolerance: see `agree`."""
    if case.kind != "general" or case.dtype in ("float32", "complex64"):
        return
    trial = Trial(rule, backend, case, seed)
    try:
        bars = _invariant_bars(trial)
        gradients = backend.vjp(rule, case.options, case.primals, bars)
        d = trial.direction(0)
        change = trial.truth.derivative(d, trial.perturbation)
    except Exception:  # the law `vjp` has reported it
        return
    moved = 0.0 if change is None else sum(float(np.max(np.abs(c), initial=0)) for c in change)
    size = sum(float(np.max(np.abs(g), initial=0)) for g in gradients)
    tolerance = trial.allowed(max(p.size for p in case.primals), size, moved)
    samples[f"{rule.name}|{case.name}"] = {
        "gradients": [[g.real.tolist(), g.imag.tolist()] for g in gradients],
        "size": size,
        "tolerance": tolerance,
    }


def _invariant_bars(trial: Trial) -> Any:
    """Cotangents that mean the same in every gauge: those of ``sum |y|^2 W`` for fixed W."""
    if trial.gauge is None:
        return trial.cotangents(trial.outputs)
    rng = trial.random("agree")
    return tuple(y * rng.standard_normal(y.shape) for y in trial.outputs)
