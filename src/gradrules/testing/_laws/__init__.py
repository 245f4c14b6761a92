"""The laws: what must hold of any rule, on any backend, at any input.

Each law is a function of one trial (a rule, a backend, an input) and returns what it measured. A law
that does not concern an input returns nothing. Every comparison is with the truth (`_truth`), and
every tolerance comes from `_tolerance`.

===================  =======================================================
``first_order``      values, both modes, and that one is the other's adjoint
``second_order``     the four nestings of two derivatives
``third_order``      three derivatives
``transformations``  batches, `vmap`, compilers
``form``             dtypes, kept arrays, inputs left alone
``edges``            what is promised of hard inputs
``symmetry``         gauge, structure and scale
``trial``            the trial: a rule, a backend, an input
===================  =======================================================
"""

from collections.abc import Callable

import numpy as np

from gradrules import host

from .edges import edge
from .first_order import adjoint, jvp, linear, primal, vjp
from .form import dtype, kept, pure
from .second_order import order2
from .symmetry import gauge, scale, structure
from .third_order import order3
from .transformations import batch, compile, vmap  # noqa: A004 (the name of the law)
from .trial import Inapplicable, Measure, Trial, worst

__all__ = ["ACROSS", "LAWS", "Inapplicable", "Measure", "Trial", "carry_out", "worst"]

LAWS: dict[str, Callable[[Trial], list[Measure]]] = {
    "primal": primal,
    "jvp": jvp,
    "vjp": vjp,
    "adjoint": adjoint,
    "linear": linear,
    "order2": order2,
    "order3": order3,
    "batch": batch,
    "vmap": vmap,
    "compile": compile,
    "dtype": dtype,
    "edge": edge,
    "pure": pure,
    "kept": kept,
    "gauge": gauge,
    "structure": structure,
    "scale": scale,
}
# Tried by comparing the results of all backends, after they have run.
ACROSS = "agree"


def carry_out(law: str, trial: Trial) -> list[Measure]:
    """What a law measures in a trial.

    The framework itself is tried. Some laws take the way of users' calls, which may be NumPy's, as
    well or instead.
    """
    with np.errstate(all="ignore"), trial.backend.precise():
        if law in ("dtype", "pure"):
            return LAWS[law](trial)
        with host.disabled() as by_numpy:
            measures = LAWS[law](trial)
        return measures + LAWS[law](trial) if law in ("jvp", "vjp") and by_numpy() else measures
