"""Laws of shapes, dtypes, purity and fast forms."""

import numpy as np

from gradrules._dispatch import backend_of

from .._cases import SINGLE
from .._tolerance import largest
from .trial import Measure, Trial, representative


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
    single = trial.case.dtype in SINGLE
    for name, core, y, dot in zip(
        trial.rule.outputs, trial.rule.signature.outputs, outputs, dots, strict=True
    ):
        shape = lead + tuple(lengths[axis] for axis in core if axis in lengths)
        if len(shape) == len(lead) + len(core) and y.shape != shape:
            wrong.append(f"{name} has shape {y.shape}, not {shape}")
        if np.issubdtype(y.dtype, np.inexact) and (y.dtype.name in SINGLE) != single:
            wrong.append(f"{name} has dtype {y.dtype}")
        if dot is not None and (dot.shape != y.shape or dot.dtype != y.dtype):
            wrong.append(f"tangent of {name} is {dot.dtype} {dot.shape}")
    for name, p, g in zip(trial.rule.inputs, trial.primals, gradients, strict=True):
        if g.shape != p.shape or g.dtype != p.dtype:
            wrong.append(f"gradient of {name} is {g.dtype} {g.shape}, not {p.dtype} {p.shape}")
    return [Measure(float(len(wrong)), 0.0, "; ".join(wrong) or "shapes and dtypes")]


def pure(trial: Trial) -> list[Measure]:
    """The same call twice gives the same bits, and leaves its inputs alone."""
    if not representative(trial):
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
    """The fast form, which uses kept arrays, equals the closed form; so do the values that come with them."""
    declared = trial.case.edge
    valueless = declared is not None and declared.value != "exact"
    cores = trial.rule.signature.inputs
    vectors = any(p.ndim < len(core) for p, core in zip(trial.primals, cores, strict=True))
    if not trial.rule.defines("keep") or trial.case.kind == "shape" or valueless or vectors:
        return []
    if trial.quick and trial.case.dtype in SINGLE:
        return []
    backend = trial.backend
    x = tuple(map(backend.array, trial.primals))
    # autograd's arrays are NumPy's until something traces them.
    namespace = backend_of(trial.rule.name, trial.rule.inputs, x).xp
    static = trial.rule.static_options(trial.options)
    outputs, stored = trial.rule.evaluate_keep(x, static, xp=namespace)
    shift = trial.truth.derivative(trial.perturbation)
    measures = [
        trial.compare(
            backend.numpy(y), plain, 0 if shift is None else shift[i], "value beside them"
        )
        for i, (y, plain) in enumerate(zip(outputs, trial.outputs, strict=True))
        if trial.gauge is None and plain.size
    ]
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
                # Where both say that there is none they agree.
                one, two = (np.where(np.isnan(one) & np.isnan(two), 0, v) for v in (one, two))
                measures.append(trial.compare(one, two, moved, f"fast {mode}"))
    return measures
