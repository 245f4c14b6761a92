"""The laws: what must hold of any rule, on any backend, at any input.

Each law is a function of one trial (a rule, a backend, an input) and returns what it measured. A law
that does not concern an input returns nothing. Every comparison is with the truth (`_truth`), and
every tolerance comes from `_tolerance`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import numpy as xp

from gradrules import Rule
from gradrules._dispatch import backend_of
from gradrules.errors import GradrulesError, UnsupportedTransformError

from ._backends import Backend, FrameworkBackend, as_tuple
from ._cases import Case, generator, normal, of_matrices
from ._tolerance import allowed, largest
from ._truth import Truth

DIRECTIONS = 3


@dataclass(frozen=True)
class Measure:
    """An error against its tolerance, both relative to the size of the truth."""

    error: float
    tolerance: float
    what: str

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; NaN never is."""
        return bool(self.error <= self.tolerance)


class Inapplicable(Exception):  # noqa: N818 (it says that there is nothing to try)
    """The law cannot be tried here, for the reason given."""


class Trial:
    """One rule, on one backend, at one input."""

    def __init__(
        self, rule: Rule, backend: Backend, case: Case, seed: int, *, quick: bool = False
    ) -> None:
        self.rule, self.backend, self.case, self.seed = rule, backend, case, seed
        self.quick = quick
        self.primals, self.options = case.primals, case.options
        self.gauge = rule.declaration.gauge
        edge = case.edge
        # Functions of the outputs that have derivatives where the outputs themselves may not.
        self.loss = (
            edge.loss
            if edge is not None and edge.loss is not None
            else (self.gauge.invariants if self.gauge is not None else None)
        )
        self._truths: list[Truth] = []
        # Parts of a law that the backend cannot do, with the reason.
        self.refusals: list[str] = []

    def random(self, *parts: Any) -> np.random.Generator:
        """A generator for one purpose; the same in every backend."""
        return generator(self.seed, self.rule.name, self.case.name, *parts)

    @cached_property
    def outputs(self) -> tuple[Any, ...]:
        """What the backend computes."""
        return self.backend.value(self.rule, self.options, self.primals)

    @cached_property
    def truth(self) -> Truth:
        """The truth at this input, in the gauge of the backend's outputs."""
        return self.truth_at(self.primals, self.outputs)

    def truth_at(self, primals: tuple[Any, ...], outputs: tuple[Any, ...]) -> Truth:
        """The truth at another input."""
        reference = tuple(outputs) if self.gauge else None
        truth = Truth(self.rule, primals, self.options, reference, self.loss)
        self._truths.append(truth)
        return truth

    def allowed(self, size: int, quantity: float, change: float) -> float:
        """The tolerance at this input: see `_tolerance`."""
        doubt = max((truth.doubt for truth in self._truths), default=0.0)
        return allowed(self.case.dtype, size, quantity, change, doubt)

    def direction(self, number: int) -> tuple[Any | None, ...]:
        """A random direction, with nothing along inputs that have no derivative."""
        rng = self.random("direction", number)
        return tuple(
            normal(rng, p.shape, str(p.dtype)) if self.rule.differentiable(i) else None
            for i, p in enumerate(self.primals)
        )

    @cached_property
    def perturbation(self) -> tuple[Any | None, ...]:
        """As large as the primals: what `_tolerance` calls delta."""
        rng = self.random("perturbation")
        return tuple(
            normal(rng, p.shape, str(p.dtype)) * largest(p) if self.rule.differentiable(i) else None
            for i, p in enumerate(self.primals)
        )

    def cotangents(self, outputs: Sequence[Any]) -> tuple[Any | None, ...]:
        """Random cotangents of the floating outputs, horizontal where there is a gauge."""
        rng = self.random("cotangent")
        bars = tuple(
            normal(rng, y.shape, str(y.dtype)) if np.issubdtype(y.dtype, np.inexact) else None
            for y in outputs
        )
        if self.gauge is not None:
            bars = tuple(self.gauge.horizontal(tuple(outputs), bars, xp))
        return bars

    def compare(self, got: Any, truth: Any, change: Any, what: str) -> Measure:
        """Error of one array, and how large it may be."""
        got, truth = np.asarray(got), np.asarray(truth)
        if got.shape != truth.shape:
            return Measure(float("inf"), 0.0, f"{what}: shape {got.shape} for {truth.shape}")
        with np.errstate(invalid="ignore", over="ignore"):
            difference = np.where(got == truth, 0, got - truth)
            finite = np.where(np.isfinite(truth), truth, 0)
        size = largest(finite)
        tolerance = self.allowed(self.case.order, size, largest(change))
        scale = size or 1.0
        return Measure(largest(difference) / scale, tolerance / scale, what)


def _empty(trial: Trial) -> bool:
    """Nothing to compare: such inputs concern the law `dtype`."""
    return any(not p.size for p in trial.primals)


def _elsewhere(trial: Trial) -> bool:
    """Inputs that other laws are about: `dtype` of empty arrays, `batch` of batches."""
    rank = trial.primals[0].ndim - len(trial.rule.signature.inputs[0])
    return _empty(trial) or (trial.case.kind == "shape" and rank > 0)


def primal(trial: Trial) -> list[Measure]:
    """The value equals the truth."""
    if _elsewhere(trial):
        return []
    if trial.case.kind == "edge" and trial.case.edge and trial.case.edge.value != "exact":
        return []
    return _value(trial)


def _value(trial: Trial) -> list[Measure]:
    truth = trial.truth.derivative()
    change = trial.truth.derivative(trial.perturbation)
    if truth is None:
        raise Inapplicable(NO_TRUTH)
    return [
        trial.compare(got, want, 0 if change is None else change[i], f"output {name}")
        for i, (name, got, want) in enumerate(
            zip(trial.rule.outputs, trial.outputs, truth, strict=True)
        )
        if want.size
    ]


def jvp(trial: Trial) -> list[Measure]:
    """The jvp equals the directional derivative of the truth."""
    if trial.case.kind == "edge" or _elsewhere(trial):
        return []
    return _jvp(trial)


def _jvp(trial: Trial, directions: int = 2) -> list[Measure]:
    measures = []
    for number in range(directions):
        d = trial.direction(number)
        outputs, dots = trial.backend.jvp(trial.rule, trial.options, trial.primals, d)
        truth = trial.truth_at(trial.primals, tuple(outputs))
        want = truth.derivative(d)
        change = truth.derivative(d, trial.perturbation)
        if want is None:
            raise Inapplicable(NO_TRUTH)
        measures += [
            trial.compare(got, want[i], 0 if change is None else change[i], f"tangent of {name}")
            for i, (name, got) in enumerate(zip(trial.rule.outputs, dots, strict=True))
            if got is not None and want[i].size
        ]
    return measures


def vjp(trial: Trial) -> list[Measure]:
    """The vjp is the adjoint of the directional derivative of the truth."""
    if trial.case.kind == "edge" or _elsewhere(trial):
        return []
    return _vjp(trial)


def _vjp(trial: Trial) -> list[Measure]:
    bars = trial.cotangents(trial.outputs)
    gradients = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    shapes = [np.shape(g) for g in gradients]
    if shapes != [p.shape for p in trial.primals]:
        return [Measure(float("inf"), 0.0, f"gradient shapes {shapes}")]
    return [
        _paired(trial, trial.truth, bars, gradients, d, f"<gradient, direction {i}>")
        for i, d in enumerate(_directions(trial))
    ]


def _directions(trial: Trial) -> list[tuple[Any | None, ...]]:
    """Random directions; for a small real input the whole basis, one entry at a time."""
    total = sum(p.size for p in trial.primals)
    if len(trial.primals) > 1 or total > 4 or np.iscomplexobj(trial.primals[0]):
        return [trial.direction(i) for i in range(DIRECTIONS)]
    basis = np.eye(total, dtype=trial.primals[0].dtype)
    return [(row.reshape(trial.primals[0].shape),) for row in basis]


def _paired(
    trial: Trial,
    truth: Truth,
    bars: Sequence[Any],
    gradients: Sequence[Any],
    d: tuple[Any | None, ...],
    what: str,
    *,
    invariants: bool = False,
) -> Measure:
    """``<gradient, d>`` against ``<cotangent, derivative along d>``."""
    want = truth.derivative(d, invariants=invariants)
    change = truth.derivative(d, trial.perturbation, invariants=invariants)
    if want is None:
        raise Inapplicable(NO_TRUTH)
    got = _inner(gradients, d)
    size = sum(largest(b) * largest(w) for b, w in zip(bars, want, strict=True) if b is not None)
    moved = (
        0.0
        if change is None
        else sum(
            largest(b) * largest(c) for b, c in zip(bars, change, strict=True) if b is not None
        )
    )
    count = max((np.size(w) for w in want), default=1)
    tolerance = trial.allowed(max(count, trial.case.order), size, moved)
    scale = size or 1.0
    return Measure(abs(got - _inner(bars, want)) / scale, tolerance / scale, what)


def _inner(a: Sequence[Any], b: Sequence[Any]) -> float:
    return float(
        sum(
            np.sum(np.real(np.conj(np.asarray(x, dtype=_wide(x))) * y))
            for x, y in zip(a, b, strict=True)
            if x is not None and y is not None
        )
    )


def _wide(x: Any) -> Any:
    return complex if np.iscomplexobj(x) else float


def adjoint(trial: Trial) -> list[Measure]:
    """``<y_bar, jvp(d)> = <vjp(y_bar), d>``, without any truth."""
    if trial.case.kind == "edge" or _elsewhere(trial):
        return []
    d = trial.direction(0)
    outputs, dots = trial.backend.jvp(trial.rule, trial.options, trial.primals, d)
    bars = trial.cotangents(outputs)
    gradients = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    left, right = _inner(bars, dots), _inner(gradients, d)
    size = sum(largest(b) * largest(t) for b, t in zip(bars, dots, strict=True) if b is not None)
    change = trial.truth.derivative(d, trial.perturbation)
    moved = (
        0.0
        if change is None
        else sum(
            largest(b) * largest(c) for b, c in zip(bars, change, strict=True) if b is not None
        )
    )
    count = max(p.size for p in trial.primals)
    # Nothing is compared with the truth: that it may be in doubt excuses nothing.
    tolerance = allowed(trial.case.dtype, count, size, moved)
    return [Measure(abs(left - right) / (size or 1.0), tolerance / (size or 1.0), "difference")]


def linear(trial: Trial) -> list[Measure]:
    """The jvp is linear in the tangents, the vjp in the cotangents; a missing one is zero."""
    single = trial.case.dtype in ("float32", "complex64")
    if trial.case.kind != "general" or (trial.quick and single):
        return []
    first, second = trial.direction(0), trial.direction(1)
    both = tuple(
        None if a is None else np.asarray(2 * a - b, dtype=a.dtype)
        for a, b in zip(first, second, strict=True)
    )
    run = trial.backend.jvp
    dots = [run(trial.rule, trial.options, trial.primals, d)[1] for d in (first, second, both)]
    change = [trial.truth.derivative(d, trial.perturbation) for d in (first, second)]
    measures = []
    for i, name in enumerate(trial.rule.outputs):
        if dots[0][i] is None:
            continue
        size = max(largest(d[i]) for d in dots)
        moved = sum(0.0 if c is None else largest(c[i]) for c in change)
        wanted = 2 * dots[0][i] - dots[1][i]
        measures.append(trial.compare(dots[2][i], wanted, size + moved, f"tangent of {name}"))
    given = [i for i, v in enumerate(first) if v is not None]
    if len(given) > 1:
        parts = [
            run(
                trial.rule,
                trial.options,
                trial.primals,
                tuple(v if i == j else None for j, v in enumerate(first)),
            )[1]
            for i in given
        ]
        for i, whole in enumerate(dots[0]):
            if whole is not None:
                terms = [part[i] for part in parts if part[i] is not None]
                moved = sum(map(largest, terms)) + (
                    0.0 if change[0] is None else largest(change[0][i])
                )
                measures.append(trial.compare(whole, sum(terms), moved, "sum over single tangents"))
    bars = trial.cotangents(trial.outputs)
    whole = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    present = [i for i, b in enumerate(bars) if b is not None]
    if len(present) > 1:
        parts = [
            trial.backend.vjp(
                trial.rule,
                trial.options,
                trial.primals,
                tuple(b if i == j else None for j, b in enumerate(bars)),
            )
            for i in present
        ]
        moved = sum(0.0 if c is None else sum(map(largest, c)) for c in change)
        for k, g in enumerate(whole):
            if trial.rule.differentiable(k):
                total = sum(part[k] for part in parts)
                size = sum(largest(part[k]) for part in parts) + moved
                measures.append(trial.compare(g, total, size, "sum over single cotangents"))
    return measures


def _functional(trial: Trial) -> tuple[FrameworkBackend, Callable[..., Any], tuple[Any, ...]]:
    """A gauge-free function of the primals in the framework at hand, and random cotangents of it."""
    backend = trial.backend
    assert isinstance(backend, FrameworkBackend)
    f, keep = backend.function(trial.rule, trial.options, trial.primals)
    values: Sequence[Any] = [y for y, k in zip(trial.outputs, keep, strict=True) if k]
    loss = trial.loss
    if loss is not None:
        from gradrules import adapters  # noqa: PLC0415

        namespace = adapters.load(backend.name).xp
        values = loss(tuple(values), xp)

        def function(*arrays: Any) -> Any:
            return tuple(loss(f(*arrays), namespace))

    else:
        function = f
    rng = trial.random("functional")
    return backend, function, tuple(normal(rng, np.shape(v), str(v.dtype)) for v in values)


def _kept_outputs(trial: Trial, values: Any) -> Any:
    """Those entries of the truth that belong to floating outputs."""
    if values is None or trial.loss is not None:
        return values
    keep = [np.issubdtype(y.dtype, np.inexact) for y in trial.outputs]
    return tuple(v for v, k in zip(values, keep, strict=True) if k)


NESTINGS = ("rev over rev", "fwd over rev", "rev over fwd", "fwd over fwd")


def order2(trial: Trial) -> list[Measure]:
    """Second derivatives equal the truth, in all four nestings of the framework's two modes."""
    if trial.case.kind != "general" or trial.case.dtype in ("float32", "complex64"):
        return []
    if trial.quick and trial.options:
        # Each mode over itself.
        wanted = _last_variant(trial) and trial.case.dtype == _widest(trial)
        return _order2(trial, NESTINGS[::3]) if wanted else []
    if trial.quick and trial.case.name.startswith("nonnormal"):
        return []
    return [*_order2(trial, NESTINGS), *_in_the_linear_argument(trial)]


def _last_variant(trial: Trial) -> bool:
    """Of the options those that the rule names last: a quick check tries high orders with these."""
    return trial.options == dict(trial.rule.declaration.variants[-1])


def _widest(trial: Trial) -> str:
    """The dtype in double precision that shows most: complex, if the rule has it."""
    return next(d for d in ("complex128", "float64") if d in trial.rule.declaration.dtypes)


def _in_the_linear_argument(trial: Trial) -> list[Measure]:
    """The vjp differentiated in its cotangents is the jvp, the jvp in its tangents is itself.

    Second derivatives of a composition pass there; those of the rule alone do not.
    """
    backend, f, weights = _functional(trial)
    t = backend.transforms
    x, w = (tuple(map(backend.array, arrays)) for arrays in (trial.primals, weights))
    ds, es = trial.direction(0), trial.direction(1)
    present = [i for i, v in enumerate(ds) if v is not None]
    d, e = (tuple(backend.array(v[i]) for i in present) for v in (ds, es))

    def pulled(*bars: Any) -> Any:
        found = t.vjp(f, x, bars)
        return tuple(found[i] for i in present)

    def pushed(*dots: Any) -> Any:
        given = dict(zip(present, dots, strict=True))
        return t.jvp(f, x, tuple(given.get(i) for i in range(len(ds))))

    measures = []
    for what, got, direction in (
        ("rev over rev, in the cotangents", t.vjp(pulled, w, d), ds),
        ("fwd over fwd, in the tangents", t.jvp(pushed, d, e), es),
    ):
        want = _kept_outputs(trial, trial.truth.derivative(direction, invariants=True))
        moved = _kept_outputs(
            trial, trial.truth.derivative(direction, trial.perturbation, invariants=True)
        )
        if want is None:
            raise Inapplicable(NO_TRUTH)
        measures += [
            trial.compare(backend.numpy(v), want[i], 0 if moved is None else moved[i], what)
            for i, v in enumerate(got)
        ]
    return measures


def _order2(trial: Trial, nestings: Sequence[str]) -> list[Measure]:
    backend, f, weights = _functional(trial)
    t = backend.transforms
    x = tuple(map(backend.array, trial.primals))
    w = tuple(map(backend.array, weights))
    ds, es = trial.direction(0), trial.direction(1)
    d, e = (tuple(None if v is None else backend.array(v) for v in vs) for vs in (ds, es))
    absent = [i for i, v in enumerate(ds) if v is None]

    def gradient(*arrays: Any) -> Any:
        found = t.vjp(f, arrays, w)
        return tuple(g for i, g in enumerate(found) if i not in absent)

    def pushed(*arrays: Any) -> Any:
        return t.jvp(f, arrays, d)

    d_present = tuple(v for v in d if v is not None)
    ds_present = [v for v in ds if v is not None]
    truth = _kept_outputs(trial, trial.truth.derivative(ds, es, invariants=True))
    change = _kept_outputs(
        trial, trial.truth.derivative(ds, es, trial.perturbation, invariants=True)
    )
    if truth is None:
        raise Inapplicable(NO_TRUTH)
    want = _inner(weights, truth)
    size = sum(np.sum(np.abs(a * b)) for a, b in zip(weights, truth, strict=True))
    moved = (
        0.0
        if change is None
        else sum(np.sum(np.abs(a * b)) for a, b in zip(weights, change, strict=True))
    )
    tolerance = trial.allowed(trial.case.order, float(size), float(moved))
    measures = []
    for name in nestings:
        if name == "rev over rev":
            got = _inner([backend.numpy(v) for v in t.vjp(gradient, x, d_present)], es)
        elif name == "fwd over rev":
            got = _inner([backend.numpy(v) for v in t.jvp(gradient, x, e)], ds_present)
        elif name == "rev over fwd":
            got = _inner([backend.numpy(v) for v in t.vjp(pushed, x, w)], es)
        else:
            got = _inner(weights, [backend.numpy(v) for v in t.jvp(pushed, x, e)])
        measures.append(Measure(abs(got - want) / (size or 1.0), tolerance / (size or 1.0), name))
    return measures


def order3(trial: Trial) -> list[Measure]:
    """Third derivatives equal the truth: what a second derivative calls is differentiable too.

    Second derivatives are differentiated in their tangents and cotangents, too.
    """
    if not _once(trial) or trial.case.dtype != "float64":
        return []
    if trial.quick and trial.options and not _last_variant(trial):
        return []
    backend, f, weights = _functional(trial)
    t = backend.transforms
    x, w = (tuple(map(backend.array, arrays)) for arrays in (trial.primals, weights))
    ds, es, hs = (trial.direction(i) for i in range(3))
    present = [i for i, v in enumerate(ds) if v is not None]
    d, e, h = (tuple(backend.array(vs[i]) for i in present) for vs in (ds, es, hs))

    def forward(function: Any, along: Any) -> Any:
        given = dict(zip(present, along, strict=True))
        return lambda *arrays: t.jvp(function, arrays, tuple(map(given.get, range(len(ds)))))

    def backward(function: Any, bars: Any) -> Any:
        def gradient(*arrays: Any) -> Any:
            found = t.vjp(function, arrays, bars)
            return tuple(found[i] for i in present)

        return gradient

    pushed, pulled = forward(f, d), backward(f, w)
    found = {
        "fwd over fwd over fwd": (forward(forward(pushed, e), h)(*x), weights, (ds, es, hs)),
        "rev over rev over rev": (backward(backward(pulled, d), e)(*x), hs, (ds, es, hs)),
        "fwd over fwd over fwd, in the tangents": (
            t.jvp(lambda *along: forward(pushed, along)(*x), e, h), weights, (ds, hs),
        ),
        "rev over rev over rev, in the cotangents": (
            t.vjp(lambda *bars: backward(pulled, bars)(*x), d, e), hs, (es, hs),
        ),
    }  # fmt: skip
    measures = []
    for name, (values, against, directions) in found.items():
        truth, change = (
            _kept_outputs(trial, trial.truth.derivative(*along, invariants=True))
            for along in (directions, (*directions, trial.perturbation))
        )
        if truth is None:
            raise Inapplicable(NO_TRUTH)
        size, moved = (
            float(sum(np.sum(np.abs(a * b)) for a, b in zip(weights, arrays, strict=True)))
            for arrays in (truth, change or (0.0,) * len(truth))
        )
        tolerance = trial.allowed(trial.case.order, size, moved)
        got = _inner([v for v in against if v is not None], list(map(backend.numpy, values)))
        error = abs(got - _inner(weights, truth))
        measures.append(Measure(error / (size or 1.0), tolerance / (size or 1.0), name))
    return measures


def batch(trial: Trial) -> list[Measure]:
    """With batch axes in front, every element has its own value, tangent and gradient."""
    if trial.case.kind != "shape" or _empty(trial):
        return []
    if trial.quick and trial.case.dtype not in ("float32", "complex128"):
        return []
    rank = trial.primals[0].ndim - len(trial.rule.signature.inputs[0])
    if not rank:
        return []
    d = trial.direction(0)
    outputs, dots = trial.backend.jvp(trial.rule, trial.options, trial.primals, d)
    bars = trial.cotangents(outputs)
    gradients = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    measures = []
    for index in np.ndindex(trial.primals[0].shape[:rank]):
        one = tuple(None if v is None else v[index] for v in d)
        truth = trial.truth_at(
            tuple(p[index] for p in trial.primals), tuple(y[index] for y in outputs)
        )
        delta = tuple(None if v is None else v[index] for v in trial.perturbation)
        value, tangent = truth.derivative(), truth.derivative(one)
        moved, curved = truth.derivative(delta), truth.derivative(one, delta)
        if value is None or tangent is None or moved is None or curved is None:
            raise Inapplicable(NO_TRUTH)
        for i, name in enumerate(trial.rule.outputs):
            measures.append(
                trial.compare(outputs[i][index], value[i], moved[i], f"{name}{list(index)}")
            )
            if dots[i] is not None:
                measures.append(
                    trial.compare(
                        dots[i][index], tangent[i], curved[i], f"its tangent{list(index)}"
                    )
                )
        here = [None if b is None else b[index] for b in bars]
        size = sum(
            largest(b) * np.sum(np.abs(w))
            for b, w in zip(here, tangent, strict=True)
            if b is not None
        )
        change = sum(
            largest(b) * np.sum(np.abs(w))
            for b, w in zip(here, curved, strict=True)
            if b is not None
        )
        error = abs(_inner([g[index] for g in gradients], one) - _inner(here, tangent))
        tolerance = trial.allowed(trial.case.order, float(size), float(change))
        measures.append(
            Measure(error / (size or 1.0), tolerance / (size or 1.0), f"gradient{list(index)}")
        )
    return measures


def _transformed(
    trial: Trial, around: Callable[[Callable[..., Any]], Callable[..., Any]], count: int | None
) -> list[Measure]:
    """Value, gradient, tangent and a second derivative of a function under a transformation.

    `count` is the length of a new leading axis of all arguments, or `None`.
    """
    backend, f, weights = _functional(trial)
    t = backend.transforms
    w = tuple(map(backend.array, weights))
    d = trial.direction(0)
    dots = tuple(None if v is None else backend.array(v) for v in d)
    points = [trial.primals]
    if count is not None:
        rng = trial.random("points")
        points = [
            tuple(
                np.asarray(p + 0.1 * largest(p) * normal(rng, p.shape, str(p.dtype)), dtype=p.dtype)
                if trial.rule.differentiable(i) else p
                for i, p in enumerate(trial.primals)
            )
            for _ in range(count)
        ]  # fmt: skip
    stacked = points[0] if count is None else tuple(map(np.stack, zip(*points, strict=True)))
    x = tuple(map(backend.array, stacked))

    def gradient(*arrays: Any) -> Any:
        return t.vjp(f, arrays, w)

    def pushed(*arrays: Any) -> Any:
        return t.jvp(f, arrays, dots)

    def curved(*arrays: Any) -> Any:
        return t.jvp(gradient, arrays, dots)

    parts: dict[str, Callable[..., Any]] = {
        "value": f, "gradient": gradient, "tangent": pushed, "second": curved
    }  # fmt: skip
    if trial.case.dtype in ("float32", "complex64"):
        del parts["second"]
    lengths: dict[str, int] = {}

    def everything(*arrays: Any) -> Any:
        """One function, so that a compiler is asked once."""
        found = {name: as_tuple(part(*arrays)) for name, part in parts.items()}
        lengths.update({name: len(values) for name, values in found.items()})
        return tuple(value for values in found.values() for value in values)

    flat = iter([backend.numpy(v) for v in around(everything)(*x)])
    results = {name: [next(flat) for _ in range(length)] for name, length in lengths.items()}
    measures = []
    for i, point in enumerate(points):
        truth = trial.truth_at(
            point, trial.backend.value(trial.rule, trial.options, point) if trial.gauge else ()
        )
        pick = (
            (lambda arrays: arrays)
            if count is None
            else (lambda arrays, i=i: [a[i] for a in arrays])
        )
        measures += _judge(trial, truth, weights, d, {k: pick(v) for k, v in results.items()}, i)
    return measures


def _judge(
    trial: Trial, truth: Truth, weights: Any, d: Any, results: dict[str, Any], number: int
) -> list[Measure]:
    delta, e = trial.perturbation, trial.direction(1)

    def derivative(*directions: Any) -> Any:
        return _kept_outputs(trial, truth.derivative(*directions, invariants=True))

    value, moved = derivative(), derivative(delta)
    tangent, bent = derivative(d), derivative(d, delta)
    if value is None or moved is None or tangent is None or bent is None:
        raise Inapplicable(NO_TRUTH)
    measures = []
    for i in range(len(value)):
        measures.append(trial.compare(results["value"][i], value[i], moved[i], f"value [{number}]"))
        measures.append(
            trial.compare(results["tangent"][i], tangent[i], bent[i], f"jvp [{number}]")
        )
    pairs = [("gradient", derivative(e), derivative(e, delta))]
    if "second" in results:
        pairs.append(("second", derivative(d, e), derivative(d, e, delta)))
    for name, want, change in pairs:
        if want is None or change is None:
            raise Inapplicable(NO_TRUTH)
        size = float(sum(np.sum(np.abs(a * b)) for a, b in zip(weights, want, strict=True)))
        more = float(sum(np.sum(np.abs(a * b)) for a, b in zip(weights, change, strict=True)))
        error = abs(_inner(results[name], e) - _inner(weights, want))
        tolerance = trial.allowed(trial.case.order, size, more)
        label = "vjp" if name == "gradient" else "fwd over rev"
        measures.append(
            Measure(error / (size or 1.0), tolerance / (size or 1.0), f"{label} [{number}]")
        )
    return measures


def vmap(trial: Trial) -> list[Measure]:
    """Mapped over a new axis: function, gradient, jvp and second derivative, each element right."""
    if not _once(trial) or (trial.quick and _repeated(trial)):
        return []
    backend = trial.backend
    assert isinstance(backend, FrameworkBackend)
    return _transformed(trial, backend.transforms.vmap, 3)


def compile(trial: Trial) -> list[Measure]:  # noqa: A001 (the name of the law)
    """Through the framework's compiler: function, gradient, jvp and second derivative."""
    if not _once(trial) or trial.case.dtype in ("float32", "complex64"):
        return []
    if trial.quick and (trial.case.dtype != "float64" or trial.options):
        return []
    backend = trial.backend
    assert isinstance(backend, FrameworkBackend)
    measures = []
    for name, compiler in backend.transforms.compilers().items():
        refused = backend.refused(name, trial.rule, trial.case.dtype)
        if refused:
            trial.refusals.append(f"{name}: {refused}")
            continue
        found = _transformed(trial, compiler, None)
        measures += [Measure(m.error, m.tolerance, f"{name}: {m.what}") for m in found]
    return measures


def _repeated(trial: Trial) -> bool:
    """What a quick check leaves out of laws that take seconds: options and single precision."""
    return bool(trial.options) or trial.case.dtype in ("float32", "complex64")


def _once(trial: Trial) -> bool:
    """One representative input for each option and dtype: what is tried here is the transformation."""
    return trial.case.kind == "general" and trial.case.name.startswith("general n=3")


def dtype(trial: Trial) -> list[Measure]:
    """Shapes, dtypes and precision of outputs, tangents and gradients, for every size and batch."""
    if trial.case.kind not in ("shape", "general"):
        return []
    outputs, dots = trial.backend.jvp(trial.rule, trial.options, trial.primals, trial.direction(0))
    gradients = trial.backend.vjp(
        trial.rule, trial.options, trial.primals, trial.cotangents(outputs)
    )
    rank = trial.primals[0].ndim - len(trial.rule.signature.inputs[0])
    lead = trial.primals[0].shape[:rank]
    lengths: dict[str, int] = {}
    for p, core in zip(trial.primals, trial.rule.signature.inputs, strict=True):
        lengths.update(zip(core, p.shape[p.ndim - len(core) :], strict=True))
    wrong = []
    single = trial.case.dtype in ("float32", "complex64")
    for name, core, y, dot in zip(
        trial.rule.outputs, trial.rule.signature.outputs, outputs, dots, strict=True
    ):
        shape = lead + tuple(lengths[axis] for axis in core if axis in lengths)
        if len(shape) == len(lead) + len(core) and y.shape != shape:
            wrong.append(f"{name} has shape {y.shape}, not {shape}")
        if (
            np.issubdtype(y.dtype, np.inexact)
            and (y.dtype.name in ("float32", "complex64")) != single
        ):
            wrong.append(f"{name} has dtype {y.dtype}")
        if dot is not None and (dot.shape != y.shape or dot.dtype != y.dtype):
            wrong.append(f"tangent of {name} is {dot.dtype} {dot.shape}")
    for name, p, g in zip(trial.rule.inputs, trial.primals, gradients, strict=True):
        if g.shape != p.shape or g.dtype != p.dtype:
            wrong.append(f"gradient of {name} is {g.dtype} {g.shape}, not {p.dtype} {p.shape}")
    return [Measure(float(len(wrong)), 0.0, "; ".join(wrong) or "shapes and dtypes")]


def pure(trial: Trial) -> list[Measure]:
    """The same call twice gives the same bits, and leaves its inputs alone."""
    if not _once(trial):
        return []
    before = [p.copy() for p in trial.primals]
    bars = trial.cotangents(trial.outputs)
    runs = [
        (
            trial.backend.value(trial.rule, trial.options, trial.primals),
            trial.backend.vjp(trial.rule, trial.options, trial.primals, bars),
        )
        for _ in range(2)
    ]
    changed = sum(not np.array_equal(a, b) for a, b in zip(before, trial.primals, strict=True))
    differing = sum(
        not np.array_equal(a, b, equal_nan=True)
        for one, two in zip(*runs, strict=True)
        for a, b in zip(one, two, strict=True)
    )
    return [
        Measure(float(changed), 0.0, "inputs changed"),
        Measure(float(differing), 0.0, "arrays that differ between two calls"),
    ]


def kept(trial: Trial) -> list[Measure]:
    """The fast form, which uses kept arrays, equals the closed form."""
    if not trial.rule.defines("keep") or trial.case.kind not in ("general", "hard"):
        return []
    if trial.quick and trial.case.dtype not in ("float64", "complex128"):
        return []
    backend = trial.backend
    x = tuple(map(backend.array, trial.primals))
    # autograd's arrays are NumPy's until something traces them.
    namespace = backend_of(trial.rule.name, trial.rule.inputs, x).xp
    static = trial.rule.static_options(trial.options)
    outputs, stored = trial.rule.evaluate_keep(x, static, xp=namespace)
    measures = []
    d = trial.direction(0)
    inputs = {"jvp": d, "vjp": trial.cotangents([backend.numpy(y) for y in outputs])}
    change = trial.truth.derivative(d, trial.perturbation)
    for mode, given in inputs.items():
        if not trial.rule.defines(f"fast_{mode}"):
            continue
        arrays = tuple(None if v is None else backend.array(v) for v in given)
        fast, closed = (
            trial.rule.linear(mode, x, outputs, arrays, static, xp=namespace, kept=k)  # type: ignore[arg-type]
            for k in (stored, None)
        )
        moved = 0.0 if change is None else sum(map(largest, change))
        for a, b in zip(fast, closed, strict=True):
            if a is not None or b is not None:  # `None` says that it is zero
                one, two = (np.zeros(()) if v is None else backend.numpy(v) for v in (a, b))
                one, two = np.broadcast_arrays(one, two)
                measures.append(trial.compare(one, two, moved, f"fast {mode}"))
    return measures


def edge(trial: Trial) -> list[Measure]:
    """At a declared hard input, value and derivatives are what was declared; bad data give NaN."""
    declared = trial.case.edge
    if declared is not None:
        promised = [("value", declared.value)]
        if declared.loss is None:
            promised += [("jvp", declared.first), ("vjp", declared.first)]
        if isinstance(trial.backend, FrameworkBackend):
            promised += [("loss", declared.first)] if declared.loss else []
            promised += [("second", declared.second)]
        return [m for what, outcome in promised for m in _declared(trial, outcome, what)]
    if trial.case.kind == "shape" and trial.case.name.startswith("n=2 "):
        if trial.quick and trial.case.dtype not in ("float64", "complex64"):
            return []
        return [m for bad in (float("nan"), float("inf")) for m in _bad_data(trial, bad)]
    return []


def _declared(trial: Trial, outcome: str, what: str) -> list[Measure]:
    """Compare what comes with the outcome that the rule declares for it."""
    try:
        if outcome == "exact":
            return _against_truth(trial, what)
        found = _computed(trial, what)
    except (Inapplicable, UnsupportedTransformError):
        raise
    except Exception as error:  # an array library may raise anything at a singular matrix
        if outcome in ("any", "raises") and not _is_mistake(error):
            return [Measure(0.0, 0.0, f"{what}: raises {type(error).__name__}")]
        raise
    finite = [all(np.all(np.isfinite(v)) for v in way if v is not None) for way in found]
    if outcome == "any" and any(finite):
        try:
            return _against_truth(trial, what)
        except Inapplicable:
            return [Measure(1.0, 0.0, f"{what} is finite, and there is no true value")]
    wrong = {"nan": any(finite), "finite": not all(finite), "raises": True, "any": False}[outcome]
    return [Measure(float(wrong), 0.0, f"{what} is not {outcome!r}, as was declared")]


def _against_truth(trial: Trial, what: str) -> list[Measure]:
    runs: dict[str, Callable[[], list[Measure]]] = {
        "value": lambda: _value(trial),
        "jvp": lambda: _jvp(trial, 1),
        "vjp": lambda: _vjp(trial),
        "loss": lambda: _of_the_loss(trial),
        "second": lambda: _order2(trial, NESTINGS[:2] if trial.quick else NESTINGS),
    }
    return [Measure(m.error, m.tolerance, f"{what}: {m.what}") for m in runs[what]()]


def _of_the_loss(trial: Trial) -> list[Measure]:
    """First derivatives of the declared loss, in both modes."""
    backend, f, weights = _functional(trial)
    x, w = (tuple(map(backend.array, arrays)) for arrays in (trial.primals, weights))
    d = trial.direction(0)
    dots = tuple(None if v is None else backend.array(v) for v in d)
    truth = trial.truth.derivative(d, invariants=True)
    change = trial.truth.derivative(d, trial.perturbation, invariants=True)
    if truth is None:
        raise Inapplicable(NO_TRUTH)
    pushed = list(map(backend.numpy, backend.transforms.jvp(f, x, dots)))
    gradients = list(map(backend.numpy, backend.transforms.vjp(f, x, w)))
    return [
        *(
            trial.compare(got, want, 0 if change is None else change[i], f"jvp [{i}]")
            for i, (got, want) in enumerate(zip(pushed, truth, strict=True))
        ),
        _paired(trial, trial.truth, weights, gradients, d, "vjp", invariants=True),
    ]


def _computed(trial: Trial, what: str) -> list[list[Any]]:
    """What comes, in each way that there is to it: a second derivative begins with either mode."""
    d = trial.direction(0)
    if what == "value":
        return [list(trial.outputs)]
    if what == "jvp":
        return [list(trial.backend.jvp(trial.rule, trial.options, trial.primals, d)[1])]
    if what == "vjp":
        bars = trial.cotangents(trial.outputs)
        return [list(trial.backend.vjp(trial.rule, trial.options, trial.primals, bars))]
    backend, f, weights = _functional(trial)
    t = backend.transforms
    w = tuple(map(backend.array, weights))
    x = tuple(map(backend.array, trial.primals))
    dots = tuple(None if v is None else backend.array(v) for v in d)
    firsts: list[Callable[..., Any]] = [lambda *a: t.vjp(f, a, w), lambda *a: t.jvp(f, a, dots)]
    return [[backend.numpy(v) for v in t.jvp(first, x, dots)] for first in firsts]


def _bad_data(trial: Trial, bad: float) -> list[Measure]:
    """NaN or infinity in one element of a batch: not finite there, right elsewhere."""
    if not of_matrices(trial.rule) or trial.rule.name.startswith("_"):
        # An elementwise function may well have a value at infinity; the rules that call an internal
        # one have looked at the data.
        return []
    word = "nan" if np.isnan(bad) else "inf"
    clean = trial.backend.value(trial.rule, trial.options, tuple(p[:1] for p in trial.primals))
    touched = [i for i in range(len(trial.primals)) if trial.rule.differentiable(i)]
    measures = []
    for one in touched:
        damaged = _damaged(trial, [one], bad)
        for what, compute in (
            ("value", lambda x: trial.backend.value(trial.rule, trial.options, x)),
            (
                "value beside a tangent",
                lambda x: trial.backend.jvp(trial.rule, trial.options, x, trial.direction(0))[0],
            ),
        ):
            outputs = _unless_refused(compute, damaged)
            if outputs is None:
                continue
            finite = all(np.all(np.isfinite(y[1])) for y in outputs)
            label = f"{word} in {trial.rule.inputs[one]}"
            measures.append(Measure(float(finite), 0.0, f"{label}, and a finite {what}"))
            for got, want in zip(outputs, clean, strict=True):
                wrong = got.dtype != want.dtype
                measures.append(Measure(float(wrong), 0.0, f"{label}, and a {what} of {got.dtype}"))
                if trial.gauge is None:
                    measures.append(
                        trial.compare(got[0], want[0], largest(want), f"{label} next door")
                    )
    bars = tuple(None if b is None else np.ones_like(b) for b in trial.cotangents(trial.outputs))
    if trial.gauge is not None:
        bars = tuple(trial.gauge.horizontal(tuple(trial.outputs), bars, xp))
    gradients = _unless_refused(
        lambda x: trial.backend.vjp(trial.rule, trial.options, x, bars),
        _damaged(trial, touched, bad),
    )
    if gradients is not None:
        finite = all(np.all(np.isfinite(g[1])) for g in gradients)
        measures.append(Measure(float(finite), 0.0, f"{word} in the data, and a finite gradient"))
        spoiled = any(not np.all(np.isfinite(g[0])) for g in gradients)
        measures.append(Measure(float(spoiled), 0.0, f"{word} spoils another matrix of the batch"))
    return measures


def _damaged(trial: Trial, which: Sequence[int], bad: float) -> tuple[Any, ...]:
    """The primals, those of `which` with a bad entry in the second element of the batch."""
    damaged = tuple(p.copy() for p in trial.primals)
    for i in which:
        damaged[i][(1, *(0,) * (damaged[i].ndim - 1))] = bad
    return damaged


def _unless_refused(compute: Callable[[Any], Any], primals: tuple[Any, ...]) -> Any:
    """What comes, or `None` if the array library refuses such data."""
    try:
        return compute(primals)
    except Exception as error:
        if _is_mistake(error):
            raise
        return None


def _is_mistake(error: Exception) -> bool:
    """Whether an exception is that of faulty code, or our own: no array library's refusal."""
    mistakes = (GradrulesError, TypeError, LookupError, AttributeError, NameError, AssertionError)
    return isinstance(error, mistakes)


NO_TRUTH = "the truth does not exist at this input, or no oracle knows it"

LAWS: dict[str, Callable[[Trial], list[Measure]]] = {
    "primal": primal,
    "jvp": jvp,
    "vjp": vjp,
    "adjoint": adjoint,
    "linear": linear,
    "order2": order2,
    "order3": order3,
    "batch": batch,
    "vmap": vmap,
    "compile": compile,
    "dtype": dtype,
    "edge": edge,
    "pure": pure,
    "kept": kept,
}
# Tried by comparing the results of all backends, after they have run.
ACROSS = "agree"
