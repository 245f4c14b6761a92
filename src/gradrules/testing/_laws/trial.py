"""A trial: one rule, on one backend, at one input; and what a law measures in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import numpy as np
from array_api_compat import numpy as xp

from gradrules import Rule

from .._backends import Backend, FrameworkBackend
from .._cases import SINGLE, Case, generator, normal
from .._tolerance import Tolerance, allowed, largest
from .._truth import Truth

NO_TRUTH = "the truth does not exist at this input, or no oracle knows it"


@dataclass(frozen=True)
class Measure:
    """An error against its tolerance, both relative to the size of the truth.

    Attributes
    ----------
    what
        What was compared.
    got, want
        What came and what should have come.
    """

    error: float
    tolerance: float
    what: str
    got: Any = None
    want: Any = None

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; NaN never is."""
        return bool(self.error <= self.tolerance)


def worst(measures: Sequence[Measure]) -> Measure:
    """The measure that fails most, or passes least."""

    def badness(measure: Measure) -> float:
        if np.isnan(measure.error):
            return float("inf")
        return measure.error / measure.tolerance if measure.tolerance else measure.error * 1e30

    return max(measures, key=badness)


class Inapplicable(Exception):  # noqa: N818 (it says that there is nothing to try)
    """The law cannot be tried here, for the reason given."""


class Trial:
    """One rule, on one backend, at one input."""

    def __init__(
        self, rule: Rule, backend: Backend, case: Case, seed: int, *, quick: bool = False
    ) -> None:
        self.rule, self.backend, self.case, self.seed = _core_last(rule), backend, case, seed
        self.quick = quick
        self.primals, self.options = case.primals, case.options
        self.gauge = rule.declaration.gauge
        # Functions of the outputs that have derivatives where the outputs themselves may not.
        self.loss = None if self.gauge is None else self.gauge.invariants
        if case.edge is not None and case.edge.loss is not None:
            self.loss = case.edge.loss
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

    def allowed(self, size: int, quantity: float, change: float) -> Tolerance:
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
        return Measure(largest(difference) / scale, tolerance / scale, what, got, truth)

    def pair(
        self,
        got: float,
        want: float,
        size: float,
        change: float,
        what: str,
        *,
        count: int | None = None,
        truth: bool = True,
    ) -> Measure:
        """Error of an inner product, whose terms are as large as `size` and change by `change`.

        `count` is the n of the tolerance, by default the order of the input. Where nothing is compared
        with the `truth`, that it may be in doubt excuses nothing.
        """
        n = count or self.case.order
        judge = self.allowed if truth else partial(allowed, self.case.dtype)
        tolerance = judge(n, float(size), float(change))
        scale = float(size) or 1.0
        return Measure(abs(got - want) / scale, tolerance / scale, what, got, want)


@cache
def _core_last(rule: Rule) -> Rule:
    """Inputs are drawn with the core axes at the end; where else they may be, the contract is tested for."""
    return rule if rule.layout is None else rule.with_core_last()


def empty(trial: Trial) -> bool:
    """Nothing to compare: such inputs concern the law `dtype`."""
    return any(not p.size for p in trial.primals)


def elsewhere(trial: Trial) -> bool:
    """Inputs that other laws are about: `dtype` of empty arrays, `batch` of batches."""
    return empty(trial) or (trial.case.kind == "shape" and batch_rank(trial) > 0)


def representative(trial: Trial) -> bool:
    """One input for each option and dtype, and a hard batch: what is tried is the transformation."""
    return trial.case.representative


def repeated(trial: Trial) -> bool:
    """What a quick check leaves out of laws that take seconds: options and single precision."""
    return bool(trial.options) or trial.case.dtype in SINGLE


def frugal(trial: Trial) -> bool:
    """Whether a quick check asks for each mode over itself alone: each derivative takes seconds."""
    return trial.quick and trial.backend.name in ("jax", "tensorflow")


def batch_rank(trial: Trial) -> int:
    """How many batch axes the input has."""
    return int(trial.primals[0].ndim - len(trial.rule.signature.inputs[0]))


def elements(trial: Trial) -> list[tuple[int, ...]]:
    """Indices of the batch: one empty index, if there are no batch axes."""
    return list(np.ndindex(trial.primals[0].shape[: batch_rank(trial)]))


def crossed(trial: Trial) -> bool:
    """Whether the input is one for second derivatives and linearity."""
    return trial.case.kind != "edge" and (trial.case.kind == "general" or trial.case.crossed)


def at(arrays: Sequence[Any], index: tuple[int, ...]) -> list[Any]:
    """One element of a batch of each array."""
    return [None if a is None else a[index] for a in arrays]


def summed(weights: Sequence[Any] | None, values: Sequence[Any] | None) -> float:
    """The absolute terms of ``<weights, values>``, added; 0 for values that do not exist."""
    if weights is None or values is None:
        return 0.0
    return float(sum(np.sum(np.abs(a * b)) for a, b in zip(weights, values, strict=True)))


def inner(a: Sequence[Any], b: Sequence[Any]) -> float:
    return float(
        sum(
            np.sum(np.real(np.conj(np.asarray(x, dtype=_wide(x))) * y))
            for x, y in zip(a, b, strict=True)
            if x is not None and y is not None
        )
    )


def _wide(x: Any) -> Any:
    return complex if np.iscomplexobj(x) else float


def functional(trial: Trial) -> tuple[FrameworkBackend, Callable[..., Any], tuple[Any, ...]]:
    """A gauge-free function of the primals in the framework at hand, and random cotangents of it."""
    backend = trial.backend
    assert isinstance(backend, FrameworkBackend)
    f, keep = backend.function(trial.rule, trial.options, trial.primals)
    values: Sequence[Any] = [y for y, k in zip(trial.outputs, keep, strict=True) if k]
    loss = trial.loss
    if loss is not None:
        values = loss(tuple(values), xp)

        def function(*arrays: Any) -> Any:
            return tuple(loss(f(*arrays), backend.xp))

    else:
        function = f
    rng = trial.random("functional")
    return backend, function, tuple(normal(rng, np.shape(v), str(v.dtype)) for v in values)


def kept_outputs(trial: Trial, values: Any) -> Any:
    """Those entries of the truth that belong to floating outputs."""
    if values is None or trial.loss is not None:
        return values
    keep = [np.issubdtype(y.dtype, np.inexact) for y in trial.outputs]
    return tuple(v for v, k in zip(values, keep, strict=True) if k)
