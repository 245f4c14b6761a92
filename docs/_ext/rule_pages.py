"""A page for each rule, made from what it declares, what was found of it, and what a check says."""

import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rule_examples import FRAMEWORKS, agree, problem, programs, run
from sphinx.application import Sphinx
from sphinx.ext.napoleon.docstring import NumpyDocstring
from sphinx.util import logging

import gradrules
from gradrules import Adapter, Edge, Rule, adapters
from gradrules.errors import AdapterError

logger = logging.getLogger(__name__)
DOCS = Path(__file__).parents[1]
WORDS: dict[str, dict[str, list[str]]] = tomllib.loads((DOCS / "rules" / "words.toml").read_text())
FAMILIES = {
    "scalars": "Scalars",
    "solves": "Solves",
    "factorizations": "Factorizations",
    "spectra": "Spectra",
    "projections": "Without a choice of basis",
    "norms": "Norms",
    "products": "Products",
    "parts": "Parts",
    "functions": "Functions of matrices",
    "actions": "Of your function",
}
LONGEST = 60  # characters of an input in a table


# -- what is known of a rule ---------------------------------------------------------------------


def rules() -> dict[str, list[Rule]]:
    """The library's rules of each family, in order; pages that are run register some of their own."""
    found: dict[str, list[Rule]] = {family: [] for family in FAMILIES}
    for rule in sorted(gradrules.registry.values(), key=lambda rule: rule.name):
        if rule.__module__.startswith("gradrules."):
            found[family(rule)].append(rule)
    return found


def family(rule: Rule) -> str:
    """The folder that a rule is in."""
    return rule.__module__.split(".")[-2]


def formula(rule: Rule) -> str:
    """The first paragraph of the rule's module: what it computes, with the formula."""
    text = inspect.getdoc(sys.modules[rule.__module__]) or ""
    return " ".join(text.partition("\n\n")[0].split())


@cache
def frameworks() -> dict[str, Adapter]:
    """The adapters of the frameworks that are installed."""
    found = {}
    for name in adapters.available():
        with suppress(AdapterError):
            found[name] = adapters.load(name)
    return found


@cache
def natives() -> dict[str, dict[str, list[str]]]:
    """By rule and framework: the functions that the rule stands in for."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, adapter in frameworks().items():
        for native in adapter.natives:
            found[native.rule][name] += native.paths.split()
    return found


@cache
def defects() -> dict[str, list[list[str]]]:
    """By rule: the rows of the audit's page. It is made by the audit, so it is what was found."""
    of = {p: r for r, table in natives().items() for paths in table.values() for p in paths}
    found = defaultdict(list)
    for line in (DOCS / "reference" / "audit.md").read_text().splitlines():
        row = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and row[0].strip("`") in of:
            found[of[row[0].strip("`")]].append(row)
    return found


# -- reStructuredText ------------------------------------------------------------------------------


def code(text: object) -> str:
    """Literal text."""
    return f"``{text}``"


def heading(text: str, mark: str = "-") -> list[str]:
    """A heading."""
    return [text, mark * len(text), ""]


def indented(lines: Iterable[str], by: int = 3) -> Iterator[str]:
    """Lines further to the right."""
    return (" " * by + line if line else "" for line in lines)


def table(head: list[str], rows: Iterable[list[str]], widths: str = "auto") -> list[str]:
    """A table whose cells are one line each."""
    lines = [".. list-table::", f"   :widths: {widths}"]
    lines += ["   :header-rows: 1", ""] if any(head) else [""]
    for row in ([head] if any(head) else []) + list(rows):
        lines += [f"   {'*' if i == 0 else ' '} - {cell}".rstrip() for i, cell in enumerate(row)]
    return [*lines, ""]


def linked(source: str) -> str:
    """A source, with links for its DOI and its arXiv number."""
    source = re.sub(r"doi:(\S+[^\s.,)])", r"`doi:\1 <https://doi.org/\1>`__", source)
    return re.sub(r"arXiv:(\d+\.\d+)", r"`arXiv:\1 <https://arxiv.org/abs/\1>`__", source)


# -- the page --------------------------------------------------------------------------------------


def page(rule: Rule, checked: list[dict[str, Any]] | None) -> str:
    """The page of a rule; without the records of a check nothing is executed at all."""
    lines = [
        f".. This page is made by docs/_ext/rule_pages.py from the declaration of {rule.name}.",
        "",
    ]
    lines += heading(rule.name, "=")
    lines += [formula(rule), ""]
    lines += _known(rule)
    lines += _function(rule)
    lines += _facts(rule)
    lines += _derivatives(rule)
    lines += _example(rule, execute=checked is not None)
    lines += _edges(rule)
    lines += _frameworks(rule)
    lines += _check(rule, checked)
    lines += heading("Sources")
    # An initial would number a list.
    lines += [rf"* \{linked(source)}" for source in rule.declaration.sources]
    return "\n".join(lines) + "\n"


def _known(rule: Rule) -> list[str]:
    words = WORDS.get(rule.name, {})
    lines = [f"Also known as: {', '.join(words.get('known', []))}.", ""]
    if "asked" in words:
        lines += [f"Searched for as: {'; '.join(words['asked'])}.", ""]
    return lines


def _function(rule: Rule) -> list[str]:
    """Signature and docstring, as the reference has those of all functions."""
    parameters = [p.replace(annotation=p.empty) for p in rule.__signature__.parameters.values()]
    signature = rule.__signature__.replace(parameters=parameters)
    text = str(NumpyDocstring(inspect.getdoc(rule) or "", what="function"))
    return [
        ".. py:currentmodule:: gradrules",
        "",
        f".. py:function:: {rule.name}{signature}",
        "",
        *indented(text.splitlines()),
        "",
    ]


def _facts(rule: Rule) -> list[str]:
    declared = rule.declaration

    def by_input(facts: Any) -> str:
        return ", ".join(f"{code(name)}: {fact}" for name, fact in facts.items())

    def powers(degrees: tuple[Any, ...]) -> str:
        return ", ".join(
            f"{code(y)} by the power {p}" for y, p in zip(rule.outputs, degrees, strict=True)
            if p is not None
        )  # fmt: skip

    facts = {
        "Shapes": code(rule.signature.text),
        "Inputs": ", ".join(map(code, rule.inputs)),
        "Outputs": ", ".join(map(code, rule.outputs)),
        "Not differentiable": ", ".join(map(code, rule.nondifferentiable)),
        "Dtypes": ", ".join(map(code, declared.dtypes)),
        "Other forms": ", ".join(f":doc:`{form.name}`" for form in rule.forms.values()),
        "Domain": declared.domain,
        "Structure": by_input(declared.structure),
        "Needs": by_input(declared.needs),
        "Gauge": declared.gauge.group if declared.gauge else "",
        "Scale": "; ".join(f"with {code(x)}: {powers(d)}" for x, d in declared.degrees.items()),
        "Cost": declared.cost,
        "Shortest axis": str(declared.least_length or ""),
    }
    return [
        *heading("What it declares"),
        *table(["", ""], [[f"**{k}**", v] for k, v in facts.items() if v], "18 82"),
    ]


def _derivatives(rule: Rule) -> list[str]:
    functions = rule._functions
    lines = heading("Derivatives")
    for part in ("jvp", "vjp"):
        summary = (inspect.getdoc(inspect.unwrap(functions[part])) or "").partition("\n")[0]
        lines += [f"* {part}: {summary}"]
    lines += [
        "",
        "Complex cotangents are in :doc:`our convention </explanation/complex>`. What is "
        "differentiated again, as it runs:",
        "",
    ]
    for part in ("jvp", "vjp"):
        lines += [f".. dropdown:: {part}", "", "   .. code-block:: python", ""]
        source = inspect.getsource(inspect.unwrap(functions[part]))
        lines += [*indented(source.splitlines(), 6), ""]
    if rule.defines("keep"):
        lines += [
            "Where nothing differentiates a derivative, a fast form runs, with kept arrays.",
            "",
        ]
    return lines


def _example(rule: Rule, *, execute: bool) -> list[str]:
    asked = problem(rule)
    there = [n for n in FRAMEWORKS if n in frameworks() or (n == "numpy" and not asked.function)]
    texts = programs(asked, there)
    said = {name: run(text) for name, text in texts.items()} if execute else {}
    for name, found in said.items():
        if not agree(next(iter(said.values())), found):
            logger.warning("the example of %s says something else in %s", rule.name, name)
    lines = heading("Example")
    read = "first entry of every output" if len(rule.outputs) > 1 else "first entry of the output"
    read += ", squared" if rule.declaration.gauge else ""
    when = "executed when this page was made" if execute else "not executed when this page was made"
    lines += [f"The gradient of the {read}, {when}:", ""]
    lines += [".. tab-set::", ""]
    for name, text in texts.items():
        lines += [f"   .. tab-item:: {FRAMEWORKS[name]}", f"      :sync: {name}", ""]
        lines += ["      .. code-block:: python", ""]
        lines += [*indented(text.rstrip().splitlines(), 9), ""]
        if execute:
            lines += ["      .. code-block:: text", "         :class: output", ""]
            lines += [*indented(said[name].text.splitlines(), 9), ""]
    return lines


def _edges(rule: Rule) -> list[str]:
    edges = rule.declaration.edges
    if not edges:
        return []
    lines = heading("At the edge")
    lines += [
        "What is promised at hard inputs, and tried by the law ``edge``: *exact* is the truth, *nan* NaN "
        "wherever there is no truth, *any* the truth or NaN, *raises* the library's own error.",
        "",
    ]
    if any(need.startswith("simple") for need in rule.declaration.needs.values()):
        lines += [
            "What does not exist where values coincide, and which function has what you want there: "
            ":doc:`degenerate spectra </how-to/degenerate>`.",
            "",
        ]
    head = ["input", "", "value", "first derivative", "second"]
    return lines + table(head, [_edge(name, edge) for name, edge in edges.items()])


def _edge(name: str, edge: Edge) -> list[str]:
    shown = ", ".join(_short(primal) for primal in edge.primals)
    options = "".join(f", {k}={v!r}" for k, v in edge.options.items())
    loss = " (of a loss)" if edge.loss else ""
    return [name, code(shown + options), edge.value, edge.first + loss, edge.second + loss]


def _short(primal: Any) -> str:
    text = str(primal).replace(".0,", ",").replace(".0]", "]").replace(" ", " ")
    array = np.asarray(primal)
    return text if len(text) <= LONGEST else " x ".join(map(str, array.shape)) + " array"


def _frameworks(rule: Rule) -> list[str]:
    stands = natives().get(rule.name, {})
    lines = heading("Frameworks")
    lines += ["Called by its own name it works in every framework. ", ""]
    if stands:
        lines[-2] += ":doc:`Under an override </how-to/override>` it stands in for"
        shown = {
            FRAMEWORKS[name]: ", ".join(code(p) for p in paths if ".compat." not in p)
            for name, paths in stands.items()
        }
        lines += [f"* {name}: {paths}" for name, paths in shown.items()] + [""]
    found = defects().get(rule.name, [])
    if found:
        lines += ["What :doc:`the audit </reference/audit>` found of these:", ""]
        rows = [[_rst(row[0]), *row[1:]] for row in found]
        lines += table(["function", "input", "what came", "ours"], rows)
    return lines


def _rst(markdown: str) -> str:
    return markdown.replace("`", "``")


def _check(rule: Rule, checked: list[dict[str, Any]] | None) -> list[str]:
    lines = heading("Check")
    if rule.signature.function:
        return [
            *lines,
            "The laws cannot draw a function. Losses through this rule are compared with 50 digits in "
            "every framework, in both modes and all second orders, by ``nox -s everything``.",
            "",
        ]
    command = f"gradrules check --quick --backend numpy --rule {rule.name}"
    if checked is None:
        return [*lines, "Not run when this page was made.", "", ".. code-block:: sh", "",
                f"   {command}", ""]  # fmt: skip
    lines += [
        f"gradrules {gradrules.__version__} beside NumPy {np.__version__}, at quick inputs; the error is "
        "the largest, in units of its tolerance. Derivatives of derivatives, vmap and the compiler need a "
        "framework: leave ``--backend`` out.",
        "",
        ".. code-block:: sh",
        "",
        f"   {command}",
        "",
    ]
    by_law = defaultdict(list)
    for record in checked:
        if record["rule"] == rule.name:
            by_law[record["law"]].append(record)
    rows = []
    for law, records in by_law.items():
        counts = Counter(record["status"] for record in records)
        if set(counts) == {"skip"}:
            continue
        largest = max(
            (r["error"] / r["tolerance"] for r in records if r["error"] and r["tolerance"]),
            default=0,
        )
        words = ", ".join(
            f"{count} {status}" for status, count in counts.items() if status != "skip"
        )
        rows.append(
            [law, words.replace("pass", "passed").replace("fail", "failed"), f"{largest:.2f}"]
        )
        if counts["fail"] or counts["timeout"]:
            logger.warning("the law %s fails for %s", law, rule.name)
    return lines + table(["law", "inputs", "error"], rows)


# -- Sphinx ----------------------------------------------------------------------------------------


def check(app: Sphinx) -> list[dict[str, Any]] | None:
    """The records of a quick check of all rules on NumPy; `None` if nothing is to be executed."""
    if not int(app.config.run_rules):
        return None
    file = Path(app.doctreedir) / "check.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    logger.info("checking every rule on NumPy...")
    call = "import sys; from gradrules.cli import app; sys.argv[0] = 'gradrules'; app()"
    command = [sys.executable, "-c", call, "check", "--quick", "--backend", "numpy"]
    subprocess.run([*command, "--json", str(file)], check=False, stdout=subprocess.DEVNULL)
    records: list[dict[str, Any]] = json.loads(file.read_text())
    return records


def write(app: Sphinx) -> None:
    """Write the pages, and leave those alone that are as they were."""
    checked = check(app)
    known = [rule for of_one in rules().values() for rule in of_one]
    for name in sorted({rule.name for rule in known} ^ set(WORDS)):
        logger.warning("rules/words.toml and the registry do not both know %s", name)
    pages = {rule.name: page(rule, checked) for rule in known} | {"index": index()}
    for file in (DOCS / "rules").glob("*.rst"):
        if file.stem not in pages:
            file.unlink()
    for name, text in pages.items():
        file = DOCS / "rules" / f"{name}.rst"
        if not file.exists() or file.read_text() != text:
            file.write_text(text)


def index() -> str:
    """The page of all rules, by family."""
    lines = heading("Rules", "=")
    lines += ["Every function, by family. A page is made from what its rule declares, and its example has "
              "run.", "", ".. raw:: html", "", '   <div id="rule-filter"></div>', ""]  # fmt: skip
    for name, of_one in rules().items():
        lines += heading(FAMILIES[name])
        rows = [[f":doc:`{r.name} <{r.name}>`", formula(r), _words(r)] for r in of_one]
        lines += [".. rst-class:: rule-index", "", *table(["", "", ""], rows, "18 45 37")]
        lines += [".. toctree::", "   :hidden:", "", *(f"   {r.name}" for r in of_one), ""]
    return "\n".join(lines) + "\n"


def _words(rule: Rule) -> str:
    return "; ".join(word for words in WORDS.get(rule.name, {}).values() for word in words)


def setup(app: Sphinx) -> dict[str, bool]:
    """Make the pages before Sphinx looks for them."""
    app.add_config_value("run_rules", 1, "env")
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
