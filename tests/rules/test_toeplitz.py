"""Toeplitz systems: SciPy's meaning, an entry that is not read, and gradients summed along diagonals."""

import tracemalloc

import numpy as np
import scipy.linalg

import gradrules as gr

RNG = np.random.default_rng(7)
C, R = (RNG.standard_normal(4) + 1j * RNG.standard_normal(4) for _ in range(2))
C[0] += 6
B = RNG.standard_normal((4, 3)) + 1j * RNG.standard_normal((4, 3))


def test_columns_rows_and_conjugates_are_those_of_scipy():
    assert np.allclose(gr.solve_toeplitz(C, R, B), scipy.linalg.solve_toeplitz((C, R), B))
    alone = gr.solve_toeplitz(C, C.conj(), B[:, 0])
    assert np.allclose(alone, scipy.linalg.solve_toeplitz(C, B[:, 0]))


def test_gradients_are_sums_along_the_diagonals_of_the_dense_one():
    t = scipy.linalg.toeplitz(C, R)
    y, pullback = gr.solve_toeplitz.vjp(C, R, B)
    dense_y, dense_pullback = gr.solve.vjp(t, B)
    (c_bar, r_bar, b_bar), (t_bar, dense_b_bar) = pullback(y), dense_pullback(dense_y)
    assert np.allclose(b_bar, dense_b_bar)
    assert np.allclose(c_bar, [np.trace(t_bar, -i) for i in range(4)])
    assert np.allclose(r_bar, [0, *(np.trace(t_bar, i) for i in range(1, 4))])


def test_the_first_entry_of_the_row_is_not_looked_at():
    bad = np.concatenate([[np.nan], R[1:]])
    y, dots = gr.solve_toeplitz.jvp([C, bad, B], [C, bad, B])
    assert np.array_equal(y, gr.solve_toeplitz(C, R, B))
    assert np.allclose(dots, 0, atol=1e-15)
    bars = gr.solve_toeplitz.vjp(C, bad, B)[1](y)
    assert bars[1][0] == 0
    assert all(np.all(np.isfinite(bar)) for bar in bars)


def test_a_gradient_needs_no_more_room_than_a_few_matrices():
    n = 200
    c, r, b = RNG.standard_normal((3, n))
    c[0] = n
    pullback = gr.solve_toeplitz.vjp(c, r, b)[1]
    tracemalloc.start()
    try:
        pullback(b)
        assert tracemalloc.get_traced_memory()[1] < 20 * 8 * n**2
    finally:
        tracemalloc.stop()
