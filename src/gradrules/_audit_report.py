"""How an audit looks on a terminal."""

from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ._report import Bars
from .testing._audit import VERDICTS, Audit, Finding

STYLES = {
    "right": "green",
    "wrong": "bold red",
    "NaN": "yellow",
    "raises": "magenta",
    "missing": "dim",
}
MARKS = {"right": "✓", "wrong": "✗", "NaN": "?", "raises": "!", "missing": "∅"}
SHOWN = 4


class Progress(Bars):
    """A bar for the truths, and one for each framework."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._tasks: dict[str, Any] = {}

    def hear(self, what: str, done: int, total: int) -> None:
        """What the audit reports while it runs."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what)
        self._bar.update(self._tasks[what], completed=done, total=total)


def print_audit(console: Console, audit: Audit) -> None:
    """A table of verdicts, and under it what is wrong, the worst of each function first."""
    rules = list(dict.fromkeys(f.rule for f in audit.findings))
    backends = list(dict.fromkeys(f.backend for f in audit.findings))
    table = Table(
        box=box.SIMPLE_HEAD,
        caption="questions to the framework's own function: "
        + ", ".join(f"{MARKS[v]} {v}" for v in VERDICTS),
        caption_justify="left",
    )
    for title in ("function", *backends, "ours"):
        table.add_column(title)
    for rule in rules:
        ours = [f.ours.verdict for f in audit.findings if f.rule == rule]
        counts = {v: ours.count(v) for v in VERDICTS}
        table.add_row(rule, *(_counts(audit.counts(b, rule)) for b in backends), _counts(counts))
    console.print(table)
    for rule in rules:
        for backend in backends:
            found = [f for f in audit.defects() if (f.rule, f.backend) == (rule, backend)]
            if found:
                console.print(_defects(found), soft_wrap=True)
    defects = len(audit.defects())
    wrong = sum(f.ours.verdict == "wrong" for f in audit.findings)
    console.print(
        f"[bold]{defects}[/] of {len(audit.findings)} answers of the frameworks are wrong, NaN or an error "
        f"where the derivative exists; [bold]{wrong}[/] of ours are wrong; seed {audit.seed}"
    )


def _counts(counts: dict[str, int]) -> Text:
    cell = Text()
    for verdict in VERDICTS:
        if counts[verdict]:
            cell.append(f"{MARKS[verdict]} {counts[verdict]}  ", style=STYLES[verdict])
    return cell


def _defects(found: list[Finding]) -> str:
    order = sorted(
        found, key=lambda f: (VERDICTS.index(f.native.verdict), -(f.native.error or 0.0))
    )
    lines = [f"[bold]{escape(found[0].function)}[/]"]
    for finding in order[:SHOWN]:
        verdict = finding.native
        error = "" if verdict.error is None else f" by {verdict.error:.1e}"
        lines.append(
            f"  [{STYLES[verdict.verdict]}]{verdict.verdict}{error}[/]  {escape(finding.case)}"
        )
    if len(found) > SHOWN:
        lines.append(f"  [dim]and {len(found) - SHOWN} more (--json, --html)[/]")
    return "\n".join(lines)
