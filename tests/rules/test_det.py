"""The determinant at singular matrices, at its extremes, and to second order."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

import gradrules as gr


def permutations(n):
    """All permutations with their signs."""
    for p in itertools.permutations(range(n)):
        inversions = sum(p[i] > p[j] for i in range(n) for j in range(i + 1, n))
        yield p, (-1) ** inversions


def derivative(a, *entries):
    """The mixed partial derivative of det in these entries, exactly, by Leibniz' formula."""
    rows = [i for i, _ in entries]
    columns = [j for _, j in entries]
    if len(set(rows)) < len(rows) or len(set(columns)) < len(columns):
        return Fraction(0)
    total = Fraction(0)
    for p, sign in permutations(len(a)):
        if all(p[i] == j for i, j in entries):
            term = Fraction(sign)
            for i in range(len(a)):
                if i not in rows:
                    term *= Fraction(a[i][p[i]])
            total += term
    return total


SINGULAR = {
    "zero": np.zeros((3, 3)),
    "zero pivot": np.asarray([[0.0, 1.0], [0.0, 1.0]]),
    "rank one of three": np.outer([1.0, 2.0, -1.0], [3.0, 0.5, 2.0]),
    "rank two of four": np.asarray([[1.0, 2, 3, 4], [2, 4, 6, 8], [0, 1, 0, 1], [1, 3, 3, 5]]),
    "rank three of four": np.asarray([[1.0, 2, 3, 4], [2, 4, 6, 8], [0, 1, 0, 1], [1, 0, 3, 5]]),
    "diagonal": np.diag([1.0, 2.0, 3.0, 0.0]),
    "zero row": np.asarray([[1.0, 2, 3], [0, 0, 0], [4, 5, 7]]),
    "nearly": np.asarray([[1.0, 1.0], [1.0, 1.0 + 2**-50]]),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_gradient_is_the_cofactors(name):
    a = SINGULAR[name]
    (a_bar,) = gr.det.vjp(a)[1](np.asarray(1.0))
    exact = np.asarray(
        [[float(derivative(a, (i, j))) for j in range(len(a))] for i in range(len(a))]
    )
    assert np.allclose(a_bar, exact, rtol=0, atol=1e-14 * max(1.0, np.abs(exact).max()))


@pytest.mark.parametrize("name", SINGULAR)
def test_hessian_is_exact(name):
    a = SINGULAR[name]
    n = len(a)
    cofactor = gr.adapters.lookup("_cofactor")
    for i, j in np.ndindex(n, n):
        e = np.zeros_like(a)
        e[i, j] = 1.0
        row = cofactor.jvp([a], [e])[1]
        exact = np.asarray(
            [[float(derivative(a, (i, j), (k, m))) for m in range(n)] for k in range(n)]
        )
        assert np.allclose(row, exact, rtol=0, atol=2e-14 * max(1.0, np.abs(a).max() ** (n - 2)))


def test_products_of_singular_values_do_not_overflow():
    d = np.asarray([1e150, 1e150, 1e150, 1e-150, 1e-150, 1e-150])
    (a_bar,) = gr.det.vjp(np.diag(d))[1](np.asarray(1.0))
    assert np.allclose(np.diag(a_bar), 1 / d, rtol=1e-13)


def test_a_third_derivative_is_right_or_nan():
    derivative_of = gr.adapters.lookup("_cofactor_derivative")
    rng = np.random.default_rng(0)
    a, e, f = rng.standard_normal((3, 4, 4))
    third = derivative_of.jvp([a, e], [f, None])[1]
    h = 1e-3
    steps = [derivative_of(a + k * h * f, e) for k in (1, -1, 2, -2)]
    truth = (8 * (steps[0] - steps[1]) - (steps[2] - steps[3])) / (12 * h)
    assert np.allclose(third, truth, rtol=1e-9, atol=1e-9)
    singular = np.diag([1.0, 2.0, 3.0, 0.0])
    assert np.all(np.isnan(derivative_of.jvp([singular, e], [f, None])[1]))


def test_slogdet_at_a_singular_matrix_is_nan_there_only():
    stack = np.stack([np.diag([2.0, 4.0]), np.asarray([[1.0, 2.0], [2.0, 4.0]])])
    (sign, logabsdet), pullback = gr.slogdet.vjp(stack)
    assert logabsdet[1] == -np.inf
    (a_bar,) = pullback((None, np.ones(2)))
    assert np.allclose(a_bar[0], np.diag([0.5, 0.25]), rtol=1e-15)
    assert np.all(np.isnan(a_bar[1]))
    assert sign[0] == 1.0
