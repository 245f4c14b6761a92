"""Triangles: what is not read may hold anything, and a factor solves as its matrix does."""

import numpy as np
import pytest

import gradrules as gr

RNG = np.random.default_rng(5)
X = RNG.standard_normal((4, 4)) + 1j * RNG.standard_normal((4, 4))
A = X @ X.conj().T + np.eye(4)
B = RNG.standard_normal((4, 2)) + 0j


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit_diagonal", [False, True])
def test_what_is_not_read_is_not_looked_at(lower, unit_diagonal):
    read = np.tril(np.ones((4, 4)), -int(unit_diagonal))
    read = (read if lower else read.T) != 0
    t = np.where(read, X, np.nan)
    clean = np.where(read, X, 0) + unit_diagonal * np.eye(4)
    y, pullback = gr.solve_triangular.vjp(t, B, lower=lower, unit_diagonal=unit_diagonal)
    assert np.allclose(clean @ y, B)
    t_bar, b_bar = pullback(y)
    assert np.all(t_bar[~read] == 0)
    assert np.all(np.isfinite(t_bar))
    assert np.all(np.isfinite(b_bar))


@pytest.mark.parametrize(("trans", "op"), [(0, X), ("T", X.T), (2, X.conj().T)])
def test_transposes_are_numbered_as_in_scipy(trans, op):
    t = np.triu(X) if trans == 0 else np.tril(X.T if trans == "T" else X.conj().T)
    lower = trans != 0
    full = np.triu(op) if trans == 0 else np.triu(X)
    y = gr.solve_triangular(t, B, trans=trans, lower=lower)
    assert np.allclose(full @ y, B)


@pytest.mark.parametrize("upper", [False, True])
def test_a_factor_solves_as_its_matrix_does(upper):
    factor = gr.cholesky(A, upper=upper)
    assert np.allclose(gr.cho_solve(factor, B, lower=not upper), np.linalg.solve(A, B))
    assert gr.logdet(A) == pytest.approx(np.linalg.slogdet(A)[1])


def test_options_that_do_not_exist_are_refused():
    with pytest.raises(gr.errors.OptionError, match="trans"):
        gr.solve_triangular(X, B, trans=3)
