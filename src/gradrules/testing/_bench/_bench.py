"""Measurements of rules beside the frameworks' own functions, each framework in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from gradrules import adapters, registry

from .._backends import installed, natives_of
from .._session import QUIET

PARTS = ("forward", "backward", "both")
# One thread: more of them spin while they wait, and the processor's time counts that.
ALONE = {
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


@dataclass(frozen=True)
class Sizes:
    """Matrices of order `n`, so many of them; ``"32"`` or ``"1000x3"``."""

    n: int
    batch: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``"32"``, or ``"1000x3"`` for a thousand of order 3.

        Raises
        ------
        ValueError
            If it is something else.
        """
        batch, cross, n = text.strip().rpartition("x")
        return cls(int(n), int(batch) if cross else 0)

    def __str__(self) -> str:
        return f"{self.batch}x{self.n}" if self.batch else str(self.n)


@dataclass(frozen=True)
class Measured:
    """One part of one use of a rule, beside the framework's own function.

    Attributes
    ----------
    seconds, native
        Of one call, ours and the framework's; `None` if it has no such function, or it raises.
    ratio, low, high, least
        Ours in units of the framework's: median and quartiles of the ratios within a round, and the
        ratio of the two shortest times.
    same
        The same ratio of the framework's function to itself: how far the machine is to be believed.
    product
        Seconds of one product of two such matrices.
    message
        Why there is no ratio.
    """

    rule: str
    use: str
    backend: str
    dtype: str
    size: str
    part: str
    clock: str = ""
    seconds: float | None = None
    native: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    least: float | None = None
    same: float | None = None
    product: float | None = None
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @property
    def key(self) -> tuple[str, ...]:
        """What is measured."""
        return self.rule, self.use, self.backend, self.dtype, self.size, self.part

    @property
    def products(self) -> float | None:
        """Our time in units of a matrix product, which other machines share."""
        if self.seconds is None or not self.product:
            return None
        return self.seconds / self.product


def rules() -> list[str]:
    """Names of the rules beside which a framework has a function of its own."""
    return [rule for rule in registry if any(natives_of(name, rule) for name in frameworks())]


def frameworks() -> list[str]:
    """Names of the installed frameworks."""
    return [name for name in installed() if name in adapters.available()]


def bench(
    chosen: Sequence[str],
    backends: Sequence[str],
    sizes: Iterable[Sizes],
    *,
    dtypes: Sequence[str] = ("float64",),
    parts: Sequence[str] = PARTS,
    progress: Callable[[Measured], None] = lambda _: None,
) -> list[Measured]:
    """Measure `chosen` rules on one core, one framework after the other.

    Parameters
    ----------
    parts
        Some of ``"forward"``, ``"backward"`` (of a value that is there) and ``"both"``.
    progress
        Called with every measurement.
    """
    task = {
        "rules": list(chosen),
        "sizes": [str(size) for size in sizes],
        "dtypes": list(dtypes),
        "parts": list(parts),
    }
    found = []
    for backend in backends:
        for line in _lines({**task, "backend": backend}):
            measured = Measured(**json.loads(line))
            progress(measured)
            found.append(measured)
    return found


def _lines(task: dict[str, Any]) -> Iterable[str]:
    command = [sys.executable, "-P", "-m", "gradrules.testing._bench._worker"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **QUIET, **ALONE},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(task))
        process.stdin.close()
        yield from process.stdout
        if process.wait():
            msg = f"the process of {task['backend']} ended with status {process.returncode}"
            raise RuntimeError(msg)
    finally:
        process.kill()
        process.wait()


def against(measured: Sequence[Measured], baseline: Path) -> dict[tuple[str, ...], float]:
    """Our times in units of those in a file that ``--json`` wrote; both in matrix products.

    Raises
    ------
    ValueError
        If the file is none of ours.
    """
    try:
        before = {m.key: m for m in (Measured(**d) for d in json.loads(baseline.read_text()))}
    except (TypeError, json.JSONDecodeError) as error:
        msg = f"{baseline} is not what `gradrules bench --json` writes: {error}"
        raise ValueError(msg) from error
    changes = {}
    for m in measured:
        then = before[m.key].products if m.key in before else None
        if then and m.products:
            changes[m.key] = m.products / then
    return changes
