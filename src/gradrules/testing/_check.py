"""Check rules in this process: for one's own tests, and for notebooks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradrules import Rule

from . import _backends
from ._laws import ACROSS, LAWS
from ._run import Record, run

ALL_LAWS = (*LAWS, ACROSS)


@dataclass(frozen=True)
class Report:
    """All records of a check."""

    records: tuple[Record, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing failed, and something was tried."""
        counts = self.counts()
        return counts["fail"] == 0 and counts["pass"] > 0

    def counts(self) -> Counter[str]:
        """Number of records by status."""
        return Counter(record.status for record in self.records)

    def failures(self) -> list[Record]:
        """The records that failed."""
        return [record for record in self.records if record.status == "fail"]

    def __str__(self) -> str:
        counts = self.counts()
        lines = [f"{counts['pass']} passed, {counts['fail']} failed, {counts['skip']} skipped"]
        lines += [
            f"{r.rule} on {r.backend}, law {r.law}, {r.case}: error {r.error}, tolerance "
            f"{r.tolerance}: {r.message}"
            for r in self.failures()
        ]
        return "\n".join(lines)


def check(
    rule: Rule,
    *,
    backends: Sequence[str] | None = None,
    laws: Sequence[str] | None = None,
    quick: bool = True,
    seed: int = 0,
    shrink: bool = True,
) -> Report:
    """Try a rule on every installed backend, with every law.

    Parameters
    ----------
    rule
        Any registered rule.
    backends, laws
        Names; by default all that are installed, and all there are.
    quick
        Fewer inputs.
    seed
        The same seed gives the same inputs.
    shrink
        Search for the smallest input at which a law fails; seconds for each law that does.

    Returns
    -------
    Report
        ``report.passed`` says whether all is well, ``print(report)`` what is not.

    Raises
    ------
    ValueError
        If a law or a backend is unknown.
    """
    names = list(backends) if backends is not None else _backends.installed()
    chosen = list(laws) if laws is not None else list(ALL_LAWS)
    refuse_unknown("law", chosen, ALL_LAWS)
    refuse_unknown("backend", names, _backends.installed())
    records: list[Record] = []
    samples: dict[str, dict[str, Any]] = {}
    for name in names:
        backend = _backends.load(name)
        found: dict[str, Any] | None = {} if ACROSS in chosen else None
        records += run(
            rule, backend, laws=chosen, quick=quick, seed=seed, samples=found, shrink=shrink
        )
        samples[name] = found or {}
    if ACROSS in chosen:
        records += agreement(samples, [rule.name])
    return Report(tuple(records))


def refuse_unknown(word: str, given: Sequence[str], known: Sequence[str]) -> None:
    """Raise ValueError for a name that is not known."""
    unknown = [name for name in given if name not in known]
    if unknown:
        msg = f"unknown {word} {unknown[0]!r}; there are {', '.join(known)}"
        raise ValueError(msg)


def agreement(samples: dict[str, dict[str, Any]], rules: Sequence[str]) -> list[Record]:
    """The law ``agree``: all backends return the same gradients."""
    records = []
    for rule in rules:
        cases = sorted({key for found in samples.values() for key in found})
        for key in cases:
            name, _, case = key.partition("|")
            if name != rule:
                continue
            having = {b: found[key] for b, found in samples.items() if key in found}
            (first, reference), *others = having.items()
            for backend, sample in others:
                records.append(_compare(rule, case, first, reference, backend, sample))
        for backend, found in samples.items():
            if len(samples) == 1 or not any(k.startswith(f"{rule}|") for k in found):
                reason = (
                    "no other backend to compare with"
                    if len(samples) == 1
                    else ("no gradient at a general input to compare")
                )
                records.append(Record(rule, backend, ACROSS, "skip", None, None, "", 0.0, reason))
    return records


def _compare(rule: str, case: str, first: str, reference: Any, backend: str, sample: Any) -> Record:
    error = 0.0
    for one, two in zip(reference["gradients"], sample["gradients"], strict=True):
        a, b = (np.asarray(re) + 1j * np.asarray(im) for re, im in (one, two))
        error = max(
            error, float(np.max(np.abs(a - b), initial=0.0)) if a.shape == b.shape else np.inf
        )
    size = max(reference["size"], sample["size"]) or 1.0
    tolerance = 2 * max(reference["tolerance"], sample["tolerance"]) / size
    status = "pass" if error / size <= tolerance else "fail"
    message = "" if status == "pass" else f"differs from {first}"
    return Record(rule, backend, ACROSS, status, error / size, tolerance, case, 0.0, message)
