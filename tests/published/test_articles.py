"""The figures that five published articles print, reproduced in every framework that has the function.

They are printed in single precision: the comparison is to 1e-6, relative to the largest entry (a
small entry carries the rounding of the large ones).
"""

import importlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import gradrules as gr

SEEDS = json.loads((Path(__file__).parent / "seeds.json").read_text())
FRAMEWORKS = ["jax", "torch", "tensorflow", "autograd"]


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    """The transformations of one framework, in double precision."""
    pytest.importorskip(request.param)
    if request.param == "jax":
        importlib.import_module("jax").config.update("jax_enable_x64", True)
    return gr.adapters.load(request.param)


def close(found, printed, tolerance=1e-6):
    """Equal to what was printed, relative to its largest entry."""
    return np.allclose(found, printed, rtol=0, atol=tolerance * np.abs(printed).max())


def gradient(framework, f, *arrays):
    """The gradient of a scalar function, by the framework's reverse mode, and the value."""
    t = framework.transforms
    x = tuple(t.array(np.asarray(a)) for a in arrays)
    (y,) = (f(*x),)
    one = t.array(np.ones((), dtype=np.asarray(t.numpy(y)).dtype))
    grads = t.vjp(lambda *a: (f(*a),), x, (one,))
    return float(t.numpy(y)), [np.asarray(t.numpy(g)) for g in grads]


def test_the_gradient_of_the_smallest_eigenvalue(framework):
    case = SEEDS["eigh_tensorflow"]
    a = np.asarray(case["matrix"])
    w = framework.transforms.numpy(gr.eigvalsh(framework.transforms.array(a), lower=True))
    assert close(w, case["eigenvalues"])
    _, (g,) = gradient(framework, lambda x: gr.eigvalsh(x, lower=True)[0], a)
    assert close(g, case["grad_smallest_eigenvalue_lower"])


def symmetric(framework, r):
    """The matrix of [a00, a11, a22, a01, a12, a02]."""
    xp = framework.xp
    rows = [[0, 3, 5], [3, 1, 4], [5, 4, 2]]
    return xp.stack([xp.stack([r[i] for i in row]) for row in rows])


def loss(framework, r):
    w = gr.eigvalsh(symmetric(framework, r))
    return framework.xp.sum((w - 1.0) ** 2)


def test_inverse_eigenvalue_problem_gradient_and_first_step(framework):
    case = SEEDS["inverse_eigenvalue_problem"]
    r = np.asarray(case["r"])
    _, (g,) = gradient(framework, lambda x: loss(framework, x), r)
    assert close(g, case["dloss_dr"])
    step = r - 1e-3 * g / (np.sqrt(g * g) + 1e-7)  # the first step of Adam
    assert close(step, case["after_one_adam_step"])


def test_inverse_eigenvalue_problem_trace(framework):
    trace = SEEDS["inverse_eigenvalue_problem"]["trace"]
    for before, after in itertools.pairwise(trace):
        value, _ = gradient(framework, lambda x: loss(framework, x), np.asarray(before["r"]))
        assert value == pytest.approx(after["loss"], rel=1e-6)
        t = framework.transforms
        w = t.numpy(gr.eigvalsh(symmetric(framework, t.array(np.asarray(before["r"])))))
        assert close(w, after["eigenvalues"])


@pytest.mark.parametrize("start", ["r", "trace"])
def test_inverse_eigenvalue_problem_converges_to_the_triple_eigenvalue(start):
    """To the identity, by Adam with its published settings, in thousands of steps and without NaN."""
    case = SEEDS["inverse_eigenvalue_problem"]
    r = np.asarray(case["r"] if start == "r" else case["trace"][0]["r"])
    index = np.asarray([[0, 3, 5], [3, 1, 4], [5, 4, 2]])
    m, v, steps = np.zeros(6), np.zeros(6), 0
    value = np.inf
    while value > 1e-8:
        w, pullback = gr.eigvalsh.vjp(r[index])
        value = np.sum((w - 1.0) ** 2)
        (a_bar,) = pullback(2 * (w - 1.0))
        g = np.zeros(6)
        np.add.at(g, index, a_bar)
        steps += 1
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        r = r - 1e-3 * (m / (1 - 0.9**steps)) / (np.sqrt(v / (1 - 0.999**steps)) + 1e-7)
        assert np.all(np.isfinite(r))
        assert steps < 2 * max(case["published_iterations"])
    assert np.allclose(r[index], np.eye(3), atol=1e-4)
    assert steps > 1000


def test_the_eigen_decomposition_formulas(framework):
    """The five formulations agree, and the published one holds with L_ij = 1 / (l_j - l_i)."""
    rng = np.random.default_rng(0)
    for n in (3, 8):
        x = rng.standard_normal((n, n))
        x = x + x.T
        weights = rng.standard_normal((n, n))
        t = framework.transforms
        (_, y) = (t.numpy(out) for out in gr.eigh(t.array(x)))
        lam = np.linalg.eigvalsh(x)
        (ours,) = t.vjp(lambda a: (gr.eigh(a).eigenvectors,), (t.array(x),), (t.array(weights),))
        v1, v2 = np.zeros((n, n)), np.zeros((n, n))
        for i in range(n):
            # v1: the pseudo-inverse of (l_i I - X); v2: the same in the eigenbasis.
            v1 += np.outer(np.linalg.pinv(lam[i] * np.eye(n) - x) @ weights[:, i], y[:, i])
            others = [j for j in range(n) if j != i]
            scaled = (y[:, others].T @ weights[:, i]) / (lam[i] - lam[others])
            v2 += np.outer(y[:, others] @ scaled, y[:, i])
        with np.errstate(divide="ignore"):
            gaps = 1.0 / (lam[None, :] - lam[:, None])
        gaps[np.diag_indices(n)] = 0.0
        final = y @ (gaps * (y.T @ weights)) @ y.T
        for formula in (v1, v2, final):
            assert np.allclose((formula + formula.T) / 2, t.numpy(ours), rtol=1e-9, atol=1e-9)


def test_the_top_eigenvectors_alone(framework):
    x = np.random.default_rng(1).standard_normal((6, 6))
    weights = np.zeros((6, 6))
    weights[:, -2:] = np.random.default_rng(2).standard_normal((6, 2))
    t = framework.transforms
    (_, v), pullback = gr.eigh.vjp(x)
    signs = np.sign(np.sum(v * t.numpy(gr.eigh(t.array(x)).eigenvectors), axis=0))
    (ours,) = t.vjp(
        lambda a: (gr.eigh(a).eigenvectors[:, -2:],),
        (t.array(x),),
        (t.array((weights * signs)[:, -2:]),),
    )
    assert np.allclose(t.numpy(ours), pullback((None, weights))[0], rtol=1e-10, atol=1e-12)


def test_the_gradient_of_the_squared_determinant(framework):
    case = SEEDS["determinant_tensorflow"]
    value, (g,) = gradient(framework, lambda a: gr.det(a) ** 2, np.asarray(case["matrix"]))
    assert value == pytest.approx(4.0, rel=1e-6)
    assert np.allclose(g, case["gradient"], rtol=1e-6)


def test_descent_of_the_squared_determinant(framework):
    """Fifty steps of 1e-3: the loss falls at every one; the reference is exact in closed form."""
    a = b = np.asarray(SEEDS["determinant_tensorflow"]["matrix"])
    losses = []
    for _ in range(50):
        value, (g,) = gradient(framework, lambda x: gr.det(x) ** 2, a)
        losses.append(value)
        a = a - 1e-3 * g
        d = b[0, 0] * b[1, 1] - b[0, 1] * b[1, 0]
        b = b - 1e-3 * 2 * d * np.asarray([[b[1, 1], -b[1, 0]], [-b[0, 1], b[0, 0]]])
    assert np.all(np.diff(losses) < 0)
    assert np.allclose(a, b, rtol=1e-10)


def test_the_second_determinant_example(framework):
    """A = [[sin x, 0], [0, cos y]] at x = y = 1: the chain rule through our gradient."""
    s, c = np.sin(1.0), np.cos(1.0)
    _, (g,) = gradient(framework, lambda a: gr.det(a) ** 2, np.diag([s, c]))
    assert g[0, 0] * c == pytest.approx(2 * s * c**2 * c, rel=1e-6)
    assert g[1, 1] * -s == pytest.approx(-2 * s**2 * c * s, rel=1e-6)


def commutator_series(a, e):
    """Najfeld and Havel: exp(A) phi(ad_A)[E], phi(x) = (1 - exp(-x)) / x."""
    total, term = np.zeros_like(a), e
    for k in range(1, 80):
        total = total + term
        term = -(a @ term - term @ a) / (k + 1)
    return gr.expm(a) @ total


@pytest.mark.parametrize("kind", ["symmetric", "nonnormal"])
def test_three_formulas_for_the_gradient_of_the_exponential(framework, kind):
    x = np.random.default_rng(5).uniform(size=(5, 5))
    a = x + x.T if kind == "symmetric" else np.triu(3 * x, 1) + 0.3 * x
    g = np.random.default_rng(6).standard_normal((5, 5))
    t = framework.transforms
    (ours,) = t.vjp(lambda m: (gr.expm(m),), (t.array(a),), (t.array(g),))
    series = commutator_series(a.T, g)
    columns = np.zeros_like(a)
    for index in np.ndindex(a.shape):
        unit = np.zeros_like(a)
        unit[index] = 1.0
        columns[index] = np.sum(g * gr.expm_frechet(a, unit).frechet)
    tolerance = 1e-11 * np.abs(columns).max()
    assert np.allclose(t.numpy(ours), columns, rtol=0, atol=tolerance)
    assert np.allclose(series, columns, rtol=0, atol=1e3 * tolerance)
    if kind == "symmetric":
        w, v = np.linalg.eigh(a)
        f = np.exp(w)
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = (f[:, None] - f[None, :]) / (w[:, None] - w[None, :])
        quotient[np.diag_indices(5)] = f
        eigen = v @ (quotient * (v.T @ g @ v)) @ v.T
        assert np.allclose(eigen, columns, rtol=0, atol=tolerance)


def test_the_quadratic_form_by_differentiation(framework):
    """x^T Q x / 2 + b x: the gradient on the published grid of 400 points, and its zeros."""
    case = SEEDS["quadratic_form_sympy_autograd"]
    q, b = np.asarray(case["Q"], dtype=float), np.asarray(case["b"], dtype=float)
    t, xp = framework.transforms, framework.xp
    points = np.stack(np.meshgrid(np.arange(-10.0, 10), np.arange(-10.0, 10), indexing="ij"), -1)
    points = points.reshape(-1, 2)
    tq, tb = t.array(q), t.array(b)

    def f(x):
        image = (tq @ x[..., None])[..., 0]
        return (xp.sum(x * image / 2 + tb * x, axis=-1),)

    one = t.array(np.ones(len(points)))
    (g,) = t.vjp(f, (t.array(points),), (one,))
    g = t.numpy(g)
    assert np.allclose(g, points @ q.T + b, rtol=1e-6)
    zeros = points[g[:, 0] == 0]
    assert len(zeros) == case["zero_points_component_0"]
    assert [zeros[0].tolist(), zeros[-1].tolist()] == case["first_and_last_zero"]
    for j in range(2):
        direction = t.array(np.broadcast_to(np.eye(2)[j], points.shape).copy())
        (row,) = t.jvp(lambda x: t.vjp(f, (x,), (one,)), (t.array(points),), (direction,))
        assert np.allclose(t.numpy(row), np.asarray(case["hessian"])[j], rtol=1e-6)


def test_the_quadratic_form_by_symbols():
    """What the article could not form: the Hessian of the matrix expression."""
    sympy = pytest.importorskip("sympy")
    case = SEEDS["quadratic_form_sympy_autograd"]
    q, b = sympy.Matrix(case["Q"]), sympy.Matrix(case["b"])
    x = sympy.Matrix(sympy.symbols("x0 x1"))
    f = ((x.T * q * x) / 2 + b.T * x)[0]
    assert sympy.expand(f - sympy.sympify(case["expanded"])).equals(0)
    gradient_of = sympy.Matrix([f.diff(v) for v in x])
    assert sympy.simplify(gradient_of - (q * x + b)) == sympy.zeros(2, 1)
    assert sympy.hessian(f, list(x)) == sympy.Matrix(case["hessian"])
