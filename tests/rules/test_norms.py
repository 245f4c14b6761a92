"""Norms: equal to NumPy's, and what is returned at their kinks."""

import numpy as np
import pytest

import gradrules as gr

INF = float("inf")
rng = np.random.default_rng(0)


@pytest.mark.parametrize("order", [2, 1, 3, 0.5, 0, -1, -2.5, INF, -INF])
@pytest.mark.parametrize("dtype", [float, complex])
def test_vector_norm_equals_numpy(order, dtype):
    x = rng.standard_normal((3, 4)) + (1j if dtype is complex else 0) * rng.standard_normal((3, 4))
    for axis in (0, 1, -1):
        for keepdims in (False, True):
            found = gr.vector_norm(x, axis=axis, keepdims=keepdims, ord=order)
            expected = np.linalg.norm(x, axis=axis, keepdims=keepdims, ord=order)
            assert found.shape == expected.shape
            assert np.allclose(found, expected, rtol=1e-14)
    assert gr.vector_norm(x, ord=order) == pytest.approx(np.linalg.norm(x.ravel(), ord=order))


@pytest.mark.parametrize("order", ["fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_matrix_norm_and_cond_equal_numpy(order):
    x = rng.standard_normal((2, 4, 4))
    for keepdims in (False, True):
        expected = np.linalg.norm(x, ord=order, axis=(-2, -1), keepdims=keepdims)
        assert np.allclose(gr.matrix_norm(x, ord=order, keepdims=keepdims), expected, rtol=1e-13)
    assert np.allclose(gr.cond(x, p=order), np.linalg.cond(x, p=order), rtol=1e-10)


def gradient(rule, x, **options):
    y, pullback = rule.vjp(np.asarray(x), **options)
    return pullback(np.ones_like(y))[0]


def test_subgradients_of_least_norm():
    for order in (1, 2, 3, INF):
        assert np.array_equal(gradient(gr.vector_norm, np.zeros(3), ord=order), np.zeros(3))
    assert np.array_equal(gradient(gr.vector_norm, [3.0, 0.0, -4.0], ord=1), [1, 0, -1])
    assert np.allclose(gradient(gr.vector_norm, [3.0, 1.0, -3.0], ord=INF), [0.5, 0, -0.5])
    assert np.array_equal(gradient(gr.matrix_norm, np.zeros((2, 3))), np.zeros((2, 3)))
    found = gradient(gr.matrix_norm, [[1.0, 2.0], [2.0, 4.0]], ord="nuc")
    assert np.allclose(found, np.asarray([[1.0, 2.0], [2.0, 4.0]]) / 5, rtol=1e-14)


def test_the_gradient_of_the_nuclear_norm_at_equal_values():
    q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    assert np.allclose(gradient(gr.matrix_norm, 3 * q, ord="nuc"), q, rtol=0, atol=1e-14)


def test_special_schatten_and_ky_fan_norms():
    x = rng.standard_normal((4, 3))
    pairs = [
        (gr.schatten_norm(x, p=1), "nuc"), (gr.schatten_norm(x, p=2), "fro"),
        (gr.schatten_norm(x, p=INF), 2), (gr.ky_fan_norm(x, k=1), 2), (gr.ky_fan_norm(x, k=9), "nuc"),
    ]  # fmt: skip
    for value, order in pairs:
        assert value == pytest.approx(np.linalg.norm(x, ord=order), rel=1e-14)
    assert gr.schatten_norm(x, p=4, keepdims=True).shape == (1, 1)


@pytest.mark.parametrize("order", [0, 1, 2, 0.5, np.inf, -np.inf])
def test_the_norm_of_no_entries_is_zero_and_so_is_its_derivative(order):
    x = np.zeros((2, 0))
    y, y_dot = gr.vector_norm.jvp([x], [x], axis=-1, ord=order)
    assert np.array_equal(y, [0.0, 0.0])
    assert np.array_equal(y_dot, [0.0, 0.0])
    assert gr.vector_norm.vjp(x, axis=-1, ord=order)[1](np.ones(2))[0].shape == (2, 0)


def test_the_count_of_entries_jumps_at_zero():
    y, pullback = gr.vector_norm.vjp(np.asarray([3.0, 0.0, -4.0]), ord=0)
    assert y == 2
    assert np.array_equal(pullback(np.asarray(1.0))[0], [0.0, np.nan, 0.0], equal_nan=True)
