"""Where derivatives go wrong: inputs for every rule, beside those of the kit.

A situation is an input, and nothing is known of it but that: no outcome is declared, and none is
expected of any framework.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradrules import Rule

from .._cases import DOUBLE, cases, draw, generator, of_matrices
from .._matrices import hermitian_part

# Of matrices whose eigenvalues are these, rotated.
_SPECTRA = {
    "repeated eigenvalue, to rounding": (1.0, 1.0, 2.0, 3.0),
    "gap 1e-9": (1.0, 1.0 + 1e-9, 2.0, 3.0),
}
_DIAGONALS = {
    "identity": (1.0, 1.0, 1.0),
    "repeated eigenvalue, exactly": (1.0, 1.0, 2.0, 3.0),
    "rank n-1, diagonal": (1.0, 2.0, 3.0, 0.0),
}
_GENERAL = {
    "rank n-1, dense integers": [[1, 2, 3, 4], [2, 3, 4, 6], [3, 4, 5, 9], [6, 9, 12, 19]],
    "rank n-1, product of integers": [
        [8, -8, -4, 4],
        [10, -9, -5, 2],
        [6, -7, 9, 10],
        [9, -4, 3, -8],
    ],
    "rank n-1, symmetric integers": [[2, 1, 0, 3], [1, 3, 1, 5], [0, 1, 2, 3], [3, 5, 3, 11]],
    "rank n-2, symmetric integers": [[1, 0, 1, 1], [0, 1, 1, -1], [1, 1, 2, 0], [1, -1, 0, 2]],
    "ones": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
    "Jordan block": [[2, 1, 0], [0, 2, 1], [0, 0, 2]],
}
# Declared outcomes that are no numbers.
NOT_THERE = ("nan", "raises", "refused")


@dataclass(frozen=True)
class Situation:
    """One input of one rule.

    Attributes
    ----------
    data
        Whether it holds a NaN: no number is true there.
    undefined
        Whether the rule declares that there is no derivative.
    ordinary
        Whether there is nothing special about it. Such are tried mapped and compiled, too.
    """

    name: str
    dtype: str
    primals: tuple[Any, ...]
    data: bool = False
    undefined: bool = False
    ordinary: bool = False


def situations(rule: Rule, *, seed: int) -> Iterator[Situation]:
    """All situations of a rule, an ordinary one of each dtype first."""
    dtypes = [d for d in rule.declaration.dtypes if d in DOUBLE]
    for dtype in dtypes:
        yield Situation("ordinary", dtype, _drawn(rule, dtype, seed), ordinary=True)
    seen = {_key(_drawn(rule, dtype, seed)) for dtype in dtypes}
    every = [*_of_kit(rule, seed)]
    if of_matrices(rule):
        every += [*_of_matrices(rule, seed), *_bad_data(rule, dtypes, seed)]
    for one in every:
        key = _key(one.primals)
        if key not in seen:
            seen.add(key)
            yield one


def _key(primals: tuple[Any, ...]) -> str:
    return repr([(p.dtype.name, p.shape, p.tolist()) for p in primals])


def _drawn(rule: Rule, dtype: str, seed: int, n: int = 3) -> tuple[Any, ...]:
    rng = generator(seed, rule.name, dtype, "audit", n)
    return _hermitian(rule, draw(rule, rng, dtype, n=n))


def _hermitian(rule: Rule, primals: tuple[Any, ...]) -> tuple[Any, ...]:
    """Exactly Hermitian where the rule reads a Hermitian matrix."""
    structure = rule.declaration.structure
    return tuple(
        hermitian_part(p) if structure.get(name) == "hermitian" else p
        for name, p in zip(rule.inputs, primals, strict=True)
    )


def _of_kit(rule: Rule, seed: int) -> Iterator[Situation]:
    """The kit's own cases, of the options that are the default."""
    for case in cases(rule, quick=True, seed=seed):
        empty = not all(p.size for p in case.primals) and case.order > 0
        large = case.kind == "shape" and max(p.ndim for p in case.primals) > 3
        if case.dtype in DOUBLE and not (case.options or empty or case.representative or large):
            name = case.name.removesuffix(f" {case.dtype}").removesuffix(" batch=()")
            undefined = case.edge is not None and case.edge.first in NOT_THERE
            primals = _hermitian(rule, case.primals)
            yield Situation(name, case.dtype, primals, undefined=undefined)


def _of_matrices(rule: Rule, seed: int) -> Iterator[Situation]:
    """A matrix in the place of the first one, everything else ordinary."""
    for name, matrix in _matrices(rule, seed):
        others = _drawn(rule, "float64", seed, n=len(matrix))[1:]
        yield Situation(name, "float64", (matrix, *others))
    for scale in (1e150, 1e-150):
        primals = (np.array([[1.0, 2.0], [2.0, -3.0]]), *_drawn(rule, "float64", seed, n=2)[1:])
        yield Situation(f"scale {scale:g}", "float64", tuple(p * scale for p in primals))


def _matrices(rule: Rule, seed: int) -> Iterator[tuple[str, Any]]:
    rng = generator(seed, "audit")
    for name, spectrum in _SPECTRA.items():
        q = np.linalg.qr(rng.standard_normal((len(spectrum), len(spectrum))))[0]
        a = (q * spectrum) @ q.T
        yield name, hermitian_part(a)
    for name, diagonal in _DIAGONALS.items():
        yield name, np.diag(diagonal)
    hermitian = rule.declaration.structure.get(rule.inputs[0]) == "hermitian"
    for name, rows in _GENERAL.items():
        a = np.array(rows, dtype=float)
        if not hermitian or np.array_equal(a, a.T):
            yield name, a


def _bad_data(rule: Rule, dtypes: list[str], seed: int) -> Iterator[Situation]:
    for dtype in dtypes:
        # Up to order three a framework may have a formula of its own.
        primals = tuple(p.copy() for p in _drawn(rule, dtype, seed, n=4))
        primals[0][(0,) * primals[0].ndim] = np.nan
        yield Situation("one NaN in the data", dtype, primals, data=True)
