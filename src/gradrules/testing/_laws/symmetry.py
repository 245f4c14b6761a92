"""Laws of symmetry: gauge freedom, tangent spaces and homogeneity, where a rule declares them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import numpy as xp

from gradrules._dispatch import backend_of

from .._cases import SINGLE, normal
from .._matrices import hermitian_part
from .._tolerance import largest
from .first_order import paired_size
from .trial import NO_TRUTH, Inapplicable, Measure, Trial, elsewhere, inner

# Powers of two by which inputs are multiplied: far beyond any absolute constant in a derivative.
FAR, FAR_SINGLE = 100, 20


def _aside(trial: Trial) -> bool:
    """Inputs that do not concern these laws; a quick check tries one of each double dtype."""
    if trial.case.kind == "edge" or elsewhere(trial):
        return True
    few = trial.options or trial.case.dtype in SINGLE or not trial.case.representative
    return bool(trial.quick and few)


def gauge(trial: Trial) -> list[Measure]:
    """In any gauge the derivatives are those of that gauge, and no cotangent along it has a part.

    Cotangents that differ by a vertical part have the same gradient. With outputs that were moved along
    the gauge the jvp equals the truth in their gauge, and the vjp is its adjoint.
    """
    freedom = trial.gauge
    if freedom is None or _aside(trial):
        return []
    rng = trial.random("gauge")
    raw = tuple(normal(rng, y.shape, str(y.dtype)) for y in trial.outputs)
    d = trial.direction(0)
    curved = trial.truth.derivative(d, trial.perturbation)
    moved = paired_size(raw, curved)
    measures = []
    horizontal = tuple(freedom.horizontal(trial.outputs, raw, xp))
    if any(largest(a - b) for a, b in zip(raw, horizontal, strict=True)):
        both = [
            trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
            for bars in (raw, horizontal)
        ]
        for name, a, b in zip(trial.rule.inputs, *both, strict=True):
            size = largest(b) + moved
            measures.append(trial.compare(a, b, size, f"gradient of {name} along the gauge"))
    reference = tuple(normal(rng, y.shape, str(y.dtype)) for y in trial.outputs)
    outputs = tuple(np.asarray(y) for y in freedom.align(trial.outputs, reference, xp))
    dots = _closed(trial, "jvp", outputs, d)
    truth = trial.truth_at(trial.primals, outputs)
    want, change = truth.derivative(d), truth.derivative(d, trial.perturbation)
    if want is None or change is None:
        raise Inapplicable(NO_TRUTH)
    for i, name in enumerate(trial.rule.outputs):
        what = f"tangent of {name} in another gauge"
        measures.append(trial.compare(dots[i], want[i], change[i], what))
    bars = tuple(freedom.horizontal(outputs, raw, xp))
    gradients = _closed(trial, "vjp", outputs, bars)
    size, moved = paired_size(bars, dots), paired_size(bars, change)
    count = max(p.size for p in trial.primals)
    left, right = inner(gradients, d), inner(bars, dots)
    what = "difference of vjp and jvp in another gauge"
    return [*measures, trial.pair(left, right, size, moved, what, count=count)]


def _closed(
    trial: Trial, mode: Any, outputs: tuple[Any, ...], given: Any, primals: Any = None
) -> list[Any]:
    """The rule's own derivative at these outputs, which need not be those that the backend has."""
    backend = trial.backend
    primals = trial.primals if primals is None else primals
    x, y = (tuple(map(backend.array, arrays)) for arrays in (primals, outputs))
    namespace = backend_of(trial.rule.name, trial.rule.inputs, x).xp
    arrays = tuple(None if v is None else backend.array(v) for v in given)
    static = trial.rule.static_options(trial.options)
    found = trial.rule.linear(mode, x, y, arrays, static, xp=namespace)
    targets = outputs if mode == "jvp" else primals
    return [
        np.zeros_like(t) if v is None else backend.numpy(v)
        for v, t in zip(found, targets, strict=True)
    ]


def structure(trial: Trial) -> list[Measure]:
    """Every gradient lies in the tangent space of the structure that is declared for its input."""
    declared = trial.rule.declaration.structure
    if not declared or _aside(trial):
        return []
    bars = trial.cotangents(trial.outputs)
    gradients = trial.backend.vjp(trial.rule, trial.options, trial.primals, bars)
    measures = []
    for name, x, g in zip(trial.rule.inputs, trial.primals, gradients, strict=True):
        word = declared.get(name, "general")
        if word == "general":
            continue
        if word not in TANGENT_SPACES:
            msg = f"the tangent space of {word} matrices is not known"
            raise Inapplicable(msg)
        nearest = TANGENT_SPACES[word](x, g, trial.options.get("lower"))
        measures.append(trial.compare(g, nearest, 0, f"gradient of {name} beside its nearest"))
    return measures


def _hermitian(x: Any, g: Any, lower: bool | None) -> Any:  # noqa: ARG001
    """Of the Hermitian part, or of one triangle with a real diagonal, whichever is read."""
    if lower is None:
        return hermitian_part(g)
    strict = np.tril(g, -1) if lower else np.triu(g, 1)
    return strict + np.real(g) * np.eye(g.shape[-1])


def _unitary(x: Any, g: Any, lower: bool | None) -> Any:  # noqa: ARG001
    return g - x @ hermitian_part(np.conj(np.swapaxes(x, -1, -2)) @ g)


# From input, gradient and the option `lower` to the nearest element of the tangent space.
TANGENT_SPACES: dict[str, Callable[[Any, Any, bool | None], Any]] = {
    "hermitian": _hermitian,
    "positive definite": _hermitian,
    "skew": lambda x, g, lower: g - hermitian_part(g),  # noqa: ARG005
    "lower": lambda x, g, lower: np.tril(g),  # noqa: ARG005
    "upper": lambda x, g, lower: np.triu(g),  # noqa: ARG005
    "unitary": _unitary,
}


def scale(trial: Trial) -> list[Measure]:
    """An input times a power of two: value, tangent and gradient change by the declared powers of it.

    No rounding of a derivative changes by that, so its tolerance knows no conditioning. That of the value
    does: it is the array library's, and NumPy's determinant goes through its logarithm.
    """
    if _aside(trial):
        return []
    return [
        measure
        for name, degrees in trial.rule.declaration.degrees.items()
        for measure in _homogeneous(trial, name, degrees)
    ]


def _homogeneous(trial: Trial, name: str, declared: tuple[Any, ...]) -> list[Measure]:
    """The tangent is multiplied with its input, each cotangent divided as its output is multiplied."""
    rule, options, position = trial.rule, trial.options, trial.rule.inputs.index(name)
    order = trial.primals[position].shape[-1]
    degrees = [order if degree == "n" else degree for degree in declared]
    d = trial.direction(0)
    bars = tuple(
        None if degree is None else bar
        for degree, bar in zip(degrees, trial.cotangents(trial.outputs), strict=True)
    )
    forward = trial.backend.jvp(rule, options, trial.primals, d)
    gradients = trial.backend.vjp(rule, options, trial.primals, bars)
    still = tuple(np.zeros(()) for _ in rule.outputs)
    moved = trial.truth.derivative(trial.perturbation) or still
    measures = []
    far = FAR_SINGLE if trial.case.dtype in SINGLE else FAR
    far = 3 * far // max(3, *(abs(degree or 0) for degree in degrees))
    for exponent in (far, -far):
        x, x_dot = (_times(arrays, {position: exponent}) for arrays in (trial.primals, d))
        powers = {i: -exponent * degree for i, degree in enumerate(degrees) if degree is not None}
        if trial.gauge is None:
            found = trial.backend.jvp(rule, options, x, x_dot)
            back = trial.backend.vjp(rule, options, x, _times(bars, powers))
        else:
            # A library may choose another gauge for the other input.
            near = _times(forward[0], {i: -power for i, power in powers.items()})
            y = trial.backend.value(rule, options, x)
            y = tuple(np.asarray(part) for part in trial.gauge.align(tuple(y), near, xp))
            found = y, _closed(trial, "jvp", y, x_dot, x)
            back = _closed(trial, "vjp", y, _times(bars, powers), x)
        back = _times(back, {position: exponent})
        for prefix, new, old, change in (
            ("", found[0], forward[0], moved),
            ("tangent of ", found[1], forward[1], still),
        ):
            wanted, allowed = (
                _times(arrays, {i: -power for i, power in powers.items()})
                for arrays in (old, change)
            )
            for i in powers:
                if new[i] is not None:
                    what = f"{prefix}{rule.outputs[i]}, {name} times 2^{exponent}"
                    measures.append(trial.compare(new[i], wanted[i], allowed[i], what))
        for one, new, old in zip(rule.inputs, back, gradients, strict=True):
            what = f"gradient of {one}, {name} times 2^{exponent}"
            measures.append(trial.compare(new, old, 0, what))
    return measures


def _times(arrays: Any, exponents: dict[int, int]) -> tuple[Any, ...]:
    """Arrays multiplied by powers of two."""
    return tuple(
        a if a is None or i not in exponents else np.asarray(a * 2.0 ** exponents[i], dtype=a.dtype)
        for i, a in enumerate(arrays)
    )
