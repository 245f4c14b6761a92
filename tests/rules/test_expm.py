"""The exponential where libraries are wrong: at every norm, and far from normal."""

import mpmath
import numpy as np
import pytest

import gradrules as gr

HARD = {
    "torch, degree 8": np.asarray([[0.0, 0.0499], [0.0499, 0.0]]),
    "jax, more than 16 squarings": np.asarray([[-1e6, 1.0], [2.0, -1e6]]),
    "nonnormal": np.asarray([[1.0, 1e6], [0.0, -1.0]]),
    "nilpotent": np.asarray([[0.0, 1e8], [0.0, 0.0]]),
    "nilpotent of order four": np.diag([1e5, 2e5, 3e5], 1),
    "nilpotent, 1e103": np.asarray([[0.0, 1e103], [0.0, 0.0]]),
    "a rotation, badly scaled": np.asarray([[0.0, 1e100], [-1e-100, 0.0]]),
    "skew": np.asarray([[0.0, 1e3], [-1e3, 0.0]]),
    "tiny": np.asarray([[1e-8, 3e-8], [-2e-8, 0.0]]),
    "Jordan block": np.diag([-20.0] * 4) + np.diag([1.0] * 3, 1),
    "SciPy's overscaling": np.triu(np.random.default_rng(0).standard_normal((8, 8)) * 4),
}


# Here the powers, not the norm, are what the error depends on.
EXACT_POWERS = {
    "nonnormal", "nilpotent", "nilpotent of order four", "nilpotent, 1e103", "a rotation, badly scaled"
}  # fmt: skip


def exact(a):
    with mpmath.workdps(60):
        m = mpmath.expm(mpmath.matrix(a.tolist()))
        return np.asarray([[float(m[i, j]) for j in range(m.cols)] for i in range(m.rows)])


@pytest.mark.parametrize("name", HARD)
def test_value(name):
    a = HARD[name]
    truth = exact(a)
    # Rounding grows with the norm after scaling is undone. Where the powers are what matters, that is
    # the bound on |A^k|^(1/k), k >= 19, which for a badly scaled rotation is |A|^(1/19).
    norm = np.abs(a).sum(axis=0).max()
    exponent = 1 / 19 if "badly" in name else 0 if name in EXACT_POWERS else 1
    scale = max(1.0, norm**exponent)
    tolerance = 30 * np.finfo(float).eps * scale
    assert np.allclose(gr.expm(a), truth, rtol=0, atol=tolerance * np.abs(truth).max())


@pytest.mark.parametrize(
    "name", [name for name in HARD if "e103" not in name and "badly" not in name]
)
def test_derivative_is_that_of_the_block_matrix(name):
    a = HARD[name]
    n = len(a)
    e = np.random.default_rng(1).standard_normal(a.shape)
    truth = exact(np.block([[a, e], [np.zeros_like(a), a]]))[:n, n:]
    tolerance = (
        300 * np.finfo(float).eps * max(1.0, np.abs(a).sum(axis=0).max() if name == "skew" else 1)
    )
    if name == "SciPy's overscaling":
        tolerance *= 10
    found = {
        "frechet": gr.expm_frechet(a, e).frechet,
        "jvp": gr.expm.jvp([a], [e])[1],
        "adjoint": gr.expm.vjp(a.T)[1](e)[0],
    }
    for how, value in found.items():
        assert np.allclose(value, truth, rtol=0, atol=tolerance * np.abs(truth).max()), how


def test_a_batch_of_mixed_norms_scales_each_matrix_by_itself():
    small, large = np.asarray([[1e-8, 2e-8], [0.0, 1e-8]]), np.asarray([[0.0, 50.0], [-50.0, 0.0]])
    both = gr.expm(np.stack([small, large]))
    assert np.array_equal(both[0], gr.expm(small))
    assert np.allclose(both[0], exact(small), rtol=4e-16, atol=0)


def test_a_norm_beyond_all_digits_is_nan():
    assert np.all(np.isnan(gr.expm(np.asarray([[0.0, 1e30], [-1e30, 0.0]]))))


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_at_large_norm(dtype):
    a = np.asarray([[0.0, 100.0], [-100.0, 0.0]], dtype=dtype)
    assert np.allclose(gr.expm(a), exact(a.real.astype(float)), atol=100 * 30 * 1.2e-7)
