"""The pytest plugin, in sessions of its own, on a rule that somebody else wrote."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

RULE = """
    import gradrules as gr

    @gr.rule(name="mine.cube", dtypes=("float64",))
    def cube(x, /):
        return x * x * x

    @cube.def_jvp
    def cube_jvp(primals, outputs, tangents):
        return 3 * primals[0] ** 2 * tangents[0]

    @cube.def_vjp
    def cube_vjp(primals, outputs, cotangents):
        return {factor} * primals[0] ** 2 * cotangents[0]
"""
TEST = """
    import gradrules as gr
    from rules_of_mine import cube

    @gr.testing.rules(cube, "inv", backends=["numpy", "autograd"], laws=["jvp", "vjp", "vmap"])
    def test_rules(cell):
        cell.prove()
"""


@pytest.fixture
def session(pytester):
    """Run pytest on the test above, with the derivative right or wrong."""

    def run(*arguments, factor=3, test=TEST):
        pytester.makepyfile(rules_of_mine=RULE.format(factor=factor), test_mine=test)
        pytester.makeini("[pytest]\naddopts = --strict-markers")
        plugin = () if "xdist" in arguments else ("-p", "no:xdist")
        arguments = [a for a in arguments if a != "xdist"]
        return pytester.runpytest_subprocess("-p", "gradrules_pytest", *plugin, *arguments)

    return run


def test_cells_have_readable_names_and_say_why_they_are_skipped(session):
    result = session("-v", "-rs")
    result.assert_outcomes(passed=8, skipped=4)
    result.stdout.fnmatch_lines(["*test_rules[[]mine.cube-numpy-vjp[]] PASSED*"])
    result.stdout.fnmatch_lines(["*autograd has no vectorizing transformation"])


def test_a_failure_shows_the_report_and_not_the_kit(session):
    result = session(factor=2)
    result.assert_outcomes(passed=6, failed=2, skipped=4)
    result.stdout.fnmatch_lines(
        [
            "*mine.cube on numpy, law vjp, input*",
            "*came *",
            "*truth *",
            "*allow *64 n eps (|q| + |Dq[[]delta[]]|), n = 3*",
            "*x = np.array(*",
            "*again  gradrules check --rule mine.cube --backend numpy --law vjp*--load rules_of_mine",
        ]
    )
    assert "_check.py" not in result.stdout.str()


def test_laws_and_backends_are_selected(session):
    session("-m", "gradrules(law='vjp')").assert_outcomes(passed=4, deselected=8)
    session("-m", "gradrules(rule='inv', backend='numpy', law='jvp')").assert_outcomes(
        passed=1, deselected=11
    )
    session("--gradrules-backend", "autograd", "-k", "jvp").assert_outcomes(passed=2, deselected=10)


def test_processes_share_the_cells(session):
    pytest.importorskip("xdist")
    session("xdist", "-n", "2").assert_outcomes(passed=8, skipped=4)


def test_fixtures_run_over_the_backends(session):
    test = """
        import numpy as np
        import gradrules as gr

        def test_backend(gradrules_backend, gradrules_xp):
            x = gradrules_backend.array(np.arange(3.0))
            y = gradrules_backend.numpy(gradrules_xp.sum(x * x))
            assert y == 5.0
            assert y.dtype == np.float64
    """
    result = session("-v", "--gradrules-backend", "numpy", "--gradrules-backend", "jax", test=test)
    from gradrules.testing import backends

    named = {"numpy", "jax"} & set(backends())
    result.assert_outcomes(passed=len(named), deselected=len(backends()) - len(named))


def test_a_backend_that_is_not_installed_is_skipped_by_name(session, monkeypatch):
    test = """
        import gradrules as gr
        from gradrules.testing import _backends
        _backends.installed = lambda: ["numpy"]

        @gr.testing.rules("inv", backends=["numpy", "torch"], laws=["jvp"])
        def test_rules(cell):
            cell.prove()
    """
    result = session("-rs", test=test)
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*torch is not installed"])


def test_names_that_nobody_knows_end_the_collection(session):
    test = TEST.replace('laws=["jvp",', 'laws=["gravity",')
    session(test=test).stdout.fnmatch_lines(["*unknown law 'gravity'; there are primal*"])


def test_the_plugin_imports_nothing_until_it_is_needed():
    program = "import sys, gradrules_pytest; print({'numpy', 'gradrules'} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
