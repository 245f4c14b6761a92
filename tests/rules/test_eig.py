"""Eigenvalues of general matrices: distinct ones right, defective ones NaN; pencils."""

import numpy as np
import pytest
import scipy.linalg

import gradrules as gr


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def test_results_are_complex_of_length_one_and_in_the_order_of_numpy():
    a = np.diag([3.0, 1.0, 2.0])
    w, v = gr.eig(a)
    assert w.dtype == v.dtype == np.complex128
    assert np.array_equal(w, [3.0, 1.0, 2.0])
    assert gr.eigvals(a.astype(np.float32)).dtype == np.complex64
    a = random(5, 5)
    w, v = gr.eig(a)
    assert np.allclose(a @ v, v * w, atol=1e-13)
    assert np.allclose(np.linalg.norm(v, axis=0), 1.0, rtol=1e-14)


def test_a_real_matrix_has_a_real_gradient():
    a = random(4, 4)
    (w, v), pullback = gr.eig.vjp(a)
    (a_bar,) = pullback((1j * w, v * np.asarray([1.0, 2j, 3.0, 4.0])))
    assert a_bar.dtype == np.float64
    assert np.allclose(gr.eigvals.vjp(a)[1](np.ones(4, complex))[0], np.eye(4), atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("n", [3, 10])
def test_what_is_defective_is_nan_whatever_hides_it(n, order, dtype):
    for seed in range(5):
        blocks = np.diag(np.r_[np.full(order, 1.5), np.arange(3.0, 3 + n - order)])
        blocks[range(order - 1), range(1, order)] = 1.0
        x = random(n, n, seed=seed).astype(dtype)
        if np.iscomplexobj(x):
            x = x + 1j * random(n, n, seed=seed + 9)
        q = np.linalg.qr(x)[0]
        a = (q @ blocks @ q.conj().T).astype(dtype)
        w, pullback = gr.eigvals.vjp(a)
        assert np.all(np.isnan(pullback(w)[0]))
        _, dot = gr.eigvals.jvp([a], [x.astype(dtype)])
        nearest = np.argsort(np.abs(w - 1.5))
        assert np.all(np.isnan(dot[nearest[:order]]))
        assert np.all(np.isfinite(dot[nearest[order:]]))


def test_one_defective_matrix_of_a_batch_spoils_no_other():
    stack = np.stack([random(2, 2), np.asarray([[1.0, 1e300], [0.0, 1.0]])])
    w, pullback = gr.eigvals.vjp(stack)
    (a_bar,) = pullback(np.ones_like(w))
    assert np.allclose(a_bar[0], np.eye(2))
    assert np.all(np.isnan(a_bar[1]))


def test_a_multiple_eigenvalue_that_is_not_defective_has_the_derivative_of_its_sum():
    x = random(4, 4)
    a = x @ np.diag([2.0, 2.0, 3.0, 5.0]) @ np.linalg.inv(x)
    w, pullback = gr.eigvals.vjp(a)
    inside = np.abs(w - 2) < 1e-6
    (a_bar,) = pullback(inside * (1 + 0j))
    projector = x[:, :2] @ np.linalg.inv(x)[:2]
    assert np.allclose(a_bar, projector.T, atol=1e-11)


def test_large_random_spectra_are_not_taken_for_defective():
    for dtype in (np.float32, np.float64):
        a = random(300, 300).astype(dtype)
        (w, v), pullback = gr.eig.vjp(a)
        assert np.all(np.isfinite(pullback((w, v + 1))[0]))


@pytest.mark.parametrize("definite", [False, True])
def test_pencils_are_the_form_of_two_arrays(definite):
    a, b = random(4, 4), random(4, 4, seed=1)
    if definite:
        a, b = a + a.T, b @ b.T + np.eye(4)
        (w, v), pullback = gr.eigh.vjp(a, b)
        assert np.allclose(w, scipy.linalg.eigh(a, b, eigvals_only=True), rtol=1e-10)
        assert np.allclose(v.T @ b @ v, np.eye(4), atol=1e-12)
        assert np.allclose(gr.eigvalsh(a, b), w, rtol=1e-12)
    else:
        (w, v), pullback = gr.eig.vjp(a, b)
        theirs = scipy.linalg.eigvals(a, b)
        assert np.allclose(np.sort_complex(w), np.sort_complex(theirs), rtol=1e-10)
        assert np.array_equal(gr.eigvals(a, b), w)
    assert np.allclose(a @ v, b @ v * w, atol=1e-11)
    # Of the sum: tr(B^-1 A).
    a_bar, b_bar = pullback((np.ones_like(w), None))
    inverse = np.linalg.inv(b)
    assert np.allclose(a_bar, inverse.T, rtol=1e-9, atol=1e-10)
    assert np.allclose(b_bar, -(inverse @ a @ inverse).T, rtol=1e-9, atol=1e-9)


def test_a_jordan_block_hidden_by_a_large_eigenvalue_is_nan():
    # J = [[20.136..., 1e-3], [0, 20.136...]], rounded after a change of basis: of condition 2e5 only.
    a = np.asarray([[20.136052959945903, 2.959232378945649e-4],
                    [-9.345162986254551e-05, 20.13638555284357]])  # fmt: skip
    e = random(2, 2)
    assert np.all(np.isnan(gr.eigvals.jvp([a], [e])[1]))
    assert np.all(np.isnan(gr.eig.jvp([a], [e])[1].eigenvectors))


def test_schur_of_what_has_no_eigenvectors_is_that_of_scipy_to_the_last_digits():
    q = np.linalg.qr(random(8, 8))[0]
    a = q @ (np.eye(8) + np.eye(8, k=1)) @ q.T
    t, z = gr.schur(a)
    assert np.array_equal(t, np.triu(t))
    assert np.allclose(z @ z.conj().T, np.eye(8), rtol=0, atol=1e-14)
    assert np.allclose(z @ t @ z.conj().T, a, rtol=0, atol=1e-14)
    assert np.allclose(np.abs(t), np.abs(scipy.linalg.schur(a, output="complex")[0]), atol=1e-14)
    # A basis made orthonormal of eigenvectors, which are nearly parallel, would not do.
    v = np.linalg.qr(np.linalg.eig(a)[1])[0]
    assert np.linalg.norm(np.tril(v.conj().T @ a @ v, -1)) > 1e-10
