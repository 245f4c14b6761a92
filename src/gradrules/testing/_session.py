"""A check of many rules on many backends, each backend in a process of its own."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ._check import Report, agreement
from ._laws import ACROSS
from ._run import Record
from ._worker import MARK

AT_ONCE = 2
_QUIET = {
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
}
# XLA spends most of a quick check on optimizing functions that run once.
_COMPILE_FAST = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
}


@dataclass(frozen=True)
class Plan:
    """What is to be checked."""

    rules: Sequence[str]
    backends: Sequence[str]
    laws: Sequence[str]
    quick: bool = False
    seed: int = 0
    case: str | None = None
    load: Sequence[str] = ()


@dataclass
class _Gathered:
    records: list[Record] = field(default_factory=list)
    samples: dict[str, dict[str, Any]] = field(default_factory=dict)


def check(plan: Plan, progress: Callable[[str, str, str], None]) -> Report:
    """Carry out a plan. ``progress(event, backend, rule)`` hears ``"rule"`` and ``"done"``.

    A backend that crashes fails by that, and nothing of the others is lost. On KeyboardInterrupt what
    is known is returned, with what did not run reported as skipped.
    """
    gathered = _Gathered(samples={name: {} for name in plan.backends})
    messages: queue.Queue[tuple[str, dict[str, Any]] | None] = queue.Queue()
    processes: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [
            pool.submit(_run_backend, plan, name, folder, messages.put, processes)
            for name in plan.backends
        ]
        threading.Thread(target=_close, args=(futures, messages), daemon=True).start()
        try:
            while (message := messages.get()) is not None:
                _receive(gathered, *message, progress)
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
            for process in processes:
                process.terminate()
            gathered.records += _unfinished(plan, gathered.records, "interrupted")
    if ACROSS in plan.laws:
        gathered.records += agreement(gathered.samples, plan.rules)
    return Report(tuple(gathered.records))


def _close(futures: Any, messages: Any) -> None:
    for future in futures:
        if not future.cancelled():
            future.exception()
    messages.put(None)


def _receive(
    gathered: _Gathered,
    backend: str,
    message: dict[str, Any],
    progress: Callable[[str, str, str], None],
) -> None:
    kind = message["kind"]
    if kind == "record":
        gathered.records.append(Record(**message["record"]))
    elif kind == "samples":
        gathered.samples[backend].update(message["samples"])
    elif kind in ("rule", "done"):
        progress(kind, backend, message["rule"])


def _run_backend(
    plan: Plan,
    backend: str,
    cache: str,
    put: Callable[[tuple[str, dict[str, Any]]], None],
    processes: list[subprocess.Popen[str]],
) -> None:
    """Start the worker of one backend and pass its messages on; report how it ended."""
    task = {
        "backend": backend,
        "rules": list(plan.rules),
        "laws": list(plan.laws),
        "quick": plan.quick,
        "seed": plan.seed,
        "case": plan.case,
        "load": list(plan.load),
    }
    finished: set[str] = set()
    ended = False
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "gradrules.testing._worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env={
                **os.environ,
                **_QUIET,
                **(_COMPILE_FAST if plan.quick else {}),
                "GRADRULES_TRUTH_CACHE": cache,
            },
        )
        processes.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(task))
        process.stdin.close()
        for line in process.stdout:
            if not line.startswith(MARK):
                continue
            message = json.loads(line.removeprefix(MARK))
            ended = ended or message["kind"] == "end"
            if message["kind"] == "done":
                finished.add(message["rule"])
            put((backend, message))
        status = process.wait()
        if ended:
            return
        complaints.seek(0)
        last = complaints.read().strip().splitlines()[-1:]
    reason = f"the process of this backend ended with status {status}: {' '.join(last)}"
    for rule in plan.rules:
        if rule not in finished:
            crashed = Record(rule, backend, "crash", "fail", None, None, "", 0.0, reason)
            put((backend, {"kind": "record", "record": crashed.as_dict()}))


def _unfinished(plan: Plan, records: Sequence[Record], reason: str) -> list[Record]:
    seen = {(record.rule, record.backend) for record in records}
    return [
        Record(rule, backend, "all", "skip", None, None, "", 0.0, reason)
        for backend in plan.backends
        for rule in plan.rules
        if (rule, backend) not in seen
    ]
