"""What a rule that crashes, hangs or interrupts does to the rest of a check: nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

# Where tests run in the background SIGINT may be ignored, and a child inherits that.
PROGRAM = """
import signal, sys
from gradrules.cli import app
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "gradrules"
app()
"""
LAWS = ("--law", "jvp", "--law", "vjp", "--law", "linear")


def start(file, *rules, options=()):
    """A check of some troublesome rules, that writes its records to a file."""
    chosen = [word for rule in rules for word in ("--rule", f"trouble.{rule}")]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "check", "--quick", "--load", "troublesome", "--backend",
         "numpy", *LAWS, "--json", str(file), *chosen, *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )  # fmt: skip


def outcomes(file):
    """The set of statuses of each rule and law, and all messages of each rule."""
    statuses, messages = {}, {}
    for record in json.loads(file.read_text()):
        rule = record["rule"].removeprefix("trouble.")
        statuses.setdefault((rule, record["law"]), set()).add(record["status"])
        messages.setdefault(rule, []).append(record["message"])
    return statuses, messages


@pytest.mark.parametrize(
    ("rule", "words"),
    [("exits", "status 7"), ("aborts", "status -6"), ("interrupts", "KeyboardInterrupt")],
)
def test_a_law_that_ends_the_process_is_reported_and_all_others_go_on(tmp_path, rule, words):
    file = tmp_path / "records.json"
    process = start(file, rule, "good")
    out, _ = process.communicate()
    assert process.returncode == 1
    statuses, messages = outcomes(file)
    assert statuses[rule, "jvp"] == {"pass"}
    assert statuses[rule, "vjp"] == statuses[rule, "linear"] == {"fail"}
    assert all(statuses["good", law] == {"pass"} for law in ("jvp", "vjp", "linear"))
    assert any(words in message for message in messages[rule])
    assert words in out


@pytest.mark.parametrize("rule", ["spins", "sleeps"])
def test_a_law_that_hangs_is_ended_and_all_others_go_on(tmp_path, rule):
    file = tmp_path / "records.json"
    process = start(file, rule, "good", options=("--budget", "4"))
    out, _ = process.communicate()
    assert process.returncode == 1
    statuses, _ = outcomes(file)
    assert statuses[rule, "jvp"] == {"pass"}
    assert statuses[rule, "vjp"] == statuses[rule, "linear"] == {"timeout"}
    assert all(statuses["good", law] == {"pass"} for law in ("jvp", "vjp", "linear"))
    assert f"trouble.{rule} on numpy, law vjp: ended after 6 s" in out


def test_a_rule_that_ends_process_after_process_is_given_up(tmp_path):
    file = tmp_path / "records.json"
    process = start(file, "exits", "good", options=("--law", "adjoint", "--law", "pure"))
    process.communicate()
    statuses, messages = outcomes(file)
    assert [law for (rule, law), s in statuses.items() if rule == "exits" and s == {"fail"}] == [
        "vjp", "linear", "adjoint"
    ]  # fmt: skip
    assert statuses["exits", "pure"] == {"skip"}
    assert "the rule has ended 3 processes before" in messages["exits"]
    assert statuses["good", "pure"] == {"pass"}


def test_ctrl_c_prints_what_is_known_and_writes_it_down(tmp_path, monkeypatch):
    file, sign = tmp_path / "records.json", tmp_path / "spinning"
    monkeypatch.setenv("GRADRULES_SPINNING", str(sign))
    process = start(file, "spins", "sleeps", "good")  # two at a time
    while not sign.exists():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == 130
    statuses, _ = outcomes(file)
    assert statuses["spins", "jvp"] == {"pass"}
    assert ("spins", "linear") not in statuses
    assert statuses["good", "all"] == {"skip"}
    assert "INTERRUPTED" in out
