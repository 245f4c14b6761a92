"""The kit catches a fault in any derivative of any rule, and no fault is called one."""

import planted
import pytest

import gradrules as gr

PARTS = ("jvp", "vjp", "fast_jvp", "fast_vjp")
OURS = [name for name, rule in gr.registry.items() if rule.__module__.startswith("gradrules.")]
PLANTED = [
    (name, part, fault)
    for name in OURS
    for part in PARTS
    if gr.registry[name].defines(part)
    for fault in planted.FAULTS
    if planted.applies(gr.registry[name], part, fault)
]


@pytest.mark.parametrize(("name", "part", "fault"), PLANTED)
def test_caught(name, part, fault):
    rule = gr.registry[name]
    undo = planted.plant(rule, part, fault)
    try:
        report = gr.testing.check(rule, backends=["numpy"], laws=["jvp", "vjp", "adjoint", "kept"])
    finally:
        undo()
    assert not report.passed


INTERNAL = {"_gap_quotient": "eigh", "_cofactor": "det"}


@pytest.mark.parametrize("part", ["jvp", "vjp"])
@pytest.mark.parametrize("name", INTERNAL)
def test_caught_in_second_derivatives(name, part):
    pytest.importorskip("autograd")
    undo = planted.plant(gr.adapters.lookup(name), part, "sign")
    try:
        report = gr.testing.check(
            gr.registry[INTERNAL[name]], backends=["autograd"], laws=["order2"]
        )
    finally:
        undo()
    assert not report.passed
