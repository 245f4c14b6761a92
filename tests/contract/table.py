"""All cells of the transform matrix, and the page in the documentation that shows them.

``python tests/contract/table.py run torch torch.jsonl`` tries every cell of one framework;
``python tests/contract/table.py page *.jsonl > docs/transforms.md`` makes the page.
"""

import json
import os
import sys
import warnings
from collections import Counter, defaultdict
from dataclasses import asdict
from importlib.metadata import version

WORDS = {"torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow", "autograd": "HIPS autograd"}
PACKAGES = {"torch": "torch", "jax": "jax", "tensorflow": "tensorflow-cpu", "autograd": "autograd"}


def run(name, path):
    """Try all cells of a framework, each as soon as the one before is written down."""
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    import gradrules as gr
    from gradrules.testing import _backends, _contract

    if name == "jax":  # what is tried is the transformation, not the optimizer
        import jax

        jax.config.update("jax_disable_most_optimizations", True)
    backend = _backends.load(name)
    rules = [rule for rule in gr.registry.values() if rule.__module__.startswith("gradrules.")]
    failed = 0
    with open(path, "w") as file:
        header = {"backend": name, "version": version(PACKAGES.get(name, name))}
        print(json.dumps({**header, "missing": backend.missing}), file=file, flush=True)
        for row, rule, dtype in _contract.cells(backend, rules):
            cell = _contract.try_cell(row, rule, backend, dtype)
            failed += cell.status == "fail"
            print(json.dumps(asdict(cell)), file=file, flush=True)
    return failed


def page(paths):
    """Markdown, from the records of all frameworks."""
    lines = [
        "# The transform matrix",
        "",
        "Made by `nox -s contract` from a run of every cell: each transformation that an adapter",
        "declares, on each rule, in each dtype. A number in a cell says how many dtypes passed",
        "(`float64`, `complex128`; at first order `float32` and `complex64` too) and agree with the",
        "truth at 140 digits. `·` means that the framework does not offer it, for the reason below",
        "the table. Every row is also run on a rule with a wrong factor in its derivatives, and shows",
        "that factor: it is our jvp or vjp that runs.",
    ]
    total = Counter()
    for path in paths:
        with open(path) as file:
            header, *records = map(json.loads, file)
        total.update(r["status"] for r in records)
        lines += [
            "",
            f"## {WORDS.get(header['backend'], header['backend'])} {header['version']}",
            "",
        ]
        lines += _table(records)
        lines += _reasons(header, records)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(total.items()))
    return "\n".join([*lines[:9], "", f"All cells: {counts}.", *lines[9:]]) + "\n"


def _table(records):
    rules = sorted({r["rule"] for r in records})
    cells = defaultdict(list)
    for record in records:
        cells[record["row"], record["rule"]].append(record["status"])
    yield f"| | {' | '.join(rules)} |"
    yield f"|---|{'---|' * len(rules)}"
    for row in dict.fromkeys(r["row"] for r in records):
        yield f"| {row} | {' | '.join(_shown(cells[row, rule]) for rule in rules)} |"


def _shown(statuses):
    counts = Counter(statuses)
    words = {"pass": "{}", "refused": "{} refused", "fail": "{} FAILED"}
    parts = [words[s].format(counts[s]) for s in words if counts[s]]
    return ", ".join(parts) or "·"


def _reasons(header, records):
    reasons = defaultdict(set)
    for record in records:
        if record["status"] in ("refused", "not offered"):
            reasons[record["message"]].add(record["row"])
    for what, why in header["missing"].items():
        reasons[why].add(what)
    if reasons:
        yield ""
    for why, where in reasons.items():
        shown = sorted(where)
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        yield f"* {why}: {', '.join(shown[:3])}{more}."


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "run":
        sys.exit(bool(run(*arguments)))
    sys.stdout.write(page(arguments))
