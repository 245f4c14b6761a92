"""The code of docs/how-to/testing.md does what the page says, as it is written there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "how-to" / "testing.md").read_text()
COMMAND = "import sys; from gradrules.cli import app; sys.argv[0] = 'gradrules'; app()"


def block(after, language="python", number=0):
    """A code block of that language after some words of the guide."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE[GUIDE.index(after) :], re.DOTALL)[number]


@pytest.fixture
def folder(tmp_path):
    """Where somebody follows the tutorial."""
    (tmp_path / "softmax.py").write_text(block("`softmax.py`:"))
    (tmp_path / "kepler.py").write_text(block("`kepler.py`:"))
    return tmp_path


def python(folder, *arguments):
    path = os.pathsep.join([str(folder), os.environ["PYTHONPATH"]])
    env = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=env,
        cwd=folder,
        check=False,
    )


def run(folder, *blocks):
    """What the blocks print, one after the other in one interpreter; they must not fail."""
    done = python(folder, "-c", "\n".join(blocks))
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(out, text):
    """Whether a line was printed, but for numbers and what the page leaves out."""
    pattern = re.sub(r"\d(?:\\?[-+.e\d])*", r"[-+.e\\d]+", re.escape(text).replace(r"\.\.\.", ".*"))
    return re.search(f"^{pattern}$", out, re.MULTILINE) is not None


def test_a_rule(folder):
    first = block("In an interpreter or a notebook")
    out = run(folder, first, block("`kepler.py`:", number=1), block("**A truth of your own.**"))
    assert said(out, re.search("print.report.  # (.*)", first).group(1))


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("softmax.py", "xp.sum(y * y_bar,", "xp.sum(y,"),
        ("softmax.py", "x_dot, axis=-1, keepdims=True)) / temperature", "x_dot, axis=-1, keepdims=True))"),
        ("kepler.py", "mean_bar * xp.sin(E)", "mean_bar * xp.cos(E)"),
        ("kepler.py", "return right / (1 - e * xp.cos(E))", "return right / (1 + e * xp.cos(E))"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_found(folder, file, right, wrong):
    text = (folder / file).read_text()
    assert right in text
    (folder / file).write_text(text.replace(right, wrong))
    name = file.removesuffix(".py")
    program = f"""
import gradrules as gr
from {name} import {name}
print(gr.testing.check({name}, backends=["numpy"], laws=["jvp", "vjp"]).passed)
"""
    assert run(folder, program).strip() == "False"


def test_a_function(folder):
    out = run(folder, "import gradrules as gr", block("## A function and its derivative"))
    for line in block("<!-- failure -->", "text").splitlines():
        assert said(out, line), line


def test_a_native_function(folder):
    pytest.importorskip("torch")
    blocks = [block("## A function of a framework", number=n) for n in (0, 1)]
    out = run(folder, "import gradrules as gr", *blocks)
    assert "torch.linalg.det on torch, law edge, input 'edge: rank n-1 float64'" in out
    assert "law vjp" not in out
    assert said(out, re.search("print.report.  # (.*)", blocks[1]).group(1))


def test_in_pytest(folder):
    (folder / "test_rules.py").write_text(block("`test_rules.py`:"))
    (folder / "test_equal.py").write_text(block("the fixture `gradrules_backend`"))
    done = python(folder, "-m", "pytest", "-v", "-p", "gradrules_pytest", "-p", "no:cacheprovider",
                  "--gradrules-backend", "numpy", "--gradrules-backend", "autograd")  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "17 passed, 3 skipped" in done.stdout
    for line in block("`test_rules.py`:", "text").splitlines():
        assert line.split(" ")[0] in done.stdout


def test_in_ci(folder):
    command = block("## In CI", "sh").strip()
    words = command.removeprefix("gradrules ").split()
    done = python(folder, "-c", COMMAND, *words, "--backend", "numpy")
    assert done.returncode == 0, done.stdout + done.stderr
    records = json.loads((folder / "records.json").read_text())
    kit = (DOCS / "explanation" / "kit.md").read_text()
    said = kit[kit.index("**Records.**") : kit.index("The same seed")]
    fields = set(re.findall(r"`(\w+)`", said))
    assert fields - {"pass", "fail", "skip"} <= {*records[0], "timeout"}


def test_inputs_for_tests_of_ones_own(folder):
    (folder / "test_inputs.py").write_text(block("`test_inputs.py`:"))
    done = python(folder, "-m", "pytest", "-q", "test_inputs.py")
    assert "2 passed" in done.stdout, done.stdout
