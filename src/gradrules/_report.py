"""How rules and checks look on a terminal."""

import inspect
import os
from collections import defaultdict
from pathlib import Path
from typing import Any, Self

from rich import box
from rich.console import Console, Group
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from ._rule import Rule
from .testing import Record, Report
from .testing._check import explain
from .testing._session import Plan

SHOWN_FAILURES = 12


def as_dict(rule: Rule) -> dict[str, Any]:
    """A rule's declaration, for JSON."""
    declared = rule.declaration
    return {
        "name": rule.name,
        "summary": declared.summary,
        "signature": rule.signature.text,
        "inputs": list(rule.inputs),
        "outputs": list(rule.outputs),
        "forms": [form.name for form in rule.forms.values()],
        "options": {name: repr(default) for name, default in rule.keywords.items()},
        "nondifferentiable": list(rule.nondifferentiable),
        "structure": dict(declared.structure),
        "gauge": declared.gauge.group if declared.gauge else None,
        "domain": declared.domain,
        "cost": declared.cost,
        "sources": list(declared.sources),
        "hard_inputs": list(declared.edges),
        "kept": rule.defines("keep"),
    }


def rules_table(rules: list[Rule]) -> Table:
    """One line for each rule."""
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("rule", "shapes", "options", "what it is"):
        table.add_column(title)
    for rule in sorted(rules, key=lambda rule: rule.name):
        table.add_row(
            Text(rule.name, style="bold"),
            Text(rule.signature.text),
            Text(", ".join(rule.keywords)),
            Text(rule.declaration.summary),
        )
    return table


def rule_page(rule: Rule) -> Group:
    """All that a rule declares, and its docstring."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    facts = as_dict(rule)
    options = ", ".join(f"{name}={default}" for name, default in facts["options"].items())
    structure = ", ".join(f"{name}: {word}" for name, word in facts["structure"].items())
    for title, value in (
        ("shapes", facts["signature"]),
        ("inputs", ", ".join(rule.inputs)),
        ("outputs", ", ".join(rule.outputs)),
        ("other forms", ", ".join(facts["forms"])),
        ("options", options),
        ("structure", structure),
        ("gauge", facts["gauge"]),
        ("domain", facts["domain"]),
        ("cost", facts["cost"]),
        ("sources", "\n".join(facts["sources"])),
        ("hard inputs", ", ".join(facts["hard_inputs"])),
    ):
        if value:
            table.add_row(title, Text(value))
    return Group(Text(rule.name, style="bold"), Text(inspect.getdoc(rule) or ""), Text(), table)


class Bars:
    """Bars that are there while something runs, with `columns` behind the numbers and the time."""

    def __init__(self, console: Console, *columns: ProgressColumn) -> None:
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            *columns,
            console=console,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


class Progress(Bars):
    """A bar for each backend: what it is at, and how long all of it is likely to take."""

    def __init__(self, console: Console, plan: Plan) -> None:
        super().__init__(
            console,
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[now]}", style="dim"),
        )
        cells = len(plan.rules) * len(plan.laws)
        self._all = self._bar.add_task("all", total=cells * len(plan.backends), now="")
        self._tasks = {
            name: self._bar.add_task(name, total=cells, now="waiting", start=False)
            for name in plan.backends
        }

    def hear(self, event: str, backend: str, now: str) -> None:
        """What the check reports while it runs."""
        task = self._tasks[backend]
        self._bar.start_task(task)
        if event == "done":
            self._bar.advance(task)
            self._bar.advance(self._all)
        else:
            self._bar.update(task, now=now)


def print_check(console: Console, plan: Plan, report: Report) -> None:
    """The table of a check, its failures, and why something was skipped."""
    console.print(_check_table(plan, report))
    for number, failure in enumerate(report.failures()):
        if number == SHOWN_FAILURES:
            console.print(f"... and {len(report.failures()) - number} more (see --json)")
            break
        console.print(Text(explain(failure), style="red"), soft_wrap=True)
    for record in report.records:
        if record.status == "timeout":
            where = f"{record.rule} on {record.backend}, law {record.law}"
            console.print(
                Text(f"timeout  {where}: {record.message}", style="yellow"), soft_wrap=True
            )
    for reason, records in sorted(report.skipped().items()):
        where = ", ".join(sorted({f"{r.backend} {r.law}" for r in records}))
        console.print(Text(f"skipped  {where}: {reason}", style="dim"))
    verdict = "all passed" if report.passed else "INTERRUPTED" if report.interrupted else "FAILED"
    console.print(f"[bold]{verdict}[/]: {report.summary()}; seed {plan.seed}")


def draw(file: Path, plan: Plan, report: Report) -> None:
    """The table of a check as a picture."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=118, file=nowhere, force_terminal=True)
        console.print(_check_table(plan, report))
        console.save_svg(str(file), title="gradrules check")


def _check_table(plan: Plan, report: Report) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        caption="tried inputs that passed, and the largest error in units of its tolerance",
        caption_justify="left",
    )
    table.add_column("rule")
    for backend in plan.backends:
        table.add_column(backend, justify="right")
    cells: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in report.records:
        cells[record.rule, record.backend].append(record)
    for rule in plan.rules:
        table.add_row(rule, *(_cell(cells[rule, backend]) for backend in plan.backends))
    return table


def _cell(records: list[Record]) -> Text:
    failed = [r for r in records if r.status in ("fail", "timeout")]
    passed = [r for r in records if r.status == "pass"]
    if failed:
        laws = ", ".join(dict.fromkeys(r.law for r in failed))
        return Text(f"✗ {len(failed)} of {len(failed) + len(passed)}: {laws}", style="bold red")
    if not passed:
        return Text("skipped", style="yellow")
    worst = max((r.error / r.tolerance for r in passed if r.error and r.tolerance), default=0.0)
    return Text(f"✓ {len(passed)}  {worst:.2f}", style="green")
