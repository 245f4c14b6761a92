"""Inputs: what every rule is tried on. The same seed gives the same cases."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradrules import Edge, Rule

from ._matrices import (
    ANCHORS,
    OF_SINGULAR_VALUES,
    SIMPLE,
    Recipe,
    Seeded,
    Source,
    is_complex,
    matrix,
    numbers,
    rectangular,
    satisfies,
    spectra,
)
from ._tolerance import EPS
from ._truth import has_oracle

DTYPES = ("float32", "float64", "complex64", "complex128")
DOUBLE = ("float64", "complex128")
SINGLE = ("float32", "complex64")

KINDS = {
    "general": Recipe(),
    "nonnormal": Recipe(spectrum="simple", nonnormality=8.0),
    "spread": Recipe(spectrum="spread"),
    "close": Recipe(spectrum="close"),
    "clustered": Recipe(spectrum="clustered"),
    "repeated": Recipe(spectrum="repeated"),
    "defective": Recipe(spectrum="defective"),
    "singular": Recipe(deficiency=1),
    "ill-conditioned": Recipe(condition=np.inf),
    "large": Recipe(scale=100),
    "small": Recipe(scale=-100),
    "rows scaled apart": Recipe(rows=20),
    "upper triangular": Recipe(structure="upper"),
    "unitary": Recipe(structure="unitary"),
}
# A batch in which every element is hard in its own way.
MIXED = ("general", "nonnormal", "close", "spread")
ATTEMPTS = 100
# Rows beyond the columns of a matrix that may have any shape.
LONGER = {"tall": 1, "wide": -1}


@dataclass(frozen=True)
class Case:
    """One input of one rule.

    Attributes
    ----------
    kind
        ``"general"``: any law; ``"hard"``: most; ``"named"``: of the bank; ``"shape"``: sizes
        and batches; ``"edge"``: the outcome is declared.
    representative
        Whether laws about transformations of functions are tried here.
    crossed
        Whether second derivatives and linearity are tried here, though the input is hard.
    """

    name: str
    kind: str
    dtype: str
    primals: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    edge: Edge | None = None
    representative: bool = False
    crossed: bool = False

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
    if is_complex(dtype):
        x = x + 1j * rng.standard_normal(shape)
    return np.asarray(x, dtype=dtype)


# Axes of a matrix of any shape.
ANY_SHAPE = ("m", "n")


def is_matrix(core: tuple[str, ...]) -> bool:
    """Whether these core axes are those of a square matrix, or of one of any shape."""
    return len(core) == 2 and (core[0] == core[1] or core == ANY_SHAPE)


def of_matrices(rule: Rule) -> bool:
    """Whether an input is a matrix."""
    return any(map(is_matrix, rule.signature.inputs))


def of_any_shape(rule: Rule) -> bool:
    """Whether an input is a matrix that need not be square."""
    return ANY_SHAPE in rule.signature.inputs


def valid(rule: Rule, dtype: str, primals: tuple[Any, ...]) -> bool:
    """Whether the inputs have what the rule declares to need."""
    needs = rule.declaration.needs
    return all(
        satisfies(p, dtype, needs[name])
        for name, p in zip(rule.inputs, primals, strict=True)
        if name in needs
    )


def build(
    rule: Rule,
    source: Source,
    dtype: str,
    *,
    recipe: Recipe,
    n: int,
    k: int = 2,
    m: int | None = None,
    batch: tuple[int, ...] = (),
    mixed: bool = False,
    anchored: bool = False,
) -> tuple[Any, ...]:
    """Primals by the signature and the structure of a rule, each matrix by the recipe.

    In a `mixed` batch the recipes of `MIXED` take turns. Free entries that are `anchored` are added to
    the simplest matrix that has what the rule needs.
    """
    lengths = _lengths(rule, n, k, m)
    primals = []
    for name, core in zip(rule.inputs, rule.signature.inputs, strict=True):
        shape: Any = tuple(lengths[axis] for axis in core)
        structure = rule.declaration.structure.get(name, "general")
        need = rule.declaration.needs.get(name)
        if is_matrix(core):
            whole = np.empty((*batch, *shape), dtype=dtype)
            for number, index in enumerate(np.ndindex(batch)):
                one = KINDS[MIXED[number % len(MIXED)]] if mixed else recipe
                if name not in rule.declaration.degrees:  # it has a natural size
                    one = replace(one, scale=0, rows=0)
                elif dtype in SINGLE:
                    one = replace(one, scale=one.scale // 5, rows=one.rows // 5)
                if need in OF_SINGULAR_VALUES:
                    one = replace(one, singular=True)
                    if one.condition is not None:  # the smallest must be apart from zero
                        one = replace(one, condition=min(one.condition, 2.0**-10 / EPS[dtype]))
                # The elements of a batch are not of one size: what one needs, another must not get.
                size = 8 ** (number % 2)
                one = _structured(one, structure)
                if shape == (n, n):
                    whole[index] = matrix(source, n, dtype, one) * size
                else:
                    whole[index] = rectangular(source, shape, dtype, one) * size
            if anchored and recipe == KINDS["general"] and need is not None:
                whole += ANCHORS[need](max(shape))[: shape[0], : shape[1]].astype(dtype)
            primals.append(whole)
        else:
            shape = batch + (shape or (3,))
            primals.append(numbers(source, shape, dtype).astype(dtype))
    return tuple(primals)


def _structured(recipe: Recipe, structure: str) -> Recipe:
    """The recipe for an input of declared structure.

    A function of Hermitian matrices reads the Hermitian part or one triangle of what it is given, and
    is given more: with free entries a wrong reading shows.
    """
    free = structure == "hermitian" and (recipe.spectrum == "any" or recipe.nonnormality)
    if recipe.structure != "general" or structure == "general":
        return recipe
    if free and not (recipe.rows or recipe.condition or recipe.deficiency):
        return recipe
    return replace(recipe, structure=structure)


def _lengths(rule: Rule, n: int, k: int, m: int | None = None) -> dict[str, int]:
    lengths = {"n": n, "m": n if m is None else m}
    for core in rule.signature.inputs:
        for axis in core:
            length = int(axis) if axis.isdigit() else k if axis.startswith("k") and n else n
            lengths.setdefault(axis, length)
    return lengths


def sampled(
    rule: Rule,
    rng: np.random.Generator,
    dtype: str,
    n: int,
    batch: tuple[int, ...],
    m: int | None = None,
) -> tuple[Any, ...]:
    """Primals from the rule's own sampler."""
    lengths = _lengths(rule, n, 2, m)
    shapes = [batch + tuple(lengths[axis] for axis in core) for core in rule.signature.inputs]
    assert rule.declaration.sample is not None
    return tuple(np.asarray(p) for p in rule.declaration.sample(rng, shapes, dtype))


def draw(
    rule: Rule,
    rng: np.random.Generator,
    dtype: str,
    *,
    kind: str = "general",
    n: int = 3,
    batch: tuple[int, ...] = (),
) -> tuple[Any, ...]:
    """Valid primals of a rule: from its own sampler, or by its signature.

    `kind` is one of `KINDS`, or ``"mixed"``, ``"tall"`` or ``"wide"``: a matrix that may have any
    shape is square but for the last two. Matrices that are ``"clustered"`` need not be valid.

    Raises
    ------
    ValueError
        If no valid ones are found: what the rule needs contradicts the kind.
    """
    m = n + LONGER.get(kind, 0)
    if rule.declaration.sample is not None:
        return sampled(rule, rng, dtype, n, batch, m)
    mixed = kind == "mixed"
    recipe = KINDS.get(kind, KINDS["general"])
    for _ in range(ATTEMPTS):
        primals = build(rule, Seeded(rng), dtype, recipe=recipe, n=n, m=m, batch=batch, mixed=mixed)
        if kind == "clustered" or valid(rule, dtype, primals):
            return primals
    msg = f"{rule.name}: {ATTEMPTS} {kind} inputs of {dtype} and order {n} are not what it needs"
    raise ValueError(msg)


def cases(rule: Rule, *, quick: bool, seed: int) -> Iterator[Case]:
    """All inputs on which the laws are tried."""
    yield from _general(rule, quick=quick, seed=seed)
    yield from _shapes(rule, quick=quick, seed=seed)
    yield from _edges(rule)
    if not quick and has_oracle(rule.name):
        yield from _crossed(rule, seed=seed)
        yield from named(rule)


def _general(rule: Rule, *, quick: bool, seed: int) -> Iterator[Case]:
    for dtype, kind, n in _kinds(rule, quick=quick):
        for number, variant in enumerate(rule.declaration.variants):
            if number and (kind != "general" or n != 3 or (quick and dtype not in DOUBLE)):
                continue  # options are tried on one input of each dtype
            rng = generator(seed, rule.name, dtype, kind, n, number)
            words = "".join(f" {k}={v}" for k, v in variant.items())
            yield Case(
                name=f"{kind} n={n} {dtype}{words}",
                kind="general" if kind in ("general", "nonnormal", *LONGER) else "hard",
                dtype=dtype,
                primals=draw(rule, rng, dtype, kind=kind, n=n),
                options=dict(variant),
                representative=kind in ("general", *LONGER) and n == 3,
                crossed=not quick or kind in ("general", *LONGER),
            )


def _kinds(rule: Rule, *, quick: bool) -> list[tuple[str, str, int]]:
    """Dtype, kind and order of the random inputs. Frameworks compile anew for each dtype and size."""
    dtypes = rule.declaration.dtypes
    found = [(dtype, "general", 3) for dtype in dtypes]
    if of_any_shape(rule):
        found += [(d, kind, 3) for kind in LONGER for d in dtypes if not quick or d in DOUBLE]
    if of_matrices(rule):
        hard = {"nonnormal": "float64", "close": "float64", "spread": "complex128"}
        if not has_oracle(rule.name):
            del hard["close"]  # differences in float64 step over the gap
        for kind, double in hard.items():
            found += [(d, kind, 3) for d in dtypes if not quick or d == double]
    if not quick:
        doubles = [d for d in dtypes if d not in SINGLE]
        found += [(d, "general", n) for d in doubles for n in (2, 5)]
        found += [(d, "nonnormal", 5) for d in doubles if of_matrices(rule)]
    return found


def _crossed(rule: Rule, *, seed: int) -> Iterator[Case]:
    """Hard inputs for the laws of second derivatives, batches and transformations, in double precision.

    Each kind is tried in one of the two dtypes, of an order and a batch that other inputs have.
    """
    declared = rule.declaration
    if declared.sample is not None or not of_matrices(rule):
        return
    doubles = [d for d in declared.dtypes if d not in SINGLE]
    for number, kind in enumerate(hard_kinds(rule)):
        both = kind in ("mixed", "clustered")
        for dtype in doubles if both else doubles[number % 2 :][:1] or doubles:
            rng = generator(seed, rule.name, dtype, kind)
            batch = (2, 2) if kind == "mixed" else ()
            options = dict(declared.variants[0])
            primals = draw(rule, rng, dtype, kind=kind, batch=batch)
            beyond = kind == "clustered" and not valid(rule, dtype, primals)
            yield Case(
                name=f"{kind} n=3{f' batch={batch}' if batch else ''} {dtype}",
                kind="edge" if beyond else "hard",
                dtype=dtype,
                primals=primals,
                options=options,
                edge=Edge(primals=primals, value="any", first="any", second="any")
                if beyond
                else None,
                representative=kind == "mixed",
                crossed=True,
            )


def hard_kinds(rule: Rule) -> list[str]:
    """The kinds, beside those of every rule, on which this one has true derivatives, or NaN."""
    needs, structure = set(rule.declaration.needs.values()), rule.declaration.structure
    kinds = ["mixed", "clustered", "ill-conditioned"]
    if rule.declaration.degrees:
        kinds += ["large", "small", "rows scaled apart"]
    if not structure:
        kinds += (
            ["upper triangular"] if needs & OF_SINGULAR_VALUES else ["upper triangular", "unitary"]
        )
    if not needs & SIMPLE:
        kinds += ["repeated", "defective"]
    if not needs:
        kinds.append("singular")
    known = [spectra(name) for name in structure.values()]
    return [k for k in kinds if k == "mixed" or all(KINDS[k].spectrum in one for one in known)]


# Sizes and batches, and the dtypes of a quick check: a framework compiles anew for each pair.
SHAPES = {
    (0, ()): ("float64",),
    (1, ()): ("float64",),
    (2, (2,)): ("float32", "complex128"),
    (3, (2, 2)): ("float64",),
    (3, (0,)): ("complex128",),
    (0, (2,)): ("complex64",),
}
# Those of matrices that may have any shape.
OBLONG = {(0, ()): "tall", (2, (2,)): "tall", (3, (0,)): "wide"}


def _shapes(rule: Rule, *, quick: bool, seed: int) -> Iterator[Case]:
    dtypes = rule.declaration.dtypes
    for (n, batch), few in SHAPES.items():
        if n < rule.declaration.least_length:
            continue
        for dtype in dtypes:
            if quick and dtype not in ([d for d in few if d in dtypes] or dtypes[:1]):
                continue
            if not quick and dtype in SINGLE and len(batch) == 2:
                continue
            rng = generator(seed, rule.name, dtype, "shape", n, batch)
            kind = OBLONG.get((n, batch), "general") if of_any_shape(rule) else "general"
            yield Case(
                name=f"n={n} batch={batch} {dtype}",
                kind="shape",
                dtype=dtype,
                primals=draw(rule, rng, dtype, kind=kind, n=n, batch=batch),
                options=dict(rule.declaration.variants[0]),
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


def named(rule: Rule) -> Iterator[Case]:
    """The bank: matrices that have names, and inputs of known bugs."""
    from ._bank import BUGS, fitting  # noqa: PLC0415 (a quick check does without them)

    for entry in fitting(rule):
        for dtype in entry.dtypes:
            primals = entry.inputs(rule, dtype)
            if dtype in rule.declaration.dtypes and valid(rule, dtype, primals):
                yield Case(
                    name=f"{'bug' if entry in BUGS else 'bank'}: {entry.name} {dtype}",
                    kind="named",
                    dtype=dtype,
                    primals=primals,
                    options={**rule.declaration.variants[0], **entry.options},
                    crossed=True,
                )
