"""One backend, in a process of its own: ``python -m gradrules.testing._worker``.

The parent writes the task as one line of JSON, and then, whenever it is told ``ready``, a line with a
rule and the laws to try; the end of its input is the end of the work. Lines on standard output that
begin with MARK carry JSON for the parent; all else is a library's.
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
    """Try what the parent asks for, and send the records."""
    task = json.loads(sys.stdin.readline())
    for module in task["load"]:
        importlib.import_module(module)
    backend = _backends.load(task["backend"])
    say("ready")
    for line in sys.stdin:
        _try(task, backend, **json.loads(line))
        say("ready")


def _try(task: dict[str, Any], backend: _backends.Backend, rule: str, laws: list[str]) -> None:
    samples: dict[str, Any] | None = {} if ACROSS in laws else None
    for record in run(
        gradrules.registry[rule],
        backend,
        laws=laws,
        samples=samples,
        entering=lambda law: say("law", law=law),
        **task["settings"],
    ):
        say("record", record=record.as_dict())
    if samples:
        say("samples", samples=samples)


if __name__ == "__main__":
    main()
