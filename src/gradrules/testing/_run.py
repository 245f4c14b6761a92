"""From rules, backends and laws to records."""

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from gradrules import Rule
from gradrules.errors import UnsupportedTransformError

from . import _oracles, _shrink  # noqa: F401 (the oracles are registered)
from ._backends import Backend
from ._cases import SINGLE, Case, cases
from ._laws import ACROSS, LAWS, Inapplicable, Measure, Trial, carry_out, worst
from ._show import assignment, brief

__all__ = ["Record", "Repeat", "Sampler", "run"]

Sampler = Callable[[np.random.Generator, list[tuple[int, ...]], str], Sequence[Any]]
# From a backend, a law, a seed and the name of an input to what tries just that again.
Repeat = Callable[[str, str, int, str], str]
# Laws that a quick check tries in one dtype: the first of these that there is.
_ONE_DTYPE = {"vmap": ("complex128", "float64"), "linear": ("complex128", "float64")}
# Laws that need one derivative alone, or none; the others need both.
_NEEDS = {
    "primal": (),
    "jvp": ("jvp",),
    "vjp": ("vjp",),
    "pure": ("vjp",),
    "structure": ("vjp",),
}
_FUNCTION = (
    "a function cannot be drawn: check_native tries a function of arrays that calls the rule, "
    "and tests/actions every rule of this kind"
)
# Why a law about something that a rule may declare does not concern one that does not.
_UNDECLARED = {
    "kept": "the rule keeps no arrays",
    "gauge": "the rule declares no gauge",
    "structure": "the rule declares no structure",
    "scale": "the rule declares no degrees",
}


@dataclass(frozen=True)
class Record:
    """What one law said of one rule on one backend at one input.

    Attributes
    ----------
    rule, backend, law, case
        What was tried, and the name of the input.
    status
        ``"pass"``, ``"fail"``, ``"skip"``, or ``"timeout"`` where the time budget ended the law.
    error, tolerance
        Relative to the size of the truth; of the worst of all that the law measured.
    message
        What is wrong, or why nothing was tried.
    input, value, truth, origin
        Of a failure: the input as Python code, what came and what should have come, and how the
        tolerance was made.
    repeat
        What tries it again.
    """

    rule: str
    backend: str
    law: str
    status: str
    error: float | None
    tolerance: float | None
    case: str
    seconds: float
    message: str = ""
    repeat: str = ""
    input: str = ""
    value: str = ""
    truth: str = ""
    origin: str = ""

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
    dtypes: Sequence[str] | None = None,
    sampler: Sampler | None = None,
    examples: int = 1,
    budget: float | None = None,
    repeat: Repeat | None = None,
    entering: Callable[[str], None] | None = None,
    shrink: bool = False,
) -> Iterator[Record]:
    """Try `rule` on `backend`, law by law. `samples` collects what the law ``agree`` compares.

    A law that has used up `budget` seconds is ended after the input that it is at. ``entering(law)``
    hears of every law before it is tried. With `shrink` the smallest input that fails is searched for,
    once for each law.
    """
    hear = entering or (lambda _: None)
    inputs = [
        (s, c)
        for s, c in _inputs(rule, sampler, dtypes, quick=quick, seed=seed, examples=examples)
        if case in (None, c.name) and (dtypes is None or c.dtype in dtypes)
    ]
    missing = backend.missing
    for dtype in dict.fromkeys(c.dtype for _, c in inputs if c.dtype in missing):
        yield _skip(rule, backend, "all", missing[dtype], dtype)
    inputs = [(s, c) for s, c in inputs if c.dtype not in missing]
    for law in (law for law in laws if law in LAWS):
        hear(law)
        reason = missing.get(law) or _lacks(rule, backend, law)
        if reason:
            yield _skip(rule, backend, law, reason)
            continue
        tried, searching = False, shrink
        start = time.monotonic()
        concerned = _concerned(law, inputs) if quick else inputs
        for number, (from_seed, one) in enumerate(concerned):
            if budget is not None and time.monotonic() - start > budget:
                yield _timeout(rule, backend, law, budget, f"{number} of {len(concerned)} inputs")
                break
            for record in _try(
                rule, backend, law, one, from_seed, quick=quick, repeat=repeat, shrink=searching
            ):
                tried = True
                searching = searching and record.status != "fail"
                yield record
        else:
            if not tried and case is None:
                reason = _UNDECLARED.get(law, "no input concerns the law")
                yield _skip(rule, backend, law, reason)
    if samples is not None:
        hear(ACROSS)
        for from_seed, one in inputs:
            if from_seed == seed:
                _sample(rule, backend, one, seed, samples)


def _inputs(
    rule: Rule,
    sampler: Sampler | None,
    dtypes: Sequence[str] | None,
    *,
    quick: bool,
    seed: int,
    examples: int,
) -> Iterator[tuple[int, Case]]:
    """Inputs with the seeds that draw them; what is not drawn is tried once."""
    if rule.signature.function:
        return
    declared = rule.declaration
    drawn = rule.with_declaration(
        replace(
            declared,
            sample=sampler or declared.sample,
            dtypes=tuple(d for d in declared.dtypes if dtypes is None or d in dtypes),
        )
    )
    for number in range(examples):
        for case in cases(drawn, quick=quick, seed=seed + number):
            if not number or case.kind in ("general", "hard"):
                yield seed + number, case


def _concerned(law: str, inputs: list[tuple[int, Case]]) -> list[tuple[int, Case]]:
    """The inputs of one dtype, for a law of which a quick check does not need more."""
    there = {case.dtype for _, case in inputs}
    first = [dtype for dtype in _ONE_DTYPE.get(law, ()) if dtype in there][:1]
    return [(seed, case) for seed, case in inputs if not first or case.dtype in first]


def _lacks(rule: Rule, backend: Backend, law: str) -> str:
    """What a law needs and the rule does not have, in words; empty if nothing."""
    if rule.signature.function:
        return _FUNCTION
    absent = [m for m in _NEEDS.get(law, ("jvp", "vjp")) if not backend.defines(rule, m)]
    return f"the rule has no {absent[0]}" if absent else ""


def _skip(rule: Rule, backend: Backend, law: str, reason: str, case: str = "") -> Record:
    return Record(rule.name, backend.name, law, "skip", None, None, case, 0.0, reason)


def _timeout(rule: Rule, backend: Backend, law: str, budget: float, when: str) -> Record:
    reason = f"the time budget of {budget:g} s ended after {when}"
    return Record(rule.name, backend.name, law, "timeout", None, None, "", budget, reason)


def _try(
    rule: Rule,
    backend: Backend,
    law: str,
    case: Case,
    seed: int,
    *,
    quick: bool,
    repeat: Repeat | None = None,
    shrink: bool = False,
) -> Iterator[Record]:
    start = time.perf_counter()
    trial = Trial(rule, backend, case, seed, quick=quick)
    found: Measure | None = None
    failure: Exception | None = None
    try:
        measures = carry_out(law, trial)
        for reason in trial.refusals:
            yield _skip(rule, backend, law, reason, case.name)
        if not measures:
            return
        found = worst(measures)
        message = "" if found.passed else found.what
    except Inapplicable as nothing:
        yield _skip(rule, backend, law, str(nothing), case.name)
        return
    except Exception as exception:  # a law that cannot be tried has failed, whatever the reason
        if _is_declared_refusal(backend, exception):
            yield _skip(rule, backend, law, str(exception), case.name)
            return
        where = traceback.extract_tb(exception.__traceback__)[-1]
        text = str(exception).strip().splitlines()
        message = f"{type(exception).__name__}: {text[0] if text else ''} ({where.name})"
        failure = exception
    passed = found is not None and found.passed
    record = Record(
        rule.name,
        backend.name,
        law,
        "pass" if passed else "fail",
        None if found is None else found.error,
        None if found is None else float(found.tolerance),
        case.name,
        time.perf_counter() - start,
        message,
    )
    if passed:
        yield record
        return
    again = repeat or command(rule, quick=quick)
    record = replace(record, repeat=again(backend.name, law, seed, case.name))
    smaller = _shrink.smaller(rule, backend, law, case, seed, failure) if shrink else None
    if smaller is not None:
        trial, found = smaller
        message = f"{message}; this is the smallest input that was found to fail"
    yield _explained(replace(record, message=message), trial, found)


def _explained(record: Record, trial: Trial, found: Measure | None) -> Record:
    """A failure with all that its reader needs, of the input of the trial."""
    record = replace(record, input="\n".join(map(assignment, trial.rule.inputs, trial.primals)))
    if found is None:
        return record
    compared = found.want is not None
    return replace(
        record,
        error=found.error,
        tolerance=float(found.tolerance),
        value=brief(found.got) if compared else "",
        truth=brief(found.want) if compared else "",
        origin=getattr(found.tolerance, "origin", ""),
    )


def command(rule: Rule, *, quick: bool) -> Repeat:
    """The command line that tries one input of a registered rule again."""
    module = rule.__module__
    load = "" if module.partition(".")[0] == "gradrules" else f" --load {module}"

    def line(backend: str, law: str, seed: int, case: str) -> str:
        return (
            f"gradrules check --rule {rule.name} --backend {backend} --law {law} --seed {seed}"
            f"{' --quick' if quick else ''} --case {case!r}{load}"
        )

    return line


def _is_declared_refusal(backend: Backend, exception: Exception) -> bool:
    """Whether the adapter refused by the named error, and said beforehand that it would."""
    declared = backend.missing.values()
    return isinstance(exception, UnsupportedTransformError) and str(exception) in declared


def _sample(rule: Rule, backend: Backend, case: Case, seed: int, samples: dict[str, Any]) -> None:
    """The gradient at general inputs in double precision, with its tolerance: see `agree`."""
    if case.kind != "general" or case.dtype in SINGLE:
        return
    trial = Trial(rule, backend, case, seed)
    try:
        with backend.precise():
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
    """Cotangents that mean the same in every phase and order: those of a loss ``sum f(|y|)``."""
    if trial.gauge is None:
        return trial.cotangents(trial.outputs)
    return tuple(
        y * np.cos(np.abs(y) / (np.max(np.abs(y), initial=0) or 1) + number)
        for number, y in enumerate(trial.outputs)
    )
