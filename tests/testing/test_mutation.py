"""Faults are planted, caught, and gone afterwards; some of them here, all by `nox -s mutation`."""

import ast
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import third_party  # noqa: F401 (registers its rules)
from ours import REPRESENTATIVES

import gradrules as gr
from gradrules._registry import of_arrays
from gradrules.testing import _mutation
from gradrules.testing._faults import HERE, KINDS, Place
from gradrules.testing._mutation_run import read_equivalents

EQUIVALENTS = read_equivalents(Path(__file__).parent / "equivalents.toml")
# Rules whose faults have all been gone through; of the others the list of equivalents is not whole.
GONE_THROUGH = ["inv", "solve", "slogdet", "expm", "expm_frechet", "tests.softmax", "tests.power"]
RULES = list(dict.fromkeys([*REPRESENTATIVES, *GONE_THROUGH]))
FAULTS = {name: _mutation.mutants(gr.registry[name]) for name in RULES}


def first(name, kind):
    """The first fault of a kind that changes something, in the rule's own folder.

    A helper of all rules is more than one of them can prove.
    """
    home = gr.registry[name].__module__.rpartition(".")[0]
    real = (
        m
        for m in FAULTS[name]
        if m.kind == kind and m.module.rpartition(".")[0] == home
        if not any(e.covers(m) for e in EQUIVALENTS)
    )
    return next(real, None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in GONE_THROUGH for kind in KINDS if first(name, kind) is not None],
)
def test_caught(name, kind):
    mutant = first(name, kind)
    if _mutation.kill(mutant, "numpy") is None:
        pytest.importorskip("autograd", reason="NumPy has no second derivatives")
        assert _mutation.kill(mutant, "autograd") is not None, mutant.change


def test_every_kind_is_planted_in_a_rule_of_ours():
    planted = {m.kind for name in RULES for m in FAULTS[name] if not name.startswith("tests.")}
    assert planted == set(KINDS)


def test_every_equivalent_is_a_fault_that_can_be_planted():
    listed = {(e.module, e.function, fault) for e in EQUIVALENTS for fault in e.faults}
    functions = {where[:2] for where in listed}
    reached = {
        (function, owner, part)
        for rule in of_arrays()
        for function, owner, part in _mutation._reached(gr.registry[rule])
        if (function.__module__, function.__qualname__) in functions
    }
    planted = {
        (m.module, m.function, f"{m.kind}: {m.change}")
        for function, owner, part in reached
        for m in _mutation._of_function(owner, function, owner, part, tuple(KINDS))
    }
    assert listed <= planted
    assert all(entry.reason for entry in EQUIVALENTS)


def test_a_law_that_does_not_look_lets_a_fault_survive():
    mutant = first("inv", "sign")
    assert _mutation.kill(mutant, "numpy", laws=["dtype"]) is None
    assert _mutation.kill(mutant, "numpy", laws=["vjp", "jvp"]).status == "fail"


def test_a_fault_is_gone_after_an_error():
    mutant = first("det", "sign")
    before = [f.__code__ for f, _, _ in _mutation._reached(gr.det)]
    with contextlib.suppress(RuntimeError), _mutation.planted(mutant):
        assert [f.__code__ for f, _, _ in _mutation._reached(gr.det)] != before
        raise RuntimeError
    assert [f.__code__ for f, _, _ in _mutation._reached(gr.det)] == before


PLACE = Place(rule=gr.eigvalsh, part="vjp", parameters=("primals",), constants=frozenset({"GAP"}))


@pytest.mark.parametrize(
    ("kind", "expression", "changes"),
    [
        ("transpose dropped", "adjoint(a, xp)", ["a", "conjugated(a)"]),
        ("transpose dropped", "a.mT", ["a"]),
        ("transpose added", "a @ b", ["transposed(a) @ b", "a @ transposed(b)"]),
        ("conjugate dropped", "a.conj()", ["a"]),
        ("conjugate dropped", "adjoint(a, xp)", ["transposed(a)"]),
        ("factor", "a / 2", ["a / 4"]),
        ("sign", "-a", ["a"]),
        ("sign", "a + b", ["a - b"]),
        ("term dropped", "a - b", ["a", "-b"]),
        ("operands swapped", "a @ b", ["b @ a"]),
        ("index", "w[..., None, :]", ["w[..., :, None]"]),
        ("index", "d[..., :n, n:]", ["d[..., n:, n:]", "d[..., :n, :n]"]),
        ("index", "f(a)[1]", ["f(a)[0]"]),
        ("index", "xp.sum(a, axis=-1)", ["xp.sum(a, axis=-2)"]),
        ("mask dropped", "xp.where(m, a, b)", ["a", "b"]),
        ("real part dropped", "xp.real(a)", ["a"]),
        ("real part dropped", "a.real", ["a"]),
        ("triangle", "xp.tril(a, k=-1)", ["xp.triu(a, k=--1)", "xp.tril(a)"]),
        ("gradient stopped", "primals", ["stopped(primals, 0)"]),
        ("tolerance", "eps(a)", ["eps(a) * 1000000.0"]),
        ("tolerance", "GAP", ["GAP * 1000000.0"]),
        ("option", "lower", ["None", "not lower"]),
        ("option", "f(a, adjoint=True)", ["f(a, adjoint=False)"]),
    ],
)
def test_what_a_kind_changes(kind, expression, changes):
    node = ast.parse(expression, mode="eval").body
    found = [ast.unparse(changed).replace(HERE, "") for changed in KINDS[kind](node, PLACE)]
    assert found == changes
    assert ast.unparse(node) == ast.unparse(ast.parse(expression))


SCALED = """
import gradrules as gr
from gradrules._registry import of_arrays

@gr.rule(name="scaled", dtypes=("float64",))
def scaled(x, /):
    return 3 * x

@scaled.def_jvp
def scaled_jvp(primals, outputs, tangents):
    n = 3
    while n > 0:
        n = n - 1
    return 3 * tangents[0]

@scaled.def_vjp
def scaled_vjp(primals, outputs, cotangents):
    return FACTOR * cotangents[0] + 0 * primals[0]

FACTOR = 3
"""
NOTHING = """
[[equivalent]]
module = "scaling"
function = "scaled_vjp"
faults = ["FAULT"]
reason = "twice nothing is nothing"
"""


def mutate(folder, *arguments, factor=3, fault="sign: a -> b"):
    (folder / "scaling.py").write_text(SCALED.replace("FACTOR = 3", f"FACTOR = {factor}"))
    (folder / "same.toml").write_text(NOTHING.replace("FAULT", fault))
    program = "import sys; from gradrules.cli import app; sys.argv[0] = 'gradrules'; app()"
    return subprocess.run(
        [sys.executable, "-c", program, "mutate", "--rule", "scaled", "--load", "scaling",
         "--backend", "numpy", *arguments],
        capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{os.environ['PYTHONPATH']}",
             "COLUMNS": "140", "NO_COLOR": "1"},
    )  # fmt: skip


def test_a_rule_from_outside(tmp_path):
    out = mutate(tmp_path, "--kind", "sign", "--kind", "factor", "--timeout", "5",
                 "--json", "score.json")  # fmt: skip
    assert out.returncode == 1, out.stdout + out.stderr
    verdicts = {v["change"]: v for v in json.loads((tmp_path / "score.json").read_text())}
    assert verdicts["n - 1 -> n + 1"]["status"] == "timeout"
    assert verdicts["3 * tangents[0] -> 6 * tangents[0]"]["status"] == "killed"
    assert verdicts["3 * tangents[0] -> 6 * tangents[0]"]["law"] == "jvp"
    survived = [change for change, v in verdicts.items() if v["status"] == "survived"]
    assert len(survived) == 1  # plus and minus nothing
    assert "1 ended by time" in out.stdout
    assert "return FACTOR * cotangents[0] + 0 * primals[0]" in out.stdout


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("tolerance: FACTOR -> FACTOR * 1000000.0", 1, "caught by vjp on numpy"),
        ("tolerance: FACTOR -> FACTOR", 1, "there is no such fault"),
        ("operands swapped: a @ b -> b @ a", 0, "all caught"),  # of no kind that was tried
    ],
)
def test_the_list_of_equivalents_must_be_true(tmp_path, fault, status, said):
    out = mutate(tmp_path, "--kind", "tolerance", "--equivalents", "same.toml", fault=fault)
    assert out.returncode == status, out.stdout + out.stderr
    assert said in out.stdout


def test_a_rule_that_is_wrong_without_a_fault_is_refused(tmp_path):
    out = mutate(tmp_path, factor=2)
    assert out.returncode == 2
    assert "fails without any fault" in out.stderr
