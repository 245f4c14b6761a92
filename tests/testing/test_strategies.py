"""Strategies: what they promise of a matrix holds for its floats, and they shrink to plain ones."""

from random import Random

import numpy as np
import pytest
import third_party  # noqa: F401 (registers rules as somebody outside would)
from hypothesis import find, given, settings
from hypothesis import strategies as st
from ours import RULES, SQUARE

import gradrules as gr
from gradrules.testing import _bank, _cases, _matrices
from gradrules.testing import strategies as gst

DTYPES = st.sampled_from(["float32", "float64", "complex64", "complex128"])
FEW = settings(max_examples=20, deadline=None)
MEMBERS = {
    "general": lambda a: True,
    "hermitian": lambda a: np.array_equal(a, np.conj(a.T)),
    "positive definite": lambda a: (
        np.array_equal(a, np.conj(a.T)) and np.all(np.linalg.eigvalsh(a) > 0)
    ),
    "lower": lambda a: np.array_equal(a, np.tril(a)),
    "upper": lambda a: np.array_equal(a, np.triu(a)),
    "skew": lambda a: np.array_equal(a, -np.conj(a.T)),
    "unitary": lambda a: np.allclose(a @ np.conj(a.T), np.eye(len(a)), atol=1e-5),
    "stochastic": lambda a: (
        np.all(a.real >= 0) and not np.any(a.imag) and np.allclose(np.sum(a, axis=-1), 1)
    ),
    "toeplitz": lambda a: np.array_equal(a[1:, 1:], a[:-1, :-1]),
    "banded": lambda a: np.array_equal(a, np.triu(np.tril(a, 1), -1)),
}


@pytest.mark.parametrize("structure", gst.STRUCTURES)
def test_structures(structure):
    @FEW
    @given(gst.matrices(dtype=DTYPES, structure=structure))
    def holds(a):
        assert MEMBERS[structure](a)

    holds()


@FEW
@given(gst.matrices(st.integers(2, 4), dtype=DTYPES, structure="hermitian", spectrum="repeated"))
def test_a_repeated_eigenvalue_is_repeated_in_the_floats(a):
    """Of whole numbers, so that its characteristic polynomial can be had exactly."""
    n = len(a)
    shifts = [a - k * np.eye(n) for k in range(-2, 3)]
    assert np.array_equal(a, np.round(a))
    assert any(np.linalg.matrix_rank(s) <= 1 for s in shifts)


@FEW
@given(gst.matrices(st.integers(2, 4), spectrum="defective"))
def test_a_defective_matrix_is_one_in_the_floats(a):
    n = len(a)
    value = np.trace(a) / n
    nilpotent = a - value * np.eye(n)
    assert value in (-2, -1, 0, 1, 2)
    assert not np.any(np.linalg.matrix_power(nilpotent, n))
    assert np.any(np.linalg.matrix_power(nilpotent, n - 1))


@FEW
@given(st.data(), st.integers(1, 4), st.sampled_from(["general", "hermitian"]))
def test_rank_and_condition(data, n, structure):
    rank = data.draw(st.integers(1, n))
    a = data.draw(gst.matrices(n, rank=rank, condition=1e6, structure=structure))
    s = np.linalg.svd(a, compute_uv=False)
    assert np.all(s[rank:] < 1e-13)
    assert s[0] / s[rank - 1] == pytest.approx(1e6 if rank > 1 else 1, rel=1e-6)


@FEW
@given(gst.matrices((4, 2), dtype=DTYPES, rank=1), gst.matrices((2, 3), batch=(2, 0)))
def test_rectangular(tall, wide):
    assert np.linalg.matrix_rank(tall, tol=1e-5) == 1
    assert wide.shape == (2, 0, 2, 3)


@pytest.mark.parametrize(("spectrum", "gap"), [("close", 2**-26), ("clustered", 2**-51)])
def test_distance_of_the_nearest_eigenvalues(spectrum, gap):
    source = _matrices.Seeded(np.random.default_rng(0))
    values = np.sort(_matrices.spectrum(source, 4, "float64", spectrum))
    assert np.min(np.diff(values) / values[:-1]) == pytest.approx(gap, rel=0.5)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"structure": "magic"}, "unknown structure 'magic'"),
        ({"spectrum": "blue"}, "unknown spectrum 'blue'"),
        ({"structure": "lower", "spectrum": "close"}, "spectrum of lower matrices"),
        ({"structure": "positive definite", "spectrum": "zero"}, "positive definite"),
        ({"shape": (2, 3), "spectrum": "close"}, "2 by 3"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(wrong, word):
    with pytest.raises(ValueError, match=word):
        find(gst.matrices(**wrong), lambda a: True)


@pytest.mark.parametrize("name", [*RULES, "tests.masked_sum", "tests.power", "tests.quadratic"])
def test_primals_of_every_rule_are_valid(name):
    rule = gr.registry[name]

    @settings(max_examples=10, deadline=None)
    @given(
        gst.primals(
            rule,
            n=st.integers(rule.declaration.least_length, 3),
            batch=gst.batches(axes=1, longest=2),
        )
    )
    def holds(primals):
        assert {str(p.dtype) for p in primals[:1]} <= set(rule.declaration.dtypes)
        assert _cases.valid(rule, str(primals[0].dtype), primals)
        rule(*primals, **rule.declaration.variants[0])

    holds()


def smallest(strategy, condition):
    plain = settings(max_examples=100, database=None, deadline=None)
    return find(strategy, condition, settings=plain, random=Random(0))


def test_matrices_shrink_to_zero_to_the_identity_and_to_diagonal_ones():
    assert not np.any(smallest(gst.matrices(3), lambda a: True))
    assert np.array_equal(smallest(gst.matrices(3, structure="unitary"), lambda a: True), np.eye(3))
    defective = smallest(gst.matrices(3, spectrum="defective"), lambda a: True)
    assert np.array_equal(defective, np.eye(3, k=1))
    (a,) = smallest(gst.primals(gr.inv, n=2, batch=(), kind="general"), lambda p: True)
    assert np.array_equal(a, np.eye(2))
    (a,) = smallest(gst.primals(gr.eigh, n=3, batch=(), kind="general"), lambda p: True)
    assert np.array_equal(a, np.diag([1, 2, 3]))


def test_numbers_shrink_to_whole_real_ones():
    a = smallest(gst.matrices(dtype="complex128"), lambda a: np.any(np.abs(a) > 1.3))
    assert a.tolist() == [[2]]
    a = smallest(gst.matrices(dtype="complex128"), lambda a: np.any(a.imag > 0.3))
    assert a.tolist() == [[1j]]


@pytest.mark.parametrize("name", RULES)
def test_cases_are_the_same_for_the_same_seed_and_valid(name):
    rule = gr.registry[name]
    once, again = (list(_cases.cases(rule, quick=False, seed=3)) for _ in range(2))
    names = [case.name for case in once]
    assert len(set(names)) == len(names)
    for one, two in zip(once, again, strict=True):
        same = zip(one.primals, two.primals, strict=True)
        assert all(np.array_equal(p, q, equal_nan=True) for p, q in same)
        assert one.kind == "edge" or _cases.valid(rule, one.dtype, one.primals)
    kinds = {case.name.partition(" ")[0] for case in once}
    assert "general" in kinds
    if rule.declaration.sample is None and rule in SQUARE:
        assert {"nonnormal", "close", "spread", "clustered", "mixed", "bank:"} <= kinds
    other = next(_cases.cases(rule, quick=False, seed=4))
    assert not np.array_equal(other.primals[0], once[0].primals[0])


def test_a_kind_that_contradicts_what_a_rule_needs_is_refused():
    with pytest.raises(ValueError, match="100 singular inputs"):
        _cases.draw(gr.inv, np.random.default_rng(0), "float64", kind="singular")


def test_the_bank_has_what_its_names_say():
    def pairs(a):
        return np.linalg.eigvalsh(a)

    assert np.linalg.cond(_bank.hilbert(5)) > 1e5
    assert np.linalg.det(_bank.pascal(5)) == pytest.approx(1)
    assert np.linalg.det(_bank.frank(5)) == pytest.approx(1)
    assert np.allclose(pairs(_bank.clement(5)), [-4, -2, 0, 2, 4])
    assert np.diff(pairs(_bank.wilkinson(21)))[-1] < 1e-13
    assert pairs(_bank.moler(5))[0] < 0.01
    rosser = 10 * np.sqrt(10405), 510 + 100 * np.sqrt(26), 510 - 100 * np.sqrt(26)
    known = np.sort([-rosser[0], 0, rosser[2], 1000, 1000, rosser[1], 1020, rosser[0]])
    assert np.allclose(pairs(_bank.rosser()), known)
    assert np.allclose(pairs(_bank.ring(6)), [0, 1, 1, 3, 3, 4])
    values = np.linalg.eigvals(_bank.grcar(5))
    assert np.any(np.abs(values.imag) > 1)


def test_every_known_bug_is_tried():
    tried = {
        case.name.removeprefix("bug: ").rpartition(" ")[0]
        for rule in RULES.values()
        for case in _cases.named(rule)
    }
    assert {entry.name for entry in _bank.BUGS} <= tried
