"""What is put in place and taken back, whatever happens; autograd is the lightest framework."""

import asyncio
import re
import subprocess
import sys
import threading
import types
import warnings
from pathlib import Path

import numpy as np
import overriding
import pytest
from overriding import function

import gradrules as gr
from gradrules import _override
from gradrules._layout import Arrangement

autograd = pytest.importorskip("autograd")
import autograd.numpy as anp  # noqa: E402

DET, INV = "autograd.numpy.linalg.det", "autograd.numpy.linalg.inv"
SINGULAR = np.asarray([[1.0, 2.0], [2.0, 4.0]])
COFACTORS = np.asarray([[4.0, -2.0], [-2.0, 1.0]])


@pytest.fixture(autouse=True)
def _native_before_and_after():
    before = function(DET), function(INV)
    yield
    assert (function(DET), function(INV)) == before
    assert not _override._PATCHES


def ours():
    """Whether the determinant has our derivative here: the native one fails."""
    try:
        found = autograd.grad(lambda a: anp.linalg.det(a))(SINGULAR)
    except np.linalg.LinAlgError:
        return False
    np.testing.assert_allclose(found, COFACTORS, rtol=1e-14)
    return True


def test_errors_say_what_there_is():
    with pytest.raises(gr.errors.AdapterError, match=r"no adapter 'nothing'; installed: .*jax"):
        gr.override("nothing")
    with pytest.raises(
        gr.errors.OptionError, match=r"'autograd' has no function for 'dett'.*det, "
    ):
        gr.override("autograd", "dett")
    with pytest.raises(gr.errors.OptionError, match=r"no function for 'dett'"):
        gr.register("autograd", "det", "dett")


def test_an_adapter_without_a_table_is_refused_by_name(monkeypatch):
    class Bare(type(gr.adapters.load("autograd"))):
        name = "bare"
        natives = ()

    monkeypatch.setitem(gr.adapters._LOADED, "bare", Bare())
    with pytest.raises(gr.errors.AdapterError, match=r"'bare' has no table.*gradrules\.det"):
        gr.override("bare")


def test_an_adapter_from_outside_offers_a_table(monkeypatch):
    calls = []

    def determinant(matrix):
        calls.append(type(matrix))
        return anp.linalg.det(matrix)

    toolbox = types.ModuleType("toolbox")
    toolbox.determinant = determinant

    class Outside(type(gr.adapters.load("autograd"))):
        natives = (
            gr.adapters.Native("det", "toolbox.determinant toolbox.gone", parameters="matrix"),
        )

    monkeypatch.setitem(sys.modules, "toolbox", toolbox)
    outside = Outside()
    monkeypatch.setitem(gr.adapters._LOADED, "autograd", outside)
    monkeypatch.setitem(gr._dispatch._BACKENDS, autograd.numpy.numpy_boxes.ArrayBox, outside)
    with gr.override("autograd"):
        found = autograd.grad(lambda a: toolbox.determinant(matrix=a))(SINGULAR)
    np.testing.assert_allclose(found, COFACTORS, rtol=1e-14)
    assert toolbox.determinant is determinant
    assert calls == [np.ndarray]


def test_chosen_functions_alone():
    native = function(INV)
    with gr.override("autograd", "det"):
        assert ours()
        assert function(INV) is native
    with gr.override("autograd", "inv"):
        assert not ours()


def test_an_exception_passes_and_everything_is_restored():
    def failing():
        with gr.override("autograd"):
            return 1 / (not ours())

    with pytest.raises(ZeroDivisionError):
        failing()
    assert not ours()


def test_overrides_nest_and_compose():
    native = function(INV)
    with gr.override("autograd", "det"):
        with gr.override("autograd", "inv", "det"):
            assert ours()
            assert function(INV) is not native
        assert ours()
        assert function(INV) is native
    assert not ours()


def test_an_override_is_entered_again_and_left_in_any_order():
    one, other = gr.override("autograd", "det"), gr.override("autograd", "det", "inv")
    with one, one:
        assert ours()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert ours()
    other.__exit__(None, None, None)
    assert not ours()


def test_as_a_decorator():
    @gr.override("autograd")
    def decorated(again):
        return ours() and (decorated(False) if again else True)

    assert decorated(True)
    assert decorated.__name__ == "decorated"
    assert not ours()


def test_as_a_decorator_of_coroutines_and_never_of_generators():
    @gr.override("autograd")
    async def decorated():
        await asyncio.sleep(0)
        return ours()

    assert asyncio.run(decorated())

    def generator():
        yield

    with pytest.raises(TypeError, match=r"'generator' is a generator function.*with override"):
        gr.override("autograd")(generator)


def test_tasks_have_their_own():
    async def within(turn):
        with gr.override("autograd"):
            turn.set()
            await asyncio.sleep(0.01)
            return ours(), asyncio.create_task(later())

    async def without(turn):
        await turn.wait()
        return ours()

    async def later():
        await asyncio.sleep(0.01)
        with gr.override("autograd", "inv"):  # the task inherited a scope that is over
            return ours()

    async def main():
        turn = asyncio.Event()
        (first, task), second = await asyncio.gather(within(turn), without(turn))
        return first, second, await task

    assert asyncio.run(main()) == (True, False, False)


def test_threads_have_their_own_and_the_last_one_restores():
    steps = {name: threading.Event() for name in ("entered", "left", "checked")}
    found = {}

    def other():
        with gr.override("autograd"):
            found["within"] = ours()
            steps["entered"].set()
            steps["left"].wait(10)
            found["alone"] = ours()
        found["after"] = ours()

    thread = threading.Thread(target=other)
    with gr.override("autograd", "det"):
        thread.start()
        steps["entered"].wait(10)
    found["main"] = ours()
    steps["left"].set()
    thread.join()
    assert found == {"within": True, "alone": True, "after": False, "main": False}


def test_many_threads_at_once():
    wrong = []

    def work(inside):
        for _ in range(50):
            if inside:
                with gr.override("autograd", "det"):
                    wrong.append(not ours())
            else:
                wrong.append(ours())

    threads = [threading.Thread(target=work, args=(i % 2 == 0,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) == 300
    assert not any(wrong)


def test_a_name_taken_within_is_native_afterwards():
    with gr.override("autograd"):
        taken = anp.linalg.det
        np.testing.assert_allclose(autograd.grad(taken)(SINGULAR), COFACTORS, rtol=1e-14)
    with pytest.raises(np.linalg.LinAlgError):
        autograd.grad(taken)(SINGULAR)


def test_what_somebody_else_puts_there_meanwhile_stays(monkeypatch):
    def somebody(a):
        return a

    native = anp.linalg.det
    try:
        with gr.override("autograd", "det"):
            anp.linalg.det = somebody
        assert anp.linalg.det is somebody
    finally:
        anp.linalg.det = native


def test_names_imported_before_are_warned_of_once(monkeypatch):
    module = types.ModuleType("early_bird")
    module.my_inverse = anp.linalg.inv
    monkeypatch.setitem(sys.modules, "early_bird", module)
    monkeypatch.setattr(_override, "_SCANNED", {})
    with (
        pytest.warns(
            gr.errors.OverrideWarning, match=rf"early_bird\.my_inverse is {INV}"
        ) as caught,
        gr.override("autograd"),
    ):
        pass
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with gr.override("autograd"):
            pass
        monkeypatch.setattr(_override, "_SCANNED", {})
        with pytest.raises(gr.errors.OverrideWarning), gr.override("autograd"):
            pass
    assert not ours()


def test_a_variant_is_made_once_and_is_not_registered():
    native = next(n for n in gr.adapters.load("autograd").natives if n.rule == "solve")

    def variant(*static):
        return _override._variant(native, np.linalg.solve, static, Arrangement(), ())

    first = variant()
    assert variant() is first
    assert variant(("check_finite", True)) is not first
    rule = first.rule
    assert rule is not gr.solve
    assert gr.registry["solve"] is gr.solve
    assert not rule.portable
    assert gr.solve.portable
    assert rule.defines("vjp")
    assert not rule.defines("keep")
    assert not rule.defines("fast_vjp")


DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "override.md"


@pytest.mark.parametrize("framework", ["torch", "jax", "tensorflow", "autograd"])
def test_the_documentation_names_every_function_in_its_row(framework):
    pytest.importorskip(framework)
    rows = [line.split("|") for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    column = 2 + ["torch", "jax", "tensorflow", "autograd"].index(framework)
    documented = {
        (row[1].strip(" `"), path.strip(" `"))
        for row in rows
        if row[1].strip(" `") in gr.registry
        for path in row[column].split("<br>")
        if path.strip()
    }
    table = {(native.rule, path) for native, path in overriding.aliases(framework)}
    compat = {(r, p) for r, p in table if ".compat." in p and ".linalg." in p}
    assert documented == table - compat


EXAMPLES = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_documentation_run(example):
    for framework in re.findall(r"^import (torch|tensorflow)\b", example, re.MULTILINE):
        pytest.importorskip(framework)
    subprocess.run([sys.executable, "-c", example], check=True)


@pytest.mark.parametrize("framework", gr.adapters.available())
def test_every_name_in_every_table_exists(framework):
    pytest.importorskip(framework)
    for native, path in overriding.aliases(framework):
        assert native.rule in gr.registry
        assert callable(function(path)), path
        assert len(native.parameters.split()) >= len(gr.registry[native.rule].inputs)
