"""All cells of the transform matrix, and the page in the documentation that shows them.

``python tests/contract/table.py run torch torch.jsonl`` tries every cell of one framework;
``python tests/contract/table.py page *.jsonl > docs/reference/transforms.md`` makes the page.
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
    """Try all cells of a framework that are not written down in the file."""
    os.environ["JAX_ENABLE_X64"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    import gradrules as gr
    from gradrules.testing import _backends, _contract

    if name == "jax":  # what is tried is the transformation, not the optimizer
        import jax

        jax.config.update("jax_disable_most_optimizations", True)
    backend, native = _backends.load(name), _backends.NativeBackend(name)
    rules = [
        rule for rule in gr.registry.values()
        if rule.__module__.startswith("gradrules.") and not rule.signature.function
    ]  # fmt: skip
    header = {"backend": name, "version": version(PACKAGES.get(name, name))}
    header["missing"] = backend.missing
    known = _read(path)[1:] if os.path.exists(path) else []
    done = {(r["row"], r["rule"], r["dtype"]) for r in known}
    with open(path, "a") as file:
        if not known:
            print(json.dumps(header), file=file, flush=True)
        for number, (row, rule, dtype) in enumerate(_contract.cells(backend, rules)):
            if name == "jax" and number % 50 == 0:  # or memory for compiled code runs out
                jax.clear_caches()
            if (row.name, rule.name, dtype) in done:
                continue
            record = asdict(_contract.try_cell(row, rule, backend, dtype))
            if record["status"] != "pass":
                record["native"] = _contract.try_cell(row, rule, native, dtype).status
            print(json.dumps(record), file=file, flush=True)
    return sum(r["status"] == "fail" for r in _read(path)[1:])


def _read(path):
    with open(path) as file:
        return list(map(json.loads, file))


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
        "that factor: it is our jvp or vjp that runs. Where we do not pass, the framework's own function",
        "was tried in our place.",
    ]
    total, lost = Counter(), []
    for path in paths:
        header, *records = _read(path)
        total.update(r["status"] for r in records)
        lost += [r for r in records if r.get("native") == "pass"]
        lines += [
            "",
            f"## {WORDS.get(header['backend'], header['backend'])} {header['version']}",
            "",
        ]
        lines += _table(records)
        lines += _reasons(header, records)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(total.items()))
    summary = [
        "",
        f"All cells: {counts}. Cells in which a framework's own function passes and ours does not: "
        f"{len(lost)}.",
        *(f"* {r['backend']}, {r['row']}, {r['rule']}, {r['dtype']}: {r['message']}" for r in lost),
    ]
    start = lines.index("")
    end = lines.index("", start + 1)
    return "\n".join([*lines[:end], *summary, *lines[end:]]) + "\n"


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
