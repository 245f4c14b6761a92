"""What every test of an override needs: inputs, a function free of gauge, and who was asked."""

import os
import sys
from contextlib import contextmanager

import numpy as np
import pytest

import gradrules as gr
from gradrules import _override

# All names and dtypes by ``nox -s natives``.
EVERYTHING = bool(os.environ.get("GRADRULES_EVERYTHING"))


def aliases(framework):
    """``(native, path)`` for all names under which the framework exposes a function."""
    natives = gr.adapters.load(framework).natives
    return [(native, path) for native in natives for path in native.paths.split()]


def cells(pairs, dtypes=("float64", "complex128"), rules=gr.registry):
    """Parameters of a test: CI takes one name and one dtype, the last, for each of these rules."""
    found, seen = [], set() if EVERYTHING else gr.registry.keys() - set(rules)
    for native, path in pairs:
        offered = [d for d in dtypes if d in gr.registry[native.rule].declaration.dtypes]
        for dtype in reversed(offered):
            if EVERYTHING or native.rule not in seen:
                found.append(pytest.param(native, path, dtype, id=f"{path}-{native.rule}-{dtype}"))
            seen.add(native.rule)
    return found


def function(path):
    """What the name is bound to now."""
    owner, _, name = path.rpartition(".")
    return getattr(_override.resolve(owner), sys.intern(name))


# What a call says beside its arrays for an entry of a table to serve it: the first of these that will do.
ARGUMENTS = (
    *({}, {"lower": True}, {"upper": True}, {"l_and_u": (1, 1)}, {"hermitian": True}, {"n": 3}),
    *({"compute_uv": False}, {"eigvals_only": False}, {"eigvals_only": True}),
    *({"compute_expm": False}, {"diagonals_format": "sequence"}, {"ord": "nuc"}, {"ord": 3}),
    *({"ord": 1, "axis": (-2, -1)},),
)


def arguments(native, path, arrays):
    """Those of a call that this entry serves, and none that stands before it in the table."""
    adapter = gr.adapters.load(path.partition(".")[0])
    table = _override._by_path(adapter)[path]

    def serves(entry, args, keywords):
        call = _override._read(entry, args, keywords)
        if call is None or not all(hasattr(a, "dtype") for a in call[0]):
            return False
        return entry.before(call[0], **dict(call[1])) is not None

    for chosen in ARGUMENTS:
        try:
            call = _override.called(native, lambda *a, **k: (a, k), arrays, chosen)
        except KeyError:  # an argument beside the arrays is missing
            continue
        if next((entry for entry in table if serves(entry, *call)), None) is native:
            return chosen
    raise AssertionError(f"no call of {path} is served by {native}")


def caller(native, path, arrays):
    """The function as users call it, of the rule's arrays alone; it is looked up in each call."""
    chosen = arguments(native, path, arrays)
    return lambda *xs: _override.called(native, function(path), xs, chosen)


LENGTHS = {"l": 2, "p": 3}


def inputs(rule, dtype, seed=0, order=3):
    """Well-conditioned matrices, Hermitian with separate eigenvalues where the rule wants that."""
    rng = np.random.default_rng([seed, len(rule.name)])
    arrays = []
    for name, core in zip(rule.inputs, rule.signature.inputs, strict=True):
        shape = [LENGTHS.get(axis, order) for axis in core]
        a = rng.standard_normal(shape).astype(dtype)
        if dtype.startswith("complex"):
            a = a + 1j * rng.standard_normal(shape)
        structure = rule.declaration.structure.get(name)
        if structure is not None:
            shift = 2 * (structure == "positive definite")
            a = (a + a.conj().T) / 4 + np.diag(np.arange(order) + shift)
        elif a.ndim == 2:
            spread = 2 + np.arange(order)
            a = a / 4 + np.diag(spread if arrays == [] else spread[::-1])
        arrays.append(a)
    return tuple(arrays)


def directions(rule, dtype):
    """Tangents, Hermitian where the primals are."""
    found = inputs(rule, dtype, seed=1)
    return tuple(a - np.trace(a) / len(a) * np.eye(len(a)) if a.ndim == 2 else a for a in found)


def leaves(result):
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def without_gauge(rule, xp, call):
    """A function of arrays with a tuple of real or complex arrays, none of which has a gauge."""
    gauge = rule.declaration.gauge

    def f(*arrays):
        outputs = tuple(call(*arrays))
        if gauge is None or len(outputs) < len(rule.outputs):
            return outputs
        found = gauge.invariants(outputs, xp)
        if len(outputs) == 2 and not rule.declaration.structure and rule.name.startswith("eig"):
            # Those of general matrices have no order either.
            w, p = found
            return xp.sum(w**2, axis=-1), xp.sum(w[..., None, None, :] ** 2 * p, axis=-1)
        return found

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
    before, call = function(path), caller(native, path, given)
    expected = call(*given)
    f = without_gauge(rule, xp, lambda *xs: native.outputs(call(*xs)))

    def numbers(*xs):
        return tuple(np.asarray(t.numpy(y)) for y in f(*map(t.array, xs)))

    truth = difference(numbers, arrays, tangents)
    rng = np.random.default_rng(2)
    cotangents = tuple(
        (rng.standard_normal(y.shape) + 1j * rng.standard_normal(y.shape)).astype(y.dtype)
        if np.iscomplexobj(y)
        else rng.standard_normal(y.shape).astype(y.dtype)
        for y in truth
    )
    with gr.override(framework), asked(monkeypatch) as names:
        result = call(*given)
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
