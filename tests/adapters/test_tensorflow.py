"""TensorFlow: every way it differentiates, with our derivatives and no others.

Truth is NumPy: `rule.jvp` for the first order, high-order central differences of it beyond.
"""

import functools
import gc
import sys
import weakref

import numpy as np
import pytest

import gradrules as gr
from gradrules.errors import (
    ArrayTypeError,
    MissingDerivativeError,
    NotDifferentiableError,
    ShapeError,
    UnsupportedTransformError,
)

tf = pytest.importorskip("tensorflow")
forwardprop = pytest.importorskip("tensorflow.python.eager.forwardprop")
adapter = pytest.importorskip("gradrules_tensorflow").adapter
transforms = adapter.transforms
XLA = transforms.compilers()["xla"]
RNG = np.random.default_rng(20)
VJP, JVP, FAST = 5.0, 3.0, 7.0  # factors planted in the derivatives of `marked`


def random(*shape, cplx=False):
    x = RNG.standard_normal(shape)
    return x + 1j * RNG.standard_normal(shape) if cplx else x


def inner(a, b):
    """``Re <a, b>``, of NumPy arrays or of tensors."""
    if isinstance(a, np.ndarray):
        return np.real(np.sum(np.conj(a) * b))
    return tf.math.real(tf.reduce_sum(tf.math.conj(a) * b))


def total(aa, bb):
    return functools.reduce(lambda s, t: s + t, [inner(a, b) for a, b in zip(aa, bb, strict=True)])


# -- rules with planted factors: they show whose derivative ran -----------------------------------

CALLS = []


def make_marked(name="marked", *, jvp=True, vjp=True, keep=True):
    @gr.rule(name=name, signature="(n,n)->(n,n)", replace=True)
    def marked(x, /):
        CALLS.append("primal")
        return x @ x

    if jvp:

        @marked.def_jvp
        def marked_jvp(primals, outputs, tangents):
            CALLS.append("jvp")
            (x,), (t,) = primals, tangents
            return JVP * (x @ t + t @ x)

    if vjp:

        @marked.def_vjp
        def marked_vjp(primals, outputs, cotangents, *, xp):
            CALLS.append("vjp")
            h, g = xp.conj(xp.matrix_transpose(primals[0])), cotangents[0]
            return VJP * (h @ g + g @ h)

    if keep:

        @marked.def_keep
        def marked_keep(x, /, *, xp):
            CALLS.append("keep")
            return x @ x, (xp.conj(xp.matrix_transpose(x)),)

        @marked.def_fast_vjp
        def marked_fast_vjp(primals, outputs, kept, cotangents):
            CALLS.append("fast_vjp")
            return FAST * (kept[0] @ cotangents[0] + cotangents[0] @ kept[0])

    return marked


marked = make_marked()
A, D, E, G = (tf.constant(random(3, 3)) for _ in range(4))
AS, GS = tf.stack([A, D, 2 * A]), tf.stack([G, E, D])


def f(x):
    return (marked(x),)


def square_jvp(x, t):
    return x @ t + t @ x


def square_vjp(x, g):
    h = tf.linalg.adjoint(x)
    return h @ g + g @ h


def rev(x, g=G, f=f):
    return transforms.vjp(f, (x,), (g,))


def fwd(x, t=D, f=f):
    return transforms.jvp(f, (x,), (t,))


def close(got, want, tolerance=1e-12):
    np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=tolerance, atol=tolerance)


@pytest.fixture(autouse=True)
def calls():
    CALLS.clear()
    return CALLS


WRAPPERS = {
    "eager": lambda g: g,
    "function": transforms.compile,
    "xla": XLA,
    "vmap": lambda g: (
        lambda x: tuple(y[1] for y in transforms.vmap(g)(tf.stack([2 * x, x, 3 * x])))
    ),
    "vmap twice": lambda g: (
        lambda x: tuple(
            y[0, 1] for y in transforms.vmap(transforms.vmap(g))(tf.stack([2 * x, x])[None])
        )
    ),
    "vmap in function": lambda g: (
        lambda x: tuple(y[1] for y in tf.function(transforms.vmap(g))(tf.stack([2 * x, x])))
    ),
    "function in vmap": lambda g: (
        lambda x: tuple(y[1] for y in transforms.vmap(tf.function(g))(tf.stack([2 * x, x])))
    ),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_the_fast_vjp_runs(wrap, calls):
    close(wrap(rev)(A)[0], FAST * square_vjp(A, G))
    assert set(calls) == {"keep", "fast_vjp"}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_our_jvp_runs(wrap, calls):
    close(wrap(fwd)(A)[0], JVP * square_jvp(A, D))
    assert set(calls) == {"keep", "jvp"}


NESTINGS = {
    "forward over reverse": (lambda x: transforms.jvp(rev, (x,), (D,)), VJP * square_vjp(D, G)),
    "reverse over reverse": (lambda x: transforms.vjp(rev, (x,), (D,)), VJP * square_vjp(D, G)),
    "forward over forward": (lambda x: transforms.jvp(fwd, (x,), (E,)), JVP * square_jvp(E, D)),
    "reverse over forward": (lambda x: transforms.vjp(fwd, (x,), (G,)), JVP * square_vjp(D, G)),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
@pytest.mark.parametrize("nesting", NESTINGS)
def test_second_order_differentiates_the_closed_form(nesting, wrap, calls):
    g, want = NESTINGS[nesting]
    close(wrap(g)(A)[0], want)
    assert "primal" not in calls
    assert "fast_vjp" not in calls


# What differentiates a graph that exists already calls the closed vjp.
OUTSIDE = {
    "function": (transforms.compile, A, G),
    "xla": (XLA, A, G),
    "vmap": (transforms.vmap, AS, GS),
    "vmap twice": (lambda g: transforms.vmap(transforms.vmap(g)), AS[None], GS[None]),
    "vmap of function": (lambda g: transforms.vmap(tf.function(g)), AS, GS),
    "function of vmap": (lambda g: tf.function(transforms.vmap(g)), AS, GS),
    "function of function": (lambda g: tf.function(tf.function(g)), A, G),
}


@pytest.mark.parametrize("case", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_a_tape_outside_uses_our_vjp(case, calls):
    wrap, x, g = case
    close(rev(x, g, wrap(f))[0], VJP * square_vjp(x, g))
    assert "fast_vjp" not in calls


@pytest.mark.parametrize("case", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_an_accumulator_outside_transposes_our_vjp(case):
    wrap, x, _ = case
    t = tf.ones_like(x)
    close(fwd(x, t, wrap(f))[0], VJP * square_jvp(x, t))


# -- the rules of gradrules, against NumPy, to third order ----------------------------------------


class Case:
    """A rule at a point, as a function of its inputs that does not see a gauge."""

    def __init__(self, name, options, arrays):
        self.rule, self.options, self.arrays = gr.registry[name], options, arrays
        y = self.post(self.rule(*arrays, **options))
        self.weights = tuple(random(*v.shape, cplx=np.iscomplexobj(v)) for v in y)
        self.truths = {}
        self.directions = [
            tuple(random(*a.shape, cplx=np.iscomplexobj(a)) for a in arrays) for _ in range(3)
        ]

    def post(self, y):
        if self.rule.name == "eigh":
            w, v = y
            return w, v * v.conj() if isinstance(v, np.ndarray) else v * tf.math.conj(v)
        return y if isinstance(y, tuple) else (y,)

    def loss(self, *tensors):
        y = self.post(self.rule(*tensors, **self.options))
        return total(map(tf.constant, self.weights), y)

    def first(self, arrays, direction):
        """The derivative of the loss, by NumPy."""
        y, dots = self.rule.jvp(arrays, direction, **self.options)
        if self.rule.name == "eigh":
            dots = dots[0], 2 * np.real(np.conj(y[1]) * dots[1]).astype(y[1].dtype)
        return total(self.weights, dots if isinstance(dots, tuple) else (dots,))

    def truth(self, order):
        """The derivative along the first `order` directions."""
        if order not in self.truths:
            self.truths[order] = self._truth(order)
        return self.truths[order]

    def _truth(self, order):

        def differentiated(g, e):
            def derivative(arrays):
                total = 0.0
                for k, c in enumerate((4 / 5, -1 / 5, 4 / 105, -1 / 280), 1):
                    h = 0.01 * k
                    plus = tuple(a + h * t for a, t in zip(arrays, e, strict=True))
                    minus = tuple(a - h * t for a, t in zip(arrays, e, strict=True))
                    total += c * (g(plus) - g(minus)) / 0.01
                return total

            return derivative

        g = functools.partial(self.first, direction=self.directions[0])
        for e in self.directions[1:order]:
            g = differentiated(g, e)
        return g(self.arrays)

    def derivative(self, modes, tensors, loss=None):
        """The same by TensorFlow: ``"rf"`` is a forward derivative of a reverse one."""
        g = loss or self.loss
        for mode, direction in zip(modes, self.directions, strict=False):
            g = self.differentiated(g, mode, tuple(map(tf.constant, direction)))
        return g(*tensors)

    @staticmethod
    def differentiated(g, mode, direction):
        def scalar(*x):
            return (g(*x),)

        if mode == "f":
            return lambda *x: transforms.jvp(scalar, x, direction)[0]
        one = (tf.constant(1.0, tf.float64),)
        return lambda *x: total(direction, transforms.vjp(scalar, x, one))

    @property
    def tensors(self):
        return tuple(map(tf.constant, self.arrays))


def cases():
    for cplx in (False, True):
        a = 2 * np.eye(3) + 0.3 * random(3, 3, cplx=cplx) + np.triu(np.ones((3, 3)), 1)
        h = np.diag([-3.0, 1.0, 5.0]) + 0.3 * random(3, 3, cplx=cplx)
        b = random(3, 2, cplx=cplx)
        for name, options, arrays in (
            ("det", {}, (a,)),
            ("slogdet", {}, (a,)),
            ("inv", {}, (a,)),
            ("cofactor", {}, (a,)),
            ("solve", {}, (a, b)),
            ("expm", {}, (a,)),
            ("expm_frechet", {}, (a, random(3, 3, cplx=cplx))),
            ("eigvalsh", {}, (h,)),
            ("eigh", {}, (h,)),
            ("eigh", {"lower": True}, (h,)),
        ):
            if name in gr.registry:
                yield Case(name, options, arrays)


CASES = {f"{c.rule.name}{'-lower' if c.options else ''}-{c.arrays[0].dtype}": c for c in cases()}
# Where a graph is traced, which takes seconds: one rule of each kind.
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@each_case
def test_value(case):
    for y, want in zip(
        case.post(case.rule(*case.tensors, **case.options)),
        case.post(case.rule(*case.arrays, **case.options)),
        strict=True,
    ):
        close(y, want)


def test_expm_in_graphs():
    """Its squarings are a loop."""
    case = CASES["expm-float64"]
    x = 8 * case.tensors[0]
    want = gr.expm.vjp(x.numpy())[1](case.weights[0])[0]

    def gradient(x):
        return transforms.vjp(lambda x: (gr.expm(x),), (x,), (tf.constant(case.weights[0]),))

    close(tf.function(gradient)(x)[0], want, 1e-10)
    close(XLA(gradient)(x)[0], want, 1e-10)
    close(transforms.vmap(gradient)(tf.stack([x / 8, x]))[0][1], want, 1e-10)


@pytest.mark.parametrize("name", ["det-float64", "solve-float64"])
@pytest.mark.parametrize("mapped", [False, True], ids=["function", "vmap"])
def test_an_accumulator_that_has_traced_too_often_forgets_all_shapes(name, mapped, monkeypatch):
    monkeypatch.setattr(forwardprop, "_TRACE_COUNT_LIMIT", -1)
    case = CASES[name]
    wrap = transforms.vmap if mapped else tf.function
    x = tuple(tf.stack([t, t]) for t in case.tensors) if mapped else case.tensors
    got = wrap(lambda *x: (case.derivative("fr", x),))(*x)[0]
    close(got[0] if mapped else got, case.truth(2), 1e-9)


@pytest.mark.parametrize("name", ["inv-float64", "solve-float64", "solve-complex128"])
def test_derivatives_in_xla(name):
    case = CASES[name]
    assert not transforms.refused("xla", case.rule, case.arrays[0].dtype.name)
    g = XLA(functools.partial(case.derivative, "rr"))
    close(g(case.tensors), case.truth(2), 1e-9)


def test_inverse_in_xla():
    x = tf.complex(A, D)
    close(XLA(gr.inv)(tf.stack([x, 2j * x])), np.linalg.inv(np.stack([x, 2j * x])), 1e-12)


def test_eigenvalues_in_xla():
    """XLA's solver stops at about 1e-6, in float64 too."""
    case = CASES["eigvalsh-float64"]
    assert "1e-6" in transforms.refused("xla", case.rule, "float64")
    close(XLA(functools.partial(case.derivative, "r"))(case.tensors), case.truth(1), 1e-4)


def test_what_xla_lacks_is_refused_by_name():
    det = CASES["det-float64"]
    assert "no kernel for MatrixDeterminant" in transforms.refused("xla", det.rule, "float64")
    with pytest.raises(tf.errors.InvalidArgumentError, match="MatrixDeterminant"):
        XLA(det.loss)(*det.tensors)
    eigh = CASES["eigh-complex128"]
    assert "wrong numbers" in transforms.refused("xla", eigh.rule, "complex128")
    with pytest.raises(UnsupportedTransformError, match="XLA's eigenvalue solver"):
        XLA(eigh.loss)(*eigh.tensors)


# -- tapes ----------------------------------------------------------------------------------------


def jacobian_of_square(x, factor):
    """``d (x @ x)_ij / d x_kl``."""
    one = np.eye(len(x))
    return factor * (np.einsum("ik,lj->ijkl", one, x) + np.einsum("ik,jl->ijkl", x, one))


@pytest.mark.parametrize("pfor", [True, False])
def test_tape_jacobian(pfor, calls):
    with gr.host.disabled(), tf.GradientTape(persistent=True) as tape:
        tape.watch(A)
        y = marked(A)
    close(tape.jacobian(y, A, experimental_use_pfor=pfor), jacobian_of_square(A.numpy(), FAST))
    assert calls.count("keep") == 1


def test_tape_batch_jacobian():
    with gr.host.disabled(), tf.GradientTape() as tape:
        tape.watch(AS)
        y = marked(AS)
    found = tape.batch_jacobian(y, AS)
    for x, jacobian in zip(AS.numpy(), found, strict=True):
        close(jacobian, jacobian_of_square(x, FAST))


def test_hessian_in_vectorized_map():
    case = CASES["solve-float64"]
    a, b = case.tensors

    def hessian(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = case.loss(x, b)
            gradient = tape.gradient(loss, x)
        return outer.jacobian(gradient, x)

    found = tf.vectorized_map(hessian, tf.stack([a, 2 * a]))
    for x, got in zip((a, 2 * a), found, strict=True):
        close(got, hessian(x), 1e-10)


def test_persistent_tape_and_absent_cotangents():
    x = A + tf.transpose(A)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        w, v = gr.eigh(x)
        of_values, of_vectors = tf.reduce_sum(w * w), tf.reduce_sum(v[:, 0] ** 4)
    first, second = tape.gradient(of_values, x), tape.gradient(of_vectors, x)
    close(first, 2 * x)
    close(tape.gradient([of_values, of_vectors], x), first + second)
    close(tape.gradient(of_values, x), first)


def test_values_alone_have_a_gradient_at_equal_eigenvalues():
    x = tf.eye(3, dtype=tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(gr.eigh(x).eigenvalues ** 2)
    close(tape.gradient(y, x), 2 * np.eye(3))


def test_a_tape_inside_another_sees_the_inner_gradient_only_if_it_watches(calls):
    with tf.GradientTape() as outer:
        outer.watch(D)
        close(rev(A)[0], FAST * square_vjp(A, G))
        y = tf.reduce_sum(D)
    close(outer.gradient(y, D), np.ones((3, 3)))
    assert set(calls) == {"keep", "fast_vjp"}


def test_gathered_outputs():
    """The cotangent comes as IndexedSlices."""
    with tf.GradientTape() as tape:
        tape.watch(A)
        y = tf.reduce_sum(tf.gather(marked(A), [0, 2]))
    g = np.zeros((3, 3))
    g[[0, 2]] = 1
    close(tape.gradient(y, A), FAST * square_vjp(A, g))


def test_the_same_tensor_twice():
    case = CASES["solve-float64"]
    a = case.tensors[0]
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = tf.reduce_sum(gr.solve(a, a) * G)  # the identity
    close(tape.gradient(y, a), np.zeros((3, 3)))


def test_an_output_that_is_an_input():
    @gr.rule(name="tf_same", signature="()->()", replace=True)
    def same(x, /):
        return x

    @same.def_jvp
    def jvp(primals, outputs, tangents):
        return 3 * tangents[0]

    @same.def_vjp
    def vjp(primals, outputs, cotangents):
        return 5 * cotangents[0]

    close(rev(A, G, lambda x: (same(x),))[0], 5 * G)
    close(fwd(A, D, lambda x: (same(x),))[0], 3 * D)
    close(rev(A, G, tf.function(lambda x: (same(x),)))[0], 5 * G)


def test_gradients_add_up_over_calls(calls):
    with tf.GradientTape() as tape:
        tape.watch(A)
        y = tf.add_n([tf.reduce_sum(marked(A) * G) for _ in range(3)])
    close(tape.gradient(y, A), 3 * FAST * square_vjp(A, G))
    assert calls.count("fast_vjp") == 3


def test_compute_gradient():
    analytic, numeric = tf.test.compute_gradient(gr.inv, [tf.complex(A, D)])
    close(analytic, numeric, 1e-4)


# -- nothing is kept or traced for nothing --------------------------------------------------------


def test_nothing_is_kept_where_nothing_differentiates(calls):
    marked(A)
    with tf.GradientTape():
        marked(A)
    with tf.autodiff.ForwardAccumulator(A, D):
        marked(G)
    tf.function(marked)(A)
    assert set(calls) == {"primal"}


def test_kept_arrays_are_freed():
    references = []

    @gr.rule(name="tf_keeper", signature="(n,n)->(n,n)", replace=True)
    def keeper(x, /):
        return x @ x

    @keeper.def_keep
    def keep(x, /):
        kept = x * 2
        references.append(weakref.ref(kept))
        return x @ x, (kept,)

    @keeper.def_vjp
    def vjp(primals, outputs, cotangents):
        return cotangents[0]

    rev(A, G, lambda x: (keeper(x),))
    gc.collect()
    assert references
    assert all(r() is None for r in references)


def test_one_trace_serves_two_calls(calls):
    g = tf.function(rev)
    g(A)
    traced = len(calls)
    close(g(D)[0], FAST * square_vjp(D, G))
    assert len(calls) == traced


def test_a_rule_that_is_replaced_is_not_remembered():
    old = make_marked("tf_replaced")
    g = tf.function(lambda x: rev(x, G, lambda x: (gr.registry["tf_replaced"](x),)))
    close(g(A)[0], FAST * square_vjp(A, G))
    make_marked("tf_replaced", keep=False)
    assert gr.registry["tf_replaced"] is not old
    h = tf.function(lambda x: rev(x, G, lambda x: (gr.registry["tf_replaced"](x),)))
    close(h(A)[0], VJP * square_vjp(A, G))


def test_autograph_leaves_rules_alone():
    files = []

    @gr.rule(name="tf_written_here", replace=True)
    def written_here(x, /):
        files.append(sys._getframe().f_code.co_filename)
        return x

    @tf.function
    def g(x):
        if tf.reduce_sum(x) > 0:  # AutoGraph is needed for this line
            return written_here(x)
        return x

    g(A)
    assert files
    assert set(files) == {__file__}


# -- lengths that the graph does not know ---------------------------------------------------------


UNKNOWN = {
    "det": (CASES["det-float64"], 2),
    "slogdet": (CASES["slogdet-float64"], 2),
    "inv": (CASES["inv-float64"], 2),
    "solve": (CASES["solve-float64"], 2),
    "expm": (CASES["expm-float64"], 2),
    "eigvalsh": (CASES["eigvalsh-float64"], 2),
    "eigh": (CASES["eigh-float64"], 2),
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("known", [True, False], ids=["unknown batch", "unknown"])
def test_unknown_lengths(name, known):
    case, rank = UNKNOWN[name]
    batch = tuple(np.stack([a, a * 1.5]) for a in case.arrays)
    specs = [
        tf.TensorSpec([None, *(a.shape[1:] if known else [None] * rank)], tf.float64) for a in batch
    ]

    def losses(*x):
        y = case.post(case.rule(*x, **case.options))
        return sum(
            tf.reduce_sum(v * w, list(range(1, v.shape.rank)))
            for v, w in zip(y, case.weights, strict=True)
        )

    @tf.function(input_signature=specs)
    def gradients(*x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = losses(*x)
        return tape.gradient(loss, x)

    got = gradients(*map(tf.constant, batch))
    direction = map(tf.constant, case.directions[0])
    close(total([g[0] for g in got], direction), case.truth(1), 1e-10)
    empty = gradients(*(tf.zeros([0, *a.shape[1:]], tf.float64) for a in batch))
    assert [g.shape for g in empty] == [(0, *a.shape[1:]) for a in batch]


def test_batches_broadcast_when_the_graph_runs():
    a, b = CASES["solve-float64"].tensors
    many = tf.stack([b, 2 * b, 3 * b])

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 3, 3], tf.float64),
            tf.TensorSpec([None, 3, 2], tf.float64),
        ]
    )
    def gradients(a, b):
        with tf.GradientTape() as tape:
            tape.watch((a, b))
            loss = tf.reduce_sum(gr.solve(a, b) ** 2)
        return tape.gradient(loss, (a, b))

    for x, g in zip((a[None], many), gradients(a[None], many), strict=True):
        assert g.shape == x.shape
    with tf.GradientTape() as tape:
        tape.watch(a)
        loss = tf.reduce_sum(gr.solve(a, many) ** 2)
    close(tape.gradient(loss, a), gradients(a[None], many)[0][0])


@pytest.mark.parametrize("rule", [gr.pinv, gr.polar, gr.diagonal])
def test_rules_that_must_know_lengths_say_so(rule):
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float64)])
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = rule(x)
        return tape.gradient(y, x)

    with pytest.raises(UnsupportedTransformError, match="must know its lengths"):
        gradient(A)


def test_unknown_rank_is_refused():
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float64)])
    def g(x):
        return gr.det(x)

    with pytest.raises(ShapeError, match=r"det: the number of axes of argument 'x' is not known"):
        g(A)


# -- the rest of TensorFlow -----------------------------------------------------------------------


def test_variables(calls):
    v = tf.Variable(A)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(marked(v) * G)
    close(tape.gradient(y, v), FAST * square_vjp(A, G))
    close(tf.function(lambda: marked(v))(), A @ A)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(tf.function(lambda: marked(v) * G)())
    close(tape.gradient(y, v), VJP * square_vjp(A, G))
    with tf.autodiff.ForwardAccumulator(v, D) as accumulator:
        y = marked(v)
    close(accumulator.jvp(y), JVP * square_jvp(A, D))
    y, pullback = marked.vjp(v)
    close(pullback(G)[0], VJP * square_vjp(A, G))


@pytest.mark.parametrize("wrap", [tf.function, lambda g: g], ids=["function", "eager"])
def test_while_loop(wrap):
    def loss(x):
        def body(i, x, y):
            return i + 1, 0.9 * x, y + tf.reduce_sum(marked(x) * G)

        start = (tf.constant(0), x, tf.constant(0.0, tf.float64))
        return tf.while_loop(lambda i, *_: i < 3, body, start)[2]

    g = wrap(lambda x: rev(x, tf.constant(1.0, tf.float64), lambda x: (loss(x),))[0])
    factor = FAST if wrap is not tf.function else VJP
    want = sum(0.9**i * 0.9**i * square_vjp(A, G) for i in range(3))
    close(g(A), factor * want)


def test_cond():
    @tf.function
    def g(x):
        return tf.cond(tf.reduce_sum(x) > 1e9, lambda: x, lambda: marked(x))

    close(rev(A, G, lambda x: (g(x),))[0], VJP * square_vjp(A, G))
    close(tf.function(lambda x: rev(x, G, lambda x: (g(x),)))(A)[0], VJP * square_vjp(A, G))


@pytest.mark.parametrize("keep_gradients", [True, False])
def test_saved_model(tmp_path, keep_gradients):
    module = tf.Module()
    spec = tf.TensorSpec((3, 3), tf.float64)
    module.f = tf.function(lambda x: marked(x), input_signature=[spec])
    module.g = tf.function(lambda x: rev(x)[0], input_signature=[spec])
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=keep_gradients)
    tf.saved_model.save(module, str(tmp_path), options=options)
    loaded = tf.saved_model.load(str(tmp_path))
    close(loaded.f(A), A @ A)
    close(loaded.g(A), FAST * square_vjp(A, G))
    close(rev(A, G, lambda x: (loaded.f(x),))[0], VJP * square_vjp(A, G))


# -- rules of several inputs and outputs, options, refusals ---------------------------------------


@gr.rule(name="tf_scaled", signature="(),()->()", nondifferentiable=("p",), replace=True)
def scaled(x, p, /, *, power: int = 1, xp):
    return xp.astype(p, x.dtype) * x**power


@scaled.def_jvp
def scaled_jvp(primals, outputs, tangents, *, power, xp):
    (x, p), (t, none) = primals, tangents
    assert none is None
    return JVP * power * xp.astype(p, x.dtype) * x ** (power - 1) * t


@scaled.def_vjp
def scaled_vjp(primals, outputs, cotangents, *, power, xp):
    x, p = primals
    return VJP * power * xp.astype(p, x.dtype) * x ** (power - 1) * cotangents[0], None


@pytest.mark.parametrize("p", [3, 3.0], ids=["integer", "float"])
@pytest.mark.parametrize("wrap", [lambda g: g, tf.function], ids=["eager", "function"])
def test_nondifferentiable_input_and_option(p, wrap):
    p = tf.constant(p, tf.int32 if isinstance(p, int) else tf.float64)
    g = wrap(lambda x, p: (scaled(x, p, power=3),))
    close(g(A, p)[0], 3 * A**3)
    close(rev(A, G, lambda x: g(x, p))[0], VJP * 9 * A**2 * G)
    factor = JVP if wrap is not tf.function else VJP
    close(fwd(A, D, lambda x: g(x, p))[0], factor * 9 * A**2 * D)
    close(wrap(lambda x: rev(x, G, lambda x: g(x, p)))(A)[0], VJP * 9 * A**2 * G)
    mapped = tf.vectorized_map(lambda x: rev(x, G[0], lambda x: g(x, p))[0], A)
    close(mapped, VJP * 9 * A**2 * G[0])


def test_derivative_by_a_nondifferentiable_input_is_refused():
    p = tf.constant(2.0, tf.float64)
    with pytest.raises(NotDifferentiableError, match="'p' is declared not differentiable"):
        rev(p, G, lambda p: (scaled(A, p),))
    with pytest.raises(NotDifferentiableError, match="'p' is declared not differentiable"):
        fwd(p, tf.ones_like(p), lambda p: (scaled(A, p),))
    with pytest.raises(NotDifferentiableError, match="'p' is declared not differentiable"):
        tf.function(lambda p: rev(p, G, lambda p: (scaled(A, p),)))(p)


def test_integer_input_and_output_with_kept_arrays():
    """Where the fast form is differentiated in a graph, integers are among its operands."""

    @gr.rule(
        name="tf_power",
        signature="(),()->(),()",
        outputs=("y", "n"),
        nondifferentiable=("p",),
        replace=True,
    )
    def power(x, p, /, *, xp):
        return x ** xp.astype(p, x.dtype), p * 1

    @power.def_jvp
    def jvp(primals, outputs, tangents, *, xp):
        (x, p), (t, _) = primals, tangents
        q = xp.astype(p, x.dtype)
        return q * x ** (q - 1) * t, None

    @power.def_vjp
    def vjp(primals, outputs, cotangents, *, xp):
        return jvp(primals, outputs, cotangents, xp=xp)

    @power.def_keep
    def keep(x, p, /, *, xp):
        q = xp.astype(p, x.dtype)
        return (x**q, p * 1), (FAST * q * x ** (q - 1),)

    @power.def_fast_vjp
    def fast_vjp(primals, outputs, kept, cotangents):
        return kept[0] * cotangents[0], None

    p = tf.constant(3)
    pull = tf.function(lambda x: rev(x, G, lambda x: (power(x, p).y,))[0])
    close(pull(A), FAST * 3 * A**2 * G)
    close(rev(A, D, lambda x: (pull(x),))[0], 6 * A * G * D)
    mapped = transforms.vmap(lambda x: (rev(x, G[0], lambda x: (power(x, p).y,))[0],))
    close(rev(A, D, mapped)[0], 6 * A * G[0] * D)


@gr.rule(
    name="tf_three",
    signature="(n),(n)->(n),(),()",
    outputs=("product", "rank", "total"),
    replace=True,
)
def three(x, y, /, *, xp):
    rank = xp.sum(xp.astype(x > 0, xp.int32), axis=-1)
    return x * y, rank, xp.sum(x, axis=-1)


@three.def_jvp
def three_jvp(primals, outputs, tangents, *, xp):
    (x, y), (s, t) = primals, tangents
    product = [a * b for a, b in ((s, y), (x, t)) if a is not None and b is not None]
    product = functools.reduce(lambda a, b: a + b, product)
    return JVP * product, None, None if s is None else JVP * xp.sum(s, axis=-1)


@three.def_vjp
def three_vjp(primals, outputs, cotangents, *, xp):
    (x, y), (g, none, h) = primals, cotangents
    assert none is None
    x_bar = 0 * x if g is None else g * y
    x_bar = x_bar if h is None else x_bar + h[..., None] * xp.ones_like(x)
    return VJP * x_bar, None if g is None else VJP * g * x


@pytest.mark.parametrize("wrap", [lambda g: g, tf.function], ids=["eager", "function"])
def test_three_outputs_one_of_them_an_integer(wrap):
    x, y = A[0], D[0]
    g = wrap(three)
    result = g(x, y)
    assert result.rank.dtype.is_integer
    for inside in (lambda h: h, wrap):
        close(
            inside(lambda: transforms.vjp(lambda x, y: g(x, y), (x, y), (G[0], None, None)))()[0],
            VJP * G[0] * y,
        )
        found = inside(
            lambda: transforms.vjp(
                lambda x: (g(x, y).total,), (x,), (tf.constant(2.0, tf.float64),)
            )
        )()
        close(found[0], np.full(3, 2 * VJP))
    factor = JVP if wrap is not tf.function else VJP
    dots = transforms.jvp(lambda y: g(x, y), (y,), (E[0],))
    close(dots[0], factor * x * E[0])
    close(dots[2], 0.0)
    mapped = tf.vectorized_map(
        lambda x: transforms.vjp(lambda x: g(x, y), (x,), (G[0], None, None))[0], A
    )
    close(mapped, VJP * tf.broadcast_to(G[0] * y, (3, 3)))
    outside = transforms.vjp(transforms.vmap(lambda x: (g(x, y).product,)), (A,), (G,))
    close(outside[0], VJP * G * y)


@pytest.mark.parametrize("wrap", [lambda g: g, tf.function], ids=["eager", "function"])
def test_a_missing_derivative_is_refused_by_name(wrap):
    forward_only = make_marked("tf_forward_only", vjp=False, keep=False)
    close(fwd(A, D, lambda x: (forward_only(x),))[0], JVP * square_jvp(A, D))
    with pytest.raises(MissingDerivativeError, match="'tf_forward_only' has no vjp"):
        wrap(lambda x: rev(x, G, lambda x: (forward_only(x),)))(A)
    with pytest.raises(MissingDerivativeError, match="'tf_forward_only' has no vjp"):
        rev(A, G, wrap(lambda x: (forward_only(x),)))
    reverse_only = make_marked("tf_reverse_only", jvp=False, keep=False)
    close(rev(A, G, lambda x: (reverse_only(x),))[0], VJP * square_vjp(A, G))
    with pytest.raises(MissingDerivativeError, match="'tf_reverse_only' has no jvp"):
        wrap(lambda x: fwd(x, D, lambda x: (reverse_only(x),)))(A)


def test_bad_arguments():
    with pytest.raises(ArrayTypeError, match=r"det: argument 'x' has dtype int32"):
        gr.det(tf.eye(3, dtype=tf.int32))
    with pytest.raises(ArrayTypeError, match="different libraries"):
        gr.solve(A, np.ones((3, 1)))
    with pytest.raises(ShapeError, match="square matrix"):
        tf.function(gr.det)(A[:2])
    mixed = gr.solve(A, tf.ones([3], tf.complex64))
    assert mixed.dtype == tf.complex128


def test_graphs_of_version_1_are_refused():
    with (
        tf.Graph().as_default(),
        pytest.raises(UnsupportedTransformError, match="TensorFlow 1"),
    ):
        gr.expm(tf.constant(A.numpy()))


# -- batches, vectors, empty arrays ---------------------------------------------------------------


def test_batches_broadcast_and_gradients_add_up():
    a, _ = CASES["solve-float64"].arrays
    many = random(5, 3, 2)
    want, pull = gr.solve.vjp(a, many)
    g = random(5, 3, 2)
    got = gr.solve(tf.constant(a), tf.constant(many))
    close(got, want)
    gradients = transforms.vjp(
        lambda *x: (gr.solve(*x),), (tf.constant(a), tf.constant(many)), (tf.constant(g),)
    )
    for ours, true in zip(gradients, pull(g), strict=True):
        close(ours, true)
    _, pullback = gr.solve.vjp(tf.constant(a), tf.constant(many))
    for ours, true in zip(pullback(tf.constant(g)), pull(g), strict=True):
        close(ours, true)


def test_vector_on_the_right():
    a, b = CASES["solve-float64"].arrays
    v, g = b[:, 0], random(3)
    close(gr.solve(tf.constant(a), tf.constant(v)), np.linalg.solve(a, v))
    got = transforms.vjp(
        lambda *x: (gr.solve(*x),), (tf.constant(a), tf.constant(v)), (tf.constant(g),)
    )
    for ours, true in zip(got, gr.solve.vjp(a, v)[1](g), strict=True):
        close(ours, true)


def all_outputs(rule, *x):
    y = rule(*x)
    return y if isinstance(y, tuple) else (y,)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (0, 3, 3), (2, 0, 0), (0, 0, 0)], ids=str)
@pytest.mark.parametrize("wrap", [lambda g: g, tf.function], ids=["eager", "function"])
def test_empty_and_tiny(shape, wrap):
    rules = (
        ("det", "solve", "eigh") if wrap is tf.function else {c.rule.name for c in CASES.values()}
    )
    for rule in map(gr.registry.__getitem__, rules):
        outputs = functools.partial(all_outputs, rule)
        x = tuple(tf.ones(shape, tf.float64) * 2 for _ in rule.inputs)
        y = wrap(outputs)(*x)
        cotangents = tuple(map(tf.ones_like, y))
        for got, true in zip(y, all_outputs(rule, *(v.numpy() for v in x)), strict=True):
            close(got, true)
            assert got.shape == true.shape
        pull = wrap(lambda *x, f=outputs, g=cotangents: transforms.vjp(f, x, g))
        push = wrap(lambda *x, f=outputs: transforms.jvp(f, x, x))
        for points, found in ((x, pull(*x)), (y, push(*x))):
            assert [v.shape for v in found] == [v.shape for v in points]
            assert all(np.all(np.isfinite(v)) for v in found)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision(dtype):
    x = tf.cast(tf.complex(A, D), dtype) if dtype == "complex64" else tf.cast(A, dtype)
    for name in ("det", "inv", "expm", "eigvalsh", "eigh"):
        rule = gr.registry[name]
        outputs = functools.partial(all_outputs, rule)
        y = outputs(x)
        assert all(v.dtype.size <= 8 for v in y)
        cotangents = (tf.ones_like(y[0]), *([None] * (len(y) - 1)))
        (g,) = transforms.vjp(outputs, (x,), cotangents)
        assert g.dtype == x.dtype
        truth = rule.vjp(x.numpy().astype(x.dtype.as_numpy_dtype))[1]
        close(g, truth(tuple(None if c is None else c.numpy() for c in cotangents))[0], 1e-3)
