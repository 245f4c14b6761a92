"""A question as a script: the input, the call, the framework's derivative, beside the truth.

What is measured is what the script prints, so whoever runs it sees what the audit saw. Each adapter
says how its framework spells a script, in a template ``audit.py.jinja`` of its package; a framework
without one is not audited.
"""

import inspect
import math
from functools import cache
from importlib.util import find_spec
from typing import Any

import jinja2
import numpy as np

from gradrules import Rule, registry
from gradrules._override import resolve
from gradrules.adapters import _entry_points

from .._backends import natives_of
from ._questions import NESTINGS, Question

TEMPLATE = "audit.py.jinja"
# A question of second order is one mode around another, from the inside out.
_CALL = {"r": "down({}, {})", "f": "up({}, {})"}


@cache
def template(backend: str) -> jinja2.Template | None:
    """How a framework spells a script; `None` if its adapter does not say."""
    # Found without importing the adapter, which imports its framework.
    package = _entry_points()[backend].module.partition(".")[0]
    found = find_spec(package)
    loader = jinja2.FileSystemLoader((found and found.submodule_search_locations) or [])
    environment = jinja2.Environment(
        loader=loader, trim_blocks=True, lstrip_blocks=True, autoescape=False,
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True,
    )  # fmt: skip
    try:
        return environment.get_template(TEMPLATE)
    except jinja2.TemplateNotFound:
        return None


_SQUARES = """\
def invariants(outputs, xp):
    y = outputs{}
    return y * y
"""


def native(backend: str, rule: str) -> str | None:
    """Where the framework has its own function for a rule: a dotted path."""
    paths = [path for native in natives_of(backend, rule) for path in native.paths.split()]
    return next((path for path in paths if resolve(path) is not None), None)


def script(backend: str, question: Question, *, function: str, ours: bool) -> str:
    """The script, with `function` in it: the framework's own, or ours."""
    spelled = template(backend)
    assert spelled is not None
    rule = registry[question.rule]
    several = len(rule.outputs) > 1
    nesting = NESTINGS.get(question.mode, "")
    expression = "loss"
    for mode, along in zip(nesting, "de", strict=False):
        expression = _CALL[mode].format(expression, along)
    probe = question.probe
    pick = f"[{probe.output}]" if several else ""
    if probe.squares:
        invariants = _SQUARES.format(pick)
    else:
        invariants = "" if probe.spectral else _invariants(rule, several=several)
    return spelled.render(
        title=f"{function}: {question.case}",
        ours=ours,
        function=function,
        names=list(rule.inputs),
        hermitian=[n for n in rule.inputs if rule.declaration.structure.get(n) == "hermitian"],
        inputs=[_array(p) for p in question.situation.primals],
        directions=[[_array(v) for v in d] for d in question.directions],
        weight=_array(question.weight),
        imaginary=probe.imaginary,
        pick="" if probe.squares else pick,
        spectral=probe.spectral,
        invariants=invariants,
        mode=question.mode,
        nesting=nesting,
        expression=expression,
        numbers=_numbers(question),
        truth="there is none" if question.truth.value is None else repr(question.truth.value),
    )


def _array(value: Any) -> dict[str, Any]:
    value = np.asarray(value)
    return {
        "text": repr(value.tolist()),
        "shape": value.shape,
        "empty": value.size == 0,
        "dtype": value.dtype.name,
    }


def _numbers(question: Question) -> list[str]:
    """Names that the input's numbers need."""
    parts = [p.view(float).ravel() for p in map(np.ascontiguousarray, question.situation.primals)]
    numbers = [float(x) for part in parts for x in part]
    return [
        *(["inf"] if any(map(math.isinf, numbers)) else []),
        *(["nan"] if any(map(math.isnan, numbers)) else []),
    ]


def _invariants(rule: Rule, *, several: bool) -> str:
    """The source of what does not depend on the gauge."""
    gauge = rule.declaration.gauge
    if gauge is None or not several:
        return ""
    source = inspect.getsource(gauge.invariants)
    name = gauge.invariants.__name__
    return source.replace(f"def {name}(", "def invariants(", 1).replace(
        "(outputs: Arrays, xp: Namespace) -> Arrays", "(outputs, xp)"
    )
