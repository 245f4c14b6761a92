"""The truth: functions at 140 digits, and their derivatives by differences at that precision.

A central difference with a step of 1e-36 has an error near 1e-72: exact for any float, also where
the entries of a matrix are 24 orders of magnitude apart. So each rule
needs one thing, its primal in mpmath, and derivatives of every order follow from that alone; nothing
here knows how a rule is differentiated. A rule without such an oracle is compared with
extrapolated differences in float64, whose own error is estimated and enters the tolerance.
"""

import functools
import hashlib
import inspect
import itertools
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flint
import mpmath
import numpy as np
from array_api_compat import numpy as xp

from gradrules import Rule

from ._tolerance import largest

DIGITS = 140
STEP = mpmath.mpf(10) ** -36
# Digits at the end of a difference that are not trusted.
GUARD = 10
# Places and weights of the central difference of sixth order, times 60.
SIXTH = {1: 45.0, -1: -45.0, 2: -9.0, -2: 9.0, 3: 1.0, -3: -1.0}

Exact = Any  # a NumPy object array of mpmath numbers
Oracle = Callable[..., Any]
_ORACLES: dict[str, Oracle] = {}


def oracle(name: str) -> Callable[[Oracle], Oracle]:
    """Register a primal at high precision for the rule called `name`.

    The function takes NumPy object arrays of mpmath numbers, one matrix each (no batch axes), and
    the options; it returns one object array, or a tuple of them.
    """

    def decorate(function: Oracle) -> Oracle:
        _ORACLES[name] = function
        _fingerprint.cache_clear()
        return function

    return decorate


def has_oracle(name: str) -> bool:
    """Whether derivatives of the rule can be had to full precision."""
    return name in _ORACLES


def exact(array: Any) -> Exact:
    """An object array of mpmath numbers, with the value of `array`."""
    array = np.asarray(array)
    kind = mpmath.mpc if np.iscomplexobj(array) else mpmath.mpf
    out = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        out[index] = kind(array[index].item())
    return out


def rounded(array: Exact, *, is_complex: bool) -> Any:
    """The nearest float64 or complex128 array."""
    out = np.empty(array.shape, dtype=complex if is_complex else float)
    for index in np.ndindex(array.shape):
        value = array[index]
        out[index] = complex(value) if is_complex else float(mpmath.re(value))
    return out


class Truth:
    """Values and derivatives of one rule at one point.

    Parameters
    ----------
    rule, primals, options
        The rule and its NumPy arguments.
    reference
        Outputs near which the gauge is fixed; given where the outputs are not unique.
    loss
        The functions of the outputs that count, if not the gauge's invariants.
    """

    def __init__(
        self,
        rule: Rule,
        primals: tuple[Any, ...],
        options: dict[str, Any],
        reference: tuple[Any, ...] | None = None,
        loss: Callable[..., Any] | None = None,
    ) -> None:
        self.rule, self.primals, self.options = rule, primals, options
        self.reference = reference
        gauge = rule.declaration.gauge
        self.loss = loss or (gauge.invariants if gauge is not None else None)
        # Estimated relative error by order of the derivative; nothing with an oracle.
        self._doubts: dict[int, float] = {}
        self._highest = 0

    @property
    def doubt(self) -> float:
        """Estimated relative error of what was returned so far; 0 with an oracle.

        What was asked for to the highest order is the change of the rest, which a tolerance needs to
        one digit.
        """
        return max((d for order, d in self._doubts.items() if order < self._highest), default=0.0)

    def derivative(
        self, *directions: tuple[Any | None, ...], invariants: bool = False
    ) -> tuple[Any, ...] | None:
        """The mixed directional derivative, of order ``len(directions)``; `None` if it does not exist.

        With `invariants` that of the gauge-free functions of the outputs.
        """
        self._highest = max(self._highest, len(directions))
        if not has_oracle(self.rule.name):
            return self._extrapolated(directions, invariants=invariants)
        key = self._key(directions, invariants)
        cached = _load(key)
        if cached is not None:
            known: tuple[Any, ...] | None = cached[0]
            return known
        # Where inputs differ in size a step that suits the smallest is short for the others.
        digits = max(DIGITS, 36 * len(directions) + 32) + sum(map(self._spread, directions))
        with mpmath.workdps(digits):
            try:
                result = self._difference(directions, invariants=invariants)
            except (ZeroDivisionError, ValueError, OverflowError, RuntimeError):
                result = None
        _store(key, (result,))
        return result

    def _spread(self, direction: tuple[Any | None, ...]) -> int:
        reaches = _reaches(self.primals, direction)
        return int(np.log10(max(reaches) / min(reaches))) if reaches else 0

    def _key(self, directions: tuple[Any, ...], invariants: bool) -> str:
        loss = self.loss if invariants else None
        parts = [
            _fingerprint(_ORACLES[self.rule.name], loss),
            self.rule.name,
            repr(sorted(self.options.items())),
            str(invariants),
            getattr(loss, "__qualname__", ""),
        ]
        for array in itertools.chain(self.primals, *directions, self.reference or ()):
            parts.append("None" if array is None else repr(np.asarray(array).tolist()))
            parts.append(str(getattr(array, "dtype", "")))
        return hashlib.sha256("|".join(parts).encode()).hexdigest()

    def _difference(self, directions: tuple[Any, ...], *, invariants: bool) -> tuple[Any, ...]:
        primals = [exact(p) for p in self.primals]
        steps = [STEP * min(_reaches(self.primals, d), default=1.0) for d in directions]
        total: list[Exact] | None = None
        sizes: list[list[Any]] = []
        for signs in itertools.product((1, -1), repeat=len(directions)):
            moved = list(primals)
            weight = mpmath.mpf(1)
            for sign, step, direction in zip(signs, steps, directions, strict=True):
                weight = weight * sign / (2 * step)
                moved = [
                    p if d is None else np.asarray(p + exact(d) * (sign * step), dtype=object)
                    for p, d in zip(moved, direction, strict=True)
                ]
            values = self._evaluate(moved, invariants=invariants)
            values = [np.asarray(v * weight, dtype=object) for v in values]
            sizes.append([_largest(v) for v in values])
            total = (
                values
                if total is None
                else [np.asarray(t + v, dtype=object) for t, v in zip(total, values, strict=True)]
            )
        assert total is not None
        if directions:
            # What is left of terms that cancel is rounding; a derivative that is 0 shall be 0.
            noise = mpmath.mpf(10) ** (GUARD - mpmath.mp.dps)
            # At zero there is no size but that of the directions, and the error of a difference is 1e-72.
            least = 0 if any(map(largest, self.primals)) else 1e12 * STEP**2
            total = [
                _cleaned(t, max(least, max(size) * noise))
                for t, size in zip(total, zip(*sizes, strict=True), strict=True)
            ]
        return tuple(rounded(t, is_complex=self._complex(t)) for t in total)

    @staticmethod
    def _complex(array: Exact) -> bool:
        return any(isinstance(x, mpmath.mpc) for x in array.flat)

    def _evaluate(self, primals: list[Exact], *, invariants: bool) -> list[Exact]:
        """The oracle on each matrix of the batch."""
        cores = self.rule.signature.inputs
        batch = primals[0].shape[: primals[0].ndim - len(cores[0])]
        function = _ORACLES[self.rule.name]
        collected: list[list[Exact]] = []
        for index in np.ndindex(batch):
            options = dict(self.options)
            if self.reference is not None:
                options["reference"] = tuple(exact(r[index]) for r in self.reference)
            values = function(*(p[index] for p in primals), **options)
            values = values if isinstance(values, tuple) else (values,)
            if invariants and self.loss is not None:
                values = self.loss(values, xp)
            collected.append([np.asarray(v, dtype=object) for v in values])
        if not collected:
            return [np.empty((*batch, 0), dtype=object)]
        return [
            np.stack(column).reshape(batch + column[0].shape) if batch else column[0]
            for column in map(list, zip(*collected, strict=True))
        ]

    # -- without an oracle -----------------------------------------------------------------------

    def _extrapolated(
        self, directions: tuple[Any, ...], *, invariants: bool
    ) -> tuple[Any, ...] | None:
        """Differences of sixth order in float64, of the value or of the rule's own jvp.

        Nine steps are tried; the result that differs least from both of its neighbours is taken, and
        ten times how much it differs is the doubt. A second derivative is a difference of the jvp,
        which was compared with differences itself; of a function without a jvp it is a difference of
        differences.
        """
        primals = tuple(_double(p) for p in self.primals)
        if not directions:
            return self._double_value(primals, (), invariants=invariants)
        ways = [tuple(None if v is None else _double(v) for v in d) for d in directions]
        inner = ways[:-1] if self.rule.defines("jvp") else []
        if len(ways) > 2:
            return None
        outer = ways[len(inner) :]
        scale = max((np.max(np.abs(p)) for p in primals if p.size), default=1.0) or 1.0
        results = []
        for relative in np.geomspace(3e-2, 3e-6, 9):
            total: Any = None
            for weight, moved in self._stencil(primals, outer, relative * scale):
                values = self._double_value(moved, tuple(inner), invariants=invariants)
                part = [weight * v for v in values]
                total = part if total is None else [t + q for t, q in zip(total, part, strict=True)]
            results.append(total)
        return self._best(results, len(directions))

    def _stencil(
        self, primals: tuple[Any, ...], directions: list[tuple[Any, ...]], step: float
    ) -> Iterator[tuple[float, tuple[Any, ...]]]:
        """Weights and points of the mixed central difference of sixth order."""
        lengths = [
            max((np.max(np.abs(v)) for v in d if v is not None and v.size), default=1.0) or 1.0
            for d in directions
        ]
        for places in itertools.product(SIXTH, repeat=len(directions)):
            weight, moved = 1.0, primals
            for place, d, length in zip(places, directions, lengths, strict=True):
                h = step / length
                weight *= SIXTH[place] / (60 * h)
                moved = tuple(
                    p if v is None else p + place * h * v for p, v in zip(moved, d, strict=True)
                )
            yield weight, moved

    def _best(self, results: list[list[Any]], order: int) -> tuple[Any, ...]:
        def distance(a: list[Any], b: list[Any]) -> float:
            return max(
                (
                    float(np.max(np.abs(x - y)) / (np.max(np.abs(y)) or 1.0))
                    for x, y in zip(a, b, strict=True)
                    if y.size
                ),
                default=0.0,
            )

        steps = [distance(a, b) for a, b in itertools.pairwise(results)]
        # Two results may agree by chance; three hardly do.
        found = [
            (max(pair), b) for pair, b in zip(itertools.pairwise(steps), results[1:-1], strict=True)
        ]
        doubt, best = min(found, key=lambda one: one[0])
        self._doubts[order] = max(self._doubts.get(order, 0.0), 10 * doubt)
        return tuple(best)

    def _double_value(
        self, primals: tuple[Any, ...], directions: tuple[Any, ...], *, invariants: bool
    ) -> tuple[Any, ...]:
        """The outputs in float64, or their derivative in one direction by the rule's jvp."""
        gauge = self.rule.declaration.gauge
        y = self.rule(*primals, **self.options)
        outputs = y if isinstance(y, tuple) else (y,)
        if gauge is not None and self.reference is not None:
            outputs = gauge.align(outputs, self.reference, xp)
        if directions:
            _, dots = self.rule.jvp(primals, directions[0], **self.options)
            dots = dots if isinstance(dots, tuple) else (dots,)
            return tuple(
                np.asarray(0.0 * o if d is None else d) for o, d in zip(outputs, dots, strict=True)
            )
        if invariants and self.loss is not None:
            outputs = self.loss(outputs, xp)
        return tuple(np.asarray(o) for o in outputs)


def _reaches(primals: tuple[Any, ...], direction: tuple[Any | None, ...]) -> list[float]:
    """How far to go along a direction to change each input by as much as it is large."""
    lengths = [0.0 if d is None else largest(d) for d in direction]
    return [
        (largest(p) or 1.0) / length for p, length in zip(primals, lengths, strict=True) if length
    ]


def _cleaned(array: Exact, noise: Any) -> Exact:
    out = array.copy()
    for index in np.ndindex(array.shape):
        if abs(array[index]) <= noise:
            out[index] = array[index] * 0
    return out


@functools.cache
def _fingerprint(*functions: Callable[..., Any] | None) -> str:
    """What a truth depends on beside the input: the code of oracle and loss, and the libraries' versions."""
    digest = hashlib.sha256(f"{mpmath.__version__} {flint.__version__}".encode())
    for file in (*(inspect.getsourcefile(f) for f in functions if f is not None), __file__):
        if file is not None and Path(file).is_file():
            digest.update(Path(file).read_bytes())
    return digest.hexdigest()


def _largest(array: Exact) -> Any:
    return max((abs(x) for x in array.ravel().tolist()), default=mpmath.mpf(0))


def _double(array: Any) -> Any:
    array = np.asarray(array)
    if not np.issubdtype(array.dtype, np.inexact):
        return array
    return array.astype(complex if np.iscomplexobj(array) else float)


def _cache_folder() -> Path | None:
    folder = os.environ.get("GRADRULES_TRUTH_CACHE")
    return Path(folder) if folder else None


_MEMORY: dict[str, Any] = {}


def _load(key: str) -> Any:
    if key in _MEMORY:
        return _MEMORY[key]
    folder = _cache_folder()
    if folder is None:
        return None
    try:
        with (folder / key).open("rb") as file:
            return pickle.load(file)
    except (OSError, EOFError, pickle.UnpicklingError):
        return None


def _store(key: str, value: Any) -> None:
    _MEMORY[key] = value
    folder = _cache_folder()
    if folder is None:
        return
    temporary = folder / f"{key}.{os.getpid()}"
    with temporary.open("wb") as file:
        pickle.dump(value, file)
    temporary.replace(folder / key)
