"""The transform matrix: every transformation of a framework, on every rule and dtype.

A *row* is one way in which a framework differentiates, batches, compiles or repeats a function. It
is given a `Problem`, a real function of a rule's inputs that no gauge freedom changes, and returns
numbers: the function at some points, or its derivative of first, second or third order along given
directions. So one truth serves every row, and a rule, a dtype or a framework that is registered
fills its cells by itself.

A cell *passes*, is *refused* by a named error of this package, or is *not offered* by the framework,
which says why. Anything else is a failure. Every row is also tried on a rule with a wrong factor in
its derivatives: if that factor did not show, some other derivative would have run.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import numpy as xp

from gradrules import Rule, rule
from gradrules.errors import GradrulesError

from ._backends import FrameworkBackend, NotOffered
from ._cases import DOUBLE, SINGLE, Case, draw, generator, normal
from ._laws import Trial
from ._tolerance import allowed, largest
from ._truth import Truth

__all__ = ["Cell", "NotOffered", "Problem", "Row", "cells", "rows", "try_cell", "witnessed"]

POINTS = 3
# Factors of the witness, whose jvp and vjp are wrong on purpose.
JVP, VJP = 3.0, 5.0


@dataclass(frozen=True)
class Row:
    """One transformation.

    Attributes
    ----------
    name
        As users of the framework call it.
    order
        Of the derivative that `run` returns: 0 to 3.
    run
        From a `Problem` to numbers: for the first point, or for the first few.
    slow
        Whether a cell takes seconds: not tried in single precision, and quickly not on a witness that keeps.
    real
        Why it takes real inputs alone, if it does.
    inputs
        How many inputs a rule must have for it.
    compiler
        What `Transforms.refused` is asked about where a cell fails.
    """

    name: str
    order: int
    run: Callable[["Problem"], Sequence[Any]]
    slow: bool = False
    real: str = ""
    inputs: int = 1
    compiler: str = ""

    def values(self, problem: "Problem") -> list[float]:
        """The numbers that `run` returns.

        Raises
        ------
        NotOffered
            If the transformation is none for such inputs.
        """
        if self.real and problem.dtype.startswith("complex"):
            raise NotOffered(self.real)
        if len(problem.x) < self.inputs:
            msg = f"the rule has {len(problem.x)} input"
            raise NotOffered(msg)
        return [float(np.real(problem.backend.numpy(v))) for v in self.run(problem)]


class Problem:
    """A function of a rule, points, and directions, as arrays of one framework.

    Attributes
    ----------
    loss
        A real number from the inputs of the rule: what the rule's outputs determine whatever their
        gauge, times fixed random numbers.
    vector
        The same before summation: real, one axis.
    x
        The first point: a tuple of arrays.
    points
        Three points, stacked along a new first axis. They differ in the first input alone.
    d, e, h
        Directions for derivatives of order 1, 2, 3; tuples like `x`.
    dtype
        Name of the inputs' dtype.
    """

    def __init__(
        self, rule_: Rule, backend: FrameworkBackend, dtype: str, *, seed: int = 0
    ) -> None:
        self.rule, self.backend, self.dtype = rule_, backend, dtype
        rng = generator(seed, rule_.name, dtype, "contract")
        self.start = draw(rule_, rng, dtype)
        self._first = [self.start[0], *(draw(rule_, rng, dtype)[0] for _ in range(POINTS - 1))]
        self.directions = [
            tuple(
                np.asarray(normal(rng, p.shape, dtype) / np.sqrt(p.size), dtype=dtype)
                for p in self.start
            )
            for _ in range(3)
        ]
        case = Case("contract", "general", dtype, self.start)
        outputs = Trial(rule_, backend, case, seed).outputs
        self.weights = [
            normal(rng, np.shape(v), str(np.asarray(v).dtype))
            for v in self._invariants(outputs, xp)
        ]
        # All at once: a compiler that traces `loss` shall find arrays, and no work to do.
        self.xp = backend.xp
        self.x, self.d, self.e, self.h, self._conjugates = (
            self._framework(arrays)
            for arrays in (self.start, *self.directions, [np.conj(w) for w in self.weights])
        )
        every = zip(*(self._point(i) for i in range(POINTS)), strict=True)
        self.points = self._framework(np.stack(arrays) for arrays in every)
        self.one = self.array(np.ones((), dtype=np.real(self.start[0]).dtype))

    def _point(self, number: int) -> tuple[Any, ...]:
        return (self._first[number], *self.start[1:])

    def _invariants(self, outputs: Sequence[Any], namespace: Any) -> tuple[Any, ...]:
        gauge = self.rule.declaration.gauge
        return tuple(outputs if gauge is None else gauge.invariants(tuple(outputs), namespace))

    def _framework(self, arrays: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(self.backend.array(a) for a in arrays)

    def array(self, value: Any) -> Any:
        """The framework's array of a NumPy array."""
        return self.backend.array(np.asarray(value))

    def vector(self, *arrays: Any) -> Any:
        """What is summed in `loss`."""
        values = self._invariants(self.backend.call(self.rule, arrays, {}), self.xp)
        parts = []
        for value, weight in zip(values, self._conjugates, strict=True):
            product = value * weight
            if self.xp.isdtype(product.dtype, "complex floating"):
                product = self.xp.real(product)
            parts.append(self.xp.reshape(product, (-1,)))
        return parts[0] if len(parts) == 1 else self.xp.concat(parts, axis=0)

    def loss(self, *arrays: Any) -> Any:
        """A real number."""
        return self.xp.sum(self.vector(*arrays))

    def inner(self, gradients: Sequence[Any], directions: Sequence[Any]) -> Any:
        """``Re sum(conj(g) d)``: a gradient in our convention along a direction.

        Of a Jacobian, whose first axis is that of `vector`: summed over that too.
        """
        return self._paired(gradients, directions, conjugate=True)

    def pair(self, gradients: Sequence[Any], directions: Sequence[Any]) -> Any:
        """``Re sum(g d)``: the same for frameworks whose gradients are the conjugates of ours."""
        return self._paired(gradients, directions, conjugate=False)

    def _paired(
        self, gradients: Sequence[Any], directions: Sequence[Any], *, conjugate: bool
    ) -> Any:
        total = None
        for g, d in zip(gradients, directions, strict=True):
            if self.xp.isdtype(g.dtype, "complex floating"):
                product = self.xp.real((self.xp.conj(g) if conjugate else g) * d)
            else:
                product = g * d
            part = self.xp.sum(product)
            total = part if total is None else total + part
        return total

    def bilinear(self, hessian: Sequence[Sequence[Any]]) -> Any:
        """The blocks of a real Hessian between the directions `d` and `e`."""
        total = None
        for line, d in zip(hessian, self.d, strict=True):
            columns = [self.xp.reshape(d, tuple(d.shape) + (1,) * len(e.shape)) for e in self.e]
            part = self.inner([b * c for b, c in zip(line, columns, strict=True)], self.e)
            total = part if total is None else total + part
        return total

    def truth(self, order: int, number: int) -> tuple[float, float]:
        """The true value of what a row of this order returns for a point, and its tolerance."""
        point = self._point(number)
        reference = None
        if self.rule.declaration.gauge is not None:
            reference = tuple(self.backend.value(self.rule, {}, point))
        truth = Truth(self.rule, point, {}, reference)
        along = self.directions[:order]
        delta = tuple(
            normal(np.random.default_rng(1), p.shape, self.dtype) * largest(p) for p in point
        )
        values = truth.derivative(*along, invariants=True)
        change = truth.derivative(*along, delta, invariants=True)
        if values is None or change is None:
            msg = f"{self.rule.name} has no oracle of order {order + 1}"
            raise LookupError(msg)
        pairs = list(zip(self.weights, values, change, strict=True))
        total = sum(float(np.sum(np.real(np.conj(w) * v))) for w, v, _ in pairs)
        size, moved = (
            sum(float(np.sum(np.abs(w * part[k]))) for w, *part in pairs) for k in (0, 1)
        )
        n = max((max(p.shape, default=1) for p in point), default=1)
        return total, allowed(self.dtype, n, size, moved, truth.doubt)


@dataclass(frozen=True)
class Cell:
    """What came of one row for one rule, dtype and framework."""

    row: str
    rule: str
    backend: str
    dtype: str
    status: str  # "pass", "refused", "not offered" or "fail"
    message: str = ""


def rows(backend: FrameworkBackend) -> list[Row]:
    """Every transformation that the adapter declares, with those that follow from its `Transforms`.

    Compilers come last: what an accumulator of TensorFlow has traced for XLA it uses everywhere.
    """
    found = [*_generic(backend), *backend.transforms.rows()]
    return sorted(found, key=lambda row: bool(row.compiler))


def cells(
    backend: FrameworkBackend, rules: Sequence[Rule], *, quick: bool = False
) -> Iterator[tuple[Row, Rule, str]]:
    """The cells to try, single precision at first order alone; quickly, every row once."""
    columns = [(one, dtype) for one in rules for dtype in one.declaration.dtypes]
    doubles = [(r, d) for r, d in columns if d in DOUBLE]
    singles = [(r, d) for r, d in columns if d in SINGLE]
    offered = [(r, d) for r, d in doubles if d not in backend.missing]
    for number, row in enumerate(rows(backend)):
        chosen = doubles + (singles if row.order == 1 and not row.slow else [])
        if quick:
            chosen = [offered[(5 * number) % len(offered)]]
        for one, dtype in chosen:
            yield row, one, dtype


def try_cell(row: Row, one: Rule, backend: FrameworkBackend, dtype: str, *, seed: int = 0) -> Cell:
    """Try one cell."""

    def cell(status: str, message: str = "") -> Cell:
        return Cell(row.name, one.name, backend.name, dtype, status, message)

    def failed(message: str, *, raised: bool = False) -> Cell:
        reason = backend.refused(row.compiler, one, dtype) if row.compiler else ""
        if raised and row.order > 1 and problem and problem.truth(2, 0)[0] == 0:
            reason = "the rule is linear: nothing that depends on it is left"
        return cell("not offered", reason) if reason else cell("fail", message)

    if dtype in backend.missing:
        return cell("not offered", backend.missing[dtype])
    problem = None
    try:
        problem = Problem(one, backend, dtype, seed=seed)
        found = row.values(problem)
    except NotOffered as reason:
        return cell("not offered", str(reason))
    except GradrulesError as error:
        return cell("refused", f"{type(error).__name__}: {error}")
    except Exception as error:  # whatever it is, the cell has failed
        return failed(f"{type(error).__name__}: {error}", raised=True)
    for number, value in enumerate(found):
        truth, tolerance = problem.truth(row.order, number)
        if not abs(value - truth) <= tolerance:
            return failed(f"{value!r} at point {number}; the truth is {truth!r}")
    return cell("pass")


# -- whose derivative ran --------------------------------------------------------------------------


def witness(*, kept: bool) -> Rule:
    """The cube of a matrix, with wrong factors in its derivatives; not a rule to use."""
    name = "_contract_kept" if kept else "_contract_witness"
    made = rule(name=name, signature="(n,n)->(n,n)", replace=True)(_cube)

    @made.def_jvp
    def jvp(primals: Any, outputs: Any, tangents: Any, *, xp: Any) -> Any:  # noqa: ARG001
        return JVP * _slope(primals[0], tangents[0])

    @made.def_vjp
    def vjp(primals: Any, outputs: Any, cotangents: Any, *, xp: Any) -> Any:  # noqa: ARG001
        return VJP * _slope(xp.matrix_transpose(primals[0]), cotangents[0])

    if kept:

        @made.def_keep
        def keep(x: Any, /) -> Any:
            return _cube(x), (x * 1,)

        @made.def_fast_jvp
        def fast_jvp(primals: Any, outputs: Any, kept: Any, tangents: Any) -> Any:  # noqa: ARG001
            return JVP * _slope(kept[0], tangents[0])

        @made.def_fast_vjp
        def fast_vjp(primals: Any, outputs: Any, kept: Any, cotangents: Any, *, xp: Any) -> Any:  # noqa: ARG001
            return VJP * _slope(xp.matrix_transpose(kept[0]), cotangents[0])

    return made


def _cube(x: Any, /) -> Any:
    return x @ x @ x


def _slope(x: Any, d: Any) -> Any:
    return d @ x @ x + x @ d @ x + x @ x @ d


def witnessed(row: Row, backend: FrameworkBackend, *, kept: bool) -> float | None:
    """What a row gives for the witness, over what is right; `None` if the row refuses it.

    It must be `JVP` or `VJP`, whichever ran first; 1 for a value.
    """
    problem = Problem(witness(kept=kept), backend, "float64")
    try:
        found = row.values(problem)[0]
    except (NotOffered, GradrulesError):
        return None
    slots = [d[0] for d in problem.directions[: row.order]]
    slots += [problem.start[0]] * (3 - row.order)
    terms = [a @ b @ c for a, b, c in itertools.permutations(slots)]
    right = np.sum(problem.weights[0] * sum(terms)) / math.factorial(3 - row.order)
    return float(found / right)


# -- rows that every framework has -----------------------------------------------------------------


def title(modes: str) -> str:
    """What a nesting is called: ``"rf"``, from the inside out, is ``fwd over rev``."""
    if len(modes) < 2:
        return {"": "value", "r": "reverse", "f": "forward"}[modes]
    return " over ".join({"r": "rev", "f": "fwd"}[mode] for mode in reversed(modes))


def _generic(backend: FrameworkBackend) -> Iterator[Row]:
    t = backend.transforms

    def down(p: Problem, f: Any, along: tuple[Any, ...]) -> Any:
        """The derivative along a direction, by reverse mode."""
        return lambda *x: p.inner(t.vjp(lambda *a: (f(*a),), x, (p.one,)), along)

    def up(_: Problem, f: Any, along: tuple[Any, ...]) -> Any:
        """The same, by forward mode."""
        return lambda *x: t.jvp(lambda *a: (f(*a),), x, along)[0]

    def nested(modes: str) -> Callable[[Problem], Any]:
        """Modes from the inside out, over `loss`."""

        def function(p: Problem) -> Any:
            if title(modes) in p.backend.missing:
                raise NotOffered(p.backend.missing[title(modes)])
            f = p.loss
            for mode, along in zip(modes, (p.d, p.e, p.h), strict=False):
                f = (down if mode == "r" else up)(p, f, along)
            return f

        return function

    def twice(p: Problem) -> list[Any]:
        return [down(p, lambda *x: (p.loss(*x) + p.loss(*x)) / 2, p.d)(*p.x)]

    def alone(p: Problem, *, f: Callable[[Problem], Any]) -> list[Any]:
        return [f(p)(*p.x)]

    def mapped(p: Problem, *, f: Callable[[Problem], Any]) -> Any:
        return t.vmap(lambda *x: (f(p)(*x),))(*p.points)[0]

    def compiled(p: Problem, *, f: Callable[[Problem], Any], name: str, mapped: bool) -> Any:
        g = f(p)

        def values(*x: Any) -> Any:
            return (g(*x),)

        h = t.compilers()[name](t.vmap(values) if mapped else values)
        return h(*p.points)[0] if mapped else list(h(*p.x))

    for modes in ("", "r", "f", "rr", "rf", "fr", "ff", "rrr", "fff", "rfr", "ffr"):
        word, order, f = title(modes), len(modes), nested(modes)
        yield Row(word, order, partial(alone, f=f), slow=order > 2)
        if order > 2 or modes in ("rr", "ff"):
            continue
        if "vmap" not in t.missing:
            yield Row(f"vmap: {word}", order, partial(mapped, f=f))
        for name in () if "compile" in t.missing else t.compilers():
            run = partial(compiled, f=f, name=name, mapped=False)
            yield Row(f"{name}: {word}", order, run, compiler=name)
            if modes == "r" and "vmap" not in t.missing:
                both, title_ = partial(compiled, f=f, name=name, mapped=True), f"{name}: vmap"
                yield Row(f"{title_}: {word}", order, both, compiler=title_)
    yield Row("two calls add up", 1, twice)
