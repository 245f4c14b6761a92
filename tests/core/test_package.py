"""The package as a whole: what an import does, what is public, what every rule declares."""

import ast
import importlib.metadata
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import gradrules as gr
from gradrules.rules.products._compositions import COMPOSITIONS
from gradrules.testing import strategies


def test_import_loads_no_framework():
    program = "import gradrules, sys; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in out.stdout.split()}
    heavy = {
        "jax",
        "torch",
        "tensorflow",
        "autograd",
        "scipy",
        "mpmath",
        "rich",
        "typer",
        "hypothesis",
    }
    assert not loaded & heavy


def test_everything_public_exists_and_is_documented():
    for name in gr.__all__:
        thing = getattr(gr, name)
        if name != "registry":
            assert inspect.getdoc(thing), name


def test_registry_is_a_read_only_mapping_of_public_rules():
    assert gr.registry["det"] is gr.det
    assert all(not name.startswith("_") for name in gr.registry)
    assert len(gr.registry) == len(list(gr.registry))
    with pytest.raises(TypeError):
        gr.registry["det"] = gr.inv
    with pytest.raises(KeyError):
        gr.registry["nothing"]


def test_every_function_is_in_the_readme():
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    table = readme[readme.index("## Use it") : readme.index("# PyTorch")]
    named = set(re.findall(r"`(\w+)`", table))
    assert named - {"vmap"} == {*OURS, *(f.__name__ for f in COMPOSITIONS)}


def test_every_function_has_words_by_which_it_is_found():
    words = tomllib.loads((Path(__file__).parents[2] / "docs" / "rules" / "words.toml").read_text())
    assert set(words) == set(OURS)
    assert all(of_one["known"] for of_one in words.values())


def test_every_public_name_is_documented():
    modules = [gr, gr.adapters, gr.errors, gr.hooks, gr.host, gr.testing, strategies]
    functions = [(m, n, getattr(m, n)) for m in modules for n in m.__all__]
    lacking = [
        f"{module.__name__}.{name}"
        for module, name, found in functions
        if (callable(found) or inspect.ismodule(found)) and not inspect.getdoc(found)
    ]
    assert lacking == []


OURS = [name for name, rule in gr.registry.items() if rule.__module__.startswith("gradrules.")]


@pytest.mark.parametrize("name", OURS)
def test_every_rule_declares_what_readers_and_tests_need(name):
    rule = gr.registry[name]
    declared = rule.declaration
    assert declared.sources
    assert declared.cost
    assert declared.edges or rule.signature.function  # hard inputs are arrays
    assert rule.defines("jvp")
    assert rule.defines("vjp")
    assert "Parameters" in (rule.__doc__ or "")


ROOT = Path(__file__).parents[2]
PACKAGES = [
    *sorted(path.parent for path in (ROOT / "src" / "gradrules").rglob("__init__.py")),
    *sorted(path.parent for path in (ROOT / "adapters").rglob("__init__.py")),
]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_package_says_what_is_in_its_files(package):
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
    there = {path.stem for path in package.glob("*.py")} - {"__init__"}
    there |= {path.parent.name for path in package.glob("*/__init__.py")}
    # A rule has a file of its name, and the oracles one for each family of rules.
    by_name = {*OURS, *(path.name for path in PACKAGES if path.parent.name == "rules")}
    listed = set(re.findall(r"^ *`+(\w+)`+  ", said, flags=re.MULTILINE))
    assert listed <= there
    assert there - by_name <= set(re.findall(r"`(\w+)`", said))


def test_version_is_that_of_the_distribution():
    assert importlib.metadata.version("gradrules") == gr.__version__
