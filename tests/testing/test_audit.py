"""The audit rediscovers what was measured by hand, and what it shows can be shown by anyone."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from ours import RULES

from gradrules.testing import _audit
from gradrules.testing._audit import _processes, _questions

# What was measured of the frameworks' own functions, as far as we have a rule for them: framework,
# function, words that name the question, and what comes. The audit knows nothing of this list.
FRAMEWORKS = ("autograd", "jax", "tensorflow", "torch")
KNOWN = {
    "torch det: zero gradient where det is 0": [
        ("torch", "det", "edge: rank n-1, float64, reverse", "wrong"),
        ("torch", "det", "rank n-1, diagonal, float64, reverse", "wrong"),
        ("torch", "det", "rank n-1, diagonal, float64, forward", "wrong"),
    ],
    "torch det disagrees with itself: right when recorded": [
        ("torch", "det", "edge: rank n-1, float64, reverse, recorded", "right"),
    ],
    "det at a singular matrix: JAX right, TensorFlow and autograd raise": [
        ("jax", "det", "rank n-1, diagonal, float64, reverse", "right"),
        ("tensorflow", "det", "rank n-1, diagonal, float64, reverse", "raises"),
        ("autograd", "det", "rank n-1, diagonal, float64, reverse", "raises"),
    ],
    "det of dense integers of rank n-1": [
        ("tensorflow", "det", "rank n-1, product of integers, float64, reverse", "wrong"),
        ("autograd", "det", "rank n-1, product of integers, float64, reverse", "raises"),
        ("torch", "det", "rank n-1, product of integers, float64, rev over rev", "right"),
    ],
    "heat kernel on a ring, by eigh": [
        (name, "eigh", "edge: ring of six, float64, heat kernel, reverse", "wrong NaN")
        for name in FRAMEWORKS
    ],
    "function of a matrix with a repeated eigenvalue, by eigh": [
        (name, "eigh", f"repeated eigenvalue, {how}, float64, heat kernel, reverse", verdict)
        for name in FRAMEWORKS
        for how, verdict in (("to rounding", "wrong"), ("exactly", "wrong NaN"))
    ],
    "gap 1e-9: first order fine but in TensorFlow, second order off": [
        *(
            (name, "eigh", "gap 1e-9, float64, heat kernel, reverse", "right")
            for name in ("autograd", "jax", "torch")
        ),
        ("tensorflow", "eigh", "gap 1e-9, float64, heat kernel, reverse", "wrong"),
        *(
            (name, "eigh", "gap 1e-9, float64, heat kernel, rev over rev", "wrong")
            for name in FRAMEWORKS
        ),
    ],
    "TensorFlow: 1/x replaced by x/(x^2 + 1e-20)": [
        ("tensorflow", "eigh", "edge: scale 1e-150, float64, eigenvectors, reverse", "wrong"),
    ],
    "TensorFlow: complex gradients": [
        ("tensorflow", "det", "ordinary, complex128, reverse", "wrong"),
        ("tensorflow", "slogdet", "ordinary, complex128, sign, reverse", "wrong"),
        ("tensorflow", "slogdet", "ordinary, complex128, logabsdet, reverse", "right"),
        ("tensorflow", "slogdet", "ordinary, complex128, logabsdet imaginary cotangent, reverse", "wrong"),
    ],
    "JAX expm: no value, and no gradient, at large norms": [
        *(
            ("jax", "expm", f"edge: {name}, float64, {mode}", "wrong NaN")
            for name in ("nonnormal", "skew, norm 1e6")
            for mode in ("value", "reverse")
        ),
        # Zero is the true gradient there.
        ("jax", "expm", "edge: stable, norm 1e6, float64, value", "NaN"),
        ("jax", "expm", "edge: stable, norm 1e6, float64, reverse", "right"),
    ],
    "JAX det: zero gradient at a NaN": [
        ("jax", "det", "one NaN in the data, float64, reverse", "wrong"),
        ("torch", "det", "one NaN in the data, float64, reverse", "right"),
    ],
    "second derivatives of det at rank n-1 and n-2": [
        ("jax", "det", "rank n-1, diagonal, float64, fwd over rev", "NaN"),
        ("jax", "det", "rank n-1, diagonal, float64, rev over rev", "NaN"),
        ("jax", "det", "edge: rank n-2, diagonal, float64, fwd over rev", "wrong"),
        ("jax", "det", "edge: rank n-2, diagonal, float64, rev over rev", "NaN"),
        ("torch", "det", "edge: rank n-2, diagonal, float64, fwd over rev", "NaN"),
        ("torch", "det", "edge: zero matrix, float64, rev over rev", "NaN"),
        ("tensorflow", "det", "rank n-1, diagonal, float64, rev over rev", "raises"),
        ("autograd", "det", "rank n-1, diagonal, float64, rev over rev", "raises"),
    ],
    "autograd: sign of a complex determinant": [
        ("autograd", "slogdet", "ordinary, complex128, sign, reverse", "wrong"),
    ],
    "second derivative of the heat trace at a repeated eigenvalue": [
        *(
            (name, "eigvalsh", "repeated eigenvalue, exactly, float64, heat trace, rev over rev", "wrong NaN")
            for name in ("jax", "tensorflow", "torch")
        ),
        ("autograd", "eigh", "repeated eigenvalue, exactly, float64, heat trace, rev over rev", "wrong NaN"),
    ],
    "n = 0": [
        ("jax", "det", "n=0, float64, reverse", "raises"),
        ("torch", "det", "n=0, float64, reverse", "right"),
    ],
    "JAX eigh at scale 1e150": [
        ("jax", "eigh", "edge: scale 1e150, float64, eigenvectors, reverse", "NaN"),
    ],
    "torch det: second derivative where singular values repeat": [
        ("torch", "det", "repeated eigenvalue, to rounding, float64, rev over rev", "wrong"),
        ("torch", "det", "repeated eigenvalue, exactly, float64, rev over rev", "NaN"),
    ],
    "torch: forward mode differentiated again, at ordinary inputs": [
        ("torch", rule, f"ordinary, float64, {output}{mode} over fwd", "wrong")
        for rule, output in (("det", ""), ("slogdet", "logabsdet, "), ("solve", ""))
        for mode in ("rev", "fwd")
    ],
    "what is not there": [
        ("autograd", "det", "ordinary, float64, forward", "missing"),
        ("autograd", "expm", "ordinary, float64, reverse", "missing"),
        ("autograd", "eigvalsh", "ordinary, float64, reverse", "missing"),
        ("torch", "expm_frechet", "ordinary, float64, frechet, reverse", "missing"),
        ("tensorflow", "expm_frechet", "ordinary, float64, frechet, reverse", "missing"),
        ("jax", "expm_frechet", "ordinary, float64, frechet, reverse", "right"),
    ],
}  # fmt: skip
LINES = [(line, *cell) for line, cells in KNOWN.items() for cell in cells]
# Where each question is compiled, every other one; all of them by ``nox -s everything``.
STRIDE = {} if os.environ.get("GRADRULES_EVERYTHING") else {"jax": 2, "tensorflow": 2}


@pytest.mark.parametrize("backend", FRAMEWORKS)
def test_what_is_known_is_found_and_ours_is_right(backend, tmp_path):
    if backend not in _audit.backends():
        pytest.skip(f"{backend} is not installed")
    lines = [line for line in LINES if line[1] == backend][:: STRIDE.get(backend, 1)]
    audit = _audit.audit(
        rules=sorted({rule for _, _, rule, _, _ in lines}),
        backends=[backend],
        wanted=lambda rule, case: any((rule, case) == line[2:4] for line in lines),
    )
    assert missed(audit.findings, lines) == []
    doubtful = [f for f in audit.findings if f.ours.verdict != "right"]
    assert {f.case: f.ours for f in doubtful if not (refused(f) or lost(f))} == {}
    defects = {f.native.verdict: f for f in audit.defects()}
    assert "wrong" in defects
    for verdict in {"wrong", "raises"} & set(defects):
        shows(defects[verdict], tmp_path / f"{verdict}.py")


def missed(findings, lines):
    """The lines whose question was not asked, or not answered as it was when it was measured."""
    found = []
    for line, _, rule, words, verdicts in lines:
        got = {f.native.verdict for f in findings if (f.rule, f.case) == (rule, words)}
        if not got or not got <= set(verdicts.split()):
            found.append(f"{line}: {rule}, {words}: {got or 'not asked'}, not {verdicts}")
    return found


# The derivative of V exp(-w) V^H exists at a repeated eigenvalue, but not that of V: there our eigh
# says NaN, and `gradrules.expm` has the truth.
def refused(finding):
    return finding.ours.verdict == "NaN" and "heat" in finding.where


# A gap of 1e-9 is above rounding, its square is below: the second derivative of V has no digits left.
def lost(finding):
    return (
        "gap 1e-9" in finding.where and "heat kernel" in finding.where and " over " in finding.mode
    )


def shows(finding, file):
    """The script of a finding, in a process of its own, shows the defect with the framework alone."""
    assert "gradrules" not in finding.reproducer
    file.write_text(finding.reproducer)
    out = subprocess.run(
        [sys.executable, file], capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    if finding.native.verdict == "raises":
        assert out.returncode == 1
        assert finding.native.message.partition(":")[0] in out.stderr
        return
    printed = dict(line.split(" ", 1) for line in out.stdout.splitlines())
    number = float(printed["found"])
    if finding.truth is None:
        assert printed["truth"] == "there is none"
        assert np.isfinite(number)
    else:
        assert float(printed["truth"]) == finding.truth
        assert abs(number - finding.truth) > 1e-6 * abs(finding.truth)


def test_a_script_that_ends_its_process_or_hangs_ends_itself_alone(monkeypatch):
    monkeypatch.setattr(_processes, "SECONDS", 3.0)
    with _processes.Process() as process:
        assert process.run("found = 2")["found"] == "2.0"
        assert "status 7" in process.run("import os; os._exit(7)")["error"]
        assert process.run("import time; time.sleep(60)")["error"] == "no answer within 3 s"
        assert process.run("print('noise'); found = 3")["found"] == "3.0"
        assert process.run("1 / 0")["error"] == "ZeroDivisionError: division by zero"


def test_an_interrupted_audit_keeps_what_it_knows():
    pytest.importorskip("autograd")

    def interrupt(what, done, total):
        if what == "autograd" and done == total - 1:
            raise KeyboardInterrupt

    audit = _audit.audit(
        rules=["det"],
        backends=["autograd"],
        wanted=lambda _, case: "ordinary, float64, re" in case,
        progress=interrupt,
    )
    assert {f.mode for f in audit.findings} == {"reverse", "rev over rev"}


def test_every_rule_can_be_asked():
    """The shapes of its outputs come of one evaluation, which is to be regular."""
    for rule in RULES.values():
        for situation in _questions.situations(rule, seed=0):
            asked = _questions._Asked(rule, situation, 0)
            # A Schur form comes in any order, and no sum of its entries is the same in all.
            assert _questions._probes(asked) or rule.name == "schur"
            assert all(np.all(np.isfinite(y)) for y in asked.outputs), (rule.name, situation.name)


def test_the_command(tmp_path):
    pytest.importorskip("autograd")
    files = [tmp_path / name for name in ("audit.json", "audit.html")]
    program = "import sys; from gradrules.cli import app; sys.argv[0] = 'gradrules'; app()"
    out = subprocess.run(
        [sys.executable, "-c", program, "audit", "--rule", "det", "--backend", "autograd",
         "--case", "edge: rank n-1, float64, re", "--json", files[0], "--html", files[1]],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "140"},
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert "! 2" in out.stdout
    assert "autograd.numpy.linalg.det" in out.stdout
    records = json.loads(files[0].read_text())
    assert {r["mode"] for r in records} == {
        "reverse",
        "rev over rev",
        "rev over fwd",
    }
    assert all({"rule", "backend", "case", "native", "ours"} <= r.keys() for r in records)
    assert {r["ours"]["verdict"] for r in records} == {"right"}
    assert {r["native"]["verdict"] for r in records} == {"raises", "missing"}
    assert "What the frameworks" in files[1].read_text(encoding="utf-8")


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown backend 'numpy'"):
        _audit.audit(backends=["numpy"])
    with pytest.raises(ValueError, match="unknown rule 'gravity'"):
        _audit.audit(rules=["gravity"])
