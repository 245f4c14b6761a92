"""Hypothesis strategies: matrices of every kind, and valid inputs of any rule.

For your own tests as well as for the kit's. Every argument may be a value or a strategy. What is drawn
shrinks to lower order, fewer batch axes, sparser and rounder numbers, rotations by nothing: numbers are
small dyadic rationals, unitary factors products of rotations that begin with the identity.

>>> import numpy as np
>>> from hypothesis import given
>>> from gradrules.testing import strategies as gst
>>> @given(gst.matrices(structure="hermitian", spectrum="repeated"))
... def test_eigenvalues(a):
...     w = np.linalg.eigvalsh(a)
...     assert np.allclose(np.sum(w), np.trace(a))
>>> test_eigenvalues()
"""

from functools import cache
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from gradrules import Rule

from . import _matrices
from ._cases import DTYPES, KINDS, build, hard_kinds, of_any_shape, of_matrices, sampled, valid
from ._matrices import SPECTRA, STRUCTURES, Recipe
from ._truth import has_oracle

__all__ = [
    "KINDS",
    "SPECTRA",
    "STRUCTURES",
    "arrays",
    "batches",
    "dtypes",
    "matrices",
    "orders",
    "primals",
]


# Exact, or of denominator 5 or 13; the identity is the simplest.
_ANGLES = (
    (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.6, 0.8), (0.8, -0.6), (-0.6, 0.8), (5 / 13, 12 / 13),
)  # fmt: skip
_ROTATIONS = st.sampled_from(_ANGLES)
_integers = cache(st.integers)


class _Drawn:
    """Choices of hypothesis: all numbers are whole, or all halves, quarters or eighths."""

    def __init__(self, draw: DrawFn) -> None:
        self._draw = draw
        self._parts: int = 2 ** draw(_integers(0, 3))

    def whole(self, low: int, high: int) -> int:
        """Shrinks to zero, or to the end that is nearer to it."""
        return self._draw(_integers(low, high))

    def number(self, *, is_complex: bool) -> complex:
        """Up to 4; what is drawn first shrinks first, and that is the imaginary part."""
        imaginary = self._part() if is_complex else None
        real = self._part()
        return real if imaginary is None else complex(real, imaginary)

    def _part(self) -> float:
        count: int = self._draw(_integers(-4 * self._parts, 4 * self._parts))
        return float(count / self._parts)

    def rotation(self) -> tuple[float, float]:
        """Shrinks to the identity."""
        return self._draw(_ROTATIONS)


def _chosen(draw: DrawFn, value: Any) -> Any:
    return draw(value) if isinstance(value, SearchStrategy) else value


def dtypes(rule: Rule | None = None) -> SearchStrategy[str]:
    """Names of floating dtypes, of those that a rule declares; ``"float64"`` is the simplest."""
    known = DTYPES if rule is None else rule.declaration.dtypes
    return st.sampled_from(sorted(known, key=lambda d: ("complex" in d, "64" not in d[5:])))


def batches(*, axes: int = 2, longest: int = 3) -> SearchStrategy[tuple[int, ...]]:
    """Shapes of batches: none, some, and empty ones."""
    return st.lists(st.integers(0, longest), max_size=axes).map(tuple)


def orders(rule: Rule, *, longest: int = 4) -> SearchStrategy[int]:
    """Lengths of core axes for which a rule has a value."""
    least = rule.declaration.least_length
    return st.integers(least, max(least, longest))


@st.composite
def arrays(draw: DrawFn, shape: Any, *, dtype: Any = "float64") -> Any:
    """Arrays of free numbers.

    Parameters
    ----------
    shape
        A tuple of lengths.
    dtype
        Name of a floating dtype.
    """
    name = _chosen(draw, dtype)
    return _matrices.numbers(_Drawn(draw), _chosen(draw, shape), name).astype(name)


@st.composite
def matrices(
    draw: DrawFn,
    shape: Any = None,
    *,
    dtype: Any = "float64",
    structure: Any = "general",
    spectrum: Any = "any",
    rank: Any = None,
    condition: Any = None,
    nonnormality: Any = 0.0,
    scale: Any = 0,
    rows: Any = 0,
    batch: Any = (),
) -> Any:
    """Matrices, or stacks of matrices.

    Parameters
    ----------
    shape
        The order of square matrices, or a pair of lengths; by default orders 0 to 4.
    dtype
        Name of a floating dtype.
    structure
        One of `STRUCTURES`: ``"general"``, ``"hermitian"``, ``"positive definite"``, ``"lower"``,
        ``"upper"``, ``"skew"``, ``"unitary"``, ``"stochastic"``, ``"toeplitz"``, ``"banded"``.
    spectrum
        Of general, Hermitian and positive definite matrices, one of `SPECTRA`: ``"any"``,
        ``"simple"``, ``"spread"``, ``"close"`` (to the root of the precision), ``"clustered"``
        (within rounding), ``"repeated"`` (exactly), ``"defective"``, ``"zero"``, ``"pairs"`` of
        opposite sign, ``"branch cut"`` (negative).
    rank
        By default full, or what the spectrum says.
    condition
        Ratio of the singular values that are not zero, up to the dtype's limit; infinity is the limit.
    nonnormality
        Size of the part above the diagonal of the Schur form; needs a spectrum.
    scale
        The matrix times two to this power.
    rows
        Rows times powers of two, between minus and plus this one.
    batch
        Shape of the stack.

    Raises
    ------
    ValueError
        If a name is unknown, or the spectrum is one that the structure does not have.
    """
    name, lead = _chosen(draw, dtype), _chosen(draw, batch)
    chosen = _chosen(draw, st.integers(0, 4) if shape is None else shape)
    m, n = chosen if isinstance(chosen, tuple) else (chosen, chosen)
    wanted = _chosen(draw, rank)
    recipe = Recipe(
        structure=_chosen(draw, structure),
        spectrum=_chosen(draw, spectrum),
        deficiency=0 if wanted is None else max(min(m, n) - wanted, 0),
        condition=_chosen(draw, condition),
        nonnormality=_chosen(draw, nonnormality),
        scale=_chosen(draw, scale),
        rows=_chosen(draw, rows),
    )
    if m != n and (recipe.structure != "general" or recipe.spectrum != "any"):
        msg = f"a {m} by {n} matrix has neither a structure nor a spectrum; ask for its rank or condition"
        raise ValueError(msg)
    source = _Drawn(draw)
    whole = np.empty((*lead, m, n), dtype=name)
    for index in np.ndindex(*lead):
        whole[index] = (
            _matrices.matrix(source, n, name, recipe)
            if m == n
            else _matrices.rectangular(source, (m, n), name, recipe)
        )
    return whole


@st.composite
def primals(
    draw: DrawFn,
    rule: Rule,
    *,
    dtype: Any = None,
    n: Any = None,
    batch: Any = None,
    kind: Any = None,
) -> tuple[Any, ...]:
    """Valid inputs of a rule: by its signature, structure and needs, or from its own sampler.

    Parameters
    ----------
    rule
        Any rule.
    dtype
        Of those that the rule declares; by default any of them.
    n
        The order of square matrices, and the length of the other axes; by default up to 4.
    batch
        Shape of the batch; by default up to two axes, also empty ones.
    kind
        One of `KINDS` for the square matrices; by default any on which the rule has derivatives.
    """
    name = _chosen(draw, dtypes(rule) if dtype is None else dtype)
    order = _chosen(draw, orders(rule) if n is None else n)
    lead = _chosen(draw, batches() if batch is None else batch)
    if rule.declaration.sample is not None:
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        return sampled(rule, rng, name, order, lead)
    recipe = KINDS[_chosen(draw, st.sampled_from(kinds(rule)) if kind is None else kind)]
    columns = draw(st.integers(min(1, order), 3))
    rows = order
    if order and of_any_shape(rule):
        rows = max(order + draw(st.sampled_from((0, 1, -1))), rule.declaration.least_length)
    made = build(
        rule, _Drawn(draw), name,
        recipe=recipe, n=order, k=columns, m=rows, batch=lead, anchored=True,
    )  # fmt: skip
    assume(valid(rule, name, made))
    return made


def kinds(rule: Rule) -> list[str]:
    """Names of the kinds of matrices on which a rule has derivatives, the plainest first."""
    if not of_matrices(rule):
        return ["general"]
    known = ["general", "nonnormal", "spread"]
    if has_oracle(rule.name):
        known += ["close", *hard_kinds(rule)]
    return [name for name in known if name in KINDS and name != "clustered"]
