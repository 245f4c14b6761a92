"""The transform matrix: quick cells here, all of them by ``nox -s contract``.

Rows come from the adapters, columns from the registry; nothing is listed by hand.
"""

import functools

import pytest

import gradrules as gr
from gradrules.testing import _backends, _contract

RULES = [rule for rule in gr.registry.values() if rule.__module__.startswith("gradrules.")]
FRAMEWORKS = [name for name in _backends.installed() if name not in _backends.PLAIN]


@functools.cache
def backend(name):
    if name == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    return _backends.load(name)


CELLS = [
    pytest.param(name, row, rule, dtype, id=f"{name}-{row.name}-{rule.name}-{dtype}")
    for name in FRAMEWORKS
    for row, rule, dtype in _contract.cells(backend(name), RULES, quick=True)
]
WITNESSES = [
    pytest.param(name, row, id=f"{name}-{row.name}")
    for name in FRAMEWORKS
    for row in _contract.rows(backend(name))
    if row.order
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "row", "rule", "dtype"), CELLS)
def test_cell(name, row, rule, dtype):
    cell = _contract.try_cell(row, rule, backend(name), dtype)
    assert cell.status != "fail", cell.message
    assert cell.status == "pass" or cell.message


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kept", [False, True], ids=["closed", "kept"])
@pytest.mark.parametrize(("name", "row"), WITNESSES)
def test_our_derivative_ran(name, row, kept):
    if kept and row.slow:
        pytest.skip("takes seconds, and differs in nothing but what the laws try: the kept arrays")
    found = _contract.witnessed(row, backend(name), kept=kept)
    if found is not None:  # offered for this rule
        assert min(abs(found - factor) for factor in (_contract.JVP, _contract.VJP)) < 1e-9
