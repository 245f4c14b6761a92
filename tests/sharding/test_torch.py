"""torch, a batch over two processes: DTensor moves no matrix, and DDP averages our gradients."""

from importlib.util import find_spec

import pytest
from ours import each

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")

CASES = each(("float64",), ("complex128",))
AGREE = 1e-11
GATHER = {"c10d_functional.all_gather_into_tensor": 1}


@pytest.fixture(scope="module")
def cells(cells_of, torchrun):
    return cells_of("torch_on_two_processes", *torchrun)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_a_split_batch_stays_split(cells, name, dtype):
    cell = cells[f"{name} {dtype}"]
    assert cell["collectives"] == {"value": {}, "gradient": {}, "second": {}}
    assert cell["split"]
    assert cell["distance"] < AGREE


def test_what_comes_together_is_counted(cells):
    assert cells["control"]["collectives"] == GATHER


def test_a_matrix_that_is_split_is_gathered(cells):
    cell = cells["matrix"]
    assert cell["collectives"] == GATHER
    assert cell["placements"] == ["(Replicate(),)", "(Shard(dim=1),)"]
    assert cell["distance"] < AGREE


@pytest.mark.parametrize("which", ["first", "second"])
def test_one_argument_for_a_split_batch_of_the_other(cells, which):
    cell = cells[f"shared {which}"]
    assert cell["collectives"] == {}
    assert cell["placements"] == "(Shard(dim=0),)"
    assert cell["distance"] < AGREE


def test_a_plain_tensor_beside_a_distributed_one_is_refused(cells):
    refusal = cells["plain"]["refusal"]
    assert "solve: the arguments are not distributed over one mesh" in refusal
    assert "'x2' on no mesh" in refusal


def test_torch_itself_has_no_forward_mode_for_distributed_tensors(cells):
    said = cells["forward mode"]
    assert said["inv"] == said["sin"]
    assert "does not have a sharding strategy" in said["sin"]


@pytest.mark.parametrize("loss", ["eigh", "solve", "expm"])
def test_gradients_averaged_over_processes(cells, loss):
    cell = cells[f"DDP {loss}"]
    assert cell["distance"] < AGREE
    assert cell["apart"] > 0.01  # one process alone has another gradient


def test_example(differences, examples, torchrun):
    assert max(differences((*torchrun, examples / "torch_ddp.py"))) < AGREE
