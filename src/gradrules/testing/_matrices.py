"""Matrices by construction: one recipe for each kind, from any source of numbers.

A recipe asks a `Source` for numbers and rotations. `Seeded` answers from a NumPy generator: the same
seed gives the same matrix in every process. Hypothesis answers with choices that shrink (`strategies`):
every number towards zero and every rotation towards the identity, so that what is left of a failing
matrix is small, sparse and round.

Factors are exact wherever floats allow it. A matrix with a repeated eigenvalue is ``a I + b v v^H``
with whole numbers, one that is defective an integer similarity of a Jordan block: the property holds
for the floats, not up to rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ._tolerance import EPS


class Source(Protocol):
    """Where the numbers of a matrix come from."""

    def whole(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""

    def number(self, *, is_complex: bool) -> complex:
        """A dyadic rational of moderate size, or two of them."""

    def rotation(self) -> tuple[float, float]:
        """Cosine and sine of an angle."""


class Seeded:
    """Numbers of a NumPy generator: generic, and the same for the same seed."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def whole(self, low: int, high: int) -> int:
        """Uniform."""
        return int(self.rng.integers(low, high, endpoint=True))

    def number(self, *, is_complex: bool) -> complex:
        """Normal, rounded to ten binary places."""
        real = float(np.round(self.rng.standard_normal() * 1024) / 1024)
        return complex(real, self.number(is_complex=False)) if is_complex else real

    def rotation(self) -> tuple[float, float]:
        """Uniform."""
        angle = self.rng.uniform(0, 2 * np.pi)
        return float(np.cos(angle)), float(np.sin(angle))


@dataclass(frozen=True)
class Recipe:
    """What kind of square matrix.

    Attributes
    ----------
    structure
        One of `STRUCTURES`; the rest shapes ``"general"``, ``"hermitian"`` and
        ``"positive definite"`` matrices.
    spectrum
        Of the eigenvalues, one of `SPECTRA`. ``"any"`` leaves the entries free.
    deficiency
        How far the rank is below the order.
    condition
        Ratio of the largest to the smallest singular value that is not zero, at most the dtype's
        limit ``1 / (16 eps)``: infinity asks for the limit.
    nonnormality
        Size of the part above the diagonal of the Schur form.
    scale
        The whole matrix times two to this power.
    rows
        Rows (of a Hermitian matrix: rows and columns) times powers of two up to this one.
    singular
        The spectrum is that of the singular values, of a general matrix.
    """

    structure: str = "general"
    spectrum: str = "any"
    deficiency: int = 0
    condition: float | None = None
    nonnormality: float = 0.0
    scale: int = 0
    rows: int = 0
    singular: bool = False

    def __post_init__(self) -> None:
        for word, given, known in (
            ("structure", self.structure, tuple(STRUCTURES)),
            ("spectrum", self.spectrum, SPECTRA),
            (f"spectrum of {self.structure} matrices", self.spectrum, spectra(self.structure)),
        ):
            if given not in known:
                msg = f"unknown {word} {given!r}; there are {', '.join(known)}"
                raise ValueError(msg)


def numbers(source: Source, shape: tuple[int, ...], dtype: str) -> Any:
    """Free entries, in double precision; complex if the dtype is."""
    out: Any = np.zeros(shape, dtype=wide(dtype))
    for index in np.ndindex(shape):
        out[index] = source.number(is_complex=is_complex(dtype))
    return out


def matrix(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:
    """A matrix of order `n`, by a recipe."""
    build = STRUCTURES[recipe.structure]
    return _scaled(source, build(source, n, dtype, recipe), recipe).astype(dtype)


def rectangular(source: Source, shape: tuple[int, int], dtype: str, recipe: Recipe) -> Any:
    """A tall or wide matrix: its entries are free, or its singular values are by the recipe."""
    m, n = shape
    least = min(shape)
    values = None
    if recipe.deficiency or recipe.condition is not None:
        values = _singular_values(least, dtype, least - recipe.deficiency, recipe.condition)
    elif recipe.singular and recipe.spectrum != "any":
        values = spectrum(source, least, dtype, recipe.spectrum)
    if values is None:
        a = numbers(source, shape, dtype)
    else:
        middle: Any = np.zeros(shape, dtype=wide(dtype))
        middle[:least, :least] = np.diag(values)
        a = unitary(source, m, dtype) @ middle @ unitary(source, n, dtype)
    return _scaled(source, a, recipe).astype(dtype)


def unitary(source: Source, n: int, dtype: str) -> Any:
    """A product of rotations in all coordinate planes, for a complex dtype with phases."""
    q: Any = np.eye(n, dtype=wide(dtype))
    for i in range(n):
        for j in range(i + 1, n):
            cosine, sine = source.rotation()
            phase = complex(*source.rotation()) if is_complex(dtype) else 1.0
            rows = q[[i, j]]
            q[i] = cosine * rows[0] - sine * np.conj(phase) * rows[1]
            q[j] = sine * phase * rows[0] + cosine * rows[1]
    return q


def spectrum(source: Source, n: int, dtype: str, name: str) -> Any:
    """Real eigenvalues of a named kind, in no order."""
    eps = EPS[dtype]
    start = float(source.whole(1, 3))
    values = start + np.arange(n)
    if name in _GAPS and n > 1:
        values[1] = values[0] * (1 + _GAPS[name](eps))
    elif name == "spread":
        values = np.geomspace(1e-3, 10.0, n) if n else values
    elif name == "zero":
        values = values * 0
    elif name == "pairs":
        values = np.where(np.arange(n) % 2, -1.0, 1.0) * (start + np.arange(n) // 2)
        values[-1 if n % 2 else n :] = 0.0
    elif name == "branch cut":
        values = -values
    return values


# Relative distance of the two nearest eigenvalues.
_GAPS: dict[str, Callable[[float], float]] = {
    "close": lambda eps: eps**0.5,  # 1e-8 in double precision
    "clustered": lambda eps: 2 * eps,  # within rounding
}
SPECTRA = (
    "any",
    "simple",
    "spread",
    "close",
    "clustered",
    "repeated",
    "defective",
    "zero",
    "pairs",
    "branch cut",
)


def spectra(structure: str) -> tuple[str, ...]:
    """The spectra that one can ask of a structure; those of the others are what they are."""
    without = {"general": (), "hermitian": ("defective",)}
    without["positive definite"] = ("defective", "zero", "pairs", "branch cut")
    missing = without.get(structure, SPECTRA[1:])
    return tuple(name for name in SPECTRA if name not in missing)


def _general(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:
    if recipe.deficiency or recipe.condition is not None:
        values = _singular_values(n, dtype, n - recipe.deficiency, recipe.condition)
        return (unitary(source, n, dtype) * values) @ unitary(source, n, dtype)
    if recipe.spectrum == "any" and not recipe.nonnormality:
        return numbers(source, (n, n), dtype)
    if recipe.singular:
        values = spectrum(source, n, dtype, recipe.spectrum)
        return (unitary(source, n, dtype) * values) @ unitary(source, n, dtype)
    if recipe.spectrum == "repeated":
        u, v = (_whole(source, (n,), dtype) for _ in range(2))
        return source.whole(-2, 2) * np.eye(n) + np.outer(u, v)
    if recipe.spectrum == "defective":
        block = source.whole(-2, 2) * np.eye(n) + np.eye(n, k=1)
        lower = np.eye(n) + np.tril(_whole(source, (n, n), dtype), -1)
        return lower @ block @ _unit_lower_inverse(lower)
    values = spectrum(source, n, dtype, recipe.spectrum)
    upper = np.triu(numbers(source, (n, n), dtype), 1) * recipe.nonnormality
    q = unitary(source, n, dtype)
    return q @ (np.diag(values) + upper) @ np.conj(q.T)


def _hermitian(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:
    if recipe.deficiency or recipe.condition is not None:
        values = _singular_values(n, dtype, n - recipe.deficiency, recipe.condition)
        values = values * [1 - 2 * source.whole(0, 1) for _ in range(n)]
    elif recipe.spectrum == "any":
        return hermitian_part(numbers(source, (n, n), dtype))
    elif recipe.spectrum == "repeated":
        v = _whole(source, (n,), dtype)
        return source.whole(-2, 2) * np.eye(n) + np.outer(v, np.conj(v))
    else:
        values = spectrum(source, n, dtype, recipe.spectrum)
    q = unitary(source, n, dtype)
    return hermitian_part((q * values) @ np.conj(q.T))


def _positive_definite(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:
    if recipe.spectrum == "repeated":
        v = _whole(source, (n,), dtype)
        return source.whole(1, 3) * np.eye(n) + np.outer(v, np.conj(v))
    if recipe.condition is not None:
        values = _singular_values(n, dtype, n, recipe.condition)
    else:
        values = spectrum(source, n, dtype, recipe.spectrum.replace("any", "spread"))
    q = unitary(source, n, dtype)
    return hermitian_part((q * values) @ np.conj(q.T))


def _lower(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:  # noqa: ARG001
    return np.tril(numbers(source, (n, n), dtype))


def _upper(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:  # noqa: ARG001
    return np.triu(numbers(source, (n, n), dtype))


def _skew(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:  # noqa: ARG001
    x = numbers(source, (n, n), dtype)
    return (x - np.conj(x.T)) / 2


def _of_unitary(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:  # noqa: ARG001
    return unitary(source, n, dtype)


def _stochastic(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:  # noqa: ARG001
    weights: Any = np.asarray(
        [[source.whole(0, 8) for _ in range(n)] for _ in range(n)], wide(dtype)
    )
    weights = weights.reshape(n, n) + np.eye(n)
    return weights / weights.sum(axis=1, keepdims=True)


def _toeplitz(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:  # noqa: ARG001
    diagonals = numbers(source, (max(2 * n - 1, 0),), dtype)
    index = np.arange(n)
    return diagonals[index[:, None] - index[None, :]].reshape(n, n)


def _banded(source: Source, n: int, dtype: str, recipe: Recipe) -> Any:  # noqa: ARG001
    return np.triu(np.tril(numbers(source, (n, n), dtype), 1), -1)


STRUCTURES: dict[str, Callable[[Source, int, str, Recipe], Any]] = {
    "general": _general,
    "hermitian": _hermitian,
    "positive definite": _positive_definite,
    "lower": _lower,
    "upper": _upper,
    "skew": _skew,
    "unitary": _of_unitary,
    "stochastic": _stochastic,
    "toeplitz": _toeplitz,
    "banded": _banded,
}


def is_complex(dtype: str) -> bool:
    """Whether the dtype of that name is complex."""
    return dtype.startswith("complex")


def wide(dtype: str) -> type:
    """The dtype of double precision in which matrices are made."""
    return complex if is_complex(dtype) else float


def hermitian_part(a: Any) -> Any:
    """The Hermitian part of a matrix, or of each of a stack."""
    return (a + np.conj(np.swapaxes(a, -1, -2))) / 2


def _whole(source: Source, shape: tuple[int, ...], dtype: str) -> Any:
    out: Any = np.zeros(shape, dtype=wide(dtype))
    for index in np.ndindex(shape):
        real = source.whole(-2, 2)
        out[index] = complex(real, source.whole(-2, 2)) if is_complex(dtype) else real
    return out


def _unit_lower_inverse(lower: Any) -> Any:
    """By substitution: of whole numbers it is exact."""
    inverse = np.eye(len(lower), dtype=lower.dtype)
    for i in range(len(lower)):
        inverse[i] = inverse[i] - lower[i, :i] @ inverse[:i]
    return inverse


def _singular_values(n: int, dtype: str, rank: int, condition: float | None) -> Any:
    kept = max(min(rank, n), 0)
    smallest = 0.25 if condition is None else max(1 / condition, 16 * EPS[dtype])
    values = np.zeros(n)
    values[:kept] = np.geomspace(1.0, smallest, kept) if kept > 1 else 1.0
    return values


def _scaled(source: Source, a: Any, recipe: Recipe) -> Any:
    if recipe.rows:
        powers = [2.0 ** source.whole(-recipe.rows, recipe.rows) for _ in range(len(a))]
        a = a * np.asarray(powers)[:, None]
        if recipe.structure in ("hermitian", "positive definite"):
            a = a * np.asarray(powers)[None, :]
    return np.asarray(a * 2.0**recipe.scale)


# -- what a rule needs -----------------------------------------------------------------------------


def _nonsingular(a: Any, eps: float) -> bool:
    s = np.linalg.svd(a, compute_uv=False)
    return bool(np.all(s[..., -1:] > 4 * eps * s[..., :1]))


def _nonzero_diagonal(a: Any, eps: float) -> bool:
    d = np.abs(np.diagonal(a, axis1=-2, axis2=-1))
    return bool(np.all(d > 4 * eps * np.max(np.abs(a), axis=(-2, -1))[..., None]))


def _clear_pivots(a: Any, eps: float) -> bool:
    """By elimination, in the sense of LAPACK: no two candidates for a pivot are alike."""
    w = np.array(a)
    m, n = w.shape[-2:]
    noise = 64 * max(m, n) * eps * np.max(np.abs(w), axis=(-2, -1))
    for one, much in zip(w.reshape(-1, m, n), noise.ravel(), strict=True):
        for i in range(min(m, n)):
            size = np.abs(one[i:, i].real) + np.abs(one[i:, i].imag)
            first, *others = np.sort(size)[::-1]
            if others and first - others[0] <= much:
                return False
            one[[i, i + int(np.argmax(size))]] = one[[i + int(np.argmax(size)), i]]
            if i + 1 < m:
                factor = one[i + 1 :, i] / one[i, i]
                one[i + 1 :, i:] -= np.outer(factor, one[i, i:])
    return True


def _nonzero_minors(a: Any, eps: float) -> bool:
    """Of the Hermitian part, all leading ones."""
    n = a.shape[-1]
    return all(_nonsingular(hermitian_part(a)[..., :k, :k], eps) for k in range(1, n + 1))


def _readings(a: Any) -> list[Any]:
    """The Hermitian part, and the matrices that the triangles stand for."""
    diagonal = np.real(a) * np.eye(a.shape[-1])
    strict = [np.tril(a, -1), np.triu(a, 1)]
    triangles = [t + np.conj(np.swapaxes(t, -1, -2)) + diagonal for t in strict]
    return [hermitian_part(a), *triangles]


def _simple_spectrum(a: Any, eps: float) -> bool:
    """Of each matrix that may be read."""
    for reading in _readings(a):
        w = np.linalg.eigvalsh(reading)
        size = np.max(np.abs(w), axis=-1, keepdims=True)
        if not np.all(np.diff(w) > 64 * a.shape[-1] * eps * size):
            return False
    return True


def _simple_eigenvalues(a: Any, eps: float) -> bool:
    """All apart by more than what rounding of the entries moves them."""
    w, v = np.linalg.eig(a)
    try:
        left = np.linalg.inv(v)
    except np.linalg.LinAlgError:
        return False
    error = np.sum(np.abs(left) * np.swapaxes(np.abs(a) @ np.abs(v), -1, -2), axis=-1)
    error = error[..., :, None] + error[..., None, :]
    gap = np.abs(w[..., :, None] - w[..., None, :]) + np.eye(a.shape[-1]) * np.max(error)
    return bool(np.all(gap > 64 * a.shape[-1] * eps * error))


def _simple_singular_values(a: Any, eps: float) -> bool:
    """All apart from each other, and above rounding."""
    s = np.linalg.svd(a, compute_uv=False)
    apart = -np.diff(s, axis=-1) > 64 * max(a.shape[-2:]) * eps * s[..., :1]
    return bool(np.all(apart) and np.all(s[..., -1:] > 14 * eps * s[..., :1]))


def _positive(a: Any, eps: float) -> bool:
    """Of the Hermitian part and of the matrices that the triangles stand for: positive definite."""
    w = [np.linalg.eigvalsh(reading) for reading in _readings(a)]
    return all(bool(np.all(v[..., :1] > 4 * eps * v[..., -1:])) for v in w)


# What free entries are added to, so that all zeros, to which they shrink, are valid.
ANCHORS: dict[str, Callable[[int], Any]] = {
    "nonsingular": np.eye,
    "nonzero diagonal": np.eye,
    "nonzero minors": np.eye,
    "clear pivots": np.eye,
    "simple spectrum": lambda n: np.diag(np.arange(1.0, n + 1)),
    "simple singular values": lambda n: np.diag(np.arange(1.0, n + 1)),
    "simple eigenvalues": lambda n: np.diag(np.arange(1.0, n + 1)),
    "positive definite": np.eye,
}
NEEDS: dict[str, Callable[[Any, float], bool]] = {
    "nonsingular": _nonsingular,
    "clear pivots": _clear_pivots,
    "nonzero minors": _nonzero_minors,
    "nonzero diagonal": _nonzero_diagonal,
    "simple spectrum": _simple_spectrum,
    "simple singular values": _simple_singular_values,
    "simple eigenvalues": _simple_eigenvalues,
    "positive definite": _positive,
}
SIMPLE = {"simple spectrum", "simple eigenvalues", "simple singular values"}
OF_SINGULAR_VALUES = {"simple singular values"}


def satisfies(a: Any, dtype: str, need: str) -> bool:
    """Whether every matrix of a stack has the property that a rule declares to need."""
    if not a.size or not np.all(np.isfinite(a)):
        return not a.size
    return NEEDS[need](np.asarray(a, dtype=wide(dtype)), EPS[dtype])
