"""Projections and pseudo-inverses: equal to SciPy's, and where other libraries are wrong."""

import numpy as np
import pytest
import scipy.linalg

import gradrules as gr

rng = np.random.default_rng(0)
SQUARE, TALL, WIDE = (rng.standard_normal(s) for s in ((4, 4), (6, 4), (4, 6)))
DEFICIENT = np.asarray([[1.0, 2, 3, 4], [2, 4, 6, 8], [0, 1, 0, 1], [1, 3, 3, 5]])


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("a", [SQUARE, TALL, WIDE, 1j * TALL + TALL[::-1]])
def test_polar_equals_scipy(a, side):
    u, p = gr.polar(a, side=side)
    expected = scipy.linalg.polar(a, side=side)
    assert np.allclose(u, expected[0], rtol=0, atol=1e-13)
    assert np.allclose(p, expected[1], rtol=0, atol=1e-13)


@pytest.mark.parametrize("values", [(1, 1, 1, 1), (2, 2, 1, 1), (1, 1 + 1e-9, 2, 3)])
def test_the_unitary_factor_at_equal_singular_values(values):
    # JAX 0.10.2, method "svd": NaN at the first, 0.5 off at the second.
    q, r = (scipy.linalg.qr(rng.standard_normal((4, 4)))[0] for _ in range(2))
    a, e = (q * values) @ r, rng.standard_normal((4, 4))
    found = gr.polar.jvp([a], [e])[1].u
    h = 1e-3
    steps = [gr.polar(a + k * h * e).u for k in (1, -1, 2, -2)]
    expected = (8 * (steps[0] - steps[1]) - (steps[2] - steps[3])) / (12 * h)
    assert np.allclose(found, expected, rtol=0, atol=1e-9)


def test_procrustes_equals_scipy_and_rotates_if_asked():
    b = rng.standard_normal(TALL.shape)
    r, scale = gr.orthogonal_procrustes(TALL, b)
    expected = scipy.linalg.orthogonal_procrustes(TALL, b)
    assert np.allclose(r, expected[0], rtol=0, atol=1e-13)
    assert scale == pytest.approx(expected[1], rel=1e-14)
    for figure in (b, b * [1, 1, 1, -1]):
        turn = gr.orthogonal_procrustes(TALL, figure, rotation=True).R
        assert np.linalg.det(turn) == pytest.approx(1.0)
        best = np.linalg.norm(TALL @ turn - figure)
        for _ in range(20):
            g = 0.1 * rng.standard_normal((4, 4))
            other = scipy.linalg.expm(g - g.T) @ turn
            assert np.linalg.norm(TALL @ other - figure) >= best
    with pytest.raises(gr.errors.ArrayTypeError, match="rotation"):
        gr.orthogonal_procrustes(TALL + 0j, b, rotation=True)


@pytest.mark.parametrize("a", [SQUARE, TALL, WIDE, DEFICIENT, DEFICIENT[:2]])
def test_pinv_and_projectors_equal_scipy(a):
    assert np.allclose(gr.pinv(a), np.linalg.pinv(a), rtol=0, atol=1e-13)
    q, z = scipy.linalg.orth(a), scipy.linalg.null_space(a)
    assert np.allclose(gr.range_projector(a), q @ q.T, rtol=0, atol=1e-13)
    assert np.allclose(gr.null_projector(a), z @ z.T, rtol=0, atol=1e-13)
    h = a.T @ a
    assert np.allclose(gr.pinvh(h, rtol=1e-10), scipy.linalg.pinvh(h, rtol=1e-10), atol=1e-10)


@pytest.mark.parametrize("scale", [1e150, 1e-150])
def test_the_gradient_of_pinv_at_any_scale(scale):
    # torch 2.13: 0.66 off at 1e150, NaN at 1e-150.
    g = rng.standard_normal((4, 6))
    (plain,) = gr.pinv.vjp(TALL)[1](g)
    (scaled,) = gr.pinv.vjp(scale * TALL)[1](g * scale)
    assert np.allclose(scaled * scale, plain, rtol=1e-12)


def test_the_derivative_of_pinv_keeps_the_four_equations_at_constant_rank():
    left, right = rng.standard_normal((5, 2)), rng.standard_normal((2, 4))
    left_dot, right_dot = rng.standard_normal((5, 2)), rng.standard_normal((2, 4))
    a, a_dot = left @ right, left_dot @ right + left @ right_dot
    y, y_dot = gr.pinv.jvp([a], [a_dot])
    assert np.allclose(a_dot @ y @ a + a @ y_dot @ a + a @ y @ a_dot, a_dot, atol=1e-12)
    assert np.allclose(y_dot @ a @ y + y @ a_dot @ y + y @ a @ y_dot, y_dot, atol=1e-12)
    for product in (a_dot @ y + a @ y_dot, y_dot @ a + y @ a_dot):
        assert np.allclose(product, product.T, atol=1e-12)


def test_low_rank_approximation_at_equal_values():
    q, r = (scipy.linalg.qr(rng.standard_normal((4, 4)))[0] for _ in range(2))
    a, e = (q * [3.0, 3.0, 1.0, 0.5]) @ r, rng.standard_normal((4, 4))
    found = gr.low_rank_approximation.jvp([a], [e], k=2)[1]
    h = 1e-3
    steps = [gr.low_rank_approximation(a + k * h * e, k=2) for k in (1, -1, 2, -2)]
    expected = (8 * (steps[0] - steps[1]) - (steps[2] - steps[3])) / (12 * h)
    assert np.allclose(found, expected, rtol=0, atol=1e-9)
    assert np.all(np.isnan(gr.low_rank_approximation.jvp([a], [e], k=1)[1]))
