"""Singular values and vectors: right, or NaN, or the user's word; every shape."""

import numpy as np
import pytest

import gradrules as gr


def random(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def with_values(values, m, n, seed=0):
    k = len(values)
    u = np.linalg.qr(random(m, k, seed=seed))[0]
    v = np.linalg.qr(random(n, k, seed=seed + 1))[0]
    return (u * np.asarray(values)) @ v.conj().T


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 4, 3)])
@pytest.mark.parametrize("full_matrices", [True, False])
def test_values_are_the_librarys(shape, full_matrices):
    a = random(*shape)
    for ours, theirs in zip(
        gr.svd(a, full_matrices=full_matrices), np.linalg.svd(a, full_matrices), strict=True
    ):
        assert np.array_equal(ours, theirs)
    assert gr.svd(a)._fields == ("U", "S", "Vh")
    assert np.allclose(gr.svdvals(a), np.linalg.svd(a, compute_uv=False), rtol=1e-14)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5)])
def test_full_matrices_have_the_derivatives_of_thin_ones_where_there_are_any(shape):
    a, a_dot = random(*shape), random(*shape, seed=1)
    _, thin = gr.svd.jvp([a], [a_dot], full_matrices=False)
    _, full = gr.svd.jvp([a], [a_dot])
    assert np.allclose(full.U[:, :3], thin.U, rtol=1e-12)
    assert np.allclose(full.Vh[:3], thin.Vh, rtol=1e-12)
    assert np.all(np.isnan(full.U[:, 3:]))
    assert np.all(np.isnan(full.Vh[3:]))
    (u, _s, vh), pullback = gr.svd.vjp(a)
    bars = [random(*u.shape), np.ones(3), random(*vh.shape, seed=3)]
    bars[0][:, 3:] = bars[2][3:] = 0
    wanted = gr.svd.vjp(a, full_matrices=False)[1]((bars[0][:, :3], bars[1], bars[2][:3]))[0]
    assert np.allclose(pullback(tuple(bars))[0], wanted, rtol=1e-12)
    assert np.allclose(pullback((None, bars[1], None))[0], u[:, :3] @ vh[:3], rtol=1e-12)
    bars[0 if shape[0] > 3 else 2][-1, -1] = 1.0
    assert np.all(np.isnan(pullback(tuple(bars))[0]))


@pytest.mark.parametrize("present", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)])
def test_absent_cotangents_are_zeros(present):
    a = random(4, 3)
    y, pullback = gr.svd.vjp(a, full_matrices=False)
    bars = [random(*v.shape, seed=i) for i, v in enumerate(y)]
    bars[1] = bars[1].real
    absent = tuple(b if i in present else None for i, b in enumerate(bars))
    zeros = tuple(b if i in present else 0 * b for i, b in enumerate(bars))
    assert np.allclose(pullback(absent)[0], pullback(zeros)[0], rtol=1e-11, atol=1e-13)


def test_a_cluster_leaves_the_other_vectors_alone():
    a = with_values([3.0, 1.0, 1.0], 5, 3)
    (u, _s, _vh), pullback = gr.svd.vjp(a, full_matrices=False)
    bar = np.zeros_like(u)
    bar[:, 0] = random(5)
    assert np.all(np.isfinite(pullback((bar, None, None))[0]))
    bar[:, 1] = random(5)
    assert np.all(np.isnan(pullback((bar, None, None))[0]))
    _, dot = gr.svd.jvp([a], [random(5, 3)], full_matrices=False)
    assert np.all(np.isfinite(dot.S))
    assert np.all(np.isfinite(dot.U[:, 0]))
    assert np.all(np.isnan(dot.U[:, 1:]))


def test_project_is_right_for_the_projector_on_the_range_of_a_cluster():
    a, m = with_values([3.0, 1.0, 1.0], 5, 3), random(5, 5)
    m = m + m.conj().T
    (u, _, _), pullback = gr.svd.vjp(a, full_matrices=False, degenerate="project")
    mask = np.asarray([0.0, 1.0, 1.0])
    (a_bar,) = pullback((2 * m @ u * mask, None, None))
    # Of Re tr(M P), with the projector P on the eigenvalue 1 of the Hermitian matrix A A^H.
    w, q = np.linalg.eigh(a @ a.conj().T)
    inside = np.abs(w - 1) < 1e-9
    gap = np.where(
        inside[:, None] != inside, 1 / np.where(inside[:, None] != inside, w[:, None] - w, 1), 0
    )
    gap = np.where(inside[:, None], gap, -gap)
    h = q @ (gap * (q.conj().T @ m @ q)) @ q.conj().T
    assert np.allclose(a_bar, 2 * h @ a, rtol=1e-11, atol=1e-12)


def test_a_real_matrix_with_one_vanishing_value_has_its_vectors():
    a = np.asarray([[1.0, 2.0], [2.0, 4.0]])
    (u, s, _vh), pullback = gr.svd.vjp(a)
    assert s[1] < 1e-15
    bar = np.asarray([[0.3, -0.4], [1.0, 2.0]])
    (a_bar,) = pullback((bar, None, None))
    step = 1e-6 * np.asarray([[1.0, -2.0], [0.5, 3.0]])
    plus, minus = (np.linalg.svd(a + t * step)[0] for t in (1, -1))
    plus, minus = (v * np.sign(np.sum(v * u, axis=0)) for v in (plus, minus))
    assert np.sum(a_bar * step) == pytest.approx(np.sum(bar * (plus - minus)) / 2, rel=1e-7)


def test_close_values_are_as_right_as_their_distance_allows():
    # A difference of squares would have lost the digits that s_1 - s_0 has.
    a = np.diag([1.0, 1.0 - 2.0**-30])
    _, dot = gr.svd.jvp([a], [np.asarray([[0.0, 1.0], [1.0, 0.0]])])
    assert np.abs(dot.U[0, 1]) == pytest.approx(2.0**30, rel=1e-9)


def test_data_that_are_not_finite_come_back_as_nan():
    stack = random(2, 3, 3)
    stack[1, 0, 0] = np.inf
    for part in (*gr.svd(stack), gr.svdvals(stack)):
        assert np.all(np.isfinite(part[0]))
        assert np.all(np.isnan(part[1]))
