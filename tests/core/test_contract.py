"""The contract, by rules that somebody outside might write, on plain arrays."""

import array_api_strict
import numpy as np
import pytest
import third_party

import gradrules as gr

RULES = [
    third_party.logcosh,
    third_party.masked_sum,
    third_party.summary,
    third_party.power,
    third_party.quadratic,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_law_holds_on_numpy(rule):
    report = gr.testing.check(rule, backends=["numpy"])
    assert report.passed, str(report)
    tried = {record.law for record in report.records if record.status == "pass"}
    assert {"primal", "jvp", "vjp", "adjoint", "linear", "batch", "dtype", "edge", "pure"} <= tried


@pytest.mark.parametrize(
    ("part", "law"), [("jvp", "jvp"), ("jvp", "adjoint"), ("vjp", "vjp"), ("vjp", "adjoint")]
)
def test_a_wrong_derivative_is_caught(part, law):
    @gr.rule(name="tests.wrong", dtypes=("float64",), replace=True)
    def wrong(x, /, *, xp):
        """Sine, with one derivative off by a factor."""
        return xp.sin(x)

    factors = {"jvp": 1.0, "vjp": 1.0, part: 1.0 + 1e-6}
    wrong.def_jvp(lambda p, y, t, xp: factors["jvp"] * xp.cos(p[0]) * t[0])
    wrong.def_vjp(lambda p, y, c, xp: factors["vjp"] * xp.cos(p[0]) * c[0])
    assert not gr.testing.check(wrong, backends=["numpy"], laws=[law]).passed


def test_results_are_named_tuples_or_arrays():
    x = np.asarray([1.0, 3.0, 2.0])
    result = third_party.summary(x)
    assert (result.total, result.largest, result.square) == (6.0, 1, 14.0)
    assert isinstance(gr.det(np.eye(2)), np.floating)


def test_integer_outputs_have_no_tangent_and_absent_cotangents_are_zero():
    x = np.asarray([1.0, 3.0, 2.0])
    _, dot = third_party.summary.jvp([x], [np.ones(3)])
    assert dot.largest is None
    assert dot.square == 12.0
    _, pullback = third_party.summary.vjp(x)
    assert np.array_equal(pullback((None, None, np.asarray(1.0)))[0], 2 * x)
    assert np.array_equal(pullback((None, None, None))[0], 0 * x)


def test_zero_tangents_are_none():
    a, b = np.asarray([[2.0, 1.0], [0.0, 3.0]]), np.asarray([[1.0], [2.0]])
    _, dot = gr.solve.jvp([a, b], [None, b])
    assert np.allclose(dot, np.linalg.solve(a, b), rtol=1e-14)
    _, nothing = gr.solve.jvp([a, b], [None, None])
    assert np.array_equal(nothing, 0 * b)


def test_a_rule_without_one_mode_refuses_it_by_name():
    @gr.rule(name="tests.reverse_only", replace=True)
    def reverse_only(x, /):
        return x * 1

    reverse_only.def_vjp(lambda p, y, c: c[0])
    with pytest.raises(gr.errors.MissingDerivativeError, match=r"tests\.reverse_only.*no jvp"):
        reverse_only.jvp([np.ones(2)], [np.ones(2)])
    assert np.array_equal(reverse_only.vjp(np.ones(2))[1](np.ones(2))[0], np.ones(2))


def test_a_derivative_of_a_nondifferentiable_input_is_refused():
    x, mask = np.ones(3), np.asarray([1, 0, 1])
    assert third_party.masked_sum.jvp([x, mask], [x, None])[1] == 2.0
    with pytest.raises(gr.errors.NotDifferentiableError, match="'mask'"):
        third_party.masked_sum.jvp([x, mask], [None, mask])


@pytest.mark.parametrize("name", ["det", "slogdet", "inv", "solve", "eigh", "eigvalsh", "expm"])
def test_plain_arrays_of_another_library_stay_what_they_are(name):
    rule = gr.registry[name]
    arrays = [
        array_api_strict.asarray(np.random.default_rng(0).standard_normal((2, 3, 3)))
        for _ in rule.inputs
    ]
    y, pullback = rule.vjp(*arrays)
    outputs = y if isinstance(y, tuple) else (y,)
    bars = tuple(array_api_strict.ones_like(o) for o in outputs)
    found = [*outputs, *pullback(bars if len(bars) > 1 else bars[0])]
    assert all(type(a) is type(arrays[0]) for a in found)


def test_batches_broadcast_and_cotangents_are_summed_back():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((3, 3)), rng.standard_normal((5, 3, 2))
    x, pullback = gr.solve.vjp(a, b)
    assert np.allclose(a @ x, b, rtol=1e-12)
    g = rng.standard_normal(x.shape)
    a_bar, b_bar = pullback(g)
    single = [gr.solve.vjp(a, b[i])[1](g[i]) for i in range(5)]
    assert np.allclose(a_bar, sum(s[0] for s in single), rtol=1e-12)
    assert np.allclose(b_bar, np.stack([s[1] for s in single]), rtol=1e-12)
    d = rng.standard_normal(a.shape)
    assert np.sum(a_bar * d) == pytest.approx(np.sum(g * gr.solve.jvp([a, b], [d, None])[1]), 1e-11)


def test_a_vector_right_side():
    a, b = np.asarray([[2.0, 1.0], [0.0, 4.0]]), np.asarray([1.0, 2.0])
    x, pullback = gr.solve.vjp(a, b)
    assert np.array_equal(x, [0.25, 0.5])
    a_bar, b_bar = pullback(np.asarray([1.0, 0.0]))
    assert b_bar.shape == (2,)
    assert np.allclose(a_bar, -np.outer(b_bar, x), rtol=1e-15)
    assert gr.solve.jvp([a, b], [None, b])[1].shape == (2,)


def test_a_vector_right_side_of_a_batch_of_matrices():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((4, 2, 2)), rng.standard_normal(2)
    x, pullback = gr.solve.vjp(a, b)
    assert x.shape == (4, 2)
    g = rng.standard_normal(x.shape)
    a_bar, b_bar = pullback(g)
    single = [gr.solve.vjp(a[i], b)[1](g[i]) for i in range(4)]
    assert np.allclose(a_bar, np.stack([s[0] for s in single]), rtol=1e-12)
    assert np.allclose(b_bar, sum(s[1] for s in single), rtol=1e-12)


def test_a_traced_tangent_of_a_plain_primal_is_differentiated():
    autograd = pytest.importorskip("autograd")
    a, d = np.random.default_rng(3).standard_normal((2, 3, 3))
    found = autograd.grad(lambda t: gr.det.jvp([a], [t * d])[1])(2.0)
    assert found == pytest.approx(gr.det.jvp([a], [d])[1], rel=1e-13)
    pullback = gr.expm.vjp(a)[1]
    found = autograd.grad(lambda t: (pullback(t * d)[0] * a).sum())(2.0)
    assert found == pytest.approx(np.sum(pullback(d)[0] * a), rel=1e-12)


def test_mixed_precision_is_promoted_and_gradients_keep_their_dtype():
    a = np.asarray([[2.0, 1.0], [0.0, 4.0]], dtype=np.float32)
    b = np.asarray([[1.0 + 1j], [2.0]])
    x, pullback = gr.solve.vjp(a, b)
    assert x.dtype == np.complex128
    a_bar, b_bar = pullback(x)
    assert (a_bar.dtype, b_bar.dtype) == (np.float32, np.complex128)


def test_what_is_kept_equals_the_closed_form_and_is_kept_only_for_derivatives():
    calls = []

    @gr.rule(name="tests.keeping", replace=True)
    def keeping(x, /):
        calls.append("primal")
        return x * x

    keeping.def_jvp(lambda p, y, t: 2 * p[0] * t[0])
    keeping.def_vjp(lambda p, y, c: 2 * p[0] * c[0])

    @keeping.def_keep
    def keep(x, /):
        calls.append("keep")
        return x * x, (2 * x,)

    @keeping.def_fast_vjp
    def fast(primals, outputs, kept, cotangents):
        calls.append("fast")
        return kept[0] * cotangents[0]

    x = np.asarray([1.0, 2.0])
    keeping(x)
    assert calls == ["primal"]
    assert np.array_equal(keeping.vjp(x)[1](x)[0], [2.0, 8.0])
    assert calls == ["primal", "keep", "fast"]


def test_options_of_different_type_are_different_options():
    seen = set()

    @gr.rule(name="_sees_options", replace=True)
    def shifted(x, /, *, by=1):
        return x + by

    class Recorder(gr.adapters.Plain):
        def apply(self, rule, arrays, options):
            seen.add(options)
            return super().apply(rule, arrays, options)

    recorder = Recorder("recorder", gr._dispatch.NUMPY.xp)
    for by in (1, 1.0, True, 1):
        _, arrays, _, options = shifted.prepare((np.zeros(2),), {"by": by})
        recorder.apply(shifted, arrays, options)
    assert len(seen) == 3


def test_a_rule_with_another_form_is_that_rule_for_so_many_arrays():
    @gr.rule(name="tests.one", replace=True)
    def one(x, /):
        return x * x

    @one.def_form
    @gr.rule(name="tests.two", replace=True)
    def two(x, y, /, *, sign=1.0):
        return sign * x * y

    two.def_jvp(lambda p, y, t, sign: sign * (t[0] * p[1] + p[0] * t[1]))
    two.def_vjp(lambda p, y, c, sign: (sign * p[1] * c[0], sign * p[0] * c[0]))
    x, y = np.asarray([2.0, 3.0]), np.asarray([5.0, 7.0])
    assert np.array_equal(one(x), x * x)
    assert np.array_equal(one(x, y, sign=-1.0), -x * y)
    assert np.array_equal(one.jvp([x, y], [y, x])[1], y * y + x * x)
    assert np.array_equal(one.vjp(x, y)[1](np.ones(2))[1], x)
    with pytest.raises(gr.errors.OptionError, match=r"tests\.one.*'sign'"):
        one(x, sign=-1.0)
    with pytest.raises(
        gr.errors.ArrayTypeError, match=r"1 positional array \(x\), or 2 \(x, y\), 3"
    ):
        one(x, y, x)
    with pytest.raises(gr.errors.RegistrationError, match=r"tests\.one.*form of 2"):
        one.def_form(two)


@gr.rule(name="_slanted", signature="(n)->()", layout={"axis": None, "keepdims": False})
def slanted(x, /, *, xp):
    return xp.sum(xp.arange(1, x.shape[-1] + 1, dtype=x.dtype) * x**2, axis=-1)


@slanted.def_jvp
def slanted_jvp(primals, outputs, tangents, *, xp):
    (x,), (x_dot,) = primals, tangents
    return 2 * xp.sum(xp.arange(1, x.shape[-1] + 1, dtype=x.dtype) * x * x_dot, axis=-1)


@slanted.def_vjp
def slanted_vjp(primals, outputs, cotangents, *, xp):
    (x,), (y_bar,) = primals, cotangents
    return 2 * xp.arange(1, x.shape[-1] + 1, dtype=x.dtype) * x * y_bar[..., None]


@gr.rule(name="_outward", signature="(n),(n)->(n)", layout={"axis": -1})
def outward(x1, x2, /, *, xp):
    return xp.flip(x1, axis=-1) * x2


outward.def_jvp(lambda p, y, t, xp: xp.flip(t[0], axis=-1) * p[1] + xp.flip(p[0], axis=-1) * t[1])
outward.def_vjp(lambda p, y, c, xp: (xp.flip(c[0] * p[1], axis=-1), xp.flip(p[0], axis=-1) * c[0]))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (2, 0), (0, 1, 2), ()])
def test_core_axes_may_be_anywhere(axis, keepdims):
    x, x_dot = np.random.default_rng(4).standard_normal((2, 2, 3, 4))
    axes = (0, 1, 2) if axis is None else axis if isinstance(axis, tuple) else (axis % 3,)
    order = [*(i for i in range(3) if i not in axes), *axes]
    kept = [1 if i in axes else x.shape[i] for i in range(3)]

    def by_hand(a):
        return a.transpose(order).reshape(*(x.shape[i] for i in order[: 3 - len(axes)]), -1)

    plain, plain_dot = slanted.jvp([by_hand(x)], [by_hand(x_dot)], axis=-1)
    y, y_dot = slanted.jvp([x], [x_dot], axis=axis, keepdims=keepdims)
    shape = kept if keepdims else plain.shape
    assert np.array_equal(y, plain.reshape(shape))
    assert np.array_equal(y_dot, plain_dot.reshape(shape))
    y, pullback = slanted.vjp(x, axis=axis, keepdims=keepdims)
    bar = np.asarray(np.random.default_rng(5).standard_normal(shape))
    (plain_bar,) = slanted.vjp(by_hand(x), axis=-1)[1](bar.reshape(plain.shape))
    (x_bar,) = pullback(bar)
    assert x_bar.shape == x.shape
    assert np.array_equal(by_hand(x_bar), plain_bar)


def test_a_core_axis_of_results_goes_back_to_its_place():
    a, b = np.random.default_rng(6).standard_normal((2, 3, 4))
    expected = outward(a.T, b.T).T
    assert np.array_equal(outward(a, b, axis=0), expected)
    assert np.array_equal(outward(a, b, axis=-2), expected)
    y, pullback = outward.vjp(a, np.stack([b, 2 * b]), axis=-2)
    assert np.array_equal(y[1], 2 * expected)
    a_bar, b_bar = pullback(np.ones_like(y))
    assert a_bar.shape == a.shape
    plain = outward.vjp(a.T, b.T)[1](np.ones((4, 3)))
    assert np.allclose(a_bar, 3 * plain[0].T, rtol=1e-14)
    assert np.array_equal(b_bar[0], plain[1].T)
    assert np.allclose(outward.jvp([a, b], [a, 0 * b], axis=0)[1], expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("rule", "arrays", "options", "error"),
    [
        (slanted, [np.ones(3)], {"axis": 1}, gr.errors.ShapeError),
        (slanted, [np.ones((2, 3))], {"axis": (0, -2)}, gr.errors.ShapeError),
        (slanted, [np.ones(3)], {"axis": 0.0}, gr.errors.OptionError),
        (slanted, [np.ones(3)], {"keepdims": 1}, gr.errors.OptionError),
        (outward, [np.ones((2, 3)), np.ones(2)], {"axis": 1}, gr.errors.ShapeError),
        (outward, [np.ones(3), np.ones(3)], {"axis": None}, gr.errors.OptionError),
        (outward, [np.ones(3), np.ones(3)], {"keepdims": True}, gr.errors.OptionError),
    ],
)
def test_a_layout_that_does_not_exist_is_refused(rule, arrays, options, error):
    with pytest.raises(error, match=rule.name):
        rule(*arrays, **options)


@pytest.mark.parametrize(
    ("signature", "layout"),
    [
        ("(n)->()", {"axes": None}),
        ("(m,n)->()", {"axis": -1}),
        ("(n),()->(n)", {"axis": -1}),
        ("(n)->(n)", {"keepdims": False}),
    ],
)
def test_a_layout_that_the_signature_cannot_have_is_refused(signature, layout):
    names = ("x", "y")[: signature.partition("->")[0].count("(")]
    namespace = {}
    exec(f"def f({', '.join(names)}, /): return {names[0]}", namespace)
    with pytest.raises(gr.errors.RegistrationError, match=r"tests\.layout"):
        gr.rule(name="tests.layout", signature=signature, layout=layout)(namespace["f"])


@pytest.mark.parametrize("framework", ["autograd", "jax", "tensorflow", "torch"])
def test_a_layout_is_differentiated_in_every_framework(framework):
    pytest.importorskip(framework)
    from gradrules.testing._backends import load

    backend = load(framework)
    x, bar = np.random.default_rng(7).standard_normal((2, 2, 3, 4)).astype("float32")
    want = slanted.vjp(x, axis=(2, 0), keepdims=True)[1](bar[:1, :, :1])[0]
    found = backend.transforms.vjp(
        lambda a: (slanted(a, axis=(2, 0), keepdims=True),),
        (backend.array(x),),
        (backend.array(bar[:1, :, :1]),),
    )
    assert np.allclose(backend.numpy(found[0]), want, rtol=1e-5)
