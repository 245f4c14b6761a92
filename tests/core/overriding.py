"""What every test of an override needs: inputs, a function free of gauge, and who was asked."""

import sys
from contextlib import contextmanager

import numpy as np

import gradrules as gr
from gradrules import _override


def aliases(framework):
    """``(native, path)`` for all names under which the framework exposes a function."""
    natives = gr.adapters.load(framework).natives
    return [(native, path) for native in natives for path in native.paths.split()]


def ids(pairs):
    return [path for _, path in pairs]


def function(path):
    """What the name is bound to now."""
    owner, _, name = path.rpartition(".")
    return getattr(_override.resolve(owner), sys.intern(name))


def inputs(rule, dtype, seed=0, order=3):
    """Well-conditioned matrices, Hermitian with separate eigenvalues where the rule wants that."""
    rng = np.random.default_rng([seed, len(rule.name)])
    arrays = []
    for name in rule.inputs:
        a = rng.standard_normal((order, order)).astype(dtype)
        if dtype.startswith("complex"):
            a = a + 1j * rng.standard_normal((order, order))
        if rule.declaration.structure.get(name) == "hermitian":
            a = (a + a.conj().T) / 4 + np.diag(np.arange(order))
        else:
            a = a / 2 + 2 * np.eye(order)
        arrays.append(a)
    return tuple(arrays)


def directions(rule, dtype):
    """Tangents, Hermitian where the primals are."""
    found = inputs(rule, dtype, seed=1)
    return tuple(a - np.trace(a) / len(a) * np.eye(len(a)) for a in found)


def leaves(result):
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def without_gauge(rule, xp, call):
    """A function of arrays with a tuple of real or complex arrays, none of which has a gauge."""

    def f(*arrays):
        outputs = tuple(call(*arrays))
        if rule.name == "eigh":
            w, v = outputs
            return xp.real(w), xp.abs(v) ** 2
        return outputs

    return f


def difference(f, arrays, tangents, step=1e-3):
    """Derivative of `f` along `tangents`, by differences of the fourth order."""

    def at(h):
        return f(*(a + h * t for a, t in zip(arrays, tangents, strict=True)))

    return tuple(
        (8 * (b - a) - (d - c)) / (12 * step)
        for a, b, c, d in zip(at(-step), at(step), at(-2 * step), at(2 * step), strict=True)
    )


def inner(xs, ys):
    return sum(float(np.real(np.vdot(x, y))) for x, y in zip(xs, ys, strict=True))


@contextmanager
def asked(monkeypatch):
    """The names of rules with a native primal whose derivative runs here."""
    names = []
    linear = gr.Rule.linear

    def recording(self, *args, **keywords):
        if not self.portable:
            names.append(self.name)
        return linear(self, *args, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(gr.Rule, "linear", recording)
        yield names


def check_alias(framework, native, path, dtype, monkeypatch):
    """Native value and type, our derivative, in both modes, against differences of the native."""
    adapter = gr.adapters.load(framework)
    t, xp, rule = adapter.transforms, adapter.xp, gr.adapters.lookup(native.rule)
    arrays, tangents = inputs(rule, dtype), directions(rule, dtype)
    given = tuple(map(t.array, arrays))
    before = function(path)
    expected = before(*given)

    def ours(*xs):
        return leaves(function(path)(*xs))

    def numbers(*xs):
        return tuple(
            np.asarray(t.numpy(y))
            for y in without_gauge(rule, xp, lambda *ys: leaves(before(*ys)))(*map(t.array, xs))
        )

    truth = difference(numbers, arrays, tangents)
    rng = np.random.default_rng(2)
    cotangents = tuple(
        (rng.standard_normal(y.shape) + 1j * rng.standard_normal(y.shape)).astype(y.dtype)
        if np.iscomplexobj(y)
        else rng.standard_normal(y.shape).astype(y.dtype)
        for y in truth
    )
    with gr.override(framework), asked(monkeypatch) as names:
        result = function(path)(*given)
        f = without_gauge(rule, xp, ours)
        g = t.vjp(f, given, tuple(map(t.array, cotangents)))
        dots = t.jvp(f, given, tuple(map(t.array, tangents)))
    assert function(path) is before
    assert type(result) is type(expected)
    for ours_, theirs in zip(leaves(result), leaves(expected), strict=True):
        assert type(ours_) is type(theirs)
        assert t.numpy(ours_).tobytes() == t.numpy(theirs).tobytes()
    assert set(names) == {native.rule}
    scale = max(1.0, *(float(np.max(np.abs(y))) for y in truth))
    for dot, y in zip(dots, truth, strict=True):
        np.testing.assert_allclose(t.numpy(dot), y, rtol=0, atol=1e-9 * scale)
    found = inner(map(t.numpy, g), tangents)
    assert abs(found - inner(cotangents, truth)) < 1e-8 * scale
    return g, dots


def asked_by_our_own(framework, name, monkeypatch):
    """The rules that a gradient of a rule of ours asks for under an override, as a user would."""
    rule, t = gr.registry[name], gr.adapters.load(framework).transforms
    arrays = tuple(map(t.array, inputs(rule, "float64")))
    ones = tuple(map(t.array, map(np.ones_like, map(t.numpy, leaves(rule(*arrays))))))
    with gr.override(framework), asked(monkeypatch) as names:
        t.vjp(lambda *x: leaves(rule(*x)), arrays, ones)
    return names
