"""Factorizations against their definitions, SciPy's conventions, and what frameworks get wrong."""

import numpy as np
import pytest

import gradrules as gr

RNG = np.random.default_rng(11)


def numbers(*shape):
    return RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)


SHAPES = [(4, 4), (6, 3), (3, 6), (2, 5, 3), (1, 1), (0, 0)]


def triangular(r, k=0):
    return np.allclose(r, np.triu(r, k))


@pytest.mark.parametrize("shape", SHAPES)
def test_qr_lq_and_rq_are_what_they_say(shape):
    a = numbers(*shape)
    m, n = shape[-2:]
    k = min(m, n)
    q, r = gr.qr(a)
    lower, q2 = gr.lq(a)
    upper, q3 = gr.rq(a)
    for product in (q @ r, lower @ q2, upper @ q3):
        assert np.allclose(product, a)
    assert triangular(r)
    assert triangular(np.swapaxes(lower, -1, -2))
    assert triangular(upper, k - m)
    for rows in (np.conj(np.swapaxes(q, -1, -2)), q2, q3):
        assert np.allclose(rows @ np.conj(np.swapaxes(rows, -1, -2)), np.eye(k))
    assert np.allclose(np.diagonal(r, axis1=-2, axis2=-1).imag, 0)


def test_rq_is_scipys():
    scipy_linalg = pytest.importorskip("scipy.linalg")
    for shape in [(4, 4), (5, 3), (3, 5)]:
        a = RNG.standard_normal(shape)
        ours, theirs = gr.rq(a), scipy_linalg.rq(a, mode="economic")
        assert np.allclose(np.abs(ours.R), np.abs(theirs[0]))
        assert np.allclose(np.abs(ours.Q), np.abs(theirs[1]))


@pytest.mark.parametrize("shape", SHAPES)
def test_lu_is_scipys(shape):
    scipy_linalg = pytest.importorskip("scipy.linalg")
    a = numbers(*shape)
    for ours, theirs in zip(gr.lu(a), scipy_linalg.lu(a), strict=True):
        assert np.allclose(ours, theirs)
    assert gr.lu(a).P.dtype == np.float64


def test_ldl_of_an_indefinite_matrix():
    x = numbers(5, 5)
    a = x + x.conj().T
    low, d = gr.ldl(a)
    assert np.allclose((low * d) @ low.conj().T, a)
    assert d.dtype == np.float64
    assert np.any(d < 0)


def test_the_complete_factorization_of_a_tall_matrix_has_values_and_no_derivative():
    a = RNG.standard_normal((4, 2))
    q, r = gr.qr(a, mode="complete")
    assert q.shape == (4, 4)
    assert np.allclose(q @ r, a)
    with pytest.raises(gr.errors.NotDifferentiableError, match="mode='reduced'"):
        gr.qr.jvp((a,), (a,), mode="complete")
    with pytest.raises(gr.errors.NotDifferentiableError, match="mode='reduced'"):
        gr.lq.jvp((a.T,), (a.T,), mode="complete")


def test_a_rank_deficient_matrix_spoils_no_other_of_the_batch():
    good = RNG.standard_normal((3, 2))
    stack = np.stack([good, np.outer([1.0, 2.0, 3.0], [1.0, 2.0])])
    for rule in (gr.qr, gr.lu):
        y, pullback = rule.vjp(stack)
        (g,) = pullback(tuple(np.ones_like(v) for v in y))
        y_one, alone = rule.vjp(good)
        assert np.allclose(g[0], alone(tuple(np.ones_like(v) for v in y_one))[0])
        assert np.all(np.isnan(g[1]))


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(gr.errors.OptionError, match="mode"):
        gr.qr(np.eye(2), mode="r")
