"""How a mutation run looks on a terminal, and on a page of the documentation."""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.progress import TextColumn
from rich.table import Table
from rich.text import Text

from ._report import Bars
from .testing._faults import KINDS
from .testing._mutation_run import Score, Verdict

SHOWN = 40


class Watch(Bars):
    """A bar, and the number of survivors so far."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, TextColumn("{task.fields[survived]} survived"))
        self._task = self._bar.add_task("faults", total=None, survived=0)
        self._survived = 0

    def hear(self, verdict: Verdict, total: int) -> None:
        """What the run reports."""
        self._survived += verdict.status == "survived"
        self._bar.update(self._task, advance=1, total=total, survived=self._survived)


def print_score(console: Console, score: Score, rules: Sequence[str]) -> None:
    """The table by kind and rule, the survivors, and what is wrong with the list of equivalents."""
    console.print(_table(score, rules))
    for number, verdict in enumerate(score.survivors()):
        if number == SHOWN:
            console.print(f"... and {len(score.survivors()) - SHOWN} more (see --json)")
            break
        mutant = verdict.mutant
        console.print(
            Text(f"✗ {mutant.rule}, {mutant.function}, {mutant.kind}", style="red"), soft_wrap=True
        )
        console.print(Text(f"  {mutant.module}:{mutant.line}: {mutant.text}"), soft_wrap=True)
        console.print(Text(f"  {mutant.change}", style="dim"), soft_wrap=True)
    for line in score.stale:
        console.print(Text(f"✗ not equivalent: {line}", style="red"), soft_wrap=True)
    counts = Counter(verdict.status for verdict in score.verdicts)
    console.print(
        f"[bold]{'all caught' if score.passed else 'FAILED'}[/]: {counts['killed']} killed, "
        f"{counts['timeout']} ended by time, {counts['equivalent']} equivalent, "
        f"{counts['survived']} survived"
    )


def _table(score: Score, rules: Sequence[str]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        caption="faults killed of those planted; equivalent ones are not counted",
        caption_justify="left",
    )
    table.add_column("kind of fault")
    for name in rules:
        table.add_column(name.rpartition(".")[2], justify="right")
    table.add_column("all", justify="right")
    for kind in (*KINDS, None):
        cells = [_cell(score, name, kind) for name in (*rules, None)]
        if any(cells):
            table.add_row(kind or "all", *cells, end_section=kind == list(KINDS)[-1])
    return table


def killed(score: Score, rule: str | None, kind: str | None) -> tuple[int, int]:
    """How many faults were killed, and how many there were, without those that change nothing."""
    found = [
        verdict.status
        for verdict in score.verdicts
        if rule in (None, verdict.mutant.rule)
        and kind in (None, verdict.mutant.kind)
        and verdict.status != "equivalent"
    ]
    return len(found) - found.count("survived"), len(found)


def _cell(score: Score, rule: str | None, kind: str | None) -> Text:
    dead, planted = killed(score, rule, kind)
    if not planted:
        return Text("")
    return Text(f"{dead}/{planted}", style="green" if dead == planted else "bold red")
