"""The laws: what must hold of any rule, on any backend, at any input.

Each law is a function of one trial (a rule, a backend, an input) and returns what it measured. A law
that does not concern an input returns nothing. Every comparison is with the truth (`_truth`), and
every tolerance comes from `_tolerance`.
"""

from collections.abc import Callable

from .edges import edge
from .first_order import adjoint, jvp, linear, primal, vjp
from .form import dtype, kept, pure
from .second_order import order2
from .transformations import batch, compile, vmap  # noqa: A004 (the name of the law)
from .trial import Inapplicable, Measure, Trial

__all__ = ["ACROSS", "LAWS", "Inapplicable", "Measure", "Trial"]

LAWS: dict[str, Callable[[Trial], list[Measure]]] = {
    "primal": primal,
    "jvp": jvp,
    "vjp": vjp,
    "adjoint": adjoint,
    "linear": linear,
    "order2": order2,
    "batch": batch,
    "vmap": vmap,
    "compile": compile,
    "dtype": dtype,
    "edge": edge,
    "pure": pure,
    "kept": kept,
}
# Tried by comparing the results of all backends, after they have run.
ACROSS = "agree"
