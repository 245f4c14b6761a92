"""One backend, in a process of its own: ``python -m gradrules.testing._worker``.

Lines on standard output that begin with MARK carry JSON for the parent; all else is a library's.
"""

import importlib
import json
import sys
from typing import Any

import gradrules

from . import _backends
from ._laws import ACROSS
from ._run import run

MARK = "@gradrules "


def say(kind: str, **content: Any) -> None:
    """Send one message to the parent."""
    sys.stdout.write(f"{MARK}{json.dumps({'kind': kind, **content})}\n")
    sys.stdout.flush()


def main() -> None:
    """Read the task from standard input, try the rules, send the records."""
    task = json.load(sys.stdin)
    for module in task["load"]:
        importlib.import_module(module)
    backend = _backends.load(task["backend"])
    for name in task["rules"]:
        say("rule", rule=name)
        samples: dict[str, Any] | None = {} if ACROSS in task["laws"] else None
        for record in run(
            gradrules.registry[name],
            backend,
            laws=task["laws"],
            quick=task["quick"],
            seed=task["seed"],
            case=task["case"],
            samples=samples,
            shrink=task["shrink"],
        ):
            say("record", record=record.as_dict())
        if samples:
            say("samples", samples=samples)
        say("done", rule=name)
    say("end")


if __name__ == "__main__":
    main()
