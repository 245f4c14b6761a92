"""What `gradrules check` does not try: whose derivative runs, and what MLX cannot do."""

import gc

import mlx.core as mx
import numpy as np
import pytest
from gradrules_mlx import adapter

import gradrules as gr
from gradrules.errors import NotDifferentiableError, UnsupportedTransformError

xp, transforms = adapter.xp, adapter.transforms
RNG = np.random.default_rng(0)


def array(value):
    return transforms.array(np.asarray(value))


def close(got, want, tolerance=1e-12):
    got, want = transforms.numpy(got), np.asarray(want)
    return bool(np.max(np.abs(got - want)) <= tolerance * max(1.0, np.max(np.abs(want))))


A = array(RNG.standard_normal((3, 3)))
B = array(RNG.standard_normal((3, 3)))


# -- our derivative, and no other --------------------------------------------------------------


@gr.rule(name="tests.marked", signature="(n,n)->(n,n)")
def marked(x, /):
    """A square, with wrong factors in its derivatives: 3 forwards, 5 backwards."""
    return x @ x


@marked.def_jvp
def marked_jvp(primals, outputs, tangents):
    (x,), (d,) = primals, tangents
    return 3 * (x @ d + d @ x)


@marked.def_vjp
def marked_vjp(primals, outputs, cotangents, *, xp):
    (x,), (g,) = primals, cotangents
    t = xp.matrix_transpose(x)
    return 5 * (t @ g + g @ t)


def total(x):
    return mx.sum(marked(x))


def slope(x):
    t = mx.matrix_transpose(x)
    return t @ mx.ones_like(x) + mx.ones_like(x) @ t


@pytest.mark.parametrize(
    "gradient",
    [
        mx.grad(total),
        mx.compile(mx.grad(total)),
        mx.grad(mx.compile(total)),
        mx.grad(mx.checkpoint(total)),
        lambda x: mx.vmap(mx.grad(total))(mx.stack([x, 2 * x]))[0],
        lambda x: mx.vmap(mx.grad(total), in_axes=2)(mx.stack([x, 2 * x], axis=2))[0],
        lambda x: mx.grad(lambda y: mx.sum(mx.vmap(marked)(mx.stack([y]))))(x),
    ],
)
def test_our_vjp_runs(gradient):
    assert close(gradient(A), 5 * np.array(slope(A)))


@pytest.mark.parametrize("f", [marked, mx.compile(marked), mx.checkpoint(marked)])
def test_our_jvp_runs(f):
    _, (tangent,) = mx.jvp(f, [A], [B])
    assert close(tangent, 3 * np.array(A @ B + B @ A))


def test_second_order_is_that_of_our_derivative():
    # The derivative of 5 (X^T G + G X^T): products are MLX's own, so the factor appears once.
    def along(x):
        return mx.sum(mx.grad(total)(x) * B)

    t = np.array(mx.matrix_transpose(B))
    ones = np.ones((3, 3))
    assert close(mx.grad(along)(A), 5 * (ones @ t + t @ ones))


# -- rules as users call them ------------------------------------------------------------------


def test_gradient_of_a_singular_determinant():
    assert close(mx.grad(gr.det)(array([[1.0, 2.0], [2.0, 4.0]])), [[4.0, -2.0], [-2.0, 1.0]])


def test_an_absent_cotangent():
    assert close(mx.grad(lambda x: mx.sum(gr.eigh(x)[0]))(A), np.eye(3))
    by_values = mx.grad(lambda x: gr.eigh(x)[0][0])(A)
    assert close(by_values, np.array(mx.grad(lambda x: gr.eigvalsh(x)[0])(A)))


def test_the_loss_uses_some_outputs_at_a_degenerate_matrix():
    gradient = mx.grad(lambda x: mx.sum(gr.eigh(x)[0] ** 2))(mx.eye(3, dtype=mx.float64))
    assert close(gradient, 2 * np.eye(3))


def test_options_are_static():
    lower, upper = (mx.grad(lambda x, o=o: gr.eigvalsh(x, lower=o)[0])(A) for o in (True, False))
    assert close(mx.triu(lower, k=1), np.zeros((3, 3)))
    assert close(mx.tril(upper, k=-1), np.zeros((3, 3)))
    with pytest.raises(gr.errors.OptionError, match="unknown option 'side'"):
        gr.eigh(A, side="left")


def test_one_of_two_arguments():
    inverse = np.linalg.inv(np.array(A))
    gradient = mx.grad(lambda b: mx.sum(gr.solve(A, b)))(B)
    assert close(gradient, inverse.T @ np.ones((3, 3)), 1e-10)


def test_one_argument_is_mapped():
    stack = mx.stack([B, 2 * B])
    found = mx.vmap(lambda b: gr.solve(A, b), in_axes=0)(stack)
    assert close(found[1], 2 * np.linalg.solve(np.array(A), np.array(B)), 1e-10)


def test_nan_stays_in_its_matrix():
    damaged = np.stack([np.array(A), np.array(B)])
    damaged[0, 0, 0] = np.nan
    gradient = np.array(mx.grad(lambda x: mx.sum(gr.det(x)))(array(damaged)))
    assert np.isnan(gradient[0]).any()
    assert np.isfinite(gradient[1]).all()


def test_a_singular_matrix_spoils_no_other():
    stack = array([[[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]]])
    found = np.array(gr.inv(stack))
    assert np.isnan(found[0]).all()
    assert np.allclose(found[1], [[1, 0], [0, 0.5]])


@pytest.mark.parametrize("rule", [gr.inv, gr.det, gr.eigh, gr.expm], ids=lambda rule: rule.name)
def test_matrices_of_order_zero(rule):
    mx.eval(rule(mx.zeros((2, 0, 0), dtype=mx.float64)))


def test_an_input_without_derivative():
    @gr.rule(name="tests.scaled", nondifferentiable="by", replace=True)
    def scaled(x, by, /):
        """x times a constant."""
        return x * by

    @scaled.def_jvp
    def jvp(primals, outputs, tangents):
        return tangents[0] * primals[1]

    @scaled.def_vjp
    def vjp(primals, outputs, cotangents):
        return cotangents[0] * primals[1], None

    assert close(mx.grad(lambda x: mx.sum(scaled(x, B)))(A), B)
    with pytest.raises(NotDifferentiableError, match="'by' is declared not differentiable"):
        mx.jvp(lambda b: scaled(A, b), [B], [B])
    assert np.isnan(np.array(mx.grad(lambda b: mx.sum(scaled(A, b)))(B))).all()


def test_memory_is_flat():
    gradient = mx.grad(lambda x: mx.sum(gr.expm(x)))
    sizes = []
    for _ in range(3):
        for _ in range(20):
            mx.eval(gradient(A))
        gc.collect()
        sizes.append((len(gc.get_objects()), mx.get_active_memory()))
    assert sizes[2][0] - sizes[1][0] < 50
    assert sizes[2][1] <= sizes[1][1]


# -- the namespace -----------------------------------------------------------------------------

SMOOTH = "exp log log1p log2 log10 sqrt square tanh sinh cosh asinh acosh atan abs reciprocal"


@pytest.mark.parametrize("name", SMOOTH.split())
def test_functions_are_of_double_precision_and_so_are_their_derivatives(name):
    x = np.linspace(0.2, 1.2, 7) + (name == "acosh")
    f, reference = getattr(xp, name), getattr(np, name)
    assert close(f(array(x)), reference(x), 1e-14)

    def difference(h):
        return (reference(x + h) - reference(x - h)) / (2 * h)

    wide, narrow = difference(np.longdouble(2e-4)), difference(np.longdouble(1e-4))
    derivative = (4 * narrow - wide) / 3
    _, (tangent,) = mx.jvp(f, [array(x)], [array(np.ones(7))])
    _, (cotangent,) = mx.vjp(f, [array(x)], [array(np.ones(7))])
    assert close(tangent, derivative, 1e-9)
    assert close(cotangent, derivative, 1e-9)


def test_second_derivative_of_a_complex_absolute_value():
    z, d = mx.array([0.3 + 0.4j, 0j]), mx.array([1.0 + 0j, 1.0 + 0j])

    def gradient(x):
        return mx.grad(lambda y: mx.sum(xp.abs(y)))(x)

    _, (change,) = mx.jvp(gradient, [z], [d])
    assert close(change[0], 0.4 * (0.4 - 0.3j) / 0.125, 1e-5)
    assert close(gradient(z)[1], 0)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: gr.inv(mx.array([[1j]])), "complex inverse"),
        (lambda: mx.grad(lambda x: mx.real(gr.det(x)))(mx.array([[1j]])), "complex determinant"),
        (lambda: mx.vmap(lambda x: xp.sin(x))(A), "float64 function"),
        (lambda: xp.pow(mx.array(1j), 2), "complex power"),
    ],
)
def test_what_mlx_cannot_do_is_refused_by_name(call, reason):
    with pytest.raises(UnsupportedTransformError, match=transforms.missing[reason]):
        call()
