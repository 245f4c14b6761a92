"""From questions to findings."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

from gradrules import adapters, registry

from .. import _oracles  # noqa: F401 (registers them)
from .._check import refuse_unknown
from .._session import AT_ONCE
from .._truth import has_oracle
from ._processes import Process
from ._questions import Question, questions
from ._script import native, script, template

RIGHT, WRONG, NAN, RAISES, MISSING = VERDICTS = ("right", "wrong", "NaN", "raises", "missing")
# What is called wrong is off by so many tolerances, and in the first six digits. What users build of
# eigenvectors loses digits by its own rounding.
FAR, DIGITS = 100.0, 1e-6
Progress = Callable[[str, int, int], None]
Wanted = Callable[[str, str], bool]


@dataclass(frozen=True)
class Verdict:
    """What came of a question.

    Attributes
    ----------
    verdict
        ``"right"``; ``"wrong"``: a number far from the truth, or any number where there is none;
        ``"NaN"`` (or an infinity) and ``"raises"`` where the derivative exists; ``"missing"``: it
        raises for ordinary inputs too, or there is no such function.
    error
        Relative to the sizes of the terms of the loss; `None` without a number or without a truth.
    found
        The number, as text, so that NaN can be written down; empty if there is none.
    message
        What was raised.
    """

    verdict: str
    error: float | None = None
    found: str = ""
    message: str = ""


@dataclass(frozen=True)
class Finding:
    """One question, to one framework.

    Attributes
    ----------
    rule, backend, case
        What was asked, and whom. A case is ``where``, the input and what the loss looks at, and
        ``mode``, how it is differentiated.
    native, ours
        What came of the framework's own `function`, and of our rule in its place.
    truth, tolerance
        `None` where no derivative exists; relative.
    input
        The primals, as Python reads them.
    reproducer
        A script that asks the framework alone.
    """

    rule: str
    backend: str
    case: str
    native: Verdict
    ours: Verdict
    function: str
    where: str
    mode: str
    truth: float | None
    tolerance: float
    input: str
    reproducer: str

    @property
    def defect(self) -> bool:
        """Whether the framework gives a wrong number, or none where there is one."""
        return self.native.verdict in (WRONG, NAN, RAISES)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Audit:
    """All findings."""

    findings: tuple[Finding, ...]
    seed: int

    def counts(self, backend: str, rule: str) -> Counter[str]:
        """Verdicts on the framework's own function."""
        return Counter(
            f.native.verdict for f in self.findings if (f.backend, f.rule) == (backend, rule)
        )

    def defects(self) -> list[Finding]:
        """The findings in which the framework is at fault."""
        return [f for f in self.findings if f.defect]


def backends() -> list[str]:
    """The frameworks that can be audited here: installed, and spelled by their adapter."""
    return [name for name in adapters.available() if find_spec(name) and template(name)]


def rules() -> list[str]:
    """The rules with an oracle of their own, and a derivative by every input."""
    return [
        name for name, rule in registry.items() if has_oracle(name) and not rule.nondifferentiable
    ]


_known_rules = rules
_installed = backends  # `audit` has arguments of these names


def audit(
    *,
    rules: Sequence[str] | None = None,
    backends: Sequence[str] | None = None,
    wanted: Wanted = lambda rule, case: True,  # noqa: ARG005
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> Audit:
    """Ask the frameworks' own functions, and ours, what is known.

    Parameters
    ----------
    rules, backends
        Names; by default all.
    wanted
        Of the names of a rule and a case: whether to ask it.
    seed
        The same seed gives the same questions.
    progress
        Hears ``(backend, done, total)``.

    Returns
    -------
    Audit
        What is known so far, if interrupted.
    """
    every = _installed()
    names = list(every if backends is None else backends)
    known = _known_rules()
    chosen = list(known if rules is None else rules)
    refuse_unknown("backend", names, every)
    refuse_unknown("rule", chosen, known)
    functions = {(b, r): native(b, r) for b in names for r in chosen}
    asked: list[Question] = []
    found: dict[str, list[Finding]] = {name: [] for name in names}
    processes = {name: Process() for name in names}
    try:
        for rule in chosen:
            asked += questions(registry[rule], seed=seed, wanted=partial(wanted, rule))
            progress("truth", chosen.index(rule) + 1, len(chosen))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            futures = [
                pool.submit(_ask, name, asked, functions, processes[name], found[name], progress)
                for name in names
            ]
            try:
                for future in futures:
                    future.result()
            except KeyboardInterrupt:
                for process in processes.values():
                    process.close()
    except KeyboardInterrupt:
        pass
    every_finding = (f for name in names for f in found[name])
    return Audit(tuple(f for f in every_finding if wanted(f.rule, f.case)), seed)


def _ask(
    backend: str,
    asked: Sequence[Question],
    functions: dict[tuple[str, str], str | None],
    process: Process,
    found: list[Finding],
    progress: Progress,
) -> None:
    """All questions to one framework: its own functions first, alone in their process."""
    texts: dict[bool, list[str]] = {}
    for ours in (False, True):
        paths = (f"gr.{q.rule}" if ours else functions[backend, q.rule] for q in asked)
        texts[ours] = [
            script(backend, question, function=path, ours=ours) if path else ""
            for question, path in zip(asked, paths, strict=True)
        ]
    answers: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    known: dict[str, dict[str, Any]] = {}
    with process, suppress(KeyboardInterrupt):
        for ours, given in answers.items():
            for text in texts[ours]:
                if _body(text) not in known:
                    known[_body(text)] = process.run(text) if text else {"error": ""}
                given.append(known[_body(text)])
                progress(backend, sum(map(len, answers.values())), 2 * len(asked))
    ordinary = {
        (ours, *question.kind): answer
        for ours, given in answers.items()
        for question, answer in zip(asked, given, strict=False)
        if question.situation.ordinary
    }
    seen: set[str] = set()
    # Interrupted, what has been asked of both is known.
    for question, *of_two, theirs, mine in zip(
        asked, *texts.values(), *answers.values(), strict=False
    ):
        if _body(of_two[1]) in seen:
            continue  # the framework knows no difference between two modes
        seen.add(_body(of_two[1]))
        function = functions[backend, question.rule]
        verdicts = [
            _judged(question, answer, ordinary.get((ours, *question.kind), {}))
            for ours, answer in ((False, theirs), (True, mine))
        ]
        if function is None:
            verdicts[0] = Verdict(MISSING, message=f"{backend} has no function for {question.rule}")
        found.append(_finding(backend, question, function or "", of_two[0], *verdicts))


def _body(text: str) -> str:
    """A script without its title."""
    return text.partition("\n")[2]


def _judged(question: Question, answer: dict[str, Any], ordinary: dict[str, Any]) -> Verdict:
    truth = question.truth
    if "error" in answer:
        missing = "error" in ordinary
        fair = RIGHT if truth.value is None else RAISES
        return Verdict(MISSING if missing else fair, message=answer["error"])
    text = answer["found"]
    number = float(text)
    if truth.value is None:
        return Verdict(WRONG if math.isfinite(number) else RIGHT, found=text)
    if not math.isfinite(number):
        return Verdict(NAN, found=text)
    error = abs(number - truth.value) / (truth.size or 1.0)
    return Verdict(WRONG if error > max(FAR * truth.tolerance, DIGITS) else RIGHT, error, text)


def _finding(
    backend: str, question: Question, function: str, text: str, native: Verdict, ours: Verdict
) -> Finding:
    rule = registry[question.rule]
    shown = ", ".join(
        f"{name} = {p.tolist()!r}"
        for name, p in zip(rule.inputs, question.situation.primals, strict=True)
    )
    return Finding(
        rule=question.rule,
        backend=backend,
        case=question.case,
        native=native,
        ours=ours,
        function=function,
        where=question.where,
        mode=question.mode,
        truth=question.truth.value,
        tolerance=question.truth.tolerance,
        input=shown,
        reproducer=text,
    )
