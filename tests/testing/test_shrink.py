"""A law that fails is shown at the smallest input that fails, which can be pasted."""

import numpy as np
import pytest
from hypothesis import strategies as st

import gradrules as gr
from gradrules.testing import strategies as gst
from gradrules.testing._shrink import smallest


@pytest.fixture
def planted(monkeypatch):
    """Negate one derivative of a rule where its inputs are as a function says."""

    def plant(rule, part, when):
        part = f"fast_{part}" if rule.defines(f"fast_{part}") else part  # what plain arrays meet
        original = rule._functions[part]

        def damaged(primals, *rest, xp, **options):
            values = original(primals, *rest, xp=xp, **options)
            if not when(*primals):
                return values
            return tuple(-v for v in values) if isinstance(values, tuple) else -values

        monkeypatch.setitem(rule._functions, part, damaged)

    return plant


def pasted(record):
    """The arrays that a failure prints, as an interpreter makes them of it."""
    names = {"np": np}
    exec(record.input, names)
    return names


def first_failure(rule, laws, **options):
    report = gr.testing.check(rule, backends=["numpy"], laws=laws, **options)
    return report.failures()[0]


def test_a_fault_that_needs_order_three_and_an_imaginary_part(planted):
    planted(gr.det, "vjp", lambda x: x.shape[-1] >= 3 and np.any(np.imag(x) != 0))
    record = first_failure(gr.det, ["vjp"])
    assert "the smallest input" in record.message
    x = pasted(record)["x"]
    assert x.shape == (3, 3)
    assert x.dtype == record.case.split()[2]
    assert np.count_nonzero(x.imag) == 1
    assert np.count_nonzero(x) <= 2
    assert np.array_equal(x, np.round(x))


def test_a_fault_that_needs_a_batch(planted):
    planted(gr.inv, "jvp", lambda x: x.ndim > 2 and x.shape[0] > 1)
    record = first_failure(gr.inv, ["batch"])
    x = pasted(record)["x"]
    assert x.tolist() == [[[1.0]], [[1.0]]]


def test_a_fault_that_needs_a_repeated_eigenvalue(planted):
    def repeated(a):
        if a.ndim > 2 or len(a) < 2:
            return False
        w = np.sort_complex(np.linalg.eigvals(a))
        return bool(np.min(np.abs(np.diff(w))) < 1e-9)

    planted(gr.det, "vjp", repeated)
    assert gr.testing.check(gr.det, backends=["numpy"], laws=["vjp"]).passed  # no such input
    record = first_failure(gr.det, ["vjp"], quick=False)
    x = pasted(record)["x"]
    assert x.shape == (2, 2)
    assert repeated(x)
    assert np.count_nonzero(x) <= 2
    assert np.max(np.abs(x)) == 1


def test_what_a_failure_says(planted):
    planted(gr.solve, "vjp", lambda *_: True)
    record = first_failure(gr.solve, ["vjp"])
    arrays = pasted(record)
    assert arrays["x1"].tolist() == [[1.0]]
    assert np.shape(arrays["x2"]) == (1, 1)
    assert float(record.value) == pytest.approx(-float(record.truth))
    assert record.error > record.tolerance
    assert "64 n eps (|q| + |Dq[delta]|), n = 1" in record.origin
    assert record.repeat.startswith(
        "gradrules check --rule solve --backend numpy --law vjp --seed 0"
    )


def test_an_error_is_shrunk_to_the_same_error(planted, monkeypatch):
    original = gr.inv._functions["jvp"]

    def raising(primals, *rest, **options):
        if primals[0].shape[-1] >= 2:
            msg = "too large"
            raise ArithmeticError(msg)
        return original(primals, *rest)

    monkeypatch.setitem(gr.inv._functions, "jvp", raising)
    record = first_failure(gr.inv, ["jvp"])
    assert "ArithmeticError: too large" in record.message
    assert np.array_equal(pasted(record)["x"], np.eye(2))


def test_the_same_seed_finds_the_same_input(planted):
    planted(gr.eigvalsh, "fast_jvp", lambda x: np.any(np.abs(x) > 3.2))
    found = {first_failure(gr.eigvalsh, ["jvp"], seed=5).input for _ in range(2)}
    assert len(found) == 1
    assert "[[4.0]]" in found.pop()


def test_without_shrinking_the_input_itself_is_printed(planted):
    planted(gr.det, "vjp", lambda x: True)
    record = first_failure(gr.det, ["vjp"], shrink=False)
    assert "the smallest input" not in record.message
    assert pasted(record)["x"].shape == (3, 3)


def test_smallest_is_bounded():
    tried = []

    def fails(value):
        tried.append(value)
        return False

    assert smallest(fails, gst.matrices(2), examples=7) is None
    assert len(tried) <= 7
    assert smallest(lambda n: n[0] > 12, st.tuples(st.integers(0, 99))) == (13,)
    found = smallest(lambda n: n[0] > 12, st.tuples(st.integers(0, 10**6)), seconds=0.0)
    assert found is None
