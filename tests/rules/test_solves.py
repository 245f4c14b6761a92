"""Solvers against SciPy, and least squares where frameworks are wrong."""

import numpy as np
import pytest

import gradrules as gr

RNG = np.random.default_rng(3)
B = np.asarray([[1.0], [2.0], [-1.0]])


def test_least_squares_at_the_identity_has_a_gradient():
    # NaN in JAX 0.10, by a singular value decomposition with all values equal.
    _, pullback = gr.lstsq.vjp(np.eye(3), B)
    a_bar, b_bar = pullback(np.ones((3, 1)))
    assert np.allclose(a_bar, -np.ones((3, 1)) @ B.T)
    assert np.allclose(b_bar, 1)


@pytest.mark.parametrize("scale", [1e150, 1e-150])
def test_least_squares_of_scaled_matrices(scale):
    a = RNG.standard_normal((3, 2))
    g = np.ones((2, 1))
    plain = gr.lstsq.vjp(a, B)[1](g)
    scaled = gr.lstsq.vjp(scale * a, B)[1](g)
    assert np.allclose(scaled[0] * scale * scale, plain[0], rtol=1e-12)
    assert np.allclose(scaled[1] * scale, plain[1], rtol=1e-12)


def test_the_gradient_of_least_squares_knows_the_residual():
    a = RNG.standard_normal((5, 2))
    b, d = RNG.standard_normal((5, 1)), RNG.standard_normal((5, 2))
    h = 1e-6
    difference = (gr.lstsq(a + h * d, b) - gr.lstsq(a - h * d, b)) / (2 * h)
    a_bar = gr.lstsq.vjp(a, b)[1](np.ones((2, 1)))[0]
    assert np.sum(a_bar * d) == pytest.approx(np.sum(difference), rel=1e-7)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_least_squares_is_numpys_at_any_rank(shape):
    a = RNG.standard_normal((shape[0], 2)) @ RNG.standard_normal((2, shape[1]))
    b = RNG.standard_normal(shape[0])
    assert np.allclose(gr.lstsq(a, b), np.linalg.lstsq(a, b, rcond=1e-12)[0])


@pytest.mark.parametrize("l_and_u", [(1, 1), (2, 0), (1, 2), (0, 0)])
def test_solve_banded_is_scipys(l_and_u):
    scipy_linalg = pytest.importorskip("scipy.linalg")
    ab = RNG.standard_normal((sum(l_and_u) + 1, 6))
    b = RNG.standard_normal((6, 2))
    assert np.allclose(
        gr.solve_banded(ab, b, l_and_u=l_and_u), scipy_linalg.solve_banded(l_and_u, ab, b)
    )


def test_what_belongs_to_no_entry_of_a_band_is_not_looked_at():
    dl, d, du = RNG.standard_normal((3, 4))
    dl[0] = du[-1] = np.nan
    y, pullback = gr.tridiagonal_solve.vjp(dl, d, du, np.ones(4))
    gradients = pullback(y)
    assert all(np.all(np.isfinite(g)) for g in gradients)
    assert gradients[0][0] == 0
    assert gradients[2][-1] == 0


def test_a_band_of_the_wrong_width_is_refused():
    with pytest.raises(gr.errors.ShapeError, match="has 3 rows"):
        gr.solve_banded(np.ones((3, 4)), np.ones(4), l_and_u=(2, 1))


def test_ridge_is_the_solution_of_the_normal_equations():
    a, b = RNG.standard_normal((5, 3)), RNG.standard_normal(5)
    x = np.linalg.solve(a.T @ a + 0.3 * np.eye(3), a.T @ b)
    assert np.allclose(gr.ridge(a, b, np.asarray(0.3)), x)
