"""A mutation run: every fault of every rule, in worker processes, and the verdicts.

A fault is planted once, however many rules run the code. It is told of the rule in whose module it is,
else of one of its folder, and is caught when the check of one of them fails. It is tried on NumPy and
autograd in one process. What survives there goes to a process of its own for each further framework,
because these remember code that they have compiled.
"""

import importlib
import multiprocessing
import os
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import TimeoutError as Overdue
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gradrules import adapters

from ._faults import KINDS
from ._mutation import Mutant, first_failure, kill, mutants
from ._run import Record
from ._session import AT_ONCE, QUIET

# In the order in which they are tried; the first two need no process of their own.
BACKENDS = ("numpy", "autograd", "torch", "jax")
EAGER = BACKENDS[:2]
# Of many rules that run the same code, as many are asked.
ASKED = 4


@dataclass(frozen=True)
class Equivalent:
    """Faults that change nothing, and the reason why."""

    module: str
    function: str
    faults: tuple[str, ...]  # kind: change
    reason: str

    def covers(self, mutant: Mutant) -> bool:
        """Whether the fault is one of these."""
        return (
            mutant.module == self.module
            and mutant.function == self.function
            and f"{mutant.kind}: {mutant.change}" in self.faults
        )


@dataclass(frozen=True)
class Verdict:
    """What became of one fault."""

    mutant: Mutant
    status: str  # "killed", "timeout", "equivalent" or "survived"
    backend: str = ""
    law: str = ""
    case: str = ""
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        own = {name: value for name, value in vars(self).items() if name != "mutant"}
        return {**self.mutant.as_dict(), **own}


@dataclass(frozen=True)
class Score:
    """All verdicts of a run."""

    verdicts: tuple[Verdict, ...]
    # Entries of the list of equivalents that are no longer true, and what is wrong with each.
    stale: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every fault was caught, or changes nothing."""
        return bool(self.verdicts) and not self.stale and not self.survivors()

    def survivors(self) -> list[Verdict]:
        """Faults that no law caught."""
        return [verdict for verdict in self.verdicts if verdict.status == "survived"]


def read_equivalents(file: Path) -> list[Equivalent]:
    """The list of faults that change nothing: ``[[equivalent]]`` tables of a TOML file.

    Raises
    ------
    ValueError
        If an entry lacks something, the reason above all.
    """
    found = []
    for number, entry in enumerate(tomllib.loads(file.read_text()).get("equivalent", [])):
        try:
            module, function = entry["module"], entry["function"]
            faults, reason = tuple(entry["faults"]), entry["reason"]
        except KeyError as missing:
            msg = f"{file}: entry {number + 1} has no {missing}"
            raise ValueError(msg) from None
        found.append(Equivalent(module, function, faults, reason))
    return found


def mutate(
    rules: Sequence[str],
    *,
    kinds: Sequence[str] = tuple(KINDS),
    backends: Sequence[str] | None = None,
    equivalents: Sequence[Equivalent] = (),
    load: Sequence[str] = (),
    seed: int = 0,
    timeout: float = 120,
    progress: Callable[[Verdict, int], None] | None = None,
) -> Score:
    """Plant every fault in every rule and run the quick check on it.

    Parameters
    ----------
    rules, kinds
        Names of rules, and of kinds of faults.
    backends
        In the order in which they are tried; by default NumPy, autograd, PyTorch and JAX, as far as
        installed.
    equivalents
        Faults that are known to change nothing. They are tried on NumPy and autograd all the same.
    load
        Modules to import in each process; they register rules.
    timeout
        Seconds after which a fault that makes the check hang counts as found.
    progress
        Called with each verdict, and the number of faults.

    Raises
    ------
    ValueError
        If a rule fails its check without any fault.
    ImportError
        Without pebble, which is in the extra ``testing``.
    """
    chosen = [b for b in backends or BACKENDS if backends or b == "numpy" or find_spec(b)]
    eager = [b for b in chosen if b in EAGER]
    planted = _once([m for name in rules for m in mutants(adapters.lookup(name), kinds)])
    known = {m: next((e for e in equivalents if e.covers(m)), None) for m in planted}
    found: dict[Mutant, Record | str] = {}

    def hear(mutant: Mutant, result: Record | str | None) -> bool:
        """Note a result; whether it is a verdict."""
        if result is not None:
            found[mutant] = result
        verdict = _verdict(mutant, result, known[mutant])
        if progress is not None and verdict.status != "survived":
            progress(verdict, len(planted))
        return verdict.status != "survived"

    def ask(pool: Any, asked: dict[Mutant, Mutant], on: Sequence[str], limit: float) -> None:
        """Take from those left what is caught in the rule that is asked."""
        attempts = [pool.schedule(_attempt, (m, on, seed), timeout=limit) for m in asked.values()]
        for mutant, attempt in zip(asked, attempts, strict=True):
            if hear(mutant, _outcome(attempt)):
                left.remove(mutant)

    left = list(planted)
    with tempfile.TemporaryDirectory() as cache:
        with _pool(load, cache) as pool:
            _refuse_unsound(pool, rules, eager, seed)
            for turn in range(ASKED):
                others = {m: planted[m][turn] for m in left if turn < len(planted[m])}
                ask(pool, others, eager, timeout)
        with _pool(load, cache, tasks=1) as pool:
            for name in chosen:
                if name not in EAGER:
                    ask(pool, {m: m for m in left}, [name], 5 * timeout)
    verdicts = tuple(_verdict(m, found.get(m), known[m]) for m in planted)
    for verdict in verdicts:
        if progress is not None and verdict.status == "survived":
            progress(verdict, len(planted))
    return Score(verdicts, tuple(_stale(equivalents, verdicts, kinds)))


def _once(planted: Iterable[Mutant]) -> dict[Mutant, list[Mutant]]:
    """Each fault by the rule of which it is told, and in all rules that run the code, that one first.

    It is the rule in whose module the code is, else one of the same folder. The others take turns by
    folder: rules of one kind ask the same of a helper.
    """
    places: dict[Any, list[Mutant]] = defaultdict(list)
    for mutant in planted:
        places[mutant.place].append(mutant)
    for same in places.values():
        turns: Counter[str] = Counter()
        ranks = {}
        for mutant in same:
            module = adapters.lookup(mutant.rule).__module__
            folder, home = (name.rpartition(".")[0] for name in (module, mutant.module))
            ranks[mutant] = module != mutant.module, folder != home, turns[folder]
            turns[folder] += 1
        same.sort(key=ranks.__getitem__)
    return {same[0]: same for same in places.values()}


def _pool(load: Sequence[str], cache: str, tasks: int = 0) -> Any:
    """Workers that begin afresh after as many tasks; 0 for never."""
    try:
        from pebble import ProcessPool  # noqa: PLC0415 (an optional dependency)
    except ImportError:
        msg = "faults are tried in processes by pebble; pip install 'gradrules[testing]'"
        raise ImportError(msg) from None
    return ProcessPool(
        AT_ONCE,
        max_tasks=tasks,
        initializer=_prepare,
        initargs=(tuple(load), cache),
        context=multiprocessing.get_context("spawn"),
    )


def _refuse_unsound(pool: Any, rules: Sequence[str], backends: Sequence[str], seed: int) -> None:
    """Raise if a rule fails without a fault; the truths that are needed lie in the cache then."""
    checks = [pool.schedule(_sound, (name, backends, seed)) for name in rules]
    for name, check in zip(rules, checks, strict=True):
        failure = check.result()
        if failure is not None:
            msg = (
                f"{name} fails without any fault: {failure.law} on {failure.backend}, "
                f"{failure.case}: {failure.message}"
            )
            raise ValueError(msg)


def _prepare(load: Sequence[str], cache: str) -> None:
    """What a worker does first."""
    os.environ.update(QUIET, GRADRULES_TRUTH_CACHE=cache)
    for module in load:
        importlib.import_module(module)


def _sound(rule: str, backends: Sequence[str], seed: int) -> Record | None:
    owners = {mutant.owner for mutant in mutants(adapters.lookup(rule))}
    failures = (first_failure(rule, *owners, backend=b, seed=seed) for b in backends)
    return next(filter(None, failures), None)


def _attempt(mutant: Mutant, backends: Sequence[str], seed: int) -> Record | None:
    kills = (kill(mutant, backend, seed=seed) for backend in backends)
    return next(filter(None, kills), None)


def _outcome(future: Any) -> Record | str | None:
    """A record, the way in which a worker ended, or `None`."""
    from pebble import ProcessExpired  # noqa: PLC0415

    try:
        record: Record | None = future.result()
    except Overdue:
        return "timeout"
    except ProcessExpired:
        return "crash"
    return record


def _verdict(mutant: Mutant, result: Record | str | None, known: Equivalent | None) -> Verdict:
    if isinstance(result, Record):
        return Verdict(mutant, "killed", result.backend, result.law, result.case, result.message)
    if result is not None:
        return Verdict(mutant, "timeout" if result == "timeout" else "killed", law=result)
    if known is not None:
        return Verdict(mutant, "equivalent", reason=known.reason)
    return Verdict(mutant, "survived")


def _stale(
    equivalents: Sequence[Equivalent], verdicts: Sequence[Verdict], kinds: Sequence[str]
) -> Iterable[str]:
    """Entries that match no fault, or one that a law caught, in modules that were tried."""
    tried = {verdict.mutant.module for verdict in verdicts}
    for entry in equivalents:
        for fault in entry.faults:
            if entry.module not in tried or fault.partition(":")[0] not in kinds:
                continue
            one = Equivalent(entry.module, entry.function, (fault,), entry.reason)
            matched = [v for v in verdicts if one.covers(v.mutant)]
            caught = [v for v in matched if v.status != "equivalent"]
            where = f"{entry.module}, {entry.function}, {fault}"
            # Of expressions that are written twice, one may be of no account.
            if not matched:
                yield f"{where}: there is no such fault"
            elif len(caught) == len(matched):
                yield f"{where}: caught by {caught[0].law} on {caught[0].backend}"
