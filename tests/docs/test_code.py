"""The code of the pages and of the README runs, as it is written there.

`how-to/testing.md`, `how-to/adapters.md` and `how-to/override.md` have tests of their own.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ELSEWHERE = {"testing.md", "adapters.md", "override.md"}
EVERYTHING = bool(os.environ.get("GRADRULES_EVERYTHING"))
# A line above a block says why it is not run. The blocks of a tab are a program, with those outside.
BLOCK = re.compile(
    r"^:sync: (?P<tab>\w+)$|^(?P<end>:::)$|"
    r"(?P<left><!-- not run: .+ -->\n)?^```python\n(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
FRAMEWORK = re.compile(r"^(?:import|from) (torch|jax|tensorflow|autograd)\b", re.MULTILINE)


def programs():
    """By page, and by tab where it has tabs, what its blocks are together."""
    for file in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        if file.name not in ELSEWHERE:
            page = file.relative_to(ROOT).as_posix()
            blocks = list(_blocks(file.read_text()))
            for tab in sorted({tab for tab, _ in blocks if tab}) or [""]:
                program = "\n".join(code for where, code in blocks if where in {"", tab})
                if program:
                    yield f"{page} {tab}".strip(), program


def _blocks(text):
    tab = ""
    for found in BLOCK.finditer(text):
        if found["tab"]:
            tab = found["tab"]
        elif found["end"]:
            tab = ""
        elif not found["left"]:
            yield tab, found["code"]


PROGRAMS = dict(programs())


@pytest.mark.parametrize("page", PROGRAMS)
def test_the_code_of_a_page_runs(page, tmp_path):
    needed = sorted(set(FRAMEWORK.findall(PROGRAMS[page])))
    if needed and not EVERYTHING:
        pytest.skip(f"it imports {', '.join(needed)}, for many seconds; nox -s docs runs it")
    for framework in needed:
        pytest.importorskip(framework)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[page]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
