"""Degenerate spectra: right, or NaN, or the user's word (`degenerate="project"`)."""

import mpmath
import numpy as np
import pytest
import scipy.linalg

import gradrules as gr

RING = 2 * np.eye(6) - np.roll(np.eye(6), 1, axis=0) - np.roll(np.eye(6), -1, axis=0)


def rotated(values, seed=0, is_complex=False):
    """A dense matrix with these eigenvalues."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((len(values),) * 2)
    if is_complex:
        x = x + 1j * rng.standard_normal(x.shape)
    q = np.linalg.qr(x)[0]
    return (q * np.asarray(values)) @ q.conj().T


def test_the_nondegenerate_eigenvector_beside_a_cluster_has_its_derivative():
    a = np.diag([4.0, 1.0, 1.0])
    a_dot = np.asarray([[0.0, 1.0, 2.0], [1.0, 3.0, 5.0], [2.0, 5.0, -1.0]])
    (_, v), (w_dot, v_dot) = gr.eigh.jvp([a], [a_dot])
    sign = v[0, 2]
    assert np.allclose(v_dot[:, 2] * sign, [0.0, 1 / 3, 2 / 3], rtol=1e-14, atol=1e-15)
    assert np.all(np.isnan(v_dot[:, :2]))
    assert np.all(np.isfinite(w_dot))
    v_bar = np.zeros((3, 3))
    v_bar[:, 2] = [0.3, 0.5, -0.7]
    (a_bar,) = gr.eigh.vjp(a)[1]((None, v_bar))
    assert np.sum(a_bar * a_dot) == pytest.approx(
        np.sum(v_bar * v_dot, where=v_bar != 0), rel=1e-14
    )


def test_a_heat_kernel_through_eigenvectors_is_nan_and_not_eight_percent_off():
    (w, v), pullback = gr.eigh.vjp(RING)
    g = np.zeros((6, 6))
    g[0, 1] = 1.0
    f = np.exp(-w)
    # f[0, 1] = sum_k v[0, k] exp(-w[k]) v[1, k]
    w_bar = -f * v[0] * v[1]
    v_bar = (g + g.T) @ v * f
    assert np.all(np.isnan(pullback((w_bar, v_bar))[0]))
    # What to use instead has the right derivative: exp(-A) itself.
    (a_bar,) = gr.expm.vjp(-RING)[1](g)
    with mpmath.workdps(40):
        h = mpmath.mpf(10) ** -15
        e = np.zeros((6, 6))
        e[2, 3] = 1.0

        def kernel(t):
            return mpmath.expm(mpmath.matrix((-RING).tolist()) + t * mpmath.matrix(e.tolist()))

        truth = float((kernel(h)[0, 1] - kernel(-h)[0, 1]) / (2 * h))
    assert a_bar[2, 3] == pytest.approx(truth, rel=1e-13)


@pytest.mark.parametrize("is_complex", [False, True])
def test_project_is_right_for_a_projector_and_only_changes_clusters(is_complex):
    a = rotated([1.0, 1.0, 2.0, 5.0], is_complex=is_complex)
    rng = np.random.default_rng(3)
    m = rng.standard_normal((4, 4))
    if is_complex:
        m = m + 1j * rng.standard_normal((4, 4))
    m = m + m.conj().T
    (_, v), pullback = gr.eigh.vjp(a, degenerate="project")
    mask = np.asarray([1.0, 1.0, 0.0, 0.0])
    v_bar = 2 * m @ v * mask  # of Re tr(M P), P the projector on the cluster
    (a_bar,) = pullback((None, v_bar))
    # Kato: dP = sum over i in, j out of v_i v_i^H dA v_j v_j^H / (w_i - w_j), plus its adjoint.
    truth = np.zeros_like(a)
    w = np.asarray([1.0, 1.0, 2.0, 5.0])
    for i in range(2):
        for j in range(2, 4):
            p, q = np.outer(v[:, i], v[:, i].conj()), np.outer(v[:, j], v[:, j].conj())
            term = p @ m @ q / (w[i] - w[j])
            truth = truth + term + term.conj().T
    assert np.allclose(a_bar, truth, rtol=1e-12, atol=1e-13)
    assert np.all(np.isnan(gr.eigh.vjp(a)[1]((None, v_bar))[0]))


def test_one_bad_matrix_of_a_batch_spoils_no_other():
    stack = np.stack([rotated([1.0, 2.0, 3.0]), np.eye(3), rotated([1.0, 5.0, 6.0], 1)])
    (_, v), pullback = gr.eigh.vjp(stack)
    g = np.random.default_rng(0).standard_normal(v.shape)
    (a_bar,) = pullback((None, g))
    assert np.all(np.isnan(a_bar[1]))
    for i in (0, 2):
        assert np.allclose(a_bar[i], gr.eigh.vjp(stack[i])[1]((None, g[i]))[0], rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("n", [3, 10, 60])
def test_eigenvalues_repeated_up_to_rounding_are_seen_as_a_cluster(n, dtype):
    for seed in range(5):
        values = np.concatenate([[1.0, 1.0], np.linspace(2.0, 3.0, n - 2)])
        a = rotated(values, seed, np.issubdtype(dtype, np.complexfloating)).astype(dtype)
        (_, v), pullback = gr.eigh.vjp(a)
        v_bar = np.zeros_like(v)
        v_bar[:, 0] = v[:, 1]
        assert np.all(np.isnan(pullback((None, v_bar))[0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_large_random_spectrum_is_not_taken_for_degenerate(dtype):
    x = np.random.default_rng(0).standard_normal((400, 400)).astype(dtype)
    (_, v), pullback = gr.eigh.vjp(x)
    assert np.all(np.isfinite(pullback((None, x))[0]))
    assert v.dtype == dtype


def test_a_triangle_is_read_and_its_gradient_lives_there():
    a = np.random.default_rng(0).standard_normal((3, 3))
    for lower, keep in ((True, np.tril), (False, np.triu)):
        w, pullback = gr.eigvalsh.vjp(a, lower=lower)
        assert np.allclose(w, np.linalg.eigvalsh(a, UPLO="L" if lower else "U"), rtol=1e-14)
        (a_bar,) = pullback(np.asarray([1.0, 0.0, 0.0]))
        assert np.array_equal(a_bar, keep(a_bar))


def test_complex_tangents_are_in_the_declared_gauge():
    a = rotated([1.0, 2.0, 4.0], is_complex=True)
    rng = np.random.default_rng(0)
    a_dot = rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3))
    (_, v), (_, v_dot) = gr.eigh.jvp([a], [a_dot])
    assert np.allclose(np.diag(v.conj().T @ v_dot), 0, atol=1e-15)


@pytest.mark.parametrize("part", [(0, 1), (1, 3), (4, 4)])
def test_a_subset_has_the_derivatives_of_its_columns(part):
    a, a_dot = (np.random.default_rng(i).standard_normal((5, 5)) for i in range(2))
    columns = slice(part[0], part[1] + 1)
    (w, v), pullback = gr.eigh.vjp(a, subset_by_index=part)
    (all_w, all_v), whole = gr.eigh.vjp(a)
    assert np.array_equal(w, all_w[columns])
    assert np.array_equal(v, all_v[:, columns])
    w_bar, v_bar = np.zeros(5), np.zeros((5, 5))
    w_bar[columns], v_bar[:, columns] = w, a_dot[:, columns]
    wanted = whole((w_bar, v_bar))[0]
    assert np.allclose(pullback((w, a_dot[:, columns]))[0], wanted, rtol=1e-12)
    _, dots = gr.eigh.jvp([a], [a_dot], subset_by_index=part)
    _, all_dots = gr.eigh.jvp([a], [a_dot])
    assert np.allclose(dots.eigenvectors, all_dots.eigenvectors[:, columns], rtol=1e-12)


def test_a_subset_does_not_mind_a_cluster_beside_it():
    a = rotated([1.0, 1.0, 1.0, 2.0, 3.0])
    (_, v), pullback = gr.eigh.vjp(a, subset_by_index=(3, 4))
    assert np.all(
        np.isfinite(pullback((None, np.random.default_rng(0).standard_normal(v.shape)))[0])
    )
    (_, v), pullback = gr.eigh.vjp(a, subset_by_index=(2, 2))
    assert np.all(np.isnan(pullback((None, np.random.default_rng(0).standard_normal(v.shape)))[0]))


@pytest.mark.parametrize("part", [(1, 0), (-1, 1), [0, 1], (0, 1, 2), (0, 3)])
def test_a_subset_that_is_none_is_refused(part):
    with pytest.raises(gr.errors.OptionError, match="subset_by_index"):
        gr.eigh(np.eye(3), subset_by_index=part)


def test_a_projector_has_all_derivatives_where_its_range_is_a_cluster():
    a = rotated([1.0, 1.0, 1.0, 4.0, 4.0], is_complex=True)
    rng = np.random.default_rng(1)
    d = rng.standard_normal((5, 5)) + 1j * rng.standard_normal((5, 5))
    d = d + d.conj().T
    p, dot = gr.spectral_projector.jvp([a], [d], subset_by_index=(0, 2))
    q = np.eye(5) - p
    assert np.allclose(p @ p, p, atol=1e-14)
    assert np.allclose(dot, (p @ d @ q + q @ d @ p) / (1.0 - 4.0), atol=1e-13)
    assert np.all(np.isnan(gr.spectral_projector(a, subset_by_index=(0, 1))))
    with pytest.raises(gr.errors.OptionError, match="subset_by_index"):
        gr.spectral_projector(a, subset_by_index=None)


def test_a_tridiagonal_matrix_has_the_derivatives_of_the_dense_one():
    rng = np.random.default_rng(0)
    d, e, d_dot, e_dot = (rng.standard_normal(k) for k in (5, 4, 5, 4))
    w, v = gr.eigh_tridiagonal(d, e)
    assert np.allclose(w, scipy.linalg.eigh_tridiagonal(d, e, eigvals_only=True), rtol=1e-12)
    a, a_dot = (np.diag(p) + np.diag(q, 1) + np.diag(q, -1) for p, q in ((d, e), (d_dot, e_dot)))
    assert np.allclose(a @ v, v * w, atol=1e-13)
    _, dots = gr.eigh_tridiagonal.jvp([d, e], [d_dot, e_dot])
    _, dense = gr.eigh.jvp([a], [a_dot])
    assert np.allclose(dots.eigenvalues, dense.eigenvalues, rtol=1e-11)
    assert np.allclose(dots.eigenvectors, dense.eigenvectors, rtol=1e-10)
    d_bar, e_bar = gr.eigh_tridiagonal.vjp(d, e)[1]((w, v * d))
    (a_bar,) = gr.eigh.vjp(a)[1]((w, v * d))
    assert np.allclose(d_bar, np.diag(a_bar), rtol=1e-11)
    assert np.allclose(e_bar, 2 * np.diag(a_bar, 1), rtol=1e-10)
    with pytest.raises(gr.errors.ArrayTypeError, match=r"eigh_tridiagonal.*complex"):
        gr.eigh_tridiagonal(d, 1j * e)
