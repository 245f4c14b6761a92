"""Start the programs of this folder, each once for all of its tests."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples" / "distributed"
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


class Cells(dict):
    """What a program reports, by cell; one that raised there raises here."""

    def __getitem__(self, name):
        cell = super().__getitem__(name)
        assert "failure" not in cell, cell["failure"]
        return cell


def start(*command, **environment):
    """A Python process."""
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="session")
def cells_of(tmp_path_factory, request):
    """``cells_of(program, ...)``: the cells that a program of this folder reports.

    pytest's workers are processes. The first that asks runs the program, the others wait.
    """
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent

    def cells_of(program, *launcher, **environment):
        path = folder / f"{program}.json"
        with (folder / f"{program}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                _, complaints = start(
                    *launcher, HERE / f"{program}.py", path, **environment
                ).communicate()
                if not path.exists():
                    path.write_text(json.dumps({"crash": complaints[-3000:]}))
        cells = Cells(json.loads(path.read_text()))
        assert "crash" not in cells, cells["crash"]
        return cells

    return cells_of


@pytest.fixture(scope="session")
def differences():
    """``differences(command, ...)``: by how much each says that it differs from one process."""

    def differences(*commands, **environment):
        processes = [start(*command, **environment) for command in commands]
        try:
            return [difference(process) for process in processes]
        finally:
            for process in processes:
                process.kill()

    return differences


def difference(process):
    printed, complaints = process.communicate(timeout=120)
    assert process.returncode == 0, complaints[-3000:]
    assert "WARNING" not in complaints, complaints[-3000:]
    words, _, number = printed.strip().splitlines()[-1].partition(": ")
    assert words.startswith("difference from one ")
    return float(number)


@pytest.fixture(scope="session")
def torchrun():
    return TORCHRUN


@pytest.fixture(scope="session")
def examples():
    return EXAMPLES
