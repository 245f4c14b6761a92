"""Matrix-derivative rules, written once over the array API, for every framework.

>>> import numpy as np
>>> import gradrules as gr
>>> y, pullback = gr.det.vjp(np.asarray([[1.0, 2.0], [2.0, 4.0]]))
>>> pullback(np.asarray(1.0))[0]
array([[ 4., -2.],
       [-2.,  1.]])

====================  ==================================================================================
``rules``             all the mathematics, a file for each rule
``_rule``             what a rule is, declares and checks; the decorator
``_function_rule``    rules whose first argument is a user's function
``_functions``        that function, as rules see it
``_signature``        shapes: what fits, what is broadcast
``_layout``           core axes elsewhere: `axis` and `keepdims`
``_registry``         rules by name
``_dispatch``         from arrays to the adapter that serves them
``adapters``          what an adapter is, and how it is found
``natives``           calls of NumPy's and SciPy's functions as options of rules, for tables of adapters
``hooks``             native routines outside the array API
``host``              small arrays of a framework, computed by NumPy
``_override``         frameworks' own functions, with our derivatives
``_scope``            where overrides hold
``_dtypes``           names and kinds of dtypes
``_typing``           type names
``errors``            the errors that are raised
``testing``           the kit that proves rules
``cli``               the command line
``_report``           rules and checks on a terminal
``_audit_report``     audits on a terminal
``_bench_report``     measurements on a terminal
``_mutation_report``  mutation runs on a terminal
``_pages``            checks and audits as pages
====================  ==================================================================================
"""

from typing import TYPE_CHECKING, Any

from . import adapters, errors, hooks, host, rules
from ._function_rule import FunctionRule
from ._functions import FlatFunction, Function, function, lifted
from ._override import override, register
from ._registry import registry
from ._rule import Declaration, Edge, Gauge, Rule, rule
from .adapters import Adapter, Transforms
from .rules import *

if TYPE_CHECKING:
    from . import testing

__version__ = "0.1.0"

__all__ = [
    *rules.__all__,
    "Adapter",
    "Declaration",
    "Edge",
    "FlatFunction",
    "Function",
    "FunctionRule",
    "Gauge",
    "Rule",
    "Transforms",
    "adapters",
    "errors",
    "function",
    "hooks",
    "host",
    "lifted",
    "override",
    "register",
    "registry",
    "rule",
    "testing",
]


def __getattr__(name: str) -> Any:
    # The test kit is loaded when it is first used: importing gradrules stays cheap.
    if name == "testing":
        import importlib  # noqa: PLC0415

        return importlib.import_module(".testing", __name__)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
