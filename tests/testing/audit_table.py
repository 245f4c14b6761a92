"""The page in the documentation that lists what an audit found.

``gradrules audit --json audit.json; python tests/testing/audit_table.py audit.json`` prints
docs/reference/audit.md; several files are put together.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

WORDS = {"torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow", "autograd": "HIPS autograd"}
DEFECTS = ("wrong", "NaN", "raises")
HEAD = """# The audit

What do the frameworks' own derivatives get wrong, today, in the versions that you have?

```sh
gradrules audit                                        # every function, every framework
gradrules audit --rule det --backend torch             # one of each
gradrules audit --case "rank n-1" --html audit.html    # questions by name; a page to look around in
gradrules audit --json audit.json                      # rule, backend, case, native, ours
```

**Questions.** A question is one number: the derivative of a loss `Re sum(w y)` along fixed directions, at
one input. Inputs are the kit's (ordinary and nonnormal ones, sizes, batches, each rule's hard inputs) and
those where derivatives go wrong: singular, degenerate to rounding and exactly, nearly degenerate, scaled
by 1e150 and 1e-150, with a NaN in the data. `y` is an output of the function, or what users build from
outputs: V exp(-w) V^H of an eigendecomposition, the *heat kernel*, and its trace. A real output of a
complex input is asked with an *imaginary cotangent*, too, which changes nothing. Modes are reverse,
plain and recorded for another derivative, forward, the four nestings of the two, and, for ordinary inputs,
`vmap` and the compiler.

**Truth** is at 140 digits, as everywhere in [the kit](../explanation/kit.md). The same arithmetic says
whether the derivative exists: differences to both sides of the input agree. Where it has a kink nothing
is asked, and neither where the input does not determine the answer to two digits.

**Verdicts.** *right*; *wrong*: off by 100 tolerances, and in the first six digits; *NaN* and *raises*, where
the derivative exists; *missing*, where ordinary inputs raise, too. Where a rule declares that there is no
derivative, or the data hold a NaN, any number is wrong, and NaN or an error is right.

**Scripts.** Each question is a script in each framework, and what is judged is what it prints. The process
that runs the scripts with a framework's own functions has not imported gradrules. `audit.json` and the
page hold the scripts: paste one into an interpreter, and it shows the same.

**Ours.** The same scripts, with our function in the place of the framework's. The command exits with 1 if
one of our numbers is wrong. A function of a matrix with equal eigenvalues has a derivative where its
eigenvectors have none: there our `eigh` says NaN, and `gradrules.expm` has the truth. One case is open:
at a gap of 1e-9 the *second* derivative of V exp(-w) V^H through our `eigh` is finite and off, as it is in
all frameworks; the second derivative of an eigenvector has no digits left there.

An adapter takes part by a template `audit.py.jinja` in its package, which says how its framework spells a
script.
"""


def page(paths):
    """Markdown, from the findings of all files."""
    findings = [f for path in paths for f in json.loads(Path(path).read_text())]
    lines = [HEAD, "## Found", ""]
    lines.append(
        f"{sum(f['native']['verdict'] in DEFECTS for f in findings)} of {len(findings)} questions, in "
        + ", ".join(WORDS.get(b, b) for b in dict.fromkeys(f["backend"] for f in findings))
        + ". *missing* is left out. Numbers are relative errors; `-` says that there is no true number."
    )
    for backend in dict.fromkeys(f["backend"] for f in findings):
        rows = defaultdict(list)
        for f in findings:
            if f["backend"] == backend and f["native"]["verdict"] in DEFECTS:
                rows[f["function"], f["where"]].append(f)
        lines += [
            "",
            f"### {WORDS.get(backend, backend)}",
            "",
            "| function | input | what came | ours |",
            "|---|---|---|---|",
        ]
        for (function, where), found in sorted(rows.items()):
            came = "; ".join(f"{f['mode']}: {_said(f['native'])}" for f in found)
            ours = ", ".join(sorted({f["ours"]["verdict"] for f in found}))
            lines.append(f"| `{function}` | {where} | {came} | {ours} |")
    return "\n".join(lines)


def _said(verdict):
    if verdict["verdict"] != "wrong":
        return verdict["verdict"]
    return f"wrong ({'-' if verdict['error'] is None else format(verdict['error'], '.1e')})"


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1:]) + "\n")
