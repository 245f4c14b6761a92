"""JAX, a batch over eight devices: no matrix moves, whatever the order of the derivative."""

import re
import socket
from importlib.util import find_spec

import pytest
from ours import each

pytestmark = pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed")

CASES = each(
    ("automatic", "float64"),
    ("automatic", "complex128"),
    ("explicit", "float64"),
    ("shard_map", "float64"),
)
# One device multiplies a batch as eight devices multiply its parts, but for the order of additions.
AGREE = 1e-11
# In one program for all devices, a loop ends for all at once: they agree on one number.
ONE_NUMBER = re.compile(r"all-reduce \(?f64\[\](, f64\[\])*\)?")


@pytest.fixture(scope="module")
def cells(cells_of):
    return cells_of(
        "jax_on_eight_devices",
        JAX_PLATFORMS="cpu",
        JAX_ENABLE_X64="1",
        # Half of the time would go to optimizations, none of which concerns the devices.
        XLA_FLAGS="--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=0 "
        "--xla_llvm_disable_expensive_passes=true",
    )


@pytest.mark.parametrize(("name", "mode", "dtype"), CASES)
def test_a_split_batch_stays_split(cells, name, mode, dtype):
    cell = cells[f"{name} {mode} {dtype}"]
    moved = list(cell["collectives"])
    if mode == "automatic":
        moved = [what for what in moved if not ONE_NUMBER.fullmatch(what)]
    assert moved == []
    assert cell["split"]
    assert cell["distance"] < AGREE


def test_what_comes_together_is_counted(cells):
    assert list(cells["control"]["collectives"]) == ["all-gather f64[16,3,3]{2,1,0}"]


def test_automatic_sharding_gathers_a_matrix_that_is_split(cells):
    assert cells["matrix automatic"]["distance"] < AGREE


def test_explicit_sharding_refuses_a_matrix_that_is_split(cells):
    refusal = cells["matrix explicit"]["refusal"]
    assert "inv: the explicit mesh splits the matrices of argument 'x'" in refusal
    assert "float64[8@batch,8]" in refusal


def test_a_batch_over_two_axes_of_the_mesh(cells):
    cell = cells["otherwise"]
    assert cell["distance"] < AGREE
    assert cell["spec"] == "P(('x', 'y'), None, None)"
    assert "batch axis 0 is split over 'x' and over 'y'" in cell["refusal"]


def test_one_argument_for_a_split_batch_of_the_other(cells):
    cell = cells["shared"]
    assert cell["distance"] < AGREE
    assert list(cell["as it is"]) == ["all-gather f64[16,3,2]{2,1,0}"]
    assert list(cell["spread"]) == ["all-reduce f64[3,2]{1,0}"]


def test_transformations_on_an_explicit_mesh(cells):
    for name, cell in cells["transformed"].items():
        assert cell["collectives"] == {}, name
        assert cell["distance"] < AGREE, name


def test_an_operand_that_is_the_same_on_all_devices(cells):
    assert max(cells["replicated"].values()) < AGREE


def test_two_processes(differences, examples):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    program = examples / "jax_processes.py"
    # Each process counts its own devices.
    found = differences((program, 0), (program, 1), COORDINATOR=address, XLA_FLAGS="")
    assert max(found) < AGREE
