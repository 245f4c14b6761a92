"""The transform matrix: quick cells here, all of them by ``nox -s contract``.

Rows come from the adapters, columns are those of the page that was made of the last whole run.
"""

import functools
import os
import re
from pathlib import Path

import pytest
from ours import RULES

from gradrules.testing import _backends, _contract

FRAMEWORKS = [name for name in _backends.installed() if name not in _backends.PLAIN]
pytestmark = pytest.mark.usefixtures("x64")

backend = functools.cache(_backends.load)
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "transforms.md").read_text()
COLUMNS = [rule for name, rule in RULES.items() if re.search(rf"^\| \|.* {name} \|", PAGE, re.M)]
assert COLUMNS
# A loop of matrix products is compiled for many seconds, in every row.
QUICK = [rule for rule in COLUMNS if rule.name not in ("expm", "expm_frechet")]

CELLS = [
    pytest.param(name, row, rule, dtype, id=f"{name}-{row.name}-{rule.name}-{dtype}")
    for name in FRAMEWORKS
    for row, rule, dtype in _contract.cells(backend(name), QUICK, quick=True)
]
# Rows take turns between a witness that keeps arrays and one that does not; nox tries both in all.
BOTH = bool(os.environ.get("GRADRULES_EVERYTHING"))
WITNESSES = [
    pytest.param(name, row, kept, id=f"{name}-{row.name}-{'kept' if kept else 'closed'}")
    for name in FRAMEWORKS
    for number, row in enumerate(_contract.rows(backend(name)))
    for kept in (False, True)
    if row.order and (BOTH or kept == (number % 2 == 0 and not row.slow))
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "row", "rule", "dtype"), CELLS)
def test_cell(name, row, rule, dtype):
    cell = _contract.try_cell(row, rule, backend(name), dtype)
    assert cell.status != "fail", cell.message
    assert cell.status == "pass" or cell.message


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "row", "kept"), WITNESSES)
def test_our_derivative_ran(name, row, kept):
    found = _contract.witnessed(row, backend(name), kept=kept)
    if found is not None:  # offered for this rule
        assert min(abs(found - factor) for factor in (_contract.JVP, _contract.VJP)) < 1e-9
