"""What is asked of a function: numbers whose truth is known.

A question is a real number: a loss of the function's outputs, or a derivative of it along given
directions. The loss is ``Re sum(w y)`` for fixed w, where y is one output, or something that users
build of the outputs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import numpy as xp

from gradrules import Rule, registry
from gradrules._typing import Arrays, Namespace

from .._backends import as_tuple
from .._cases import generator
from .._contract import title
from .._tolerance import allowed, largest
from .._truth import Truth
from ._existence import NO_VALUE, smoothness
from ._situations import Situation, situations

VALUE, REVERSE, RECORDED, FORWARD = "value", "reverse", "reverse, recorded", "forward"
NESTINGS = {title(modes): modes for modes in ("rr", "rf", "fr", "ff")}
TRANSFORMED = ("vmap", "compile")
ORDER = {VALUE: 0, REVERSE: 1, RECORDED: 1, FORWARD: 1, **dict.fromkeys(NESTINGS, 2)}
ORDER |= dict.fromkeys(TRANSFORMED, 1)
# A tolerance beyond this share of the truth decides nothing: the input does not determine the answer.
UNDECIDED = 1e-2
# A size that counts as zero, beside what it is elsewhere.
NOTHING = 1e-30


@dataclass(frozen=True)
class Probe:
    """What the loss looks at.

    Attributes
    ----------
    name
        For reports; empty if the function has one output and the loss sees that.
    output
        Number of the output, if it is one.
    imaginary
        The output is real, and its cotangent has an imaginary part, which changes nothing.
    spectral
        ``"heat kernel"``, V exp(-w) V^H, or ``"heat trace"``, its trace: smooth functions of the
        matrix, whatever its spectrum.
    squares
        The sum of the squares of the output: eigenvalues that come in any order.
    """

    name: str
    output: int = 0
    imaginary: bool = False
    spectral: str = ""
    squares: bool = False

    @property
    def number(self) -> int:
        """Of what it sees among the functions whose truth is asked for."""
        return 0 if self.spectral or self.squares else self.output


@dataclass(frozen=True)
class Truths:
    """The truth of one order, in units of `size`; `value` is `None` where no derivative exists."""

    value: float | None
    size: float
    tolerance: float


@dataclass(frozen=True)
class Question:
    """One number to be computed."""

    rule: str
    situation: Situation
    probe: Probe
    mode: str
    directions: tuple[tuple[Any, ...], ...]
    weight: Any
    truth: Truths

    @property
    def order(self) -> int:
        """Of the derivative."""
        return ORDER[self.mode]

    @property
    def kind(self) -> tuple[str, ...]:
        """What it shares with the question about an ordinary input."""
        return (self.rule, self.situation.dtype, self.probe.name, self.mode)

    @property
    def where(self) -> str:
        """The input, and what the loss looks at."""
        return _where(self.situation, self.probe)

    @property
    def case(self) -> str:
        """Its name, unique for a rule."""
        return _case(self.situation, self.probe, self.mode)


def questions(rule: Rule, *, seed: int, wanted: Callable[[str], bool]) -> list[Question]:
    """The questions to a rule whose name is wanted.

    With each comes the same about an ordinary input: what raises there, too, is missing.
    """
    found: list[Question] = []
    constant: set[tuple[str, str]] = set()
    for situation in situations(rule, seed=seed):
        asked = _Asked(rule, situation, seed)
        for probe in _probes(asked):
            for mode, order in ORDER.items():
                key = (probe.name, situation.dtype)
                if order and key in constant:
                    continue
                left_out = mode in TRANSFORMED or not wanted(_case(situation, probe, mode))
                if left_out and not situation.ordinary:
                    continue
                truth = asked.truth(probe, order)
                if truth is None:
                    continue
                if situation.ordinary and order == 1 and truth.value == 0:
                    constant.add(key)  # there is nothing to differentiate
                    continue
                directions, weight = asked.directions[:order], asked.weight(probe)
                found.append(Question(rule.name, situation, probe, mode, directions, weight, truth))
    kinds = {q.kind for q in found if wanted(q.case)}
    return [q for q in found if q.kind in kinds]


def _where(situation: Situation, probe: Probe) -> str:
    return ", ".join(filter(None, (situation.name, situation.dtype, probe.name)))


def _case(situation: Situation, probe: Probe, mode: str) -> str:
    return f"{_where(situation, probe)}, {mode}"


def _probes(asked: "_Asked") -> list[Probe]:
    rule, situation = asked.rule, asked.situation
    outputs = rule.outputs
    if "simple eigenvalues" in rule.declaration.needs.values():  # in the order of the library
        return [Probe("sum of squares", squares=True)] if outputs[0] == "eigenvalues" else []
    named = outputs if len(outputs) > 1 else ("",)
    probes = [Probe(name, i) for i, name in enumerate(named)]
    if situation.ordinary and situation.dtype.startswith("complex"):
        real = [i for i in range(len(outputs)) if not np.iscomplexobj(asked.outputs[i])]
        probes += [
            Probe(f"{named[i]} imaginary cotangent".strip(), i, imaginary=True) for i in real
        ]
    # A function of eigenvalues and eigenvectors is what they are mostly computed for.
    hermitian = rule.declaration.structure.get(rule.inputs[0]) == "hermitian"
    if "eigenvalues" in outputs and hermitian and len(rule.inputs) == 1:
        probes.append(Probe("heat trace", outputs.index("eigenvalues"), spectral="heat trace"))
        if "eigenvectors" in outputs:
            probes.append(Probe("heat kernel", spectral="heat kernel"))
    return probes


class _Asked:
    """Directions, weights and truths at one situation."""

    def __init__(self, rule: Rule, situation: Situation, seed: int) -> None:
        self.rule, self.situation, self.seed = rule, situation, seed
        self.directions = (self._direction("d"), self._direction("e"))
        self.delta = tuple(
            d * largest(p) for d, p in zip(self._direction("f"), situation.primals, strict=True)
        )
        self._smoothness: dict[Any, str] = {}

    def _random(self, name: str, shape: tuple[int, ...], *, is_complex: bool) -> Any:
        """Numbers of two decimals at most, so that a script that shows them is short."""
        rng = generator(self.seed, self.rule.name, name)
        x = rng.integers(1, 9, shape) * rng.choice([-0.25, 0.25], shape)
        if is_complex:
            x = x + 1j * rng.integers(1, 9, shape) * rng.choice([-0.25, 0.25], shape)
        return np.asarray(x)

    def _direction(self, name: str) -> tuple[Any, ...]:
        return tuple(
            self._random(f"{name}{i}", p.shape, is_complex=np.iscomplexobj(p))
            for i, p in enumerate(self.situation.primals)
        )

    def weight(self, probe: Probe) -> Any:
        """The w of the loss; it is complex where the output is, or where it shall be."""
        if probe.spectral == "heat trace":
            return np.ones(())
        if probe.squares:
            return np.ones((), dtype=complex)
        value = self.situation.primals[0] if probe.spectral else self.outputs[probe.output]
        is_complex = np.iscomplexobj(value) or probe.imaginary
        return self._random(f"weight {probe.name}", value.shape, is_complex=is_complex)

    @cached_property
    def outputs(self) -> tuple[Any, ...]:
        """Gauge-free outputs in NumPy, for their shapes and dtypes."""
        # Definite and nonsingular, also where they are diagonals.
        arrays = (
            np.ones_like(p)
            + np.linspace(0, 0.1 * number, p.size).reshape(p.shape)
            + (np.eye(p.shape[-1]) if len(core) == 2 and core[0] == core[1] else 0)
            for number, (p, core) in enumerate(
                zip(self.situation.primals, self.rule.signature.inputs, strict=True), 1
            )
        )
        found = as_tuple(self.rule(*arrays, **self.rule.declaration.variants[0]))
        gauge = self.rule.declaration.gauge
        return tuple(found if gauge is None else gauge.invariants(found, xp))

    def _shape(self, probe: Probe) -> tuple[int, ...]:
        """Of what the function returns to that probe."""
        output = self.outputs[probe.output]
        return np.shape(np.sum(output, axis=-1) if probe.squares else output)

    def _truth(self, probe: Probe) -> Truth:
        if not probe.spectral:
            loss = _squares if probe.squares else None
            return Truth(self.rule, self.situation.primals, {}, loss=loss)
        return Truth(registry["expm"], self._turned(self.situation.primals), {})

    def _turned(self, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        """Of heat kernels: exp(-A) of the Hermitian part that is read."""
        return tuple(-(a + np.conj(np.swapaxes(a, -1, -2))) / 2 for a in arrays)

    def truth(self, probe: Probe, order: int) -> Truths | None:
        """The truth; `None` if there is none to compare with."""
        if self.situation.data:
            return None if self._constant(probe, order) else Truths(None, 1.0, 0.0)
        smooth = self._smooth(probe, max(order, 1))
        if smooth != "smooth":
            # Rounding makes another singular matrix one of its regular neighbours; and at a kink one of
            # several subgradients is as good as another.
            none = smooth == "singular" and self.situation.undefined and order > 0
            return Truths(None, 1.0, 0.0) if none else None
        along = self.directions[:order]
        needed = ((), along, (*along, self.delta))
        before, value, change = (self._derivative(probe, ds) for ds in needed)
        # Called without options, the function may take a batch for something else.
        other = not probe.spectral and np.shape(before) != self._shape(probe)
        # What has overflowed before anything is differentiated is no derivative's fault.
        if other or change is None or not (_finite(before) and _finite(value)):
            return None
        with np.errstate(all="ignore"):
            weight = self.weight(probe)
            total, size, moved = (
                float(np.sum(part))
                for part in (
                    np.real(weight * value),
                    np.abs(weight * value),
                    np.abs(weight * change),
                )
            )
            if size <= NOTHING * self._unit(probe, order):
                total, size, moved = 0.0, self._unit(probe, order), 0.0
            n = max(np.shape(self.situation.primals[0]), default=1)
            tolerance = allowed(self.situation.dtype, n, size, moved) / (size or 1.0)
        if not np.isfinite(total) or not tolerance < UNDECIDED:
            return None
        return Truths(total, size, tolerance)

    def _constant(self, probe: Probe, order: int) -> bool:
        """Whether the derivative is the same whatever the data are, as of a linear function."""
        directions = (*self.directions[:order], self._direction("f"))
        truth = self._truth(probe)
        truth.primals = tuple(map(np.nan_to_num, truth.primals))
        change = _seen(probe, truth, directions)
        return change is not None and not np.any(change)

    def _derivative(self, probe: Probe, directions: tuple[Any, ...]) -> Any:
        """Of what the probe sees."""
        if probe.spectral:
            directions = tuple(map(self._turned, directions))
        return _seen(probe, self._truth(probe), directions)

    def _unit(self, probe: Probe, order: int) -> float:
        """What a derivative would be if the loss changed by its size over that of the input.

        Zero is zero in comparison with this.
        """
        far = self._truth(probe)
        far.primals = tuple(
            p + (delta if largest(p) else f) / 3
            for p, delta, f in zip(far.primals, self.delta, self._direction("f"), strict=True)
        )
        value = _seen(probe, far, ())
        if value is None or not np.all(np.isfinite(value)):
            return 0.0
        reach = max(largest(a) for a in self.situation.primals) or 1.0
        unit = np.sum(np.abs(self.weight(probe) * value))
        for _ in range(order):  # a power may be infinite where the quotient is not
            unit = unit / reach
        return float(unit) if np.isfinite(unit) else 0.0

    def _smooth(self, probe: Probe, order: int) -> str:
        """Whether the derivative exists: ``"smooth"``, ``"kink"`` or ``"singular"``."""
        key = (probe.output, probe.spectral, order)
        if key not in self._smoothness:
            before = "smooth" if order == 1 else self._smooth(probe, order - 1)
            if before == "smooth":
                along = self.directions[:order]
                if probe.spectral:
                    along = tuple(map(self._turned, along))
                before = smoothness(self._truth(probe), probe.number, along)
            self._smoothness[key] = before
        return self._smoothness[key]


def _seen(probe: Probe, truth: Truth, directions: tuple[Any, ...]) -> Any:
    """What the probe sees of a function's derivatives; `None` if there is none."""
    try:
        found = truth.derivative(*directions, invariants=True)
    except NO_VALUE:
        return None
    if found is None:
        return None
    if probe.spectral == "heat trace":
        return np.sum(np.trace(found[0], axis1=-2, axis2=-1))
    return found[probe.number]


def _squares(outputs: Arrays, xp: Namespace) -> Arrays:
    """Of eigenvalues, summed: their order is nothing to it."""
    return (xp.sum(outputs[0] * outputs[0], axis=-1),)


def _finite(value: Any) -> bool:
    return value is not None and bool(np.all(np.isfinite(value)))
