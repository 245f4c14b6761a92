"""The command line: ``gradrules list | show | check | audit | bench | mutate``."""

import importlib
import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from . import _audit_report, _bench_report, _mutation_report, _pages, _report, registry
from ._registry import of_arrays
from ._rule import Rule
from .rules.products._compositions import COMPOSITIONS
from .testing import ACROSS, LAWS, _backends
from .testing import _audit as auditing
from .testing import _bench as benching
from .testing._cases import DTYPES
from .testing._faults import KINDS
from .testing._mutation_run import mutate, read_equivalents
from .testing._session import Plan, check

app = typer.Typer(
    help="Matrix-derivative rules, written once: list them, read them, prove them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
Load = Annotated[
    list[str] | None,
    typer.Option("--load", help="Import this module first; it may register rules."),
]


def _import(modules: list[str] | None) -> None:
    if modules and "" not in sys.path:
        # A file in this folder, as for `python -m`; a script looks beside itself.
        sys.path.insert(0, "")
    for module in modules or []:
        try:
            importlib.import_module(module)
        except ImportError as error:
            msg = f"cannot import {module!r}: {error}"
            raise typer.BadParameter(msg) from error


def _known(word: str, given: list[str] | None, known: list[str]) -> list[str]:
    for name in given or []:
        if name not in known:
            msg = f"there is no {word} {name!r}; known: {', '.join(known)}"
            raise typer.BadParameter(msg)
    return list(given or known)


@app.command("list")
def list_rules(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    load: Load = None,
) -> None:
    """List all rules."""
    _import(load)
    if as_json:
        typer.echo(json.dumps([_report.as_dict(rule) for rule in registry.values()], indent=2))
    else:
        console.print(_report.rules_table(list(registry.values())))
        names = ", ".join(f.__name__ for f in COMPOSITIONS)
        console.print(f"and, as compositions of matmul, without rules of their own: {names}")


@app.command()
def show(name: str, load: Load = None) -> None:
    """Show what a rule declares: shapes, options, domain, gauge, cost, sources."""
    _import(load)
    rule: Rule = registry[_known("rule", [name], list(registry))[0]]
    console.print(_report.rule_page(rule))


@app.command("check")
def check_rules(
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule (repeatable).")] = None,
    backend: Annotated[
        list[str] | None, typer.Option(help="Only this backend (repeatable).")
    ] = None,
    law: Annotated[list[str] | None, typer.Option(help="Only this law (repeatable).")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer inputs.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same inputs.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all records here.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with everything here.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Draw the table into this file.")] = None,
    case: Annotated[str | None, typer.Option(help="Only the input of this name.")] = None,
    examples: Annotated[
        int, typer.Option(min=1, help="Draw random inputs so many times: seed, seed + 1, ...")
    ] = 1,
    budget: Annotated[
        float | None,
        typer.Option(min=0.1, help="Seconds for each law of each rule on each backend."),
    ] = None,
    shrink: Annotated[bool, typer.Option(help="Search for the smallest input that fails.")] = True,
    load: Load = None,
) -> None:
    """Try every rule on every installed backend, with every law.

    Exit status: 0 all passed, 1 something failed or ran out of time, 2 a wrong call, 130 interrupted.
    """
    _import(load)
    plan = Plan(
        rules=_known("rule", rule, list(registry)) if rule else of_arrays(),
        backends=_known("backend", backend, _backends.installed()),
        laws=_known("law", law, [*LAWS, ACROSS]),
        quick=quick,
        seed=seed,
        case=case,
        load=load or (),
        examples=examples,
        budget=budget,
        shrink=shrink,
    )
    _writable(json_file, html, svg)
    with _report.Progress(console, plan) as progress:
        report = check(plan, progress.hear)
    if json_file is not None:
        records: list[dict[str, Any]] = [record.as_dict() for record in report.records]
        json_file.write_text(json.dumps(records, indent=1))
    _report.print_check(console, plan, report)
    if svg is not None:
        _report.draw(svg, plan, report)
    if html is not None:
        page = _pages.check_page(
            report, rules=plan.rules, backends=plan.backends, seed=seed, command=_command()
        )
        html.write_text(page, encoding="utf-8")
    if not report.passed:
        raise typer.Exit(130 if report.interrupted else 1)


@app.command("audit")
def audit_frameworks(
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule (repeatable).")] = None,
    backend: Annotated[
        list[str] | None, typer.Option(help="Only this framework (repeatable).")
    ] = None,
    case: Annotated[
        list[str] | None, typer.Option(help="Only questions whose name contains this (repeatable).")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same inputs.")] = 0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all findings here.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with everything here.")] = None,
) -> None:
    """Ask the frameworks' own derivatives, and ours, what is known.

    Exit status: 0 if ours never gave a wrong number, 1 if it did, 2 a wrong call.
    """
    rules = _known("rule", rule, auditing.rules())
    backends = _known("backend", backend, auditing.backends())
    _writable(json_file, html)
    with _audit_report.Progress(console) as progress:
        found = auditing.audit(
            rules=rules,
            backends=backends,
            wanted=lambda _, name: not case or any(words in name for words in case),
            seed=seed,
            progress=progress.hear,
        )
    if json_file is not None:
        json_file.write_text(json.dumps([f.as_dict() for f in found.findings], indent=1))
    if html is not None:
        html.write_text(_pages.audit_page(found, command=_command()), encoding="utf-8")
    _audit_report.print_audit(console, found)
    if any(f.ours.verdict == auditing.WRONG for f in found.findings):
        raise typer.Exit(1)


@app.command("bench")
def bench_rules(
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule (repeatable).")] = None,
    backend: Annotated[
        list[str] | None, typer.Option(help="Only this framework (repeatable).")
    ] = None,
    sizes: Annotated[
        str, typer.Option(help="Orders of the matrices; 1000x3 is a thousand of order 3.")
    ] = "3,32,128",
    dtype: Annotated[list[str] | None, typer.Option(help="float64, ... (repeatable).")] = None,
    part: Annotated[
        list[str] | None, typer.Option(help="forward, backward or both (repeatable).")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all measurements here.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Compare with a file that --json wrote.")
    ] = None,
) -> None:
    """Measure rules beside the frameworks' own functions, on one core.

    Exit status: 0, or 2 for a wrong call.
    """
    rules = _known("rule", rule, benching.rules())
    backends = _known("backend", backend, benching.frameworks())
    parts = _known("part", part, list(benching.PARTS))
    dtypes = _known("dtype", dtype, list(DTYPES)) if dtype else ["float64"]
    _writable(json_file)
    try:
        chosen = [benching.Sizes.parse(size) for size in sizes.split(",")]
    except ValueError as error:
        msg = f"{sizes!r} is no list of sizes such as 3,32,1000x3"
        raise typer.BadParameter(msg) from error
    with _bench_report.Progress(console) as progress:
        found = benching.bench(
            rules, backends, chosen, dtypes=dtypes, parts=parts, progress=progress.hear
        )
    if json_file is not None:
        json_file.write_text(json.dumps([m.as_dict() for m in found], indent=1))
    try:
        changes = benching.against(found, baseline) if baseline is not None else {}
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    _bench_report.print_bench(console, found, changes)


@app.command("mutate")
def mutate_rules(
    rule: Annotated[list[str] | None, typer.Option(help="Only this rule (repeatable).")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only this kind of fault (repeatable).")
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option(help="Try faults here (repeatable, in this order); else NumPy first."),
    ] = None,
    equivalents: Annotated[
        Path | None, typer.Option(help="TOML file of faults that change nothing, with reasons.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same inputs.")] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds for one fault.")] = 120.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all verdicts here.")
    ] = None,
    load: Load = None,
) -> None:
    """Plant faults in the derivatives of rules, and see whether a quick check finds each.

    Exit status: 0 all were found, 1 one survived or the list of equivalents is not true, 2 a wrong
    call.
    """
    _import(load)
    rules = _known("rule", rule, of_arrays())
    kinds = _known("kind", kind, list(KINDS))
    backends = _known("backend", backend, _backends.installed()) if backend else None
    try:
        known = read_equivalents(equivalents) if equivalents is not None else []
        with _mutation_report.Watch(console) as watch:
            score = mutate(
                rules,
                kinds=kinds,
                backends=backends,
                equivalents=known,
                load=load or (),
                seed=seed,
                timeout=timeout,
                progress=watch.hear,
            )
    except (ImportError, OSError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    if json_file is not None:
        json_file.write_text(
            json.dumps([verdict.as_dict() for verdict in score.verdicts], indent=1)
        )
    _mutation_report.print_score(console, score, rules)
    if not score.passed:
        raise typer.Exit(1)


def _writable(*files: Path | None) -> None:
    for file in files:
        if file is not None and not file.absolute().parent.is_dir():
            msg = f"the folder of {str(file)!r} does not exist"
            raise typer.BadParameter(msg)


def _command() -> str:
    return shlex.join(["gradrules", *sys.argv[1:]])
