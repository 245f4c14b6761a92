"""The JAX adapter: our derivatives, in both modes, to every order, under every transformation.

Truth is NumPy: `Rule.jvp` and `Rule.vjp` on plain arrays to first order, and central differences of
`Rule.jvp` beyond, which share nothing with the adapter.
"""

import itertools
import re
from collections import Counter

import numpy as np
import pytest
from ours import REPRESENTATIVES

import gradrules as gr
from gradrules import adapters
from gradrules.errors import ArrayTypeError, MissingDerivativeError, NotDifferentiableError

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

T = adapters.load("jax").transforms
MODES = ("rev", "fwd")


pytestmark = pytest.mark.usefixtures("x64")


# -- data and truth --------------------------------------------------------------------------------


def matrices(count, *, dtype="float64", n=3, batch=(), seed=0):
    """Nonnormal matrices with gaps and no special structure."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(count):
        a = 0.4 * rng.normal(size=(*batch, n, n)) + np.diag(np.arange(1.0, n + 1)) * (k == 0)
        if dtype.startswith("complex"):
            a = a + 0.4j * rng.normal(size=(*batch, n, n))
        out.append(a.astype(dtype))
    return out


def primals_of(rule, **kw):
    return tuple(matrices(len(rule.inputs), **kw))


def directions_of(rule, count, **kw):
    flat = matrices(1 + count * len(rule.inputs), **kw, seed=7)[1:]
    return [tuple(flat[i::count]) for i in range(count)]


def as_tuple(y):
    return tuple(y) if isinstance(y, tuple) else (y,)


def weights(shape, position):
    rng = np.random.default_rng(100 + position)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def observed(rule, outputs, xp):
    """Gauge-free quantities: the outputs, or what the rule declares."""
    gauge = rule.declaration.gauge
    return as_tuple(outputs) if gauge is None else gauge.invariants(as_tuple(outputs), xp)


def loss_of(rule, options=None):
    """A real function of the primals that sees every output, for JAX arrays."""

    def loss(*arrays):
        seen = observed(rule, rule(*arrays, **(options or {})), jnp)
        return sum(jnp.real(jnp.sum(weights(q.shape, i).conj() * q)) for i, q in enumerate(seen))

    return loss


def slope(rule, primals, direction, options=None):
    """Directional derivative of the loss, by NumPy."""
    y, y_dot = (as_tuple(v) for v in rule.jvp(primals, direction, **(options or {})))
    if (
        rule.declaration.gauge is not None
    ):  # (w, v v^H), whose derivative follows by the product rule
        (_w, v), (w_dot, v_dot) = y, y_dot
        outer = lambda a, b: a[..., :, None, :] * b.conj()[..., None, :, :]  # noqa: E731
        y_dot = (w_dot, outer(v_dot, v) + outer(v, v_dot))
    return sum(np.real(np.sum(weights(q.shape, i).conj() * q)) for i, q in enumerate(y_dot))


# Central differences of eighth order: the error is near 1e-12 of the function's size.
STENCIL = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


def difference(f, primals, direction, h=0.01):
    move = lambda t: tuple(p + t * d for p, d in zip(primals, direction, strict=True))  # noqa: E731
    return sum(c * (f(move(k * h)) - f(move(-k * h))) for k, c in STENCIL.items()) / h


def truth(rule, primals, *directions):
    """The derivative of that order: differences of NumPy's jvp, one within the other."""
    *outer, first = directions
    if not outer:
        return slope(rule, primals, first)
    return difference(lambda p: truth(rule, p, *outer[1:], first), primals, outer[0])


def along(mode, f, direction):
    """The derivative of a real function along `direction`, by one mode."""

    def derivative(*arrays):
        if mode == "fwd":
            return T.jvp(lambda *a: (f(*a),), arrays, direction)[0]
        found = T.vjp(lambda *a: (f(*a),), arrays, (jnp.ones(()),))
        return sum(
            jnp.real(jnp.sum(jnp.conj(g) * d)) for g, d in zip(found, direction, strict=True)
        )

    return derivative


def nested(modes, f, directions):
    for mode, direction in zip(modes, directions, strict=True):
        f = along(mode, f, tuple(map(jnp.asarray, direction)))
    return f


def close(got, want, rtol=1e-9):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    scale = np.max(np.abs(want), initial=1e-3)
    np.testing.assert_allclose(got, want, rtol=0, atol=rtol * scale)


def jaxed(arrays):
    return tuple(map(jnp.asarray, arrays))


all_rules = pytest.mark.parametrize("rule", REPRESENTATIVES.values(), ids=list(REPRESENTATIVES))
some_rules = pytest.mark.parametrize("rule", [gr.eigh, gr.solve, gr.slogdet], ids=lambda r: r.name)


# -- orders and modes ------------------------------------------------------------------------------


@some_rules
def test_jax_checks_our_gradients(rule):
    check_grads(loss_of(rule), jaxed(primals_of(rule)), order=2, modes=["fwd", "rev"])


# -- whose derivative ran --------------------------------------------------------------------------


def marked(name, *, fast=False, calls=None, **parts):
    """``sin`` with wrong factors: 3 in the jvp, 5 in the vjp, 11 and 7 in their fast forms."""
    calls = Counter() if calls is None else calls
    parts = {"jvp": True, "vjp": True, **parts}

    @gr.rule(name=name, replace=True)
    def sine(x, /, *, xp):
        calls["primal"] += 1
        return xp.sin(x)

    if parts["jvp"]:

        @sine.def_jvp
        def _(primals, outputs, tangents, *, xp):
            calls["jvp"] += 1
            return 3 * xp.cos(primals[0]) * tangents[0]

    if parts["vjp"]:

        @sine.def_vjp
        def _(primals, outputs, cotangents, *, xp):
            calls["vjp"] += 1
            return 5 * xp.cos(primals[0]) * cotangents[0]

    if fast:

        @sine.def_keep
        def _(x, /, *, xp):
            calls["keep"] += 1
            return xp.sin(x), (xp.cos(x),)

        @sine.def_fast_jvp
        def _(primals, outputs, kept, tangents):
            calls["fast_jvp"] += 1
            return 11 * kept[0] * tangents[0]

        @sine.def_fast_vjp
        def _(primals, outputs, kept, cotangents):
            calls["fast_vjp"] += 1
            return 7 * kept[0] * cotangents[0]

    return sine


X = 0.7
WRAPPED = {
    "eager": lambda f: f,
    "jit": lambda f: jax.jit(f),
    "vmap": lambda f: lambda x: jax.vmap(f)(jnp.stack([x, x]))[1],
    "jit of vmap": lambda f: lambda x: jax.jit(jax.vmap(f))(jnp.stack([x, x]))[1],
    "checkpoint": lambda f: jax.checkpoint(f),
    "scan": lambda f: lambda x: jax.lax.scan(lambda s, _: (s, f(s)), x, None, length=2)[1][0],
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=list(WRAPPED))
@pytest.mark.parametrize("fast", [False, True])
def test_markers(wrap, fast):
    rule = marked("_marked", fast=fast)
    one = (jnp.ones(()),)
    factors = {"rev": 7 if fast else 5, "fwd": 11 if fast else 3}
    for mode, factor in factors.items():
        close(wrap(nested([mode], rule, [one]))(jnp.asarray(X)), factor * np.cos(X), 1e-14)
    for inner, outer in itertools.product(MODES, MODES):
        # What is differentiated again is the closed form of the inner mode, never the fast one.
        factor = {"rev": 5, "fwd": 3}[inner]
        got = wrap(nested([inner, outer], rule, [one, one]))(jnp.asarray(X))
        close(got, -factor * np.sin(X), 1e-14)


def test_fast_forms_run_at_first_order_and_nothing_else():
    x = jnp.asarray(X)
    for mode, ran in (("rev", "fast_vjp"), ("fwd", "fast_jvp")):
        calls = Counter()
        nested([mode], marked("_marked", fast=True, calls=calls), [(jnp.ones(()),)])(x)
        assert set(calls) == {"keep", ran}


def test_nothing_is_kept_when_nothing_differentiates():
    calls = Counter()
    rule = marked("_marked", fast=True, calls=calls)
    x = jnp.asarray(X)
    rule(x), jax.jit(rule)(x), jax.vmap(rule)(x[None]), jax.jit(jax.vmap(rule))(x[None])
    jax.jvp(lambda t: rule(x) * t, (x,), (x,))
    jax.grad(lambda t: rule(jax.lax.stop_gradient(t)) * t)(x)
    assert set(calls) == {"primal"}


def test_an_unused_gradient_compiles_to_nothing():
    a = jnp.asarray(matrices(1)[0])
    f = loss_of(gr.expm)
    alone = jax.jit(f).lower(a).compile().as_text()
    unused = jax.jit(lambda a: jax.value_and_grad(f)(a)[0]).lower(a).compile().as_text()
    count = lambda text: len(re.findall(r" (dot|fusion|while|custom-call)\(", text))  # noqa: E731
    assert count(unused) == count(alone)


def test_eager_calls_do_not_retrace():
    calls = Counter()
    rule = marked("_marked", fast=True, calls=calls)
    grad, hvp = jax.grad(rule), nested(["rev", "fwd"], rule, [(jnp.ones(()),)] * 2)
    x = jnp.asarray(X)
    rule(x), grad(x), hvp(x)
    before = dict(calls)
    rule(x + 1), grad(x + 1), hvp(x + 1)
    assert dict(calls) == before


def test_a_replaced_rule_meets_no_stale_cache():
    x = jnp.asarray(X)
    old = marked("_marked", fast=True)
    close(jax.grad(old)(x), 7 * np.cos(X))
    new = marked("_marked", fast=False)
    close(jax.grad(new)(x), 5 * np.cos(X))
    close(jax.grad(old)(x), 7 * np.cos(X))


def test_kept_arrays_are_not_a_constant_of_the_second_derivative():
    # With the factorization recorded as a constant this is off in the third digit.
    primals, directions = primals_of(gr.solve), directions_of(gr.solve, 2)
    only_a = [(d[0], 0 * d[1]) for d in directions]
    want = truth(gr.solve, primals, *only_a)
    for modes in itertools.product(MODES, MODES):
        close(nested(modes, loss_of(gr.solve), only_a)(*jaxed(primals)), want)


# -- contract: missing, nondifferentiable, options, several outputs --------------------------------


def test_a_rule_without_vjp_refuses_reverse_mode_by_name():
    rule = marked("_forward_only", vjp=False)
    x = jnp.asarray(X)
    close(jax.jvp(rule, (x,), (x,))[1], 3 * X * np.cos(X))
    for grad in (jax.grad(rule), jax.jit(jax.grad(rule)), jax.grad(jax.checkpoint(rule))):
        with pytest.raises(MissingDerivativeError, match="'_forward_only' has no vjp"):
            grad(x)


def test_a_rule_without_jvp_refuses_forward_mode_by_name():
    rule = marked("_reverse_only", jvp=False)
    x = jnp.asarray(X)
    close(jax.grad(rule)(x), 5 * np.cos(X))
    close(jax.jit(jax.grad(jax.grad(rule)))(x), -5 * np.sin(X))
    for jvp in (jax.jvp, jax.jit(jax.jvp, static_argnums=0)):
        with pytest.raises(MissingDerivativeError, match="'_reverse_only' has no jvp"):
            jvp(rule, (x,), (x,))


@gr.rule(name="_power", nondifferentiable=("k",), replace=True)
def power(x, k, /, *, xp):
    return x ** xp.astype(k, x.dtype)


@power.def_jvp
def _(primals, outputs, tangents, *, xp):
    (x, k), (x_dot, _) = primals, tangents
    return xp.astype(k, x.dtype) * power(x, k - 1) * x_dot


@power.def_vjp
def _(primals, outputs, cotangents, *, xp):
    x, k = primals
    return xp.astype(k, x.dtype) * power(x, k - 1) * cotangents[0], None


@pytest.mark.parametrize("dtype", ["int32", "float64"])
def test_an_input_without_derivative(dtype):
    x, k = jnp.asarray(X), jnp.asarray(3, dtype=dtype)
    close(jax.grad(power)(x, k), 3 * X**2)
    close(jax.grad(jax.grad(power))(x, k), 6 * X)
    close(jax.jit(jax.vmap(jax.grad(power), (0, None)))(x[None], k), np.array([3 * X**2]))
    close(jax.jvp(lambda x: power(x, k), (x,), (x,))[1], 3 * X**3)
    scanned = jax.lax.scan(lambda s, k: (s + power(x * s, k), None), x, k[None])[0]
    close(scanned, X + X**6)
    grad = jax.grad(lambda x: jax.lax.scan(lambda s, k: (power(s, k), None), x, k[None])[0])
    close(grad(x), 3 * X**2)


def test_a_derivative_that_an_input_lacks_is_refused():
    x, k = jnp.asarray(X), jnp.asarray(3.0)
    for ask in (
        lambda: jax.grad(power, argnums=1)(x, k),
        lambda: jax.jit(jax.grad(power, argnums=1))(x, k),
        lambda: jax.jvp(power, (x, k), (x, k)),
        lambda: jax.grad(lambda x: power(x, x))(x),
    ):
        with pytest.raises(NotDifferentiableError, match="_power: argument 'k'"):
            ask()


def test_an_integer_input_has_a_float0_cotangent():
    x, k = jnp.asarray(X), jnp.asarray(3)
    found = jax.grad(power, argnums=(0, 1), allow_int=True)(x, k)
    close(found[0], 3 * X**2)
    assert found[1].dtype == jax.dtypes.float0
    no_change = np.zeros((), jax.dtypes.float0)
    close(jax.jvp(power, (x, k), (jnp.ones(()), no_change))[1], 3 * X**2)


SEEN = []


@gr.rule(name="_three", signature="(n)->(n),(),(n)", outputs=("a", "which", "b"), replace=True)
def three(x, /, *, power: int = 2, xp):
    return x**power, xp.argmax(x, axis=-1), xp.sin(x)


@three.def_jvp
def _(primals, outputs, tangents, *, power, xp):
    (x,), (t,) = primals, tangents
    return power * x ** (power - 1) * t, None, xp.cos(x) * t


@three.def_vjp
def _(primals, outputs, cotangents, *, power, xp):
    (x,), (a, _which, b) = primals, cotangents
    SEEN.append(tuple(c is not None for c in cotangents))
    terms = []
    if a is not None:
        terms.append(power * x ** (power - 1) * a)
    if b is not None:
        terms.append(xp.cos(x) * b)
    return sum(terms) if terms else None


def test_several_outputs_one_an_integer():
    x = jnp.asarray([0.3, 0.9, 0.5])
    assert three(x).which == 1
    (a_dot, which_dot, b_dot) = jax.jvp(three, (x,), (x,))[1]
    close(a_dot, 2 * x * x)
    close(b_dot, jnp.cos(x) * x)
    assert which_dot.dtype == jax.dtypes.float0
    compiled = jax.jit(lambda x: jax.jvp(lambda x: three(x)[::2], (x,), (x,))[1])(x)
    close(compiled[0], 2 * x * x)
    for take, present, want in (
        (lambda y: jnp.sum(y.a), (True, False, False), 2 * x),
        (lambda y: jnp.sum(y.b), (False, False, True), jnp.cos(x)),
        (lambda y: jnp.sum(y.a + y.b), (True, False, True), 2 * x + jnp.cos(x)),
        (lambda y: y.a[y.which], (True, False, False), 2 * x * (x == jnp.max(x))),
    ):
        for wrap in (lambda f: f, jax.jit):
            SEEN.clear()
            close(wrap(jax.grad(lambda x: take(three(x))))(x), want)  # noqa: B023
            assert SEEN in ([present], [])  # [] if the compiled form was there already
    _, pullback = jax.vjp(three, x)
    zero = np.zeros((), jax.dtypes.float0)
    close(pullback(type(three(x))(jnp.ones(3), zero, jnp.ones(3)))[0], 2 * x + jnp.cos(x))


def test_an_output_that_is_an_integer_has_no_gradient():
    x = jnp.asarray([0.3, 0.9, 0.5])
    SEEN.clear()
    close(jax.grad(lambda x: three(x).which.astype(float) + x[0])(x), np.array([1.0, 0, 0]))
    assert not SEEN


@pytest.mark.parametrize("power", [2, 3])
def test_static_options(power):
    x = jnp.asarray([0.3, 0.9, 0.5])
    f = lambda x: jnp.sum(three(x, power=power).a)  # noqa: E731
    close(jax.grad(f)(x), power * x ** (power - 1))
    close(jax.jit(jax.hessian(f))(x), jnp.diag(power * (power - 1) * x ** (power - 2)))


@pytest.mark.parametrize("lower", [True, False])
def test_options_of_a_builtin_rule(lower):
    (a,) = matrices(1)
    bar = matrices(2)[1]
    want = gr.eigh.vjp(a, lower=lower)[1]((bar[0], None))[0]
    got = T.vjp(lambda a: tuple(gr.eigh(a, lower=lower)), jaxed((a,)), (jnp.asarray(bar[0]), None))
    close(got[0], want, 1e-12)
    assert np.all(got[0][np.triu_indices(3, 1) if lower else np.tril_indices(3, -1)] == 0)


@pytest.mark.parametrize("used", ["eigenvalues", "eigenvectors", "both"])
def test_absent_cotangents_of_eigh(used):
    (a,), (bar,) = matrices(1), matrices(2)[1:]
    v = gr.eigh(a).eigenvectors
    v_bar = bar @ v  # of the projectors' kind: blind to the signs only through v itself
    bars = {"eigenvalues": (bar[0], None), "eigenvectors": (None, v_bar), "both": (bar[0], v_bar)}[
        used
    ]
    sign = np.sign(np.sum(np.asarray(gr.eigh(jnp.asarray(a)).eigenvectors) * v, axis=-2))
    jax_bars = tuple(b if b is None else jnp.asarray(b if b.ndim == 1 else b * sign) for b in bars)
    for wrap in (lambda f: f, jax.jit):
        got = wrap(lambda a: T.vjp(lambda a: tuple(gr.eigh(a)), (a,), jax_bars))(jnp.asarray(a))
        close(got[0], gr.eigh.vjp(a)[1](bars)[0], 1e-11)


def test_eigenvalues_alone_have_a_gradient_at_a_degenerate_matrix():
    grad = jax.grad(lambda a: jnp.sum(gr.eigh(a).eigenvalues))
    close(grad(jnp.eye(3)), np.eye(3))
    close(jax.jit(jax.vmap(grad))(jnp.stack([jnp.eye(3)] * 2))[1], np.eye(3))
    assert np.all(np.isnan(jax.grad(lambda a: gr.eigh(a).eigenvectors[0, 1])(jnp.eye(3))))


# -- shapes ----------------------------------------------------------------------------------------


def test_batches_broadcast():
    (a, _), b = matrices(2), np.random.default_rng(3).normal(size=(5, 3, 2))
    want = gr.solve.vjp(a, b)[1](np.ones((5, 3, 2)))
    for wrap in (lambda f: f, jax.jit):
        got = wrap(jax.grad(lambda a, b: jnp.sum(gr.solve(a, b)), argnums=(0, 1)))(*jaxed((a, b)))
        for g, w in zip(got, want, strict=True):
            close(g, w, 1e-12)


def test_a_vector_on_the_right_side():
    a, b = matrices(1)[0], np.arange(1.0, 4.0)
    want = gr.solve.vjp(a, b)[1](np.ones(3))
    got = jax.grad(lambda a, b: jnp.sum(gr.solve(a, b)), argnums=(0, 1))(*jaxed((a, b)))
    for g, w in zip(got, want, strict=True):
        close(g, w, 1e-12)
    hvp = jax.jvp(jax.grad(lambda b: jnp.sum(gr.solve(a, b) ** 2)), jaxed((b,)), jaxed((b,)))[1]
    close(hvp, 2 * np.linalg.inv(a).T @ np.linalg.inv(a) @ b)


@all_rules
@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (0, 3, 3), (2, 0, 0)], ids=str)
def test_small_and_empty_shapes(rule, shape):
    primals = tuple(jnp.ones(shape) * (i + 1.5) for i in range(len(rule.inputs)))
    plain = tuple(map(np.asarray, primals))
    f = lambda *a: sum(jnp.sum(y) for y in as_tuple(rule(*a)))  # noqa: E731
    every = tuple(range(len(primals)))
    y = as_tuple(rule(*plain))
    ones = tuple(np.ones_like(q) for q in y)
    want = rule.vjp(*plain)[1](ones if len(ones) > 1 else ones[0])

    def everything(*a):
        grad = jax.grad(f, argnums=every)
        return as_tuple(rule(*a)), grad(*a), jax.jvp(grad, a, primals)[1]

    values, grads, hvp = jax.jit(everything)(*primals)
    for got, expected in zip((*values, *grads), (*y, *want), strict=True):
        close(got, expected)
    for got, p in zip(hvp, primals, strict=True):
        assert got.shape == p.shape
        assert np.all(np.isfinite(got))
    if 0 in shape:
        for got, expected in zip(jax.grad(f, argnums=every)(*primals), want, strict=True):
            close(got, expected)


# -- transformations of JAX ------------------------------------------------------------------------


def test_carries_that_pass_through_a_rule():
    # `jax.custom_jvp` loses its rule here from the second order on.
    a = jnp.asarray(matrices(1)[0])
    step = lambda x: gr.inv(x + 2 * jnp.eye(3))  # noqa: E731
    f = lambda a: jnp.sum(jax.lax.scan(lambda x, _: (step(x), None), a, None, length=3)[0])  # noqa: E731
    g = lambda a: jnp.sum(step(step(step(a))))  # noqa: E731
    for modes in (("rev",), ("rev", "rev"), ("fwd", "rev")):
        both = (nested(modes, h, directions_of(gr.inv, len(modes))) for h in (f, g))
        close(*(jax.jit(derivative)(a) for derivative in both), 1e-12)


def solvers(f, *args):
    text = jax.jit(f).lower(*args).compile().as_text()
    return {
        key: len(re.findall(rf'custom_call_target="lapack_.?{key}', text))
        for key in ("syevd", "getrf")
    }


def test_the_gradient_compiles_to_one_factorization():
    a, b = jaxed(matrices(2))
    seen = lambda a: jnp.sum(gr.eigh(a).eigenvectors[:, 0] ** 2 * b[0])  # noqa: E731
    assert solvers(jax.grad(seen), a)["syevd"] == 1
    assert solvers(jax.value_and_grad(seen), a)["syevd"] == 1
    assert solvers(lambda a: jax.jvp(jax.grad(seen), (a,), (b,)), a)["syevd"] == 1
    assert solvers(jax.value_and_grad(lambda a: jnp.sum(gr.eigvalsh(a) ** 2)), a)["syevd"] == 1
    solved = lambda a: jnp.sum(gr.solve(a, b))  # noqa: E731
    assert solvers(jax.value_and_grad(solved), a)["getrf"] == 1
    assert solvers(lambda a: jax.jvp(solved, (a,), (b,)), a)["getrf"] == 1


@some_rules
@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_without_x64(rule, dtype):
    primals, (d,) = primals_of(rule, dtype=dtype), directions_of(rule, 1, dtype=dtype)
    want = slope(rule, tuple(p.astype("complex128" if "c" in dtype else "float64") for p in primals),
                 tuple(x.astype("complex128" if "c" in dtype else "float64") for x in d))  # fmt: skip
    with jax.enable_x64(False):
        grads = T.vjp(lambda *a: as_tuple(rule(*a)), jaxed(primals),
                      tuple(jnp.ones_like(y) if i == 0 else None for i, y in
                            enumerate(as_tuple(rule(*jaxed(primals))))))  # fmt: skip
        assert [g.dtype for g in grads] == [p.dtype for p in primals]
        for mode in MODES:
            got = jax.jit(nested([mode], loss_of(rule), [d]))(*jaxed(primals))
            close(got, want, 2e-4)


def test_x64_off_takes_numpy_beside_jax():
    with jax.enable_x64(False):
        a, b = matrices(2)
        x = gr.solve(jnp.asarray(a), b)
        assert x.dtype == "float32"
        close(x, np.linalg.solve(a, b), 1e-5)
        assert gr.expm_frechet(jnp.asarray(a), np.asarray(b))[1].dtype == "float32"


def test_debug_nans_finds_ours():
    with jax.debug_nans(True), pytest.raises(FloatingPointError):
        jax.grad(lambda a: gr.eigh(a).eigenvectors[0, 1])(jnp.eye(3))


# -- the rest of the adapter -----------------------------------------------------------------------


def test_numpy_arrays_stand_beside_jax_arrays():
    a, b = matrices(2)
    for x in (gr.solve(jnp.asarray(a), b), gr.solve(a, jnp.asarray(b))):
        assert isinstance(x, jax.Array)
        close(x, np.linalg.solve(a, b), 1e-12)
    close(
        jax.grad(lambda b: jnp.sum(gr.solve(a, b)))(jnp.asarray(b)),
        gr.solve.vjp(a, b)[1](1 + 0 * b)[1],
    )
    assert isinstance(gr.solve(a, b), np.ndarray)


def test_weakly_typed_scalars():
    x = jnp.asarray(X)  # of a Python float: weakly typed
    rule = marked("_marked")
    assert jax.typeof(x).weak_type
    close(jax.grad(rule)(x), 5 * np.cos(X))
    close(jax.jit(jax.grad(jax.grad(rule)))(X + 0 * x), -5 * np.sin(X))


def test_rule_vjp_and_jvp_on_jax_arrays():
    a, b = matrices(2)
    y, pullback = gr.solve.vjp(*jaxed((a, b)))
    close(pullback(jnp.ones_like(y))[0], gr.solve.vjp(a, b)[1](1 + 0 * b)[0], 1e-12)
    close(gr.solve.jvp(jaxed((a, b)), jaxed((b, a)))[1], gr.solve.jvp((a, b), (b, a))[1], 1e-12)


def test_transforms_know_absent_tangents_and_cotangents():
    a, b = jaxed(matrices(2))
    f = lambda a, b: (gr.solve(a, b), a @ a)  # noqa: E731
    t = T.jvp(f, (a, b), (None, b))
    close(t[0], gr.solve(a, b), 1e-12)
    assert not np.any(t[1])
    g = T.vjp(f, (a, b), (None, b))
    assert not np.any(g[1])
    close(g[0], b @ a.T + a.T @ b, 1e-12)
    assert not any(np.any(x) for x in T.vjp(f, (a, b), (None, None)))
    assert not any(np.any(x) for x in T.jvp(f, (a, b), (None, None)))


def test_transforms_conjugate():
    a, c = jaxed(matrices(2, dtype="complex128"))
    (got,) = T.vjp(lambda a: (a @ a,), (a,), (c,))
    close(got, c @ a.conj().T + a.conj().T @ c, 1e-12)


def test_transforms_do_not_narrow():
    with jax.enable_x64(False), pytest.raises(ArrayTypeError, match="JAX_ENABLE_X64"):
        T.array(np.ones(2))
