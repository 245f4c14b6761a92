"""What a rule of a function promises beside its derivatives: refusals, trees, plain arrays, NaN."""

import gc
import weakref

import numpy as np
import pytest

import gradrules as gr
from gradrules import errors
from gradrules.testing import _backends

FRAMEWORKS = [name for name in _backends.installed() if name not in _backends.PLAIN]
A = np.asarray([[4.0, 1.0, 0.5], [0.0, 3.0, 1.0], [0.25, 0.5, 2.0]])
B = np.asarray([1.0, -2.0, 0.5])
pytestmark = pytest.mark.usefixtures("x64")


def dense(x, p):
    return p["a"] @ x


def dense_jvp(xs, dxs):
    (x, p), (dx, dp) = xs, dxs
    parts = [] if dx is None else [p["a"] @ dx]
    return sum(parts if dp["a"] is None else [*parts, dp["a"] @ x])


def dense_vjp(xs, y):
    x, p = xs
    return p["a"].T @ y, {"a": np.outer(y, x)}


GIVEN = gr.function(dense, jvp=dense_jvp, vjp=dense_vjp)


@gr.rule(signature="(n),(n,n)->(n)", register=False)
def times(x, a):
    return (a @ x[..., None])[..., 0]


@times.def_vjp
def times_vjp(primals, outputs, cotangents, *, xp):
    (x, a), (y,) = primals, cotangents
    return (xp.matrix_transpose(a) @ y[..., None])[..., 0], y[..., None] * x[..., None, :]


# -- plain arrays ----------------------------------------------------------------------------------


def test_plain_arrays_with_given_derivatives():
    x, pullback = gr.solve_action.vjp(GIVEN, B, {"a": A})
    b_bar, p_bar = pullback(np.ones(3))
    np.testing.assert_allclose(x, np.linalg.solve(A, B), rtol=1e-13)
    np.testing.assert_allclose(b_bar, np.linalg.solve(A.T, np.ones(3)), rtol=1e-13)
    np.testing.assert_allclose(p_bar["a"], -np.outer(b_bar, x), rtol=1e-13)
    y, y_dot = gr.solve_action.jvp(GIVEN, (B, {"a": A}), (B, {"a": A}))
    np.testing.assert_allclose(y_dot, 0 * y, atol=1e-13)
    y, y_dot = gr.solve_action.jvp(GIVEN, (B, {"a": A}), (B, None))
    np.testing.assert_allclose(y_dot, y, rtol=1e-13)


def test_a_rule_is_a_function():
    x, pullback = gr.solve_action.vjp(times, B, A)
    b_bar, a_bar = pullback(np.ones(3))
    np.testing.assert_allclose(b_bar, np.linalg.solve(A.T, np.ones(3)), rtol=1e-13)
    np.testing.assert_allclose(a_bar, -np.outer(b_bar, x), rtol=1e-13)


def test_missing_derivatives_of_plain_arrays_are_refused(monkeypatch):
    monkeypatch.setattr("gradrules.adapters.imported", lambda: ([], []))
    f = lambda x: A @ x  # noqa: E731
    np.testing.assert_allclose(gr.solve_action(f, B), np.linalg.solve(A, B), rtol=1e-13)
    np.testing.assert_allclose(
        gr.root(lambda x: A @ x - B, 0 * B), np.linalg.solve(A, B), rtol=1e-9
    )
    with pytest.raises(errors.MissingDerivativeError, match=r"root.*its vjp"):
        gr.root.vjp(lambda x: A @ x - B, B)[1](B)
    with pytest.raises(errors.MissingDerivativeError, match=r"svds.*its vjp"):
        gr.svds(f, B, k=1)


# -- never a wrong number --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    [
        lambda: gr.solve_action(lambda x: np.asarray([[1.0, 2], [2, 4]]) @ x, np.asarray([1.0, 0])),
        lambda: gr.solve_action(lambda x: -x, B, solver="cg"),
        lambda: gr.solve_action(lambda x: A @ x, B, maxiter=1),
        lambda: gr.root(lambda x: x**2 + 1, B),
        lambda: gr.root(lambda x: A @ x - B, 0 * B, maxiter=1),
        lambda: gr.fixed_point(lambda x: 2 * x + 1, B, memory=0),
        lambda: gr.fixed_point(lambda x: np.cos(x), B, maxiter=3),
        lambda: gr.eigsh(lambda x: A @ x, B, k=1).eigenvalues,
        lambda: gr.eigsh(lambda x: np.arange(200.0) * x, np.ones(200), k=1, maxiter=1).eigenvectors,
        lambda: gr.solve_action(lambda x: A @ x, np.asarray([1.0, np.nan, 0])),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_convergence_is_nan(run):
    assert np.isnan(run()).all()


@pytest.mark.parametrize("scale", [1e150, 1e-150])
def test_scale(scale):
    h = A @ A.T
    for solver in ("gmres", "cg"):
        x = gr.solve_action(lambda x: scale * (h @ x), B / scale, solver=solver)
        np.testing.assert_allclose(x * scale * scale, np.linalg.solve(h, B), rtol=1e-12)
    w = gr.eigsh(lambda x: scale * (h @ x), B, k=3).eigenvalues
    np.testing.assert_allclose(w / scale, np.linalg.eigvalsh(h), rtol=1e-11)


def test_sizes():
    assert gr.solve_action(lambda x: x, np.zeros((0,))).shape == (0,)
    assert gr.root(lambda x: x, np.zeros((2, 0))).shape == (2, 0)
    assert gr.solve_action(lambda x: 2 * x, np.asarray(3.0)) == 1.5
    grid = np.arange(12.0).reshape(3, 4)
    np.testing.assert_allclose(gr.solve_action(lambda x: A @ x, grid), np.linalg.solve(A, grid))
    u, s, vh = gr.svds(gr.function(lambda x: x.T, vjp=lambda _, y: (y.T,)), grid[:2], k=1)
    assert (u.shape, s.shape, vh.shape) == ((4, 2, 1), (1,), (1, 2, 4))


def test_large_spectra():
    n = 300
    d = np.concatenate([np.linspace(0, 1, n - 3), [1.5, 2, -4]])
    w, v = gr.eigsh(lambda x: d * x, np.ones(n), k=3)
    np.testing.assert_allclose(w, [-4, 1.5, 2], rtol=1e-12)
    np.testing.assert_allclose(d[:, None] * v, v * w, atol=1e-11)
    both = gr.eigsh(lambda x: np.asarray([5.0, 5, 1, 0]) * x, np.ones(4), k=2)
    np.testing.assert_allclose(both.eigenvalues, [5, 5])  # one start, two copies


# -- calls that are refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: gr.solve_action(3, B), errors.ArrayTypeError, "takes a function"),
        (lambda: gr.solve_action(lambda x: x), errors.ArrayTypeError, "takes a function"),
        (lambda: gr.solve_action(lambda x: (x, x), B), errors.ArrayTypeError, "returned a tuple"),
        (lambda: gr.solve_action(lambda x: x[:2], B), errors.ShapeError, "shape"),
        (lambda: gr.solve_action(lambda x: 1j * x, B), errors.ArrayTypeError, "complex128"),
        (lambda: gr.solve_action(lambda x: x, np.arange(3)), errors.ArrayTypeError, "int"),
        (lambda: gr.solve_action(lambda x: x, B, solver="lu"), errors.OptionError, "solver"),
        (lambda: gr.solve_action(lambda x: x, B, tol=1), errors.OptionError, "unknown option"),
        (lambda: gr.eigsh(lambda x: x, B, which="SM"), errors.OptionError, "which"),
    ],
)
def test_wrong_calls(call, error, match):
    with pytest.raises(error, match=match):
        call()


# -- every framework -------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_no_array_in_a_tree_is_a_constant(framework):
    t = gr.adapters.load(framework).transforms

    def f(a):
        act = lambda x, p: (p["a"] @ x[:, None])[:, 0] * p["scale"]  # noqa: E731
        return (gr.solve_action(act, t.array(B), {"a": a, "scale": 2.0, "name": "x"}),)

    (found,) = t.vjp(f, (t.array(A),), (t.array(np.ones(3)),))
    x = np.linalg.solve(A, B) / 2
    expected = -2 * np.outer(np.linalg.solve(A.T, np.ones(3)) / 2, x)
    np.testing.assert_allclose(t.numpy(found), expected, rtol=1e-12)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_rule_of_a_function_inside_a_function(framework):
    adapter = gr.adapters.load(framework)
    t, xp = adapter.transforms, adapter.xp

    def f(a):
        inner = lambda x: (a @ x[:, None])[:, 0]  # noqa: E731
        return (gr.solve_action(lambda x: gr.solve_action(inner, x), t.array(B)) + xp.sum(a) * 0,)

    (found,) = t.vjp(f, (t.array(A),), (t.array(np.ones(3)),))
    np.testing.assert_allclose(t.numpy(found), np.outer(np.ones(3), B), atol=1e-11)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nothing_keeps_a_function_alive(framework):
    t = gr.adapters.load(framework).transforms

    class Owner:
        def __call__(self, x):
            return 2.0 * x

    owner = Owner()
    gone = weakref.ref(owner)
    t.vjp(lambda b, f=owner: (gr.solve_action(f, b),), (t.array(B),), (t.array(B),))
    del owner
    gc.collect()
    assert gone() is None


# -- torch -----------------------------------------------------------------------------------------


def test_torch_modules():
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(3, 3, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(A))
    gr.solve_action(layer, torch.tensor(B)).sum().backward()
    expected = -np.outer(np.linalg.solve(A.T, np.ones(3)), np.linalg.solve(A, B))
    np.testing.assert_allclose(layer.weight.grad.numpy(), expected, rtol=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torch_refuses_what_it_cannot_see():
    torch = pytest.importorskip("torch")
    a = torch.tensor(A, requires_grad=True)

    class Hidden(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, a):
            return a @ x

        @staticmethod
        def backward(ctx, g):
            return a.T @ g, None

    b = torch.tensor(B)
    with pytest.raises(errors.CapturedArrayError, match="pass it as a parameter"):
        gr.solve_action(lambda x: Hidden.apply(x, a), b)
    changing = iter([a, a.detach().clone().requires_grad_(), a, a])
    with pytest.raises(errors.CapturedArrayError, match="did not read"):
        gr.solve_action(lambda x: next(changing) @ x, b)


def test_torch_compile_leaves_the_call_between_two_graphs():
    torch = pytest.importorskip("torch")

    def f(a, b):
        return gr.solve_action(lambda x: (2 * a) @ x, 2 * b).sum()

    a = torch.tensor(A, requires_grad=True)
    torch.compile(f, backend="eager")(a, torch.tensor(B)).backward()
    expected = -np.outer(np.linalg.solve(A.T, np.ones(3)), np.linalg.solve(A, B))
    np.testing.assert_allclose(a.grad.numpy(), expected, rtol=1e-12)
    torch.compiler.reset()
    with pytest.raises(torch._dynamo.exc.Unsupported, match="takes no rule of a function"):
        torch.compile(f, backend="eager", fullgraph=True)(a, torch.tensor(B))


# -- TensorFlow ------------------------------------------------------------------------------------


def test_tensorflow_variables():
    tf = pytest.importorskip("tensorflow")
    a, b = tf.Variable(A), tf.constant(B)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(gr.solve_action(lambda x, a: tf.linalg.matvec(a, x), b, a))
    expected = -np.outer(np.linalg.solve(A.T, np.ones(3)), np.linalg.solve(A, B))
    np.testing.assert_allclose(tape.gradient(y, a).numpy(), expected, rtol=1e-12)
    with pytest.raises(errors.CapturedArrayError, match="variable"):
        gr.solve_action(lambda x: tf.linalg.matvec(a, x), b)


# -- autograd --------------------------------------------------------------------------------------


def test_autograd_refuses_what_changed_between_value_and_derivative():
    autograd = pytest.importorskip("autograd")
    anp = autograd.numpy

    def f(a):
        changing = {"a": a}
        y = anp.sum(gr.solve_action(lambda x: anp.dot(changing["a"], x), B))
        changing["a"] = 2 * a
        return y

    with pytest.raises(errors.CapturedArrayError, match="pass them as parameters"):
        autograd.grad(f)(A)
