"""From reports to pages."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from ..testing import Record, Report
from ..testing._audit import VERDICTS, Audit, Finding
from ._environment import environment

SHOWN_FAILURES = 20
SLOWEST = 12
# Mark, style, and what is said of it; from the worst to the best.
STATES = {
    "fail": ("✗", "bad", "failed"),
    "skip": ("○", "odd", "skipped"),
    "pass": ("✓", "good", "passed"),
}
_OTHER = ("!", "halt")
MEANINGS = {
    "wrong": ("✗", "bad", "a number far from the truth, or any number where there is none"),
    "NaN": ("?", "odd", "where the derivative exists"),
    "raises": ("!", "halt", "where the derivative exists"),
    "missing": ("∅", "none", "no such function, or it has no such derivative at all"),
    "right": ("✓", "good", "the truth; where there is none, NaN or an error"),
}
assert set(MEANINGS) == set(VERDICTS)


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("gradrules", "_pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def _rendered(name: str, data: Any, **content: Any) -> str:
    def source(file: str) -> str:
        return files(__package__).joinpath(file).read_text(encoding="utf-8")

    # "<" within a string must not end the element that holds the data.
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return (
        _templates()
        .get_template(f"{name}.html.jinja")
        .render(
            style=Markup(source("style.css")),
            script=Markup(source("page.js") + source(f"{name}.js")),
            data=Markup(text),
            environment=environment(),
            **content,
        )
    )


def _number(value: float | None) -> float | str | None:
    """For JSON, which has no infinity; the pages show the word."""
    return value if value is None or math.isfinite(value) else None


# -- checks ----------------------------------------------------------------------------------------


def check_page(
    report: Report, *, rules: Sequence[str], backends: Sequence[str], seed: int, command: str
) -> str:
    """The page of a check.

    Parameters
    ----------
    report
        What was found.
    rules, backends
        Rows and columns.
    seed, command
        How it was made.
    """
    records = report.records
    states = STATES | {r.status: (*_OTHER, r.status) for r in records if r.status not in STATES}
    cells: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        cells[record.rule, record.backend].append(record)
    failures = report.failures()
    counts = report.counts()
    return _rendered(
        "check",
        {
            "records": [_record(r) for r in records],
            "states": {
                s: dict(zip(("mark", "style", "word"), v, strict=True)) for s, v in states.items()
            },
        },
        title="gradrules check",
        headline="All passed" if report.passed else f"{counts['fail']:,} failed",
        choices=[
            {
                "value": s,
                "mark": m,
                "style": style,
                "word": word,
                "count": counts[s],
                "checked": True,
            }
            for s, (m, style, word) in states.items()
        ],
        rules=rules,
        backends=backends,
        seed=seed,
        command=command,
        failures=[
            {**r.as_dict(), "measured": _measured(r), "said": _said(r)}
            for r in failures[:SHOWN_FAILURES]
        ],
        unshown=max(0, len(failures) - SHOWN_FAILURES),
        cells={(rule, b): _check_cell(cells[rule, b]) for rule in rules for b in backends},
        laws=_laws(records),
        slowest=_slowest(records),
        skips=_skips(records),
    )


def _record(record: Record) -> list[Any]:
    return [
        record.rule, record.backend, record.law, record.status, _number(record.error),
        _number(record.tolerance), record.case, round(record.seconds, 4), _said(record),
    ]  # fmt: skip


_SHOWN = ("rule", "backend", "law", "status", "error", "tolerance", "case", "seconds")


def _said(record: Record) -> dict[str, str]:
    """What a record says in words."""
    return {k: str(v) for k, v in record.as_dict().items() if v and k not in _SHOWN}


def _measured(record: Record) -> str:
    if record.error is None or record.tolerance is None:
        return ""
    return f"error {record.error:.1e}, tolerance {record.tolerance:.1e}"


def _share(record: Record) -> float | None:
    """The error in units of its tolerance."""
    if record.error is None or not record.tolerance:
        return None
    return record.error / record.tolerance


def _largest(records: Sequence[Record]) -> str:
    shares = [s for s in map(_share, records) if s is not None]
    return f"{max(shares):.2g}" if shares else ""


def _check_cell(records: Sequence[Record]) -> dict[str, str]:
    by = defaultdict(list)
    for record in records:
        by[record.status].append(record)
    passed = by.pop("pass", [])
    skipped = by.pop("skip", [])
    bad = [r for found in by.values() for r in found]
    if bad:
        laws = ", ".join(dict.fromkeys(r.law for r in bad))
        note = f"{len(bad)} of {len(bad) + len(passed)}: {laws}"
        return {"style": "bad", "mark": "✗", "text": "failed", "note": note}
    if not passed:
        return {"style": "odd", "mark": "○", "text": "skipped", "note": f"{len(skipped)} records"}
    note = f"largest {_largest(passed)}"
    return {"style": "good", "mark": "✓", "text": str(len(passed)), "note": note}


def _laws(records: Sequence[Record]) -> list[dict[str, Any]]:
    by: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by[record.law].append(record)
    return [
        {
            "name": law,
            "passed": sum(r.status == "pass" for r in found),
            "failed": sum(r.status not in ("pass", "skip") for r in found),
            "largest": _largest(found),
        }
        for law, found in by.items()
        if any(r.status != "skip" for r in found)
    ]


def _slowest(records: Sequence[Record]) -> list[dict[str, Any]]:
    by: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for record in records:
        by[record.rule, record.backend, record.law].append(record.seconds)
    order = sorted(by.items(), key=lambda item: -sum(item[1]))[:SLOWEST]
    return [
        {"rule": rule, "backend": backend, "law": law, "count": len(times), "seconds": sum(times)}
        for (rule, backend, law), times in order
    ]


def _skips(records: Sequence[Record]) -> list[dict[str, Any]]:
    by: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.status == "skip":
            by[record.message].append(record)
    return [
        {
            "reason": reason,
            "where": ", ".join(dict.fromkeys(f"{r.backend} {r.law}" for r in found)),
            "count": len(found),
        }
        for reason, found in sorted(by.items(), key=lambda item: -len(item[1]))
    ]


# -- audits ----------------------------------------------------------------------------------------


def audit_page(audit: Audit, *, command: str) -> str:
    """The page of an audit."""
    findings = audit.findings
    rules = list(dict.fromkeys(f.rule for f in findings))
    backends = list(dict.fromkeys(f.backend for f in findings))
    inputs = {text: i for i, text in enumerate(dict.fromkeys(f.input for f in findings))}
    theirs, ours = (
        {word: sum(verdict.verdict == word for verdict in found) for word in MEANINGS}
        for found in ([f.native for f in findings], [f.ours for f in findings])
    )
    return _rendered(
        "audit",
        {
            "records": [_finding(f, inputs) for f in findings],
            "inputs": list(inputs),
            "functions": {f"{f.rule} {f.backend}": f.function for f in findings},
            "states": {w: {"mark": m, "style": style} for w, (m, style, _) in MEANINGS.items()},
        },
        title="gradrules audit",
        choices=[
            {
                "value": word, "mark": m, "style": style, "meaning": meaning, "count": theirs[word],
                "checked": word in ("wrong", "NaN", "raises"),
            }
            for word, (m, style, meaning) in MEANINGS.items()
        ],
        ours=[(w, ours[w], style, m) for w, (m, style, _) in MEANINGS.items() if ours[w]],
        total=len(findings),
        rules=rules,
        backends=backends,
        seed=audit.seed,
        command=command,
        cells={(rule, b): _audit_cell(audit, rule, b) for rule in rules for b in backends},
    )  # fmt: skip


def _finding(finding: Finding, inputs: dict[str, int]) -> list[Any]:
    verdicts = [
        [v.verdict, _number(v.error), v.found, v.message] for v in (finding.native, finding.ours)
    ]
    return [
        finding.rule, finding.backend, finding.where, finding.mode, *verdicts, finding.truth,
        finding.tolerance, inputs[finding.input], finding.reproducer if finding.defect else "",
    ]  # fmt: skip


def _audit_cell(audit: Audit, rule: str, backend: str) -> dict[str, str]:
    counts = audit.counts(backend, rule)
    worst = next((word for word in ("wrong", "NaN", "raises") if counts[word]), "")
    total = sum(counts.values())
    if not worst:
        word = "missing" if counts["missing"] == total else "right"
        mark, style, _ = MEANINGS[word]
        text = "missing" if word == "missing" else f"{counts['right']} right"
        note = f"{counts['missing']} missing" if word == "right" and counts["missing"] else ""
        return {"style": style, "mark": mark, "text": text, "note": note}
    mark, style, _ = MEANINGS[worst]
    others = [
        f"{counts[w]} {w}"
        for w in ("NaN", "raises", "missing", "right")
        if counts[w] and w != worst
    ]
    return {
        "style": style,
        "mark": mark,
        "text": f"{counts[worst]} {worst}",
        "note": ", ".join(others),
    }
