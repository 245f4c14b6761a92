"""Check rules, functions and natives in this process: for one's own tests, and for notebooks."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

import gradrules
from gradrules import Rule, adapters, registry

from . import _backends
from ._backends import Backend
from ._cases import DTYPES
from ._laws import ACROSS, LAWS
from ._native import FunctionBackend, framework_of, known_native, name_of, rule_of_native
from ._run import Record, Repeat, Sampler, command, run

ALL_LAWS = (*LAWS, ACROSS)
SHOWN = 10


class LawError(AssertionError):
    """A rule breaks a law; the message is the report, which is also the attribute `report`."""

    def __init__(self, report: "Report") -> None:
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True, repr=False)
class Report:
    """All records of a check.

    Attributes
    ----------
    records
        In the order of rules, backends and laws.
    interrupted
        Whether the check was ended from the keyboard; then there are records of a part.
    """

    records: tuple[Record, ...]
    interrupted: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing failed or ran out of time, and something was tried."""
        counts = self.counts()
        return not (self.interrupted or counts["fail"] or counts["timeout"]) and counts["pass"] > 0

    def counts(self) -> Counter[str]:
        """Number of records by status."""
        return Counter(record.status for record in self.records)

    def failures(self) -> list[Record]:
        """The records that failed."""
        return [record for record in self.records if record.status == "fail"]

    def skipped(self) -> dict[str, list[Record]]:
        """What was not tried, by the reason."""
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self.records:
            if record.status == "skip":
                found[record.message].append(record)
        return dict(found)

    def summary(self) -> str:
        """Numbers, in one line."""
        counts = self.counts()
        words = {"pass": "passed", "fail": "failed", "timeout": "timed out", "skip": "skipped"}
        line = ", ".join(
            f"{counts[s]} {w}" for s, w in words.items() if counts[s] or s != "timeout"
        )
        if self.interrupted:
            return f"{line}; interrupted"
        return line if counts["pass"] or counts["fail"] else f"{line}; nothing was tried"

    def __repr__(self) -> str:
        return f"<report: {self.summary()}>"

    def __str__(self) -> str:
        counts, lines = self.counts(), [self.summary()]
        for reason, records in self.skipped().items() if not counts["pass"] else ():
            lines.append(f"skipped {', '.join(dict.fromkeys(r.law for r in records))}: {reason}")
        lines += [
            f"{r.rule} on {r.backend}, law {r.law}: {r.message}"
            for r in self.records
            if r.status == "timeout"
        ]
        failures = self.failures()
        lines += [explain(record) for record in failures[:SHOWN]]
        if len(failures) > SHOWN:
            lines.append(f"... and {len(failures) - SHOWN} more failures")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        laws = list(dict.fromkeys(r.law for r in self.records))
        rows: dict[tuple[str, str], dict[str, Counter[str]]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        for r in self.records:
            rows[r.rule, r.backend][r.law][r.status] += 1
        head = "".join(f"<th>{escape(law)}</th>" for law in laws)
        body = "".join(
            f"<tr><th>{escape(rule)}</th><th>{escape(backend)}</th>"
            + "".join(f"<td>{_mark(found[law])}</td>" for law in laws)
            + "</tr>"
            for (rule, backend), found in rows.items()
        )
        table = f"<table><tr><th>rule</th><th>backend</th>{head}</tr>{body}</table>"
        return f"{table}<pre>{escape(str(self))}</pre>"


def _mark(counts: Counter[str]) -> str:
    if counts["fail"]:
        return f"✗ {counts['fail']} of {counts['fail'] + counts['pass']}"
    if counts["timeout"]:
        return "timeout"
    return f"✓ {counts['pass']}" if counts["pass"] else "-"


def explain(record: Record) -> str:
    """A failure, for its reader: where, what came for what, how far off, at which input, how again."""
    where = f"✗ {record.rule} on {record.backend}, law {record.law}"
    lines = [f"{where}, input {record.case!r}" if record.case else where, f"  {record.message}"]
    if record.truth:
        lines.append(f"  came   {record.value}")
        lines.append(f"  truth  {record.truth}")
    if record.error is not None and record.tolerance is not None:
        lines.append(f"  error  {record.error:.2e} of the truth's size")
        lines.append(
            f"  allow  {record.tolerance:.2e}" + f" = {record.origin}" * bool(record.origin)
        )
    lines += [f"  {text}" for text in record.input.split("\n") if text]
    if record.repeat:
        lines.append(f"  again  {record.repeat}")
    return "\n".join(lines)


def check(
    rule: Rule | Callable[..., Any],
    *,
    jvp: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
    backends: Sequence[str] | None = None,
    laws: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    sampler: Sampler | None = None,
    seed: int = 0,
    examples: int = 1,
    quick: bool = True,
    budget: float | None = None,
    case: str | None = None,
    shrink: bool = True,
    **declared: Any,
) -> Report:
    """Try a rule, or a function with derivatives, on every installed backend, with every law.

    Parameters
    ----------
    rule
        A rule; or a function of arrays as :func:`gradrules.rule` takes it, which stays unregistered.
    jvp, vjp
        Of a function: one derivative or both, as :meth:`Rule.def_jvp` and :meth:`Rule.def_vjp` take
        them. Laws that need the other one are skipped, and say so.
    backends, laws, dtypes
        Names; by default all that are installed, all there are, and all that the rule declares.
    sampler
        ``sampler(rng, shapes, dtype)`` draws valid inputs, in place of what is drawn by structure.
    seed
        The same seed gives the same inputs, and the same records.
    examples
        How many times random inputs are drawn: with `seed`, ``seed + 1``, ...
    quick
        Fewer inputs.
    budget
        Seconds for each backend and law; what is over it has the status ``"timeout"``. Here a call
        that never returns cannot be ended; the command line ends it.
    case
        Only the input of this name.
    shrink
        Search for the smallest input at which a law fails: seconds, for each law that does.
    **declared
        Of a function: ``signature``, ``outputs`` and all else that :func:`gradrules.rule` takes.

    Returns
    -------
    Report
        ``report.passed`` says whether all is well, ``print(report)`` what is not.

    Raises
    ------
    ValueError
        If a law, a backend or a dtype is unknown, or nothing can be tried.

    Examples
    --------
    >>> def square(x, /):
    ...     return x * x
    >>> def square_jvp(primals, outputs, tangents):
    ...     return 2 * primals[0] * tangents[0]
    >>> check(square, jvp=square_jvp, backends=["numpy"], laws=["jvp"]).passed
    True
    """
    made, call = _as_rule(rule, jvp, vjp, declared)
    names = list(backends) if backends is not None else _backends.installed()
    chosen = list(laws) if laws is not None else list(ALL_LAWS)
    refuse_unknown("law", chosen, ALL_LAWS)
    refuse_unknown("backend", names, _backends.installed())
    tried = {name: _backends.load(name) for name in names}
    return _tried(
        made, tried, chosen, dtypes=dtypes, sampler=sampler, seed=seed, examples=examples,
        quick=quick, budget=budget, case=case, shrink=shrink, repeat=_again(call, quick) if call else None,
    )  # fmt: skip


def check_native(
    function: Callable[..., Any],
    *,
    framework: str | None = None,
    like: str | Rule | None = None,
    signature: str | None = None,
    outputs: tuple[str, ...] | str = "result",
    laws: Sequence[str] | None = None,
    dtypes: Sequence[str] | None = None,
    sampler: Sampler | None = None,
    seed: int = 0,
    examples: int = 1,
    quick: bool = True,
    budget: float | None = None,
    case: str | None = None,
    shrink: bool = True,
    **declared: Any,
) -> Report:
    """Try a framework's own function, differentiated by the framework.

    Parameters
    ----------
    function
        ``torch.linalg.det``, ``jax.scipy.special.logsumexp``, a lambda or a `functools.partial` of
        such: from arrays of the framework to one, or to a tuple of them.
    framework
        Name of the adapter; by default that of the module in which `function` was defined.
    like
        The rule, or its name, that has the same value: it brings the truth, hard inputs and gauge.
        By default the one that :func:`gradrules.override` puts in the function's place; if there is
        none, and a `signature` is given, the truth is differences of the function itself.
    signature, outputs, **declared
        Without `like`: as for :func:`gradrules.rule`.
    laws, dtypes, sampler, seed, examples, quick, budget, case, shrink
        As for :func:`check`.

    Returns
    -------
    Report
        Its records carry the name of the function, and of the framework as the backend.

    Raises
    ------
    ValueError
        If the framework or the shapes are not known.
    """
    name = framework_of(function, framework)
    backend = adapters.load(name)
    chosen = list(laws) if laws is not None else list(LAWS)
    refuse_unknown("law", chosen, tuple(LAWS))
    known = known_native(function) if like is None and signature is None else None
    if like is None and known is None and signature is None:
        msg = (
            f"which truth {name_of(function, name)} has is not known: pass like='det', the name of a "
            f"rule with the same value, or signature='(n,n)->()', its shapes"
        )
        raise ValueError(msg)
    if backend.transforms is None:
        msg = f"adapter {name!r} declares no transforms, so that nothing can be tried"
        raise ValueError(msg)
    if signature is not None and like is None:
        rule = rule_of_native(function, name, signature, outputs, **declared)
    else:
        rule = like if isinstance(like, Rule) else _named(like or known[1].rule)  # type: ignore[index]
    convert = known[1].outputs if known else _backends.as_tuple
    report = _tried(
        rule, {name: FunctionBackend(name, function, convert)}, chosen, dtypes=dtypes,
        sampler=sampler, seed=seed, examples=examples, quick=quick, budget=budget, case=case, shrink=shrink,
        repeat=_again(f"check_native({name_of(function, name)}, ", quick),
    )  # fmt: skip
    own = name_of(function, name)
    return replace(report, records=tuple(replace(r, rule=own) for r in report.records))


def assert_rule(rule: Rule | Callable[..., Any], **settings: Any) -> None:
    """Raise unless :func:`check`, called with the same arguments, passes; for tests.

    Raises
    ------
    LawError
        An `AssertionError` that says what failed, or that nothing was tried.
    """
    __tracebackhide__ = True
    assert_passed(check(rule, **settings))


def assert_passed(report: Report) -> None:
    """Raise LawError unless a report passed."""
    __tracebackhide__ = True
    if not report.passed:
        raise LawError(report)


def _named(name: str) -> Rule:
    refuse_unknown("rule", [name], list(registry))
    return registry[name]


def _as_rule(
    given: Rule | Callable[..., Any], jvp: Any, vjp: Any, declared: dict[str, Any]
) -> tuple[Rule, str]:
    """A rule, and the call that repeats it, where no command line can."""
    if isinstance(given, Rule):
        if jvp is not None or vjp is not None or declared:
            words = ", ".join(declared) or "a derivative"
            msg = f"{given.name} is a rule, and has declared {words} already"
            raise ValueError(msg)
        listed = registry.get(given.name) is given and given.__module__ != "__main__"
        return given, "" if listed else f"check({given.name}, "
    if jvp is None and vjp is None:
        msg = f"{given!r} is no rule: pass its jvp=..., its vjp=..., or both"
        raise ValueError(msg)
    word = getattr(given, "__name__", "")
    word = word if word.isidentifier() else "function"
    module = getattr(given, "__module__", None) or "__main__"
    declared = {"name": f"{module}.{word}", **declared}
    made: Rule = gradrules.rule(register=False, **declared)(given)
    derivatives = {"jvp": (jvp, made.def_jvp), "vjp": (vjp, made.def_vjp)}
    parts = [mode for mode, (function, _) in derivatives.items() if function is not None]
    for function, define in derivatives.values():
        if function is not None:
            define(function)
    return made, f"check({word}, " + "".join(f"{mode}=..., " for mode in parts)


def _again(call: str, quick: bool) -> Repeat:
    """What to call again; a function has no name on the command line."""

    def line(backend: str, law: str, seed: int, case: str) -> str:
        where = "" if call.startswith("check_native") else f"backends=[{backend!r}], "
        full = "" if quick else ", quick=False"
        return f"gradrules.testing.{call}{where}laws=[{law!r}], seed={seed}, case={case!r}{full})"

    return line


def _tried(
    rule: Rule,
    backends: dict[str, Backend],
    laws: Sequence[str],
    *,
    dtypes: Sequence[str] | None,
    seed: int,
    quick: bool,
    repeat: Repeat | None,
    **settings: Any,
) -> Report:
    refuse_unknown("dtype", list(dtypes or ()), DTYPES)
    repeat = repeat or command(rule, quick=quick)
    records: list[Record] = []
    samples: dict[str, dict[str, Any]] = {}
    for name, backend in backends.items():
        found: dict[str, Any] | None = {} if ACROSS in laws else None
        records += run(
            rule, backend, laws=laws, dtypes=dtypes, seed=seed, quick=quick, samples=found,
            repeat=repeat, **settings,
        )  # fmt: skip
        samples[name] = found or {}
    if ACROSS in laws:
        records += agreement(samples, [rule.name])
    return Report(tuple(records))


def refuse_unknown(word: str, given: Sequence[str], known: Sequence[str]) -> None:
    """Raise ValueError for a name that is not known."""
    unknown = [name for name in given if name not in known]
    if unknown:
        msg = f"unknown {word} {unknown[0]!r}; there are {', '.join(known)}"
        raise ValueError(msg)


def agreement(samples: dict[str, dict[str, Any]], rules: Sequence[str]) -> list[Record]:
    """The law ``agree``: all backends return the same gradients."""
    records = []
    for rule in rules:
        cases = sorted({key for found in samples.values() for key in found})
        for key in cases:
            name, _, case = key.partition("|")
            if name != rule:
                continue
            having = {b: found[key] for b, found in samples.items() if key in found}
            (first, reference), *others = having.items()
            for backend, sample in others:
                records.append(_compare(rule, case, first, reference, backend, sample))
        for backend, found in samples.items():
            if len(samples) == 1 or not any(k.startswith(f"{rule}|") for k in found):
                reason = (
                    "no other backend to compare with"
                    if len(samples) == 1
                    else ("no gradient at a general input to compare")
                )
                records.append(Record(rule, backend, ACROSS, "skip", None, None, "", 0.0, reason))
    return records


def _compare(rule: str, case: str, first: str, reference: Any, backend: str, sample: Any) -> Record:
    error = 0.0
    for one, two in zip(reference["gradients"], sample["gradients"], strict=True):
        a, b = (np.asarray(re) + 1j * np.asarray(im) for re, im in (one, two))
        error = max(
            error, float(np.max(np.abs(a - b), initial=0.0)) if a.shape == b.shape else np.inf
        )
    size = max(reference["size"], sample["size"]) or 1.0
    tolerance = 2 * max(reference["tolerance"], sample["tolerance"]) / size
    status = "pass" if error / size <= tolerance else "fail"
    message = "" if status == "pass" else f"differs from {first}"
    return Record(rule, backend, ACROSS, status, error / size, tolerance, case, 0.0, message)
