"""Products and parts: equal to NumPy's and SciPy's."""

import numpy as np
import pytest
import scipy.linalg

import gradrules as gr

rng = np.random.default_rng(0)
A, B = rng.standard_normal((2, 3)), rng.standard_normal((4, 5))


def test_equal_to_numpy_and_scipy():
    c = rng.standard_normal((6, 3))
    assert np.array_equal(gr.kron(A, B), np.kron(A, B))
    assert np.array_equal(gr.khatri_rao(A, c), scipy.linalg.khatri_rao(A, c))
    assert np.array_equal(gr.cross(A, 2 * A[::-1], axis=-1), np.cross(A, 2 * A[::-1]))
    assert np.array_equal(gr.cross(A.T, A.T[:, ::-1], axis=0), np.cross(A, A[::-1]).T)
    assert np.array_equal(gr.outer(A[0], B[0]), np.outer(A[0], B[0]))
    assert np.allclose(gr.vecdot(A.T, A.T, axis=0), np.sum(A**2, axis=1), rtol=1e-15)
    for offset in range(-3, 5):
        assert np.array_equal(gr.diagonal(A, offset=offset), np.diagonal(A, offset))
        assert gr.trace(A, offset=offset) == pytest.approx(np.trace(A, offset), abs=1e-15)


def test_products_with_vectors():
    v = rng.standard_normal(3)
    for one, two in ((A, v), (v, A.T), (v, v), (A, A.T)):
        y, pullback = gr.matmul.vjp(one, two)
        assert np.allclose(y, one @ two, rtol=1e-15)
        bars = pullback(np.ones_like(y))
        assert (bars[0].shape, bars[1].shape) == (one.shape, two.shape)
    square = rng.standard_normal((3, 3))
    y, pullback = gr.quadratic_form.vjp(v, square, v)
    assert y == pytest.approx(v @ square @ v)
    assert np.allclose(pullback(np.ones_like(y))[1], np.outer(v, v))
    y, pullback = gr.inverse_quadratic_form.vjp(square, v)
    assert y == pytest.approx(v @ np.linalg.solve(square, v))
    w = np.linalg.solve(square.T, v)
    assert np.allclose(pullback(np.ones_like(y))[0], -np.outer(w, np.linalg.solve(square, v)))


def test_a_cross_product_needs_three_components():
    with pytest.raises(gr.errors.ShapeError, match="cross"):
        gr.cross(np.ones(2), np.ones(2))


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 7])
def test_matrix_power_equals_numpy(n):
    x = rng.standard_normal((3, 3))
    assert np.allclose(gr.matrix_power(x, n=n), np.linalg.matrix_power(x, n), rtol=1e-9)


def test_vech_and_unvech():
    x = np.asarray([[1.0, 2, 4], [2, 3, 5], [4, 5, 6]])
    assert np.array_equal(gr.vech(x), np.arange(1.0, 7))
    assert np.array_equal(gr.unvech(gr.vech(x)), x)
    h = np.asarray([[1, 2 - 1j], [2 + 1j, 3]])
    assert np.array_equal(gr.unvech(gr.vech(h)), h)
    with pytest.raises(gr.errors.ShapeError, match="unvech"):
        gr.unvech(np.ones(4))


def test_what_stands_beside_a_diagonal_does_not_matter():
    x = np.asarray([[1.0, np.inf], [np.nan, 2.0]])
    assert gr.trace(x) == 3.0
    assert np.array_equal(gr.diagonal(x), [1.0, 2.0])


def test_tensordot_equals_numpy_and_is_differentiated():
    x, y = rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 4, 5))
    for axes in (0, 1, 2, ((1, 2), (0, 1)), ((-1,), (-2,)), ((2, 1), (1, 0))):
        if axes != 1:
            assert np.allclose(gr.tensordot(x, y, axes=axes), np.tensordot(x, y, axes), rtol=1e-12)
    with pytest.raises(gr.errors.ShapeError, match="tensordot"):
        gr.tensordot(x, y, axes=1)
    with pytest.raises(gr.errors.OptionError, match="axes"):
        gr.tensordot(x, y, axes=(1, 2, 3))
    autograd = pytest.importorskip("autograd")
    found = autograd.grad(lambda a: gr.tensordot(a, y).sum())(x)
    assert np.allclose(found, np.broadcast_to(y.sum(axis=-1), x.shape), rtol=1e-14)


def test_multi_dot_takes_the_cheapest_order(monkeypatch):
    shapes = [(10, 100), (100, 5), (5, 50), (50, 1)]
    arrays = [rng.standard_normal(s) for s in shapes]
    assert np.allclose(gr.multi_dot(arrays), np.linalg.multi_dot(arrays), rtol=1e-12)
    vectors = [arrays[0][0], *arrays[1:3], arrays[3][:, 0]]
    assert gr.multi_dot(vectors) == pytest.approx(np.linalg.multi_dot(vectors))
    assert np.allclose(gr.multi_dot(arrays[:2]), arrays[0] @ arrays[1], rtol=1e-13)
    asked = []
    call = gr.Rule.__call__

    def recorded(self, *arrays, **options):
        asked.append(tuple(a.shape for a in arrays))
        return call(self, *arrays, **options)

    monkeypatch.setattr(gr.Rule, "__call__", recorded)
    gr.multi_dot(arrays)
    assert asked == [((5, 50), (50, 1)), ((100, 5), (5, 1)), ((10, 100), (100, 1))]
    with pytest.raises(gr.errors.ArrayTypeError, match="multi_dot"):
        gr.multi_dot(arrays[:1])
