"""What the pages of the gallery share: printed figures, the table that ends a page, tabs, colours."""

import importlib.util
import json
import os
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import mpmath
import numpy as np

GALLERY = Path(__file__).parents[1]
FRAMEWORKS = {
    "tensorflow": "TensorFlow",
    "torch": "PyTorch",
    "jax": "JAX",
    "autograd": "autograd",
}
# Okabe and Ito's colours, told apart by colour-blind readers too.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip


def published(article: str) -> dict[str, Any]:
    """What an article prints."""
    seeds = GALLERY.parents[1] / "tests" / "published" / "seeds.json"
    return json.loads(seeds.read_text())[article]


def style() -> None:
    """Pictures of the width of a page. Before each page Matplotlib's settings are reset."""
    plt.rcParams.update(
        {
            "figure.dpi": 120,
            "figure.figsize": (7.0, 3.6),
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "axes.titlesize": 10,
            "axes.grid": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(
                color=[BLUE, ORANGE, GREEN, PINK, SKY, RED, BLACK]
            ),
            "grid.alpha": 0.3,
            "legend.frameon": False,
        }
    )


def in_frameworks(page: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run the page's tabs, of each framework that is installed: its name, and the variables."""
    # Tabs import from each other. After each page the path is reset, as Matplotlib's settings are.
    sys.path.append(str(GALLERY / "frameworks"))
    for framework, name in FRAMEWORKS.items():
        script = GALLERY / "frameworks" / f"{page}_{framework}.py"
        if not script.exists():
            continue
        if importlib.util.find_spec(framework) is None:
            print(f"{name}: not installed here, its tab was not run")
        else:
            yield name, runpy.run_path(str(script))


def command(line: str, lines: int = 18) -> int:
    """Run a command beside the pages' code, and print it and the head of what it says; its exit status."""
    program, *arguments = shlex.split(line)
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=GALLERY / "frameworks",
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    print("$", line)
    print(
        "\n".join(
            row.rstrip() for row in (done.stdout + done.stderr).splitlines()[:lines]
        )
    )
    print("exit status", done.returncode)
    return done.returncode


def difference(here: Any, there: Any) -> float:
    """The largest difference of two arrays, relative to the largest entry of the second."""
    here, there = np.asarray(here), np.asarray(there)
    return float(np.max(np.abs(here - there)) / np.max(np.abs(there)))


def exact_expm_gradient(a: Any, g: Any) -> Any:
    """The derivative of expm at the transpose of `a`, in the direction `g`, at 50 digits.

    It is a block of the exponential of [[A^T, G], [0, A^T]].
    """
    n = len(a)
    with mpmath.workdps(50):
        block = mpmath.zeros(2 * n)
        for i, j in np.ndindex(n, n):
            block[i, j] = block[n + i, n + j] = mpmath.mpf(a[j, i])
            block[i, n + j] = mpmath.mpf(g[i, j])
        found = mpmath.expm(block, method="taylor")
        return np.array(
            [[float(found[i, n + j]) for j in range(n)] for i in range(n)]
        )


class Beside:
    """A table of an article's figures and ours, which fails where they do not agree."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, str, str]] = []
        self.wrong: list[str] = []

    def compare(
        self, figure: str, article: Any, here: Any, tolerance: float = 1e-6
    ) -> None:
        """Add every entry of an array; differences are relative to its largest."""
        article, here = np.asarray(article), np.asarray(here)
        assert article.shape == here.shape, (
            f"{figure}: {article.shape} against {here.shape}"
        )
        size = np.max(np.abs(article)) or 1.0
        for index in np.ndindex(article.shape):
            error = abs(here[index] - article[index]) / size
            name = figure + (f" {list(index)}" if index else "")
            numbers = (f"{value:.8g}" for value in (article[index], here[index]))
            self._row(
                name, *numbers, f"{error:.0e}", agrees=bool(error <= tolerance)
            )

    def state(self, figure: str, article: str, here: str, *, agrees: bool) -> None:
        """Add a statement of the article, and whether it was found to hold."""
        self._row(
            figure, article, here, "agrees" if agrees else "differs", agrees=agrees
        )

    def _row(self, *row: str, agrees: bool) -> None:
        self.rows.append(row)  # type: ignore[arg-type]
        if not agrees:
            self.wrong.append(row[0])

    def show(self) -> None:
        """Print the table."""
        table = [("figure", "article", "here", "difference"), *self.rows]
        widths = [max(len(row[column]) for row in table) for column in range(4)]
        for row in table:
            first, *others = (cell for cell in row)
            cells = [first.ljust(widths[0])]
            cells += [
                cell.rjust(width)
                for cell, width in zip(others, widths[1:], strict=True)
            ]
            print("  ".join(cells).rstrip())
        assert not self.wrong, f"does not agree: {', '.join(self.wrong)}"
