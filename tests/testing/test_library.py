"""The kit from Python: functions, natives, reports; what is refused."""

import functools
import os
from pathlib import Path

import numpy as np
import planted
import pytest

import gradrules as gr
from gradrules import testing
from gradrules.testing import _cache, _truth


def square(x, /):
    return x * x


def square_jvp(primals, outputs, tangents):
    return 2 * primals[0] * tangents[0]


def tripled_vjp(primals, outputs, cotangents):
    return 3 * primals[0] * cotangents[0]


def test_a_function_with_one_derivative_is_tried_as_far_as_that_goes():
    before = set(gr.registry)
    report = testing.check(square, jvp=square_jvp, backends=["numpy"], dtypes=["float64"])
    assert report.passed
    assert set(gr.registry) == before
    assert {"primal", "jvp"} <= {r.law for r in report.records if r.status == "pass"}
    lacking = {r.law for r in report.skipped()["the rule has no vjp"]}
    assert {"vjp", "adjoint", "linear", "pure"} <= lacking


def test_a_wrong_function_raises_with_its_report():
    with pytest.raises(testing.LawError) as caught:
        testing.assert_rule(square, jvp=square_jvp, vjp=tripled_vjp, backends=["numpy"],
                            dtypes=["float64"])  # fmt: skip
    report = caught.value.report
    failed = {r.law for r in report.failures()}
    assert {"vjp", "adjoint", "batch"} <= failed
    assert not {"primal", "jvp"} & failed
    assert str(report) == str(caught.value)


def test_a_failure_says_all_and_its_input_and_its_command_make_it_again():
    settings = {"backends": ["numpy"], "dtypes": ["float64"], "laws": ["vjp"]}
    failure = testing.check(square, vjp=tripled_vjp, **settings).failures()[0]
    space = {"np": np}
    exec(failure.input, space)  # as somebody pastes it
    assert space["x"].dtype == "float64"
    assert float(failure.value) == pytest.approx(1.5 * float(failure.truth))
    assert failure.error > failure.tolerance
    assert "64 n eps (|q| + |Dq[delta]|), n = 3" in failure.origin
    call = failure.repeat.replace("vjp=...", "vjp=tripled_vjp")
    again = eval(call, {"gradrules": gr, "square": square, "tripled_vjp": tripled_vjp})
    (record,) = again.failures()
    assert (record.error, record.input) == (failure.error, failure.input)


@pytest.mark.parametrize("value", [np.array([np.nan, -np.inf]), np.array(2.5), np.zeros((0, 2))])
def test_an_input_is_printed_with_every_digit(value):
    from gradrules.testing._show import assignment

    space = {"np": np}
    exec(assignment("x", value), space)
    np.testing.assert_array_equal(space["x"], value)
    assert space["x"].shape == value.shape


def test_the_same_seed_gives_the_same_records_and_another_one_does_not():
    def records(seed):
        report = testing.check(gr.inv, backends=["numpy"], laws=["vjp"], seed=seed)
        return [(r.case, r.error) for r in report.records]

    assert records(1) == records(1)
    assert records(1) != records(2)


def test_examples_draw_more_inputs_each_with_its_seed():
    undo = planted.plant(gr.inv, "vjp", "sign")
    try:
        report = testing.check(
            gr.inv, backends=["numpy"], laws=["vjp"], dtypes=["float64"], examples=3
        )
    finally:
        undo()
    seeds = [r.repeat.partition("--seed ")[2].partition(" ")[0] for r in report.failures()
             if r.case == "general n=3 float64"]  # fmt: skip
    assert seeds == ["0", "1", "2"]


def test_a_sampler_takes_the_place_of_what_is_drawn():
    seen = []

    def ones(rng, shapes, dtype):
        seen.append(dtype)
        return [np.ones(shape, dtype) for shape in shapes]

    report = testing.check(
        square, jvp=square_jvp, backends=["numpy"], laws=["jvp"], sampler=ones, dtypes=["float32"]
    )
    assert report.passed
    assert "float32" in seen
    assert {r.case.split()[-1] for r in report.records} == {"float32"}


def test_a_law_over_its_budget_is_no_pass():
    report = testing.check(gr.inv, backends=["numpy"], laws=["jvp", "vjp"], budget=0.0)
    assert {r.law for r in report.records if r.status == "timeout"} == {"jvp", "vjp"}
    assert not report.passed
    assert "timed out" in str(report)


def test_a_report_in_a_notebook():
    html = testing.check(gr.inv, backends=["numpy"], laws=["jvp"])._repr_html_()
    assert "<th>jvp</th>" in html
    assert "✓" in html


def test_what_was_not_tried_did_not_pass():
    report = testing.check(gr.inv, backends=["numpy"], laws=["compile"])
    assert not report.passed
    assert "nothing was tried" in str(report)
    assert "numpy has no differentiation" in str(report)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: testing.check(square), "pass its jvp"),
        (lambda: testing.check(gr.inv, jvp=square_jvp), "inv is a rule"),
        (lambda: testing.check(gr.inv, signature="(n)->(n)"), "has declared signature"),
        (lambda: testing.check(gr.inv, dtypes=["float16"]), "unknown dtype 'float16'"),
        (lambda: testing.check(gr.inv, laws=["gravity"]), "unknown law 'gravity'"),
        (lambda: testing.check_native(np.linalg.det), "no framework that gradrules knows"),
        (lambda: testing.check_native(square, framework="autograd"), "pass like='det'"),
        (lambda: testing.check_native(square, framework="autograd", like="x"), "unknown rule 'x'"),
    ],
)
def test_a_wrong_call_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# -- natives ---------------------------------------------------------------------------------------


def test_natives_of_autograd():
    anp = pytest.importorskip("autograd.numpy")
    report = testing.check_native(anp.linalg.inv, laws=["primal", "vjp"], dtypes=["complex128"])
    assert report.passed
    assert {r.rule for r in report.records} == {"autograd.numpy.linalg.inv"}
    # At a singular matrix the derivative of det is its cofactor matrix, and autograd divides by 0.
    report = testing.check_native(anp.linalg.det, laws=["edge"])
    assert "edge: rank n-1 float64" in {r.case for r in report.failures()}


def test_a_native_that_no_rule_knows_is_compared_with_differences_of_itself():
    anp = pytest.importorskip("autograd.numpy")

    def trace_of_cube(x, power):
        return anp.sum(x @ x * anp.swapaxes(x, -1, -2), axis=(-2, -1)) ** power

    laws = ["jvp", "vjp", "order2", "batch"]
    report = testing.check_native(
        functools.partial(trace_of_cube, power=1), framework="autograd", signature="(n,n)->()",
        laws=laws, dtypes=["float64"],
    )  # fmt: skip
    assert report.passed, str(report)
    assert {r.law for r in report.records if r.status == "pass"} == set(laws)


def test_a_wrong_derivative_of_a_framework_is_found_at_first_and_at_second_order():
    pytest.importorskip("autograd")
    from autograd.extend import defjvp, defvjp, primitive

    @primitive
    def cube(x):
        return x * x * x

    defvjp(cube, lambda ans, x: lambda g: 3 * x * x * g)
    defjvp(cube, lambda g, ans, x: 2 * x * x * g)  # wrong
    report = testing.check_native(
        cube, framework="autograd", signature="()->()", laws=["jvp", "vjp", "order2"],
        dtypes=["float64"],
    )  # fmt: skip
    assert {r.law for r in report.failures()} == {"jvp", "order2"}
    assert "vjp" in {r.law for r in report.records if r.status == "pass"}


# -- truths ----------------------------------------------------------------------------------------


def test_a_difference_of_differences_knows_its_error():
    def value(x, /):
        return np.exp(x) * np.sin(x)

    rule = gr.rule(name="tests.wave", register=False)(value)
    x, one = np.linspace(-1.0, 1.0, 5), (np.ones(5),)
    truth = _truth.Truth(rule, (x,), {})
    (second,) = truth.derivative(one, one)
    assert truth.doubt == 0.0  # nothing of a lower order was asked for
    exact = 2 * np.exp(x) * np.cos(x)
    truth.derivative(one, one, one)
    assert np.max(np.abs(second - exact)) <= truth.doubt * np.max(np.abs(exact))
    assert truth.doubt < 1e-7


def test_a_kept_truth_is_forgotten_when_its_oracle_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADRULES_TRUTH_CACHE", str(tmp_path))
    monkeypatch.setattr(_truth, "_MEMORY", {})
    x = (np.array([[2.0]]),)
    assert _truth.Truth(gr.inv, x, {}).derivative()[0] == 0.5
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(_truth, "_MEMORY", {})
    _truth._fingerprint.cache_clear()
    monkeypatch.setattr(_truth.mpmath, "__version__", "another")
    _truth.Truth(gr.inv, x, {}).derivative()
    assert len(list(tmp_path.iterdir())) == 2
    _truth._fingerprint.cache_clear()


def test_what_is_kept_between_checks_is_in_the_users_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("GRADRULES_CACHE", raising=False)
    with _cache.kept_files() as variables:
        truths = Path(variables["GRADRULES_TRUTH_CACHE"])
    assert truths == tmp_path / "gradrules" / "truths"
    new, old = truths / "new", truths / "old"
    new.touch()
    old.touch()
    os.utime(old, (0, 0))
    with _cache.kept_files():
        assert list(truths.iterdir()) == [new]


def test_where_nothing_can_be_kept_a_temporary_folder_serves(tmp_path, monkeypatch):
    file = tmp_path / "a file, not a folder"
    file.touch()
    monkeypatch.setenv("GRADRULES_CACHE", str(file))
    with _cache.kept_files() as variables:
        truths = Path(variables["GRADRULES_TRUTH_CACHE"])
        assert truths.is_dir()
    assert not truths.exists()
