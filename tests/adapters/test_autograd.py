"""The bridge to HIPS autograd, row by row."""

import gc
import warnings
import weakref

import numpy as np
import pytest
from ours import REPRESENTATIVES

pytest.importorskip("autograd")

import autograd.numpy as anp
from autograd import (
    checkpoint,
    elementwise_grad,
    grad,
    hessian,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    value_and_grad,
)
from autograd.core import primitive_vjps
from autograd.test_util import check_grads

import gradrules as gr
from gradrules.errors import ArrayTypeError, MissingDerivativeError, NotDifferentiableError

ADAPTER = gr.adapters.load("autograd")
T = ADAPTER.transforms
xp = ADAPTER.xp
MODES = ("rev", "fwd")
REAL, COMPLEX = False, True
COFACTOR = gr.adapters.lookup("_cofactor")


def draw(shape, *, cplx, seed=0):
    rng = np.random.default_rng([seed, *shape])
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if cplx else x


def pair(a, b):
    """Our inner product, differentiable."""
    return anp.real(anp.sum(anp.conj(a) * b))


# -- scalar functions of one matrix, built of every rule, and their derivative by NumPy alone ----

B, E, K = (
    lambda cplx: draw((3, 2), cplx=cplx, seed=11),
    lambda cplx: draw((3, 3), cplx=cplx, seed=12),
    lambda cplx: draw((3, 3), cplx=cplx, seed=13),
)
COMPOSED = {
    "inv": (lambda a, c: (gr.inv(a),), lambda a, d, c: gr.inv.jvp((a,), (d,))[1:]),
    "det": (lambda a, c: (gr.det(a),), lambda a, d, c: gr.det.jvp((a,), (d,))[1:]),
    "cofactor": (
        lambda a, c: (COFACTOR(a @ a),),
        lambda a, d, c: COFACTOR.jvp((a @ a,), (a @ d + d @ a,))[1:],
    ),
    "slogdet": (lambda a, c: tuple(gr.slogdet(a)), lambda a, d, c: gr.slogdet.jvp((a,), (d,))[1]),
    "expm": (lambda a, c: (gr.expm(a),), lambda a, d, c: gr.expm.jvp((a,), (d,))[1:]),
    "expm_frechet": (
        lambda a, c: tuple(gr.expm_frechet(a, a @ E(c))),
        lambda a, d, c: gr.expm_frechet.jvp((a, a @ E(c)), (d, d @ E(c)))[1],
    ),
    "solve": (
        lambda a, c: (gr.solve(a, E(c) @ a @ B(c)),),
        lambda a, d, c: gr.solve.jvp((a, E(c) @ a @ B(c)), (d, E(c) @ d @ B(c)))[1:],
    ),
    "eigvalsh": (
        lambda a, c: (gr.eigvalsh(a, lower=True),),
        lambda a, d, c: gr.eigvalsh.jvp((a,), (d,), lower=True)[1:],
    ),
    "eigh": (
        lambda a, c: projectors(*gr.eigh(a)),
        lambda a, d, c: projectors_jvp(*gr.eigh.jvp((a,), (d,))),
    ),
}


def projectors(w, v):
    return w, v[..., :, None, :] * anp.conj(v)[..., None, :, :]


def projectors_jvp(y, y_dot):
    (_, v), (w_dot, v_dot) = y, y_dot
    p_dot = v_dot[:, None, :] * np.conj(v)[None] + v[:, None, :] * np.conj(v_dot)[None]
    return w_dot, p_dot


def scalar(name, cplx):
    """A gauge-invariant function of a matrix to a real number, and its NumPy derivative."""
    function, derivative = COMPOSED[name]
    weights = [
        draw(np.shape(y), cplx=np.iscomplexobj(y), seed=20 + i)
        for i, y in enumerate(function(K(cplx), cplx))
    ]

    def f(a):
        return sum(pair(c, y) for c, y in zip(weights, function(a, cplx), strict=True))

    def df(a, d):
        return sum(pair(c, y) for c, y in zip(weights, derivative(a, d, cplx), strict=True))

    return f, df


def directional(mode, f, d):
    if mode == "fwd":
        return lambda a: T.jvp(lambda x: (f(x),), (a,), (d,))[0]
    return lambda a: pair(T.vjp(lambda x: (f(x),), (a,), (np.ones(()),))[0], d)


def difference(f, a, d, h=4e-3):
    """Sixth-order central difference."""
    steps = (45, -9, 1)
    return sum(c * (f(a + k * h * d) - f(a - k * h * d)) for k, c in enumerate(steps, start=1)) / (
        60 * h
    )


each_function = pytest.mark.parametrize("name", COMPOSED)
each_field = pytest.mark.parametrize("cplx", [False, True], ids=["real", "complex"])


@each_field
@each_function
@pytest.mark.parametrize("mode", MODES)
def test_first_order(name, cplx, mode):
    f, df = scalar(name, cplx)
    a, d = K(cplx), draw((3, 3), cplx=cplx, seed=1)
    np.testing.assert_allclose(directional(mode, f, d)(a), df(a, d), rtol=1e-11)


@each_field
@each_function
@pytest.mark.parametrize("outer", MODES)
@pytest.mark.parametrize("inner", MODES)
def test_second_order(name, cplx, inner, outer):
    f, df = scalar(name, cplx)
    a, d, e = K(cplx), draw((3, 3), cplx=cplx, seed=1), draw((3, 3), cplx=cplx, seed=2)
    truth = difference(lambda x: df(x, d), a, e)
    got = directional(outer, directional(inner, f, d), e)(a)
    np.testing.assert_allclose(got, truth, rtol=1e-8)


@each_field
@each_function
@pytest.mark.parametrize("modes", ["rrr", "fff", "rfr", "ffr", "frr", "rrf"])
def test_third_order(name, cplx, modes):
    f, df = scalar(name, cplx)
    a, d, e, g = K(cplx), *(draw((3, 3), cplx=cplx, seed=s) for s in (1, 2, 3))
    truth = difference(lambda x: difference(lambda y: df(y, d), x, e), a, g)
    for letter, direction in zip(modes, (d, e, g), strict=True):
        f = directional({"r": "rev", "f": "fwd"}[letter], f, direction)
    np.testing.assert_allclose(f(a), truth, rtol=1e-6)


@each_field
@each_function
def test_autograds_own_check(name, cplx):
    f, _ = scalar(name, cplx)
    np.random.seed(0)  # check_grads draws from it
    check_grads(f, modes=["fwd", "rev"], order=2)(K(cplx))


# -- whose derivative ran ------------------------------------------------------------------------


def marked(name="_marked", *, twin=False, inner=None, calls=None):
    """A cube whose jvp is 3 times, whose vjp 5 times the truth; the fast ones 11 and 7 times."""
    calls = [] if calls is None else calls
    square = inner or (lambda x: x * x)

    @gr.rule(name=name, replace=True)
    def cube(x):
        calls.append("primal")
        return x * x * x

    @cube.def_jvp
    def cube_jvp(primals, outputs, tangents):
        calls.append("jvp")
        return 3 * 3 * square(primals[0]) * tangents[0]

    @cube.def_vjp
    def cube_vjp(primals, outputs, cotangents):
        calls.append("vjp")
        return 5 * 3 * square(primals[0]) * cotangents[0]

    if twin:

        @cube.def_keep
        def cube_keep(x):
            calls.append("keep")
            return x * x * x, (x * x,)

        @cube.def_fast_jvp
        def cube_fast_jvp(primals, outputs, kept, tangents):
            calls.append("fast_jvp")
            return 11 * 3 * kept[0] * tangents[0]

        @cube.def_fast_vjp
        def cube_fast_vjp(primals, outputs, kept, cotangents):
            calls.append("fast_vjp")
            return 7 * 3 * kept[0] * cotangents[0]

    return cube


X, D = np.asarray([1.0, -2.0, 0.5]), np.asarray([0.3, 0.2, -1.0])


def test_our_vjp_and_our_jvp_run():
    cube = marked()
    np.testing.assert_allclose(grad(lambda x: anp.sum(cube(x)))(X), 5 * 3 * X**2)
    np.testing.assert_allclose(make_jvp(cube)(X)(D)[1], 3 * 3 * X**2 * D)


def test_fast_forms_run_at_first_order_and_only_there():
    calls = []
    cube = marked(twin=True, calls=calls)
    np.testing.assert_allclose(grad(lambda x: anp.sum(cube(x)))(X), 7 * 3 * X**2)
    np.testing.assert_allclose(make_jvp(cube)(X)(D)[1], 11 * 3 * X**2 * D)
    assert calls == ["keep", "fast_vjp", "keep", "fast_jvp"]


@pytest.mark.parametrize("twin", [False, True])
@pytest.mark.parametrize(
    ("inner", "outer", "factor"),
    [("rev", "rev", 5 * 5), ("rev", "fwd", 5 * 3), ("fwd", "rev", 3 * 5), ("fwd", "fwd", 3 * 3)],
)
def test_second_order_is_the_closed_form_made_of_rules(inner, outer, factor, twin):
    @gr.rule(name="_marked_square", replace=True)
    def square(x):
        return x * x

    square.def_jvp(lambda primals, outputs, tangents: 3 * 2 * primals[0] * tangents[0])
    square.def_vjp(lambda primals, outputs, cotangents: 5 * 2 * primals[0] * cotangents[0])
    cube = marked(twin=twin, inner=square)
    got = directional(outer, directional(inner, lambda x: anp.sum(cube(x)), D), X)(X)
    np.testing.assert_allclose(got, factor * 6 * np.sum(X * D * X))


def test_nothing_is_kept_when_nothing_differentiates():
    calls = []
    cube = marked(twin=True, calls=calls)
    cube(X)
    assert calls == ["primal"]


def test_kept_arrays_are_freed_with_the_graph():
    refs = []

    @gr.rule(name="_keeps", replace=True)
    def keeps(x):
        return x * 1

    @keeps.def_keep
    def keeps_keep(x):
        kept = x * 2
        refs.append(weakref.ref(kept))
        return x * 1, (kept,)

    keeps.def_vjp(lambda primals, outputs, cotangents: cotangents[0])
    keeps.def_fast_vjp(lambda primals, outputs, kept, cotangents: cotangents[0])
    pullback, _ = make_vjp(keeps)(X)
    gc.collect()
    assert refs[0]() is not None
    del pullback
    gc.collect()
    assert refs[0]() is None


def test_a_replaced_rule_is_met_at_once():
    first = marked("_replaced")

    @gr.rule(name="_replaced", replace=True)
    def second(x):
        return x * x * x

    second.def_vjp(lambda primals, outputs, cotangents: 13 * primals[0] ** 2 * cotangents[0])
    np.testing.assert_allclose(grad(lambda x: anp.sum(second(x)))(X), 13 * X**2)
    np.testing.assert_allclose(grad(lambda x: anp.sum(first(x)))(X), 5 * 3 * X**2)


def test_no_primitive_is_made_per_call_or_per_rule():
    before = len(primitive_vjps)
    for i in range(3):
        cube = marked(f"_leak{i}", twin=True)
        hessian(lambda x, cube=cube: anp.sum(cube(x)))(X)
    assert len(primitive_vjps) == before


def test_accumulation():
    cube = marked()
    pullback, _ = make_vjp(cube)(X)
    first = pullback(D)
    np.testing.assert_array_equal(pullback(D), first)
    twice = grad(lambda x: anp.sum(cube(x)) + anp.sum(cube(x)) + anp.sum(x))(X)
    np.testing.assert_allclose(twice, 2 * 15 * X**2 + 1)


# -- inputs, outputs, options --------------------------------------------------------------------


def powers(**declared):
    @gr.rule(name="_powers", replace=True, nondifferentiable=("k",), **declared)
    def power(x, k):
        return x**k

    power.def_jvp(lambda primals, outputs, tangents: primals[1] * power(primals[0], primals[1] - 1)
                  * tangents[0])  # fmt: skip
    power.def_vjp(lambda primals, outputs, cotangents: (
        primals[1] * power(primals[0], primals[1] - 1) * cotangents[0], None))  # fmt: skip
    return power


@pytest.mark.parametrize("k", [np.asarray(3), np.asarray(3.0), np.asarray([3, 2, 1])])
def test_an_input_without_derivative(k):
    power = powers()
    g = grad(lambda x: anp.sum(power(x, k)))(X)
    np.testing.assert_allclose(g, k * X ** (k - 1))
    np.testing.assert_allclose(make_jvp(power)(X, k)(D)[1], k * X ** (k - 1) * D)
    second = directional("rev", directional("fwd", lambda x: anp.sum(power(x, k)), D), D)(X)
    np.testing.assert_allclose(second, np.sum(k * (k - 1) * np.abs(X) ** (k - 2) * np.sign(X) ** k
                                              * D**2))  # fmt: skip


def test_a_derivative_with_respect_to_such_an_input_is_refused_by_name():
    power = powers()
    with pytest.raises(NotDifferentiableError, match="_powers: argument 'k'"):
        grad(lambda k: anp.sum(power(X, k)))(3.0)
    with pytest.raises(NotDifferentiableError, match="_powers: argument 'k'"):
        make_jvp(power, (0, 1))(X, np.asarray(3.0))((D, np.asarray(1.0)))


def test_traced_integers_are_constants():
    power = powers()
    g = grad(lambda x: anp.sum(power(x, anp.astype(x * 0, int) + 2)))(X)
    np.testing.assert_allclose(g, 2 * X)


def three_outputs(seen):
    @gr.rule(name="_three", replace=True, outputs=("double", "count", "square"))
    def three(x, *, scale=1.0):
        return 2 * x * scale, np.asarray(x > 0, dtype=np.int64), x * x * scale

    @three.def_jvp
    def three_jvp(primals, outputs, tangents, *, scale):
        return 2 * tangents[0] * scale, None, 2 * primals[0] * tangents[0] * scale

    @three.def_vjp
    def three_vjp(primals, outputs, cotangents, *, scale):
        seen.append(tuple(c is not None for c in cotangents))
        double, _, square = cotangents
        total = 0 * primals[0]
        total = total if double is None else total + 2 * double * scale
        return total if square is None else total + 2 * primals[0] * square * scale

    return three


def test_absent_cotangents_integer_outputs_and_options():
    seen = []
    three = three_outputs(seen)
    np.testing.assert_allclose(grad(lambda x: anp.sum(three(x).square))(X), 2 * X)
    np.testing.assert_allclose(grad(lambda x: anp.sum(three(x, scale=3.0).double))(X), 6.0)
    assert seen == [(False, False, True), (True, False, False)]
    seen.clear()

    def product(x):
        y = three(x)
        return anp.sum(y.double * y.square * y.count)

    np.testing.assert_allclose(grad(product)(X), 6 * X**2 * (X > 0))
    assert seen == [(True, False, True)]


def test_absent_cotangents_stay_absent_at_second_order():
    seen = []
    three = three_outputs(seen)
    np.testing.assert_allclose(hessian(lambda x: anp.sum(three(x).square))(X), 2 * np.eye(3))
    assert set(seen) == {(False, False, True)}


def test_integer_outputs_are_plain():
    kinds = []

    def f(x):
        y = three_outputs([])(x)
        kinds.append(type(y.count))
        return anp.sum(y.double)

    grad(f)(X)
    assert kinds == [np.ndarray]


@pytest.mark.parametrize("part", ["jvp", "vjp"])
def test_a_missing_derivative_is_refused_by_name(part):
    @gr.rule(name="_half", replace=True)
    def half(x):
        return x / 2

    if part == "vjp":
        half.def_jvp(lambda primals, outputs, tangents: tangents[0] / 2)
        np.testing.assert_allclose(make_jvp(half)(X)(D)[1], D / 2)
        with pytest.raises(MissingDerivativeError, match="'_half' has no vjp"):
            grad(lambda x: anp.sum(half(x)))(X)
    else:
        half.def_vjp(lambda primals, outputs, cotangents: cotangents[0] / 2)
        np.testing.assert_allclose(grad(lambda x: anp.sum(half(x)))(X), 0.5)
        with pytest.raises(MissingDerivativeError, match="'_half' has no jvp"):
            make_jvp(half)(X)(D)


def test_eigh_uses_only_the_cotangents_that_are_there():
    a = np.eye(3)  # a triple eigenvalue: eigenvectors have no derivative, eigenvalues have
    np.testing.assert_allclose(grad(lambda x: anp.sum(gr.eigh(x).eigenvalues))(a), a, atol=1e-14)
    assert np.isnan(grad(lambda x: anp.sum(gr.eigh(x).eigenvectors[0]))(a)).any()
    distinct = np.diag([1.0, 2.0, 4.0]) + 0.1
    c = draw((3, 3), cplx=False)
    np.testing.assert_allclose(
        grad(lambda x: pair(c, gr.eigh(x).eigenvectors))(distinct),
        gr.eigh.vjp(distinct)[1]((None, c))[0],
    )


@each_field
@pytest.mark.parametrize(
    ("left", "right"), [((3, 3), (5, 3, 2)), ((5, 3, 3), (3, 2)), ((2, 1, 3, 3), (4, 3, 2))]
)
def test_batches_broadcast(left, right, cplx):
    a, b = draw(left, cplx=cplx), draw(right, cplx=cplx)
    c = draw(np.shape(gr.solve(a, b)), cplx=cplx, seed=3)
    got = T.vjp(lambda a, b: (gr.solve(a, b),), (a, b), (c,))
    for mine, truth in zip(got, gr.solve.vjp(a, b)[1](c), strict=True):
        assert mine.shape == truth.shape
        np.testing.assert_allclose(mine, truth)
    tangents = draw(left, cplx=cplx, seed=4), draw(right, cplx=cplx, seed=5)
    mine = T.jvp(lambda a, b: (gr.solve(a, b),), (a, b), tangents)[0]
    truth = gr.solve.jvp(
        tuple(np.broadcast_to(x, c.shape[:-2] + x.shape[-2:]) for x in (a, b)),
        tuple(np.broadcast_to(x, c.shape[:-2] + x.shape[-2:]) for x in tangents),
    )[1]
    np.testing.assert_allclose(mine, truth)


def test_a_batch_is_a_loop():
    a = draw((4, 3, 3), cplx=True)

    def f(x):
        return sum(pair(E(COMPLEX), y) for y in (gr.expm(x), gr.inv(x)))

    each = np.stack([hvp(f, m) for m in a])
    np.testing.assert_allclose(hvp(f, a), each, rtol=1e-10)


def hvp(f, a):
    return T.jvp(lambda x: T.vjp(lambda y: (f(y),), (x,), (np.ones(()),)), (a,), (a,))[0]


def test_vector_right_side():
    a, b = draw((3, 3), cplx=False), draw((3,), cplx=False)
    ga, gb = grad(lambda a, b: anp.sum(gr.solve(a, b) ** 2), (0, 1))(a, b)
    x = np.linalg.solve(a, b)
    truth = np.linalg.solve(a.T, 2 * x)
    np.testing.assert_allclose(gb, truth)
    np.testing.assert_allclose(ga, -np.outer(truth, x))


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (0, 3, 3), (2, 0, 0), (0, 0, 0), (0, 1, 1)])
@pytest.mark.parametrize("name", sorted(REPRESENTATIVES))
def test_empty_and_order_one(name, shape):
    rule = REPRESENTATIVES[name]
    arrays = tuple(draw(shape, cplx=False, seed=i) + 2 for i, _ in enumerate(rule.inputs))

    def f(*xs):
        y = rule(*xs)
        return y if isinstance(y, tuple) else (y,)

    outputs = f(*arrays)
    tangents = tuple(draw(x.shape, cplx=False, seed=7) for x in arrays)
    bars = T.vjp(f, arrays, tuple(np.ones_like(y) for y in outputs))
    dots = T.jvp(f, arrays, tangents)
    assert [b.shape for b in bars] == [x.shape for x in arrays]
    assert [np.shape(d) for d in dots] == [np.shape(y) for y in outputs]
    if name not in ("eigh",):
        left = sum(np.sum(b * t) for b, t in zip(bars, tangents, strict=True))
        np.testing.assert_allclose(left, sum(np.sum(d) for d in dots))
    second = T.jvp(
        lambda *xs: T.vjp(f, xs, tuple(np.ones_like(y) for y in outputs)), arrays, tangents
    )
    assert [s.shape for s in second] == [x.shape for x in arrays]


@pytest.mark.parametrize("dtype", ["float32", "complex64", "float64", "complex128"])
@pytest.mark.parametrize("name", sorted(REPRESENTATIVES))
def test_dtypes_are_preserved(name, dtype):
    rule = REPRESENTATIVES[name]
    cplx = dtype.startswith("complex")
    arrays = tuple(draw((3, 3), cplx=cplx, seed=i).astype(dtype) for i, _ in enumerate(rule.inputs))

    def f(*xs):
        y = rule(*xs)
        return y if isinstance(y, tuple) else (y,)

    outputs = f(*arrays)
    # Cotangents of double precision, as autograd makes them: it widens.
    bars = T.vjp(f, arrays, tuple(np.zeros(np.shape(y)) for y in outputs))
    dots = T.jvp(f, arrays, arrays)
    assert [b.dtype for b in bars] == [dtype] * len(arrays)
    assert [d.dtype for d in dots] == [y.dtype for y in outputs]


def test_a_rule_sees_cotangents_in_the_dtype_of_its_outputs():
    seen = []

    @gr.rule(name="_dtype", replace=True)
    def same(x):
        return x * 1

    @same.def_vjp
    def same_vjp(primals, outputs, cotangents):
        seen.append(cotangents[0].dtype)
        return cotangents[0]

    # The cotangent of the weight is float64.
    grad(lambda x: anp.sum(same(x) * X))(X.astype("float32"))
    grad(lambda x: anp.sum(anp.real(same(x)) * X))(X.astype("complex64"))
    assert seen == ["float32", "complex64"]


def test_numbers():
    cube = marked()
    for x in (2.0, np.float64(2.0), np.asarray(2.0)):
        np.testing.assert_allclose(grad(cube)(x), 60.0)
        np.testing.assert_allclose(grad(grad(cube))(x), 60.0)
        np.testing.assert_allclose(make_jvp(cube)(x)(1.0)[1], 36.0)
    assert grad(cube)(np.float32(2.0)).dtype == np.float32


def test_traced_and_plain_arrays_mix_and_others_do_not():
    strict = pytest.importorskip("array_api_strict")
    a, b = draw((3, 3), cplx=False), draw((3, 2), cplx=False)
    ga = grad(lambda x: anp.sum(gr.solve(x, b)))(a)
    np.testing.assert_allclose(ga, gr.solve.vjp(a, b)[1](np.ones((3, 2)))[0])
    with pytest.raises(ArrayTypeError, match="different libraries"):
        grad(lambda x: gr.solve(x, strict.asarray(b))[0, 0])(a)


def test_real_and_complex_inputs_mix():
    a, b = draw((3, 3), cplx=False), draw((3, 2), cplx=True)
    c = draw((3, 2), cplx=True, seed=4)
    got = T.vjp(lambda a, b: (gr.solve(a, b),), (a, b), (c,))
    assert [g.dtype for g in got] == ["float64", "complex128"]
    truth = gr.solve.vjp(a.astype(complex), b)[1](c)
    np.testing.assert_allclose(got[0], truth[0].real)
    np.testing.assert_allclose(got[1], truth[1])


def test_a_traced_list_is_refused():
    with pytest.raises(ArrayTypeError, match="SequenceBox"):
        grad(gr.det)([np.eye(2)])


# -- autograd's own interface --------------------------------------------------------------------


@each_field
@each_function
def test_checkpoint(name, cplx):
    f, _ = scalar(name, cplx)
    a, d = K(cplx), draw((3, 3), cplx=cplx, seed=1)
    np.testing.assert_allclose(grad(checkpoint(f))(a), grad(f)(a))
    np.testing.assert_allclose(
        directional("rev", directional("rev", checkpoint(f), d), d)(a),
        directional("rev", directional("rev", f, d), d)(a),
    )


@each_function
def test_hessian_jacobian_and_products(name):
    f, df = scalar(name, cplx=False)
    a, d = K(REAL), draw((3, 3), cplx=False, seed=1)
    h = hessian(f)(a)
    np.testing.assert_allclose(
        h, np.transpose(h, (2, 3, 0, 1)), rtol=1e-9, atol=1e-9 * abs(h).max()
    )
    truth = np.einsum("ijkl,kl->ij", h, d)
    np.testing.assert_allclose(make_hvp(f)(a)[0](d), truth, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(make_jvp(grad(f))(a)(d)[1], truth, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.sum(jacobian(f)(a) * d), df(a, d), rtol=1e-9)
    value, g = value_and_grad(f)(a)
    np.testing.assert_allclose((value, np.sum(g * d)), (f(a), df(a, d)))


def test_jacobian_of_a_matrix_function():
    a, d = K(REAL), draw((3, 3), cplx=False, seed=1)
    j = jacobian(gr.expm)(a)
    np.testing.assert_allclose(np.einsum("ijkl,kl->ij", j, d), gr.expm.jvp((a,), (d,))[1])


def test_gauss_newton():
    a, d = K(REAL), draw((3, 3), cplx=False, seed=1)

    def f(x):
        return anp.reshape(gr.expm(x), (-1,))

    j = jacobian(f)(a).reshape(9, 9)
    got = make_ggnvp(f)(a)(d)
    np.testing.assert_allclose(got.reshape(-1), j.T @ j @ d.reshape(-1), rtol=1e-10)


def test_elementwise_grad():
    np.testing.assert_allclose(elementwise_grad(marked())(X), 15 * X**2)
    np.testing.assert_allclose(elementwise_grad(elementwise_grad(marked()))(X), 30 * X)


def test_holomorphic():
    a, d = K(COMPLEX), draw((3, 3), cplx=True, seed=1)
    truth = gr.det.jvp((a,), (d,))[1]
    np.testing.assert_allclose(np.sum(holomorphic_grad(gr.det)(a) * d), truth)


def test_nested_containers():
    a, b = draw((3, 3), cplx=False), draw((3, 2), cplx=True)

    def loss(parameters):
        x = gr.solve(gr.expm(parameters["net"][0]), parameters["net"][1]["b"])
        return pair(x, x) * parameters["scale"]

    tree = {"net": [a, {"b": b}], "scale": 2.0}
    got = grad(loss)(tree)
    y = np.linalg.solve(gr.expm(a), b)
    np.testing.assert_allclose(got["scale"], np.sum(abs(y) ** 2))
    e_bar, b_bar = gr.solve.vjp(gr.expm(a).astype(complex), b)[1](4 * y)
    np.testing.assert_allclose(got["net"][1]["b"], np.conj(b_bar))
    np.testing.assert_allclose(got["net"][0], gr.expm.vjp(a)[1](e_bar.real)[0])


def test_the_rules_own_vjp_and_jvp_can_be_differentiated():
    a, c, d = K(REAL), E(REAL), draw((3, 3), cplx=False, seed=1)
    truth = difference(lambda x: np.sum(c * gr.expm.jvp((x,), (d,))[1]), a, d)
    by_pullback = make_jvp(lambda x: anp.sum(gr.expm.vjp(x)[1](c)[0] * d))(a)(d)[1]
    by_push = grad(lambda x: anp.sum(c * gr.expm.jvp((x,), (d,))[1]))(a)
    np.testing.assert_allclose(by_pullback, truth, rtol=1e-8)
    np.testing.assert_allclose(np.sum(by_push * d), truth, rtol=1e-8)


def test_unused_and_constant_arguments():
    a = K(REAL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zero = T.vjp(lambda x: (gr.expm(E(REAL)),), (a,), (a,))[0]
        still = T.jvp(lambda x: (gr.expm(E(REAL)),), (a,), (a,))[0]
    np.testing.assert_array_equal(zero, np.zeros((3, 3)))
    np.testing.assert_array_equal(still, np.zeros((3, 3)))
    bars = T.vjp(lambda x, k: (gr.expm(x) * k,), (a, np.asarray(2)), (a,))
    np.testing.assert_array_equal(bars[1], 0)
    dots = T.jvp(lambda x: (x, np.asarray(1)), (a,), (a,))
    assert dots[1] is None


def test_inputs_are_not_modified():
    a = K(REAL)
    before = a.copy()
    c = E(REAL)
    pullback, _ = make_vjp(lambda x: gr.inv(x) + gr.expm(x) + x)(a)
    pullback(c)
    np.testing.assert_array_equal(a, before)
    np.testing.assert_array_equal(c, E(REAL))


# -- the array namespace -------------------------------------------------------------------------

PAIR = np.asarray([[True], [False]])
APART = np.reshape(np.arange(12.0), (2, 2, 3))
NAMES = [
    "abs",
    "exp",
    "log",
    "log2",
    "log10",
    "log1p",
    "expm1",
    "sqrt",
    "square",
    "reciprocal",
    "sin",
    "cos",
    "tan",
    "acos",
    "asin",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "atanh",
    "negative",
    "positive",
    "conj",
    "real",
    "imag",
    "sign",
]
UNARY = {
    **{name: lambda x, name=name: getattr(xp, name)(x) for name in NAMES},
    **{
        f"{name} axis={axis} keepdims={keep}": lambda x, name=name, axis=axis, keep=keep: getattr(
            xp, name
        )(x, axis=axis, keepdims=keep)
        for name in ("sum", "prod", "mean", "var", "std")
        for axis in (None, 0, -1, (-2, -1))
        for keep in (False, True)
    },
    "tril": lambda x: xp.tril(x, k=-1),
    "triu": lambda x: xp.triu(x, k=1),
    "concat": lambda x: xp.concat([x, x[:, :, :1] ** 2], axis=-1),
    "concat flat": lambda x: xp.concat([x, x**2], axis=None),
    "stack": lambda x: xp.stack([x, x**2], axis=-1),
    "unstack": lambda x: xp.unstack(x, axis=1)[1],
    "where": lambda x: xp.where(PAIR, x**2, x[:, :, :1]),
    "where scalar": lambda x: xp.where(PAIR, 1, x**2),
    "broadcast_to": lambda x: xp.broadcast_to(x[:, :1] ** 2, (4, 2, 2, 3)),
    "broadcast_arrays": lambda x: xp.broadcast_arrays(x, x[:, :1] ** 2)[1],
    "matmul": lambda x: xp.matmul(x, xp.matrix_transpose(x)),
    "tensordot": lambda x: xp.tensordot(x, x, axes=((2,), (2,))),
    "vecdot": lambda x: xp.vecdot(x, x**2),
    "moveaxis": lambda x: xp.moveaxis(x**2, 0, -1),
    "permute_dims": lambda x: xp.permute_dims(x**2, (2, 0, 1)),
    "reshape": lambda x: xp.reshape(x**2, (-1,)),
    "flip": lambda x: xp.flip(x**2, axis=-1),
    "expand_dims": lambda x: xp.expand_dims(x**2, axis=-1),
    "squeeze": lambda x: xp.squeeze(x[:, :, :1] ** 2, axis=-1),
    "take": lambda x: xp.take(x**2, np.asarray([0, 2, 2]), axis=-1),
    "full_like": lambda x: xp.full_like(x, x[0, 0, 0] ** 2),
    "asarray": lambda x: xp.asarray([x[0, 0, 0], x[0, 1, 1] ** 2]),
    "to complex": lambda x: xp.astype(xp.real(x) ** 2, xp.complex128) * (1 + 2j),
    "to real": lambda x: xp.astype(x**2, xp.float64),
    "pow": lambda x: xp.pow(x, 3),
    "roll": lambda x: xp.roll(x**2, 1, axis=-1),
    "diff": lambda x: xp.diff(x**2, axis=-1),
    "cumulative_sum": lambda x: xp.cumulative_sum(x**2, axis=-1),
    "cumulative_sum first": lambda x: xp.cumulative_sum(x**2, axis=0),
    "sum as": lambda x: xp.sum(x**2, axis=0, dtype=xp.complex128),
    "real by complex": lambda x: xp.multiply(xp.real(x), xp.concat([x, 1j * x], axis=0)[:2]),
    "real or complex": lambda x: xp.where(PAIR, xp.real(x), x * 1j),
    "divide": lambda x: xp.divide(x**2, x + 1),
}
REAL_ONLY = {
    "maximum": lambda x: xp.maximum(x, x[:, ::-1] ** 2),
    "minimum": lambda x: xp.minimum(x, x[:, ::-1] ** 2),
    "hypot": lambda x: xp.hypot(x, x[:, ::-1] ** 2),
    "logaddexp": lambda x: xp.logaddexp(x, x[:, ::-1] ** 2),
    "atan2": lambda x: xp.atan2(x, x[:, ::-1] ** 2),
    "remainder": lambda x: xp.remainder(x, 0.25 + x[:, ::-1] ** 2),
    "clip": lambda x: xp.clip(x**2 + APART, 3.0, max=8.0),
    "max": lambda x: xp.max(x**2 + APART, axis=(-2, -1)),
    "min": lambda x: xp.min(x**2 + APART, axis=-1, keepdims=True),
}


@pytest.mark.parametrize(
    ("f", "cplx"),
    [
        *(pytest.param(f, c, id=f"{n}-{c}") for n, f in UNARY.items() for c in (False, True)),
        *(pytest.param(f, False, id=n) for n, f in REAL_ONLY.items()),
    ],
)
@pytest.mark.filterwarnings("error")
def test_namespace(f, cplx):
    """Every function, in both modes and to second order, against differences of its values."""
    rng = np.random.default_rng(5)
    x, d, e = rng.uniform(0.3, 0.9, (3, 2, 2, 3)) + (
        1j * rng.uniform(0.3, 0.9, (3, 2, 2, 3)) if cplx else 0
    )
    y = f(x)
    c = draw(np.shape(y), cplx=np.iscomplexobj(y))

    def g(x):
        return pair(c, f(x))

    first = difference(g, x, d, h=2e-3)
    second = difference(lambda x: difference(g, x, d, h=2e-3), x, e, h=2e-3)
    for inner in MODES:
        np.testing.assert_allclose(directional(inner, g, d)(x), first, rtol=1e-9, atol=1e-9)
        for outer in MODES:
            got = directional(outer, directional(inner, g, d), e)(x)
            np.testing.assert_allclose(got, second, rtol=1e-7, atol=1e-7)


def test_namespace_products_with_zeros():
    x = np.asarray([2.0, 0.0, 3.0, 0.0])
    np.testing.assert_array_equal(grad(xp.prod)(x), np.zeros(4))
    h = np.zeros((4, 4))
    h[1, 3] = h[3, 1] = 6.0
    np.testing.assert_array_equal(hessian(xp.prod)(x), h)


@pytest.mark.parametrize("name", ["linalg", "cumulative_prod", "nothing"])
def test_namespace_says_what_it_lacks(name):
    with pytest.raises(AttributeError, match=f"no '{name}'"):
        getattr(xp, name)


def test_transforms_name_what_autograd_lacks():
    assert set(T.missing) == {"vmap", "compile"}
