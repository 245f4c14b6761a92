"""docs/reference/benchmarks.md, from a run: ``python bench_page.py BENCH.json``, on the same machine."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from gradrules._bench_report import LEGEND, _line
from gradrules._pages._environment import environment
from gradrules.testing._bench import Measured

WORDS = {"torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow", "autograd": "HIPS autograd"}
HEAD = """# Benchmarks

Our rules beside the frameworks' own functions: value and gradient together, each as its users run it who want
it fast. Made by `nox -s bench`, of the rules in the tables; `gradrules bench` measures others, on your
machine, more sizes, and the parts apart.

A number says what it cost here, under the conditions below the tables, and no more. Where the framework's own
derivative is wrong or NaN at hard inputs, its price is that of ordinary ones: these are what is measured.
"""


def page(measured: list[Measured]) -> Iterator[str]:
    """Lines of Markdown."""
    yield HEAD
    for backend in dict.fromkeys(m.backend for m in measured):
        yield f"## {WORDS.get(backend, backend)}\n"
        yield "| rule | size | part | ours | ratio | quartiles | min | A/A |"
        yield "|---|---|---|--:|--:|--:|--:|--:|"
        for m in measured:
            if m.backend == backend and m.ratio is not None:
                yield f"| {' | '.join(map(str, _line(m)))} |"
        yield ""
    yield "## Conditions\n"
    yield f"{LEGEND[0].upper()}{LEGEND[1:]}\n"
    yield f"Inputs are {', '.join(dict.fromkeys(m.dtype for m in measured))}, of that order.\n"
    yield "| | |\n|---|---|"
    for name, value in environment().items():
        yield f"| {name} | {value} |"


if __name__ == "__main__":
    measured = [Measured(**m) for m in json.loads(Path(sys.argv[1]).read_text())]
    sys.stdout.write("\n".join(page(measured)) + "\n")
