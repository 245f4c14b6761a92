"""docs/reference/mutation.md, from a run: ``python mutation_page.py SCORE.json EQUIVALENTS.toml TOOLS.json``.

The first file is what ``gradrules mutate --json`` wrote, the third what `tools.py` wrote.
"""

import json
import string
import sys
from collections import Counter, defaultdict
from pathlib import Path

from gradrules.testing._faults import KINDS
from gradrules.testing._mutation_run import read_equivalents


def table(rows):
    """A Markdown table; the first row is the head, the first column is left aligned."""
    head, *body = [["" if cell is None else str(cell) for cell in row] for row in rows]
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def score(verdicts):
    """Caught by rule and kind, or *caught of planted*; what changes nothing is not counted."""
    planted, killed, same = Counter(), Counter(), Counter()
    for v in verdicts:
        if v["status"] == "equivalent":
            same.update([v["rule"], ""])
            continue
        for key in ((v["rule"], v["kind"]), ("", v["kind"]), (v["rule"], ""), ("", "")):
            planted[key] += 1
            killed[key] += v["status"] != "survived"

    def cell(key):
        missed = planted[key] - killed[key]
        return f"{killed[key]} of {planted[key]}" if missed else planted[key] or None

    rows = [["rule", *KINDS, "all", "change nothing"]]
    for rule in [*dict.fromkeys(v["rule"] for v in verdicts), ""]:
        name = f"`{rule.rpartition('.')[2]}`" if rule else "**all**"
        rows.append([name, *(cell((rule, kind)) for kind in (*KINDS, "")), same[rule] or None])
    return table(rows)


def killers(verdicts):
    """Which laws catch, on which backend."""
    found = Counter((v["law"], v["backend"]) for v in verdicts if v["status"] == "killed")
    backends = list(dict.fromkeys(backend for _, backend in found))
    laws = sorted({law for law, _ in found}, key=lambda law: -sum(found[law, b] for b in backends))
    rows = [
        ["law", *backends],
        *([law, *(found[law, b] or None for b in backends)] for law in laws),
    ]
    return table(rows)


def kinds():
    """What each kind of fault is, in the words of its operator."""
    rows = [["kind", "what is changed"]]
    rows += [[name, (operator.__doc__ or "").strip()] for name, operator in KINDS.items()]
    return table(rows).replace("--:", "---")


def equivalents(file, verdicts):
    """Every fault that changes nothing, by reason."""
    planted = {(v["module"], v["function"], f"{v['kind']}: {v['change']}") for v in verdicts}
    reasons = defaultdict(list)
    for entry in read_equivalents(file):
        for fault in entry.faults:
            kind, _, change = fault.partition(": ")
            if (entry.module, entry.function, fault) in planted:
                where = f"{entry.module.removeprefix('gradrules.rules.')}, `{entry.function}`"
                reasons[entry.reason].append(f"{where}, {kind}: `{change}`")
    return "\n".join(
        f"* {reason}.\n" + "".join(f"  * {fault}\n" for fault in faults)
        for reason, faults in reasons.items()
    )


def tools(results):
    """Twenty faults, and which tool finds each."""
    names = list(results[0]["found"])
    rows = [["fault", "rule", *names]]
    for result in results:
        cells = ["found" if result["found"][name] else "**passes**" for name in names]
        rows.append([result["what"], f"`{result['rule']}`", *cells])
    totals = [sum(result["found"][name] for result in results) for name in names]
    rows.append(["found", None, *(f"{total} of {len(results)}" for total in totals)])
    return table(rows).replace("--:", "---")


PAGE = string.Template("""\
# The kit measures itself

A test kit is worth what it catches. `gradrules mutate` plants faults in the derivatives of a rule, one
at a time, runs `check --quick` on each, and reports what no law caught.

```sh
gradrules mutate --rule det                        # a rule of ours
gradrules mutate --rule mine.norm --load mine      # a rule of yours
nox -s mutation                                    # all of ours, and this page's numbers
```

A fault is one changed expression in the source of a jvp, a vjp, a fast form, a helper or an internal
rule that it calls. The function runs the changed code until its check is over; no file changes.
Code that several rules run gets a fault once, told of the rule whose module it is in, else of one of its
folder; it is caught if the check of one of them, at most four, catches it.
A fault is tried on NumPy first, and the first law that fails ends the trial; what survives goes to
autograd, then to PyTorch and JAX, each in a process of its own. A fault that makes a check hang is ended
and counts as caught, by time. A survivor is a hole in a law or in the inputs.

$kinds

## The score

$planted faults, $killed caught, $equivalent that change nothing, $survived survived. Caught, or
*caught of planted*:

$score

Which law caught them; the first that fails is counted, in an order that has the cheap ones first.

$killers

## What changes nothing

Some faults are none: the changed expression has the same value. Each is listed in
`tests/testing/equivalents.toml` with the reason, is tried all the same, and an entry that a law catches, or
that matches no fault any more, is an error.

$equivalents
## Three tools, twenty faults

The same faults in our own derivatives, shown to `torch.autograd.gradcheck` with `gradgradcheck`, to
`jax.test_util.check_grads` (second order, both modes) and to our quick check, each with its defaults.
The first two take their inputs from the user: a random real 3 x 3 matrix, double precision. Made by
`tests/testing/tools.py`. We chose the faults, to show what each tool can see and what not: the totals are
no measure of how often it happens.

$tools

`gradcheck` does not try forward mode unless told to, and never forward over forward; in eager PyTorch it
meets the fast form of a first derivative, and the form that is differentiated in second ones alone.
`check_grads` tries all nestings of the two modes, with the cotangents held constant. Neither chooses
inputs: a singular matrix, an equal eigenvalue, a complex number is tried if its user thinks of it.
Neither knows the true value: what they compare with are differences.
""")


def main():
    verdicts = json.loads(Path(sys.argv[1]).read_text())
    counts = Counter(v["status"] for v in verdicts)
    sys.stdout.write(
        PAGE.substitute(
            kinds=kinds(),
            score=score(verdicts),
            killers=killers(verdicts),
            equivalents=equivalents(Path(sys.argv[2]), verdicts),
            tools=tools(json.loads(Path(sys.argv[3]).read_text())),
            planted=len(verdicts),
            killed=counts["killed"] + counts["timeout"],
            equivalent=counts["equivalent"],
            survived=counts["survived"],
        )
    )


if __name__ == "__main__":
    main()
