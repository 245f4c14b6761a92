"""The shared contract of all adapters: every law, for every rule, on every installed framework.

Each framework runs in a process of its own, as `gradrules check` does it; what is tested here is that
nothing fails, and that nothing is left out silently.
"""

import pytest
import third_party  # noqa: F401 (registers rules as somebody outside would)
from ours import REPRESENTATIVES, RULES

import gradrules as gr
from gradrules.testing import _backends
from gradrules.testing._session import Plan, check

FRAMEWORKS = [name for name in _backends.installed() if name not in _backends.PLAIN]
OURS = list(REPRESENTATIVES)
OTHERS = [name for name in RULES if name not in REPRESENTATIVES]
THEIRS = ["tests.logcosh", "tests.masked_sum", "tests.summary", "tests.power", "tests.quadratic"]
ALWAYS = {"primal", "jvp", "vjp", "adjoint", "linear", "batch", "dtype", "edge", "pure"}


def silent(*_):
    """No progress bar."""


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_law_holds(framework):
    laws = tuple(gr.testing.LAWS)
    report = check(Plan(OURS, [framework], laws, quick=True), silent)
    assert report.passed, str(report)
    transforms = gr.adapters.load(framework).transforms
    expected = ALWAYS | ({"order2", "vmap", "compile"} - transforms.missing.keys())
    for rule in OURS:
        tried = {r.law for r in report.records if r.rule == rule and r.status == "pass"}
        skipped = [r for r in report.records if r.rule == rule and r.status == "skip"]
        assert expected - {"edge"} <= tried, rule
        assert all(r.message for r in skipped)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_rule_has_its_derivatives(framework):
    """The laws of a rule alone, where another of its shape has shown those of the adapter.

    JAX and TensorFlow, which compile each, take a quarter each; all of it by ``nox -s check``.
    """
    turns = {"jax": OTHERS[::4], "tensorflow": OTHERS[1::4]}
    rules = turns.get(framework, OTHERS)
    report = check(Plan(rules, [framework], ("jvp", "vjp"), quick=True), silent)
    assert report.passed, str(report)
    for rule in rules:
        tried = {r.law for r in report.records if r.rule == rule and r.status == "pass"}
        assert tried == {"jvp", "vjp"}, rule


def test_all_backends_agree():
    """On the way of users' calls, which is NumPy's for small arrays: see `gradrules.host`.

    JAX, which has no such way and takes the longest, is compared by ``nox -s check``.
    """
    backends = ["numpy", *(name for name in FRAMEWORKS if name != "jax")]
    report = check(Plan(list(RULES), backends, ("agree",), quick=True), silent)
    assert report.passed, str(report)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_rules_of_somebody_else(framework):
    """Elementwise, an input without derivative, integer outputs, options, rules within rules."""
    laws = ("jvp", "vjp", "order2", "dtype")
    plan = Plan(THEIRS, [framework], laws, quick=True, load=["third_party"])
    report = check(plan, silent)
    assert report.passed, str(report)
