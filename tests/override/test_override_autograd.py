"""Code that is written for autograd's own functions, under an override."""

import numpy as np
import overriding
import pytest

import gradrules as gr

autograd = pytest.importorskip("autograd")
pytest.importorskip("scipy")
import autograd.numpy as anp  # noqa: E402
import autograd.scipy.linalg as asl  # noqa: E402
from autograd.core import make_vjp  # noqa: E402

ALIASES = overriding.aliases("autograd")
SINGULAR = np.asarray([[1.0, 2.0], [2.0, 4.0]])
COFACTORS = np.asarray([[4.0, -2.0], [-2.0, 1.0]])


@pytest.mark.parametrize(("native", "path", "dtype"), overriding.cells(ALIASES))
def test_every_alias(native, path, dtype, monkeypatch):
    overriding.check_alias("autograd", native, path, dtype, monkeypatch)


@pytest.mark.parametrize(("native", "path", "dtype"), overriding.cells(ALIASES))
def test_value_is_native_while_differentiated(native, path, dtype):
    rule = gr.adapters.lookup(native.rule)
    first, *rest = overriding.inputs(rule, dtype)
    call = overriding.caller(native, path, (first, *rest))
    expected = call(first, *rest)

    def at(which):
        def f(x):
            return overriding.leaves(call(x, *rest))[which]

        return f

    with gr.override("autograd"):
        for i, theirs in enumerate(overriding.leaves(expected)):
            found = make_vjp(at(i), first)[1]
            assert np.asarray(found).tobytes() == np.asarray(theirs).tobytes()


def test_det_at_a_singular_matrix_and_native_again_afterwards():
    before = anp.linalg.det, asl.det

    def loss(a):
        return anp.linalg.det(a) + asl.det(a)

    def numpy_only(a):
        return anp.linalg.det(a)

    with pytest.raises(np.linalg.LinAlgError):
        autograd.grad(numpy_only)(SINGULAR)
    with gr.override("autograd"):
        np.testing.assert_allclose(autograd.grad(loss)(SINGULAR), 2 * COFACTORS, rtol=1e-14)
    assert (anp.linalg.det, asl.det) == before
    with pytest.raises(np.linalg.LinAlgError):
        autograd.grad(numpy_only)(SINGULAR)


def test_what_has_no_gradient_natively_gets_one():
    def loss(a):
        return anp.sum(asl.expm(a)) + anp.sum(anp.linalg.eigvalsh(a) ** 3)

    a = overriding.inputs(gr.eigvalsh, "float64")[0]
    with pytest.raises(NotImplementedError):
        autograd.grad(loss)(a)
    with gr.override("autograd"):
        found = autograd.grad(loss)(a)
    frechet = gr.expm.vjp(a)[1](np.ones_like(a))[0]
    power = 3 * a @ a
    triangle = np.tril(power, -1) * 2 + np.diag(np.diag(power))
    np.testing.assert_allclose(found, frechet + triangle, rtol=1e-12, atol=1e-12)


def test_forward_mode_and_second_order_of_slogdet():
    a, d, e = np.random.default_rng(0).standard_normal((3, 3, 3))

    def along(x):
        return autograd.make_jvp(lambda z: anp.linalg.slogdet(z)[1])(x)(d)[1]

    with pytest.raises(NotImplementedError):
        autograd.make_jvp(along)(a)(e)
    with gr.override("autograd", "slogdet"):
        found = autograd.make_jvp(along)(a)(e)[1]
    y = np.linalg.inv(a)
    assert found == pytest.approx(-np.trace(y @ d @ y @ e), rel=1e-12)


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_the_gradient_lives_in_the_triangle_that_is_read(uplo):
    a = overriding.inputs(gr.eigh, "float64")[0]

    def loss(x):
        w, v = anp.linalg.eigh(x, UPLO=uplo)
        return anp.sum(w**2) + v[0, 0] ** 2

    native = autograd.grad(loss)(a)
    with gr.override("autograd"):
        found = autograd.grad(loss)(a)
    np.testing.assert_allclose(found, native, rtol=1e-12, atol=1e-12)
    assert not (np.triu(found, 1) if uplo == "L" else np.tril(found, -1)).any()


@pytest.mark.parametrize(
    "call",
    [
        lambda a: asl.inv(a, overwrite_a=True),
        lambda a: asl.solve(a, a, transposed=True),
        lambda a: asl.solve(a, a, assume_a="pos"),
        lambda a: asl.eigh(a, eigvals_only=True),
        lambda a: anp.linalg.det(a),
        lambda a: anp.linalg.det(a.astype(int)),
    ],
)
def test_what_no_rule_serves_and_what_is_not_differentiated_stays_native(call, monkeypatch):
    a = np.asarray([[2.0, 1.0], [1.0, 3.0]])
    expected = call(a.copy())
    with gr.override("autograd"), overriding.asked(monkeypatch) as names:
        found = call(a.copy())
    assert type(found) is type(expected)
    assert np.asarray(found).tobytes() == np.asarray(expected).tobytes()
    assert not names


def test_a_vector_right_side():
    a, b = np.asarray([[2.0, 1.0], [0.0, 4.0]]), np.asarray([1.0, 2.0])
    with gr.override("autograd"):
        found = autograd.grad(lambda x: anp.linalg.solve(a, x)[0])(b)
        value = make_vjp(lambda x: anp.linalg.solve(a, x), b)[1]
    np.testing.assert_allclose(found, [0.5, -0.125], rtol=1e-15)
    assert value.shape == (2,)
