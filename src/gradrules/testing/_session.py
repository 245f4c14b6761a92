"""A check of many rules on many backends, in processes that may crash or hang.

Two processes run at a time, each with one backend, and take one rule after the other. When the last
backend has its process the other one helps it. A process that dies, or is ended because a law is over
its time, loses that law alone: the next process goes on behind it.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ._cache import kept_files
from ._check import Report, agreement
from ._laws import ACROSS
from ._run import Record
from ._worker import MARK

AT_ONCE = 2
# A process ends by itself a law whose time is over, between two inputs; later it is made to.
GRACE = 2.0
# Seconds for importing a framework.
START = 300.0
# So often a rule may end its process before the rest of its laws is given up.
DEATHS = 3
QUIET = {
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_X64": "1",
}
# XLA spends most of a quick check on optimizing functions that run once.
COMPILE_FAST = {
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
}


@dataclass(frozen=True)
class Plan:
    """What is to be checked; `budget` is in seconds, for each rule, backend and law."""

    rules: Sequence[str]
    backends: Sequence[str]
    laws: Sequence[str]
    quick: bool = False
    seed: int = 0
    case: str | None = None
    load: Sequence[str] = ()
    examples: int = 1
    budget: float | None = None
    shrink: bool = True

    @property
    def limit(self) -> float:
        """The budget, or a default far above what any law needs, on a busy machine too."""
        return self.budget if self.budget is not None else 600.0 if self.quick else 3600.0


# ``progress(event, backend, words)``: "start" (a process), "law" (now being tried), "done" (a law).
Progress = Callable[[str, str, str], None]


@dataclass
class _Job:
    rule: str
    laws: list[str]
    deaths: int = 0


def check(plan: Plan, progress: Progress) -> Report:
    """Carry out a plan. On KeyboardInterrupt what is known is returned, the rest being skipped."""
    work = _Work(plan)
    records: list[Record] = []
    samples: dict[str, dict[str, Any]] = {name: {} for name in plan.backends}
    with kept_files() as cache, ThreadPoolExecutor(AT_ONCE) as pool:
        slots = [pool.submit(work.serve, cache) for _ in range(AT_ONCE)]
        for slot in slots:
            slot.add_done_callback(lambda _: work.messages.put(None))
        try:
            running = AT_ONCE
            while running:
                message = work.messages.get()
                if message is None:
                    running -= 1
                elif message[0] == "record":
                    records.append(Record(**message[2]))
                elif message[0] == "samples":
                    samples[message[1]].update(message[2])
                else:
                    progress(*message)
        except KeyboardInterrupt:
            work.stop()
    for slot in slots:
        slot.result()
    if work.stopped:
        records += _interrupted(plan, records)
    if ACROSS in plan.laws:
        records += agreement(samples, plan.rules)
    places = [{name: i for i, name in enumerate(names)} for names in (plan.rules, plan.backends)]
    laws = {law: i for i, law in enumerate(plan.laws)}
    records.sort(
        key=lambda r: (places[0][r.rule], places[1][r.backend], laws.get(r.law, -1)),
    )
    return Report(tuple(records), interrupted=work.stopped)


def _interrupted(plan: Plan, records: Sequence[Record]) -> list[Record]:
    seen = {(record.rule, record.backend) for record in records}
    return [
        Record(rule, backend, "all", "skip", None, None, "", 0.0, "interrupted")
        for backend in plan.backends
        for rule in plan.rules
        if (rule, backend) not in seen
    ]


@dataclass
class _Work:
    """What is still to be tried, shared by all slots."""

    plan: Plan
    messages: queue.Queue[Any] = field(default_factory=queue.Queue)
    stopped: bool = False

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs = {
            b: [_Job(rule, list(self.plan.laws)) for rule in self.plan.rules]
            for b in self.plan.backends
        }
        self._started: set[str] = set()
        self._processes: set[subprocess.Popen[str]] = set()
        self._seconds: Counter[str] = Counter()

    def stop(self) -> None:
        """End all processes; nothing is started any more."""
        with self._lock:
            self.stopped = True
            for process in self._processes:
                _end(process)

    def serve(self, cache: dict[str, str]) -> None:
        """Run processes, one after the other, until nothing is left for this slot."""
        while (backend := self._next_backend()) is not None:
            fast = self.plan.quick
            while (again := _Process(self, backend, cache, fast=fast).run()) is not None:
                fast = again

    def _next_backend(self) -> str | None:
        with self._lock:
            if self.stopped:
                return None
            for backend in self.plan.backends:
                if backend not in self._started:
                    self._started.add(backend)
                    return backend
            # A framework is imported a second time only for two rules or more.
            busiest = max(self._jobs, key=lambda b: len(self._jobs[b]))
            return busiest if len(self._jobs[busiest]) > 1 else None

    def take(self, backend: str) -> _Job | None:
        """The next job of a backend: what took longest elsewhere comes first."""
        with self._lock:
            jobs = self._jobs[backend]
            if self.stopped or not jobs:
                return None
            job = max(jobs, key=lambda j: (j.deaths, self._seconds[j.rule]))
            jobs.remove(job)
            return job

    def put_back(self, backend: str, job: _Job) -> None:
        """The rest of a job whose process has ended."""
        with self._lock:
            self._jobs[backend].append(job)

    def take_all(self, backend: str) -> list[_Job]:
        """All jobs of a backend that cannot be tried."""
        with self._lock:
            jobs, self._jobs[backend] = self._jobs[backend], []
            return jobs

    def launch(self, **arguments: Any) -> subprocess.Popen[str] | None:
        """Start a process, unless all is to stop."""
        with self._lock:
            if self.stopped:
                return None
            process = subprocess.Popen(
                [sys.executable, "-m", "gradrules.testing._worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is for the parent, which ends them
                **arguments,
            )
            self._processes.add(process)
            return process

    def record(self, record: dict[str, Any]) -> None:
        """Pass a record on."""
        self._seconds[record["rule"]] += record["seconds"]
        self.messages.put(("record", record["backend"], record))

    def say(self, event: str, backend: str, content: Any) -> None:
        """Pass anything else on."""
        self.messages.put((event, backend, content))


def _end(process: subprocess.Popen[str]) -> None:
    """End a worker, and whatever it has started: that would hold on to the worker's output."""
    if process.returncode is not None:
        return
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


class _Process:
    """One worker, from its start to its end."""

    def __init__(self, work: _Work, backend: str, cache: dict[str, str], *, fast: bool) -> None:
        self._work, self._backend, self._fast = work, backend, fast
        self._environment = {
            **cache,
            **os.environ,
            **QUIET,
            **(COMPILE_FAST if fast else {}),
        }
        self._job: _Job | None = None
        self._law = ""
        self._ready = False
        self._late = ""
        self._timer: threading.Timer | None = None

    def run(self) -> bool | None:
        """Work to the end. If the process ends before, how the next is to be started; else `None`."""
        with tempfile.TemporaryFile("w+") as complaints:
            process = self._work.launch(stderr=complaints, env=self._environment)
            if process is None:
                return None
            self._work.say("start", self._backend, "starting")
            try:
                self._converse(process)
            finally:
                self._watch(None, 0)
                _end(process)
                status = process.wait()
            complaints.seek(0)
            lines = complaints.read().strip().splitlines()
        if self._work.stopped or (self._ready and self._job is None):
            return None
        if self._fast and not self._ready and any("XLA_FLAGS" in line for line in lines):
            return False  # a version of XLA that does not know our flags
        reason = f"the process of this backend ended with status {status}: {' '.join(lines[-1:])}"
        return self._fast if self._bury(self._late or reason) else None

    def _converse(self, process: subprocess.Popen[str]) -> None:
        plan = self._work.plan
        settings = {
            "quick": plan.quick,
            "seed": plan.seed,
            "case": plan.case,
            "examples": plan.examples,
            "budget": plan.limit,
            "shrink": plan.shrink,
        }
        self._tell(process, backend=self._backend, load=list(plan.load), settings=settings)
        self._watch(process, START, "had not started")
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(MARK):
                message = json.loads(line.removeprefix(MARK))
                getattr(self, f"_on_{message.pop('kind')}")(process, **message)

    def _on_ready(self, process: subprocess.Popen[str]) -> None:
        self._done()
        self._ready = True
        self._job = self._work.take(self._backend)
        if self._job is None:
            self._watch(None, 0)
            assert process.stdin is not None
            process.stdin.close()
        else:
            self._tell(process, rule=self._job.rule, laws=self._job.laws)
            self._watch(process, self._work.plan.limit + GRACE, "was drawing inputs")

    def _on_law(self, process: subprocess.Popen[str], law: str) -> None:
        assert self._job is not None
        self._done()
        self._law = law
        self._watch(process, self._work.plan.limit + GRACE, "was still at one input")
        self._work.say("law", self._backend, f"{self._job.rule}: {law}")

    def _on_record(self, _: subprocess.Popen[str], record: dict[str, Any]) -> None:
        self._work.record(record)

    def _on_samples(self, _: subprocess.Popen[str], samples: dict[str, Any]) -> None:
        self._work.say("samples", self._backend, samples)

    def _done(self) -> None:
        if self._law:
            self._work.say("done", self._backend, self._law)
        self._law = ""

    def _tell(self, process: subprocess.Popen[str], **content: Any) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # it has died, and its output says so
            process.stdin.write(f"{json.dumps(content)}\n")
            process.stdin.flush()

    def _watch(
        self, process: subprocess.Popen[str] | None, seconds: float, doing: str = ""
    ) -> None:
        """End the process after so many seconds, unless it is watched anew before."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if process is None:
            return

        def end() -> None:
            self._late = f"ended after {seconds:g} s: it {doing}"
            _end(process)

        self._timer = threading.Timer(seconds, end)
        self._timer.daemon = True
        self._timer.start()

    def _bury(self, reason: str) -> bool:
        """Report what the process was at when it ended; whether another is to go on."""
        status = "timeout" if self._late else "fail"
        if not self._ready:
            for job in self._work.take_all(self._backend):
                self._report(job.rule, "start", status, reason)
            return False
        assert self._job is not None
        job, law = self._job, self._law or self._job.laws[0]
        self._report(job.rule, law, status, reason)
        self._work.say("done", self._backend, law)
        job.laws = job.laws[job.laws.index(law) + 1 :]
        job.deaths += 1
        if job.deaths == DEATHS:
            for law in job.laws:
                self._report(job.rule, law, "skip", f"the rule has ended {DEATHS} processes before")
        elif job.laws:
            self._work.put_back(self._backend, job)
        return True

    def _report(self, rule: str, law: str, status: str, reason: str) -> None:
        record = Record(rule, self._backend, law, status, None, None, "", 0.0, reason)
        self._work.record(record.as_dict())
