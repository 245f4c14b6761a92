"""An adapter that somebody else installs, for a framework that gradrules has never heard of.

The adapter is the one in docs/how-to/adapters.md, read from that page; its framework is `tally`.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ours import REPRESENTATIVES

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "adapters.md").read_text()


def block(after, language):
    """The first code block of that language after some words of the guide."""
    found = re.search(rf"```{language}\n(.*?)```", GUIDE[GUIDE.index(after) :], re.DOTALL)
    return found.group(1)


ADAPTER = block("`gradrules_tally/__init__.py`", "python")
PROJECT = tomllib.loads(block("`pyproject.toml`", "toml"))["project"]


class Site:
    """A folder in which distributions are installed, as pip would leave them."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {
            **os.environ,
            "COLUMNS": "200",
            "NO_COLOR": "1",
            "PYTHONPATH": os.pathsep.join([str(folder), os.environ["PYTHONPATH"]]),
        }

    def install(self, text, project=PROJECT):
        name, version = project["name"], project["version"]
        (self.folder / f"{name.replace('-', '_')}.py").write_text(text)
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = []
        for group, points in project["entry-points"].items():
            lines += [f"[{group}]", *(f"{key} = {value}" for key, value in points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines))

    def python(self, *arguments):
        return subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, env=self.env, check=False
        )

    def run(self, program):
        """What a program prints; it must not fail."""
        done = self.python("-c", program)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def check(self, *arguments):
        program = "import sys; from gradrules.cli import app; sys.argv[0] = 'gradrules'; app()"
        return self.python("-c", program, "check", "--quick", *arguments)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


# -- the adapter of the guide ----------------------------------------------------------------------


def test_the_adapter_of_the_guide_passes_every_law(site, tmp_path):
    site.install(ADAPTER)
    file = tmp_path / "records.json"
    rules = [word for name in (*REPRESENTATIVES, "expm") for word in ("--rule", name)]
    done = site.check("--backend", "tally", *rules, "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    records = json.loads(file.read_text())
    tried = {r["law"] for r in records if r["status"] == "pass"}
    assert tried >= {"primal", "jvp", "vjp", "adjoint", "linear", "order2", "batch", "dtype",
                     "edge", "pure"}  # fmt: skip
    skipped = {(r["law"], r["message"]) for r in records if r["status"] == "skip"}
    assert skipped == {
        ("vmap", "tally has no vectorizing transformation"),
        ("compile", "tally has no compiler"),
        ("kept", "this adapter keeps no arrays"),
        ("gauge", "the rule declares no gauge"),
        ("structure", "the rule declares no structure"),
        ("scale", "the rule declares no degrees"),
        ("agree", "no other backend to compare with"),
    }


def test_it_agrees_with_others(site):
    site.install(ADAPTER)
    done = site.check("--backend", "numpy", "--backend", "tally", "--rule", "inv", "--law", "agree")
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_of_somebody_else_work_in_it(site):
    site.install(ADAPTER)
    done = site.check("--backend", "tally", "--load", "third_party", "--rule", "tests.power",
                      "--rule", "tests.masked_sum", "--rule", "tests.quadratic",
                      "--law", "jvp", "--law", "vjp", "--law", "order2", "--law", "dtype")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_transform_matrix_on_it(site):
    site.install(ADAPTER)
    program = """
import gradrules as gr
from gradrules.testing import _backends, _contract

tally = _backends.load("tally")
for row in _contract.rows(tally):
    cell = _contract.try_cell(row, gr.eigh, tally, "complex128")
    factor = _contract.witnessed(row, tally, kept=True) if row.order else 5.0
    print(row.name, cell.status, min(abs(factor - f) for f in (3.0, 5.0)) < 1e-9, sep=": ")
"""
    lines = site.run(program).splitlines()
    assert len(lines) >= 12
    assert all(line.endswith(": pass: True") for line in lines), lines


def test_it_is_imported_when_its_framework_is_and_not_before(site):
    site.install(ADAPTER)
    program = """
import sys
import numpy as np
import gradrules as gr
gr.det(np.eye(2))
print("gradrules_tally" in sys.modules)
import tally
print(type(gr.det(tally.Array(np.eye(2)))).__module__, "gradrules_tally" in sys.modules)
print(gr.adapters.available())
"""
    first, second, names = site.run(program).splitlines()
    assert first == "False"
    assert second == "tally True"
    assert "'tally'" in names


def test_a_mixture_of_its_arrays_and_others_is_refused(site):
    site.install(ADAPTER)
    program = """
import numpy as np, tally, gradrules as gr
try:
    gr.solve(tally.Array(np.eye(2)), np.eye(2))
except gr.errors.ArrayTypeError as error:
    print(error)
"""
    assert "'x1' tally float64 (2, 2), 'x2' numpy float64 (2, 2)" in site.run(program)


def test_the_guide_names_every_function_that_rules_use():
    named = set(re.findall(r"[a-z_0-9.]+", block("<!-- names -->", "text")))
    used = set()
    for file in (ROOT / "src" / "gradrules").rglob("*.py"):
        if "testing" not in file.parts and file.name != "host.py":
            used |= set(re.findall(r"\bxp\.((?:linalg\.)?[a-z_0-9]+)\(", file.read_text()))
    assert used <= named


# -- what a framework lacks ------------------------------------------------------------------------

LACKING = """
LACKS = {"complex128": "tally stops at complex64", "big matrices": "tally stops at order 2"}


class Lacking(TallyAdapter):
    def apply(self, rule, arrays, options):
        if arrays[0].shape[-1] > 2:
            raise gr.errors.UnsupportedTransformError(REASON)
        return super().apply(rule, arrays, options)


adapter = Lacking()
adapter.transforms.missing = adapter.transforms.missing | LACKS
"""


def test_a_declared_refusal_is_reported_and_not_a_failure(site, tmp_path):
    site.install(ADAPTER + LACKING.replace("REASON", "LACKS['big matrices']"))
    file = tmp_path / "records.json"
    done = site.check("--backend", "tally", "--rule", "inv", "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    records = json.loads(file.read_text())
    reasons = {r["message"] for r in records if r["status"] == "skip"}
    assert reasons >= {"tally stops at complex64", "tally stops at order 2"}
    assert not any("complex128" in r["case"] for r in records if r["status"] == "pass")
    assert {"batch", "dtype", "edge"} <= {r["law"] for r in records if r["status"] == "pass"}


def test_a_refusal_that_was_not_declared_is_a_failure(site, tmp_path):
    site.install(ADAPTER + LACKING.replace("REASON", "'tally is tired'"))
    done = site.check("--backend", "tally", "--rule", "inv", "--law", "vjp")
    assert done.returncode == 1
    assert "UnsupportedTransformError: tally is tired" in done.stdout


def test_what_is_not_offered_in_the_transform_matrix(site):
    site.install(ADAPTER + LACKING.replace("REASON", "LACKS['big matrices']"))
    program = """
import gradrules as gr
from gradrules.testing import _backends, _contract

tally = _backends.load("tally")
row = _contract.rows(tally)[1]
for dtype in ("complex128", "float64"):
    cell = _contract.try_cell(row, gr.inv, tally, dtype)
    print(cell.status, cell.message)
"""
    first, second = site.run(program).splitlines()
    assert first == "not offered tally stops at complex64"
    assert second == "refused UnsupportedTransformError: tally stops at order 2"


# -- broken adapters -------------------------------------------------------------------------------

FIRST_CALL = """
import numpy as np, tally, gradrules as gr
print(gr.det(np.eye(2)))
try:
    gr.det(tally.Array(np.eye(2)))
except gr.errors.ArrayTypeError as error:
    print(error)
try:
    gr.adapters.load("tally")
except gr.errors.AdapterError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("import no_such_module", "cannot be imported: No module named 'no_such_module'"),
        ("adapter = 3", "is no instance of gradrules.Adapter"),
        ("bridge = 3", "cannot be imported: AttributeError"),
    ],
)
def test_a_broken_adapter_is_named_and_harms_nobody_else(site, text, words):
    site.install(text)
    value, call, load = site.run(FIRST_CALL).splitlines()
    assert value == "1.0"
    for message in (call, load):
        assert "adapter 'tally' (gradrules_tally:adapter)" in message
        assert words in message


def test_a_broken_adapter_fails_its_own_check_alone(site):
    site.install("1 / 0")
    done = site.check("--backend", "tally", "--backend", "numpy", "--rule", "inv", "--law", "jvp")
    assert done.returncode == 1
    assert "AdapterError: adapter 'tally'" in done.stdout
    assert re.search(r"inv .*✓", done.stdout)


def test_an_adapter_without_its_framework_is_no_backend(site):
    absent = {
        **PROJECT,
        "entry-points": {"gradrules.adapters": {"abacus": "gradrules_tally:adapter"}},
    }
    site.install("import abacus", absent)
    done = site.check("--backend", "abacus")
    assert done.returncode == 2
    program = """
import gradrules as gr
try:
    gr.adapters.load("abacus")
except gr.errors.AdapterError as error:
    print(error)
"""
    assert site.run(program).strip() == "adapter 'abacus' needs 'abacus'; try: pip install abacus"


def test_an_adapter_without_transforms_works_and_cannot_be_tested(site):
    site.install(ADAPTER + "\nTallyAdapter.transforms = None\n")
    done = site.check("--backend", "tally", "--rule", "inv", "--law", "jvp")
    assert done.returncode == 1
    assert "adapter 'tally' declares no transforms, so it cannot be tested" in done.stdout
