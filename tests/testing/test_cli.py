"""The command line, as a user calls it."""

import json
import os
import re
import subprocess
import sys

import pytest

import gradrules as gr


def gradrules(*arguments, fault=None):
    env = {**os.environ, "COLUMNS": "140", "NO_COLOR": "1"}
    if fault:
        env["GRADRULES_FAULT"] = fault
    program = "import sys; from gradrules.cli import app; sys.argv[0] = 'gradrules'; app()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )


def test_list_and_show():
    out = gradrules("list")
    assert out.returncode == 0
    assert "eigh" in out.stdout
    assert "multi_dot, tensordot" in out.stdout
    rules = {rule["name"]: rule for rule in json.loads(gradrules("list", "--json").stdout)}
    assert set(rules) >= {
        "det",
        "slogdet",
        "inv",
        "solve",
        "eigh",
        "eigvalsh",
        "expm",
        "expm_frechet",
    }
    assert rules["eigh"]["options"] == {
        "lower": "None",
        "subset_by_index": "None",
        "degenerate": "'nan'",
    }
    page = gradrules("show", "eigh").stdout
    for word in ("hermitian", "Magnus", "degenerate", "gauge", "cost"):
        assert word in page


def test_check_writes_records(tmp_path):
    file = tmp_path / "records.json"
    out = gradrules("check", "--quick", "--rule", "inv", "--rule", "det", "--backend", "numpy",
                    "--law", "vjp", "--law", "kept", "--seed", "3", "--json", str(file))  # fmt: skip
    assert out.returncode == 0, out.stdout
    assert "all passed" in out.stdout
    records = json.loads(file.read_text())
    assert {(r["rule"], r["backend"]) for r in records} == {("inv", "numpy"), ("det", "numpy")}
    fields = {"rule", "backend", "law", "status", "error", "tolerance", "case", "seconds"}
    assert all(fields <= r.keys() for r in records)
    assert {r["status"] for r in records} == {"pass", "skip"}


def test_the_same_seed_gives_the_same_records(tmp_path):
    runs = []
    for number in range(2):
        file = tmp_path / f"{number}.json"
        gradrules("check", "--quick", "--rule", "eigh", "--rule", "inv", "--backend", "numpy",
                  "--backend", "array_api_strict", "--law", "jvp", "--law", "agree",
                  "--json", str(file))  # fmt: skip
        runs.append([{**r, "seconds": 0} for r in json.loads(file.read_text())])
    assert runs[0] == runs[1]
    assert {r["status"] for r in runs[0]} == {"pass"}


def test_a_failure_exits_with_one_and_can_be_repeated(tmp_path):
    file = tmp_path / "records.json"
    out = gradrules("check", "--quick", "--rule", "det", "--backend", "numpy", "--law", "vjp",
                    "--load", "planted", "--json", str(file), fault="det:fast_vjp:sign")  # fmt: skip
    assert out.returncode == 1
    failed = next(r for r in json.loads(file.read_text()) if r["status"] == "fail")
    assert failed["repeat"] in out.stdout.replace("\n", " ")
    assert "x = np.array([[" in failed["input"]
    assert failed["value"] != failed["truth"]
    assert "64 n eps" in failed["origin"]
    words = re.findall(r"'[^']*'|\S+", failed["repeat"].removeprefix("gradrules "))
    again = gradrules(
        *(w.strip("'") for w in words), "--load", "planted", fault="det:fast_vjp:sign"
    )
    assert again.returncode == 1
    assert "1 failed" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--rule", "nothing"], ("nothing", "det")),
        (["check", "--backend", "mlx"], ("mlx", "numpy")),
        (["check", "--law", "gravity"], ("gravity", "adjoint")),
        (["check", "--seed", "-1"], ("seed",)),
        (["check", "--json", "/no/such/folder/x.json"], ("folder",)),
        (["check", "--load", "no_such_module"], ("no_such_module",)),
        (["show", "nothing"], ("nothing",)),
        (["chekc"], ("chekc",)),
    ],
)
def test_a_wrong_call_exits_with_two(arguments, words):
    out = gradrules(*arguments)
    assert out.returncode == 2
    assert all(word in out.stderr + out.stdout for word in words)


def test_a_module_in_the_folder_of_the_call_is_loaded(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import gradrules as gr\n\n@gr.rule\ndef of_mine(x, /, *, xp):\n    return x\n"
    )
    # An installed script, unlike `python -c`, does not look where it is called.
    program = "from gradrules.cli import app; app()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, "list", "--load", "mine"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "of_mine" in done.stdout, done.stderr


def test_a_backend_that_crashes_is_reported_and_harms_no_other(tmp_path, monkeypatch):
    (tmp_path / "crashing.py").write_text(
        "import os, sys\n"
        "from gradrules.testing import _backends\n"
        "load = _backends.load\n"
        "_backends.load = lambda name: os._exit(7) if name == 'array_api_strict' else load(name)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    out = gradrules("check", "--quick", "--rule", "inv", "--law", "vjp", "--load", "crashing",
                    "--backend", "numpy", "--backend", "array_api_strict")  # fmt: skip
    assert out.returncode == 1
    assert "status 7" in out.stdout
    assert "numpy" in out.stdout
    assert re.search(r"inv +✓", out.stdout)


def test_check_in_this_process_refuses_unknown_names():
    with pytest.raises(ValueError, match="unknown law 'gravity'"):
        gr.testing.check(gr.inv, laws=["gravity"])
    with pytest.raises(ValueError, match="unknown backend 'mlx'"):
        gr.testing.check(gr.inv, backends=["mlx"])
