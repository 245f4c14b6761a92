"""How measurements look on a terminal."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.progress import TextColumn
from rich.table import Table
from rich.text import Text

from ._report import Bars
from .testing._bench import Measured

# How far the framework's function may be from itself before a ratio is worth nothing.
TRUSTED = 0.05
LEGEND = (
    "ratio: our time in units of the framework's own function, median and quartiles; min: of the shortest "
    "times; A/A: the framework's function to itself. One thread. A ratio in brackets is not to be believed: "
    "A/A is off by more than 5 %, or median and minimum are on different sides of 1."
)


class Progress(Bars):
    """A bar, and what was measured last."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, TextColumn("{task.fields[last]}"))
        self._task = self._bar.add_task("measurements", total=None, last="")

    def hear(self, measured: Measured) -> None:
        """What the run reports."""
        self._bar.update(self._task, advance=1, last=" ".join(measured.key))


def print_bench(
    console: Console, found: Sequence[Measured], changes: Mapping[tuple[str, ...], float]
) -> None:
    """A table for each framework and dtype; why there is no measurement, below."""
    for backend, dtype in dict.fromkeys((m.backend, m.dtype) for m in found):
        table = Table(box=box.SIMPLE_HEAD, title=f"{backend}, {dtype}", title_justify="left")
        for title in ("rule", "size", "part"):
            table.add_column(title)
        for title in ("ours", "ratio", "quartiles", "min", "A/A", *(["change"] if changes else [])):
            table.add_column(title, justify="right", no_wrap=True)
        for m in found:
            if (m.backend, m.dtype) == (backend, dtype) and m.ratio is not None:
                table.add_row(*_line(m), *([_factor(changes.get(m.key))] if changes else []))
        console.print(table)
    console.print(LEGEND, style="dim")
    for message in dict.fromkeys(
        f"{m.rule} on {m.backend}: {m.message}" for m in found if m.message
    ):
        console.print(Text(message, style="dim"), soft_wrap=True)


def _line(m: Measured) -> tuple[str | Text, ...]:
    assert m.ratio is not None
    assert m.least is not None
    assert m.same is not None
    believed = abs(m.same - 1) <= TRUSTED and (m.ratio - 1) * (m.least - 1) >= 0
    ratio = f"{m.ratio:.2f}"
    style = "green" if m.ratio <= 1 + TRUSTED else "yellow"
    return (
        Text(m.rule if m.use == "all" else f"{m.rule}: {m.use}", style="bold"),
        m.size,
        m.part,
        _seconds(m.seconds),
        Text(ratio, style=style) if believed else f"({ratio})",
        f"{m.low:.2f}-{m.high:.2f}",
        _factor(m.least),
        _factor(m.same),
    )


def _factor(x: float | None) -> str:
    return "" if x is None else f"{x:.2f}"


def _seconds(x: float | None) -> str:
    if x is None:
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if x >= scale:
            return f"{x / scale:.3g} {unit}"
    return f"{x / 1e-6:.3g} us"
