"""Inputs: what every rule is tried on. The same seed gives the same cases."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradrules import Edge, Rule

DTYPES = ("float32", "float64", "complex64", "complex128")
DOUBLE = ("float64", "complex128")


@dataclass(frozen=True)
class Case:
    """One input of one rule."""

    name: str
    kind: str  # "general": any law; "hard": first order; "shape": sizes and batches; "edge"
    dtype: str
    primals: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    edge: Edge | None = None

    @property
    def order(self) -> int:
        """The largest axis length: the n of error bounds."""
        return max((max(p.shape, default=1) for p in self.primals), default=1)


def generator(*parts: Any) -> np.random.Generator:
    """A random generator that depends on `parts` and on nothing else."""
    return np.random.default_rng([zlib.crc32(str(part).encode()) for part in parts])


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Any:
    """Standard normal numbers, complex if the dtype is."""
    x = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        x = x + 1j * rng.standard_normal(shape)
    return np.asarray(x, dtype=dtype)


def _unitary(rng: np.random.Generator, n: int, dtype: str) -> Any:
    wide = "complex128" if dtype.startswith("complex") else "float64"
    return np.linalg.qr(normal(rng, (n, n), wide))[0]


def _square(rng: np.random.Generator, n: int, dtype: str, kind: str, structure: str) -> Any:
    """A matrix of order n; never only near the identity, and never commuting with the others."""
    if kind == "nonnormal":
        triangular = np.triu(normal(rng, (n, n), dtype), 1) * 8 + np.diag(np.linspace(-1, 2, n))
        a = triangular + 0.1 * normal(rng, (n, n), dtype)
    elif kind == "spread":
        left, right = _unitary(rng, n, dtype), _unitary(rng, n, dtype)
        right = np.conj(left.T) if structure == "hermitian" else right
        a = (left * np.geomspace(1e-3, 10.0, n)) @ right
    elif kind == "close":
        left = _unitary(rng, n, dtype)
        values = np.linspace(1.0, 2.0, n)
        values[: min(2, n)] = [1.0, 1.0 + 1e-4][: min(2, n)]
        a = (left * values) @ np.conj(left.T)
    else:
        a = normal(rng, (n, n), dtype)
    return np.asarray(a, dtype=dtype)


def draw(
    rule: Rule,
    rng: np.random.Generator,
    dtype: str,
    *,
    kind: str = "general",
    n: int = 3,
    batch: tuple[int, ...] = (),
) -> tuple[Any, ...]:
    """Valid primals of a rule: from its own sampler, or by its signature."""
    declared = rule.declaration
    lengths = {"n": n}
    for core in rule.signature.inputs:
        for axis in core:
            lengths.setdefault(axis, 2 if axis.startswith("k") and n else n)
    if declared.sample is not None:
        shapes = [batch + tuple(lengths[axis] for axis in core) for core in rule.signature.inputs]
        return tuple(np.asarray(p) for p in declared.sample(rng, shapes, dtype))
    primals = []
    for name, core in zip(rule.inputs, rule.signature.inputs, strict=True):
        shape = tuple(lengths[axis] for axis in core)
        structure = declared.structure.get(name, "general")
        if len(shape) == 2 and core[0] == core[1]:
            count = int(np.prod(batch, dtype=int))
            # The elements of a batch are not of one size: what one needs, another must not get.
            stack = [_square(rng, n, dtype, kind, structure) * 8 ** (i % 2) for i in range(count)]
            whole = np.array(stack, dtype=dtype) if stack else np.empty((0, *shape), dtype=dtype)
            primals.append(whole.reshape(batch + shape))
        else:
            primals.append(
                normal(rng, batch + (shape or ((3,) if kind != "scalar" else ())), dtype)
            )
    return tuple(primals)


def cases(rule: Rule, *, quick: bool, seed: int) -> Iterator[Case]:
    """All inputs on which the laws are tried."""
    yield from _general(rule, quick=quick, seed=seed)
    yield from _shapes(rule, quick=quick, seed=seed)
    yield from _edges(rule)


def of_matrices(rule: Rule) -> bool:
    """Whether an input is a square matrix."""
    return any(len(core) == 2 and core[0] == core[1] for core in rule.signature.inputs)


def _general(rule: Rule, *, quick: bool, seed: int) -> Iterator[Case]:
    for dtype, kind, n in _kinds(rule, quick=quick):
        for number, variant in enumerate(rule.declaration.variants):
            if number and (kind != "general" or n != 3 or (quick and dtype not in DOUBLE)):
                continue  # options are tried on one input of each dtype
            rng = generator(seed, rule.name, dtype, kind, n, number)
            words = "".join(f" {k}={v}" for k, v in variant.items())
            yield Case(
                name=f"{kind} n={n} {dtype}{words}",
                kind="general" if kind in ("general", "nonnormal") else "hard",
                dtype=dtype,
                primals=draw(rule, rng, dtype, kind=kind, n=n),
                options=dict(variant),
            )


def _kinds(rule: Rule, *, quick: bool) -> list[tuple[str, str, int]]:
    """Dtype, kind and order of the random inputs. Frameworks compile anew for each dtype and size."""
    dtypes = rule.declaration.dtypes
    found = [(dtype, "general", 3) for dtype in dtypes]
    if of_matrices(rule):
        hard = {"nonnormal": "float64", "close": "float64", "spread": "complex128"}
        for kind, double in hard.items():
            found += [(d, kind, 3) for d in dtypes if not quick or d == double]
    if not quick:
        doubles = [d for d in dtypes if d in ("float64", "complex128")]
        found += [(d, "general", n) for d in doubles for n in (2, 5)]
        found += [(d, "nonnormal", 5) for d in doubles if of_matrices(rule)]
    return found


def _shapes(rule: Rule, *, quick: bool, seed: int) -> Iterator[Case]:
    for dtype in rule.declaration.dtypes:
        single = dtype in ("float32", "complex64")
        for n, batch in ((0, ()), (1, ()), (2, (2,)), (3, (2, 2)), (3, (0,)), (0, (2,))):
            if n < rule.declaration.least_length:
                continue
            if single and (len(batch) == 2 or (quick and batch != (2,))):
                continue
            rng = generator(seed, rule.name, dtype, "shape", n, batch)
            yield Case(
                name=f"n={n} batch={batch} {dtype}",
                kind="shape",
                dtype=dtype,
                primals=draw(rule, rng, dtype, n=n, batch=batch),
            )


def _edges(rule: Rule) -> Iterator[Case]:
    for name, edge in rule.declaration.edges.items():
        for dtype in edge.dtypes:
            yield Case(
                name=f"edge: {name} {dtype}",
                kind="edge",
                dtype=dtype,
                primals=tuple(np.asarray(p, dtype=dtype) for p in edge.primals),
                options=dict(edge.options),
                edge=edge,
            )
