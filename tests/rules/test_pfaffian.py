"""The Pfaffian: its square, its gradient at singular matrices, and pseudo-determinants."""

import numpy as np
import pytest

import gradrules as gr

RNG = np.random.default_rng(2)


@pytest.mark.parametrize("n", [2, 4, 6, 10])
@pytest.mark.parametrize("kind", [0, 1j])
def test_its_square_is_the_determinant(n, kind):
    x = RNG.standard_normal((3, n, n)) + kind * RNG.standard_normal((3, n, n))
    a = x - np.swapaxes(x, -1, -2)
    assert np.allclose(gr.pfaffian(a) ** 2, np.linalg.det(a))


def test_it_is_zero_for_an_odd_order():
    x = RNG.standard_normal((5, 5))
    y, pullback = gr.pfaffian.vjp(x - x.T)
    assert y == 0
    assert np.all(pullback(np.asarray(1.0))[0] == 0)


def test_the_gradient_at_rank_two_of_four():
    # pf = a12 a34 - a13 a24 + a14 a23
    u, v = RNG.standard_normal((2, 4))
    a = np.outer(u, v) - np.outer(v, u)
    (g,) = gr.pfaffian.vjp(a)[1](np.asarray(1.0))
    want = np.zeros((4, 4))
    want[0, 1], want[0, 2], want[0, 3] = a[2, 3], -a[1, 3], a[1, 2]
    want[1, 2], want[1, 3], want[2, 3] = a[0, 3], -a[0, 2], a[0, 1]
    assert np.allclose(g, (want - want.T) / 2, rtol=1e-12, atol=1e-14)


def test_the_sign_is_that_of_a_permutation():
    a = np.kron(np.eye(3), [[0.0, 1.0], [-1.0, 0.0]])
    p = np.eye(6)[[1, 0, 2, 3, 5, 4]]
    q = np.eye(6)[[1, 0, 2, 3, 4, 5]]
    assert gr.pfaffian(a) == 1
    assert gr.pfaffian(p @ a @ p.T) == 1
    assert gr.pfaffian(q @ a @ q.T) == -1


def test_the_logarithm_of_a_pseudo_determinant():
    x = RNG.standard_normal((5, 2))
    a = x @ x.T
    assert gr.logpdet(a) == pytest.approx(np.linalg.slogdet(x.T @ x)[1])
    (g,) = gr.logpdet.vjp(a)[1](np.asarray(1.0))
    assert np.allclose(g, np.linalg.pinv(a))


def test_the_gradient_of_a_pseudo_determinant_keeps_the_digits_of_a_spread_spectrum():
    q = np.linalg.qr(RNG.standard_normal((4, 4)))[0]
    w = np.array([1.0, 1e-5, 1e-11, 0.0])
    a = (q * w) @ q.T
    (g,) = gr.pdet.vjp(a)[1](np.asarray(1.0))
    found = np.diagonal(q.T @ g @ q)
    want = np.array([1e-16, 1e-11, 1e-5])
    # Rounding of the matrix changes 1e-10 of it; that of the small eigenvalue, in A^+, 1e-5.
    assert np.allclose(found[:3], want, rtol=0, atol=1e-10 * want.max())
