"""TensorFlow, a batch over two devices: MirroredStrategy adds up our gradients."""

from importlib.util import find_spec

import pytest
from ours import each

pytestmark = pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="tensorflow is not installed"
)

CASES = each(
    ("eager", "float64"),
    ("eager", "complex128"),
    ("function", "float64"),
    ("second", "float64"),
)
AGREE = 1e-11


@pytest.fixture(scope="module")
def cells(cells_of):
    return cells_of("tensorflow_on_two_devices")


@pytest.mark.parametrize(("name", "mode", "dtype"), CASES)
def test_each_replica_has_the_gradients_of_its_part(cells, name, mode, dtype):
    check(cells[f"{name} {mode} {dtype}"])


def test_small_tensors_stay_on_their_device(cells):
    check(cells["small"])


def check(cell):
    assert cell["distance"] < AGREE
    assert cell["reduced"] < AGREE
    first, second = cell["devices"].values()
    assert first == second > 0


@pytest.mark.parametrize("loss", ["eigh", "solve", "expm"])
def test_a_step_on_a_mirrored_variable(cells, loss):
    cell = cells[f"step {loss}"]
    assert cell["distance"] < AGREE


@pytest.mark.parametrize("axis", ["batch", "matrix"])
def test_tensorflow_itself_refuses_tensors_that_are_split(cells, axis):
    said = cells[axis]
    assert said["ours"] == said["native"]
    assert "non-replicated DTensor is not supported" in said["native"]


def test_example(differences, examples):
    assert max(differences((examples / "tensorflow_mirrored.py",))) < AGREE
