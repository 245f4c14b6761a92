"""From rules, backends and laws to records."""

import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gradrules import Rule, host
from gradrules.errors import UnsupportedTransformError

from . import _oracles  # noqa: F401 (registers them)
from ._backends import Backend
from ._cases import Case, cases
from ._laws import LAWS, Inapplicable, Measure, Trial

__all__ = ["Record", "run"]


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
) -> Iterator[Record]:
    """Try `rule` on `backend`, law by law. `samples` collects what the law ``agree`` compares."""
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
        tried = False
        for one in inputs:
            for record in _try(rule, backend, law, one, seed, quick=quick):
                tried = True
                yield record
        if not tried and case is None:
            reason = "the rule keeps no arrays" if law == "kept" else "no input concerns the law"
            yield Record(rule.name, backend.name, law, "skip", None, None, "", 0.0, reason)
    if samples is not None:
        for one in inputs:
            _sample(rule, backend, one, seed, samples)


def _try(
    rule: Rule, backend: Backend, law: str, case: Case, seed: int, *, quick: bool
) -> Iterator[Record]:
    start = time.perf_counter()
    message = ""
    trial = Trial(rule, backend, case, seed, quick=quick)
    try:
        # The framework itself is tried; some laws take the way of users' calls, which may be NumPy's.
        way = nullcontext() if law in ("dtype", "pure") else host.disabled()
        with np.errstate(all="ignore"), way:
            measures = LAWS[law](trial)
        for reason in trial.refusals:
            yield Record(rule.name, backend.name, law, "skip", None, None, case.name, 0.0, reason)
        if not measures:
            return
        worst = max(measures, key=_badness)
        status = "pass" if worst.passed else "fail"
        message = "" if worst.passed else worst.what
        error, tolerance = worst.error, worst.tolerance
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
        status, error, tolerance = "fail", None, None
    repeat = ""
    if status == "fail":
        repeat = (
            f"gradrules check --rule {rule.name} --backend {backend.name} --law {law} "
            f"--seed {seed}{' --quick' if quick else ''} --case {case.name!r}"
        )
        shown = ", ".join(
            f"{n}={np.array2string(p, separator=', ', threshold=30, max_line_width=1000)}"
            for n, p in zip(rule.inputs, case.primals, strict=True)
        )
        message += f"; input: {' '.join(shown.split())}"
    seconds = time.perf_counter() - start
    yield Record(
        rule.name, backend.name, law, status, error, tolerance, case.name, seconds, message, repeat
    )


def _is_declared_refusal(backend: Backend, exception: Exception) -> bool:
    """Whether the adapter refused by the named error, and said beforehand that it would."""
    declared = backend.missing.values()
    return isinstance(exception, UnsupportedTransformError) and str(exception) in declared


def _badness(measure: Measure) -> float:
    if np.isnan(measure.error):
        return float("inf")
    return measure.error / measure.tolerance if measure.tolerance else measure.error * 1e30


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
