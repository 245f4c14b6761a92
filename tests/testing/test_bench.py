"""Measurements: what is formed from the times, and the command. No test looks at how long anything takes."""

import json

import pytest
from typer.testing import CliRunner

from gradrules import adapters
from gradrules.cli import app
from gradrules.testing import _backends, _bench
from gradrules.testing._bench import _clock, _questions

FRAMEWORKS = [name for name in _backends.installed() if name in adapters.available()]
runner = CliRunner()


class Watch:
    """A clock that only the calls move."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def call(self, seconds):
        def run():
            self.now += seconds

        return run


def measured(seconds, monkeypatch):
    watch = Watch()
    monkeypatch.setattr(_clock.time, "perf_counter", watch)
    monkeypatch.setattr(_clock.time, "process_time", lambda: watch())
    return _clock.measure({name: watch.call(s) for name, s in seconds.items()}, "native")


def test_ratios_are_to_the_reference(monkeypatch):
    times = measured({"ours": 3e-5, "native": 2e-5, "same": 2e-5}, monkeypatch)
    ours, same = times.ratios["ours"], times.ratios["same"]
    assert (ours.low, ours.median, ours.high, ours.least) == pytest.approx((1.5,) * 4)
    assert same.median == pytest.approx(1.0)
    assert times.seconds["ours"] == pytest.approx(3e-5)


def test_long_calls_are_measured_by_the_processor(monkeypatch):
    assert measured({"ours": 1.0, "native": 1e-3}, monkeypatch).clock == "processor"
    assert measured({"ours": 1e-3, "native": 1e-3}, monkeypatch).clock == "wall"


@pytest.mark.parametrize(("text", "n", "batch"), [("32", 32, 0), ("1000x3", 3, 1000)])
def test_sizes(text, n, batch):
    size = _bench.Sizes.parse(text)
    assert (size.n, size.batch, str(size)) == (n, batch, text)


def test_each_output_is_a_question():
    uses = [q.use for q in _questions.questions(["eigh", "det"])]
    assert uses[:3] == ["all", "eigenvalues", "eigenvectors"]
    assert uses[-1] == "all"


def test_a_baseline_compares_in_matrix_products(tmp_path):
    one = _bench.Measured("det", "all", "torch", "float64", "3", "both", seconds=4.0, product=2.0)
    file = tmp_path / "before.json"
    file.write_text(json.dumps([{**one.as_dict(), "seconds": 1.0, "product": 1.0}]))
    assert _bench.against([one], file) == {one.key: 2.0}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_command(framework, tmp_path):
    """Every framework answers, in all parts, and is compared with what it answered before."""
    file = tmp_path / "times.json"
    command = [
        "bench",
        "--backend",
        framework,
        "--rule",
        "inv",
        "--sizes",
        "2x2",
        "--json",
        str(file),
    ]
    result = runner.invoke(app, command)
    assert result.exit_code == 0, result.output
    found = [_bench.Measured(**line) for line in json.loads(file.read_text())]
    assert [m.part for m in found] == list(_bench.PARTS)
    assert all(m.ratio > 0 for m in found)
    changes = _bench.against(found, file)
    assert [changes[m.key] for m in found] == [1.0, 1.0, 1.0]


def test_wrong_calls_are_refused(tmp_path):
    file = tmp_path / "none.json"
    file.write_text("{}1")
    with pytest.raises(ValueError, match=r"none\.json"):
        _bench.against([], file)
    assert runner.invoke(app, ["bench", "--sizes", "small"]).exit_code == 2
    assert runner.invoke(app, ["bench", "--rule", "nothing"]).exit_code == 2
