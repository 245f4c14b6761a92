"""The property-test kit: prove a rule, on every backend, against the truth.

>>> import gradrules as gr
>>> report = gr.testing.check(gr.det, backends=["numpy"], laws=["vjp"])
>>> report.passed
True

.. Where things are

   =================  ==================================================
   ``_check``         checks in this process: `check`, `assert_rule`
   ``_session``       checks of many rules, in processes that may crash
   ``_worker``        one backend in such a process
   ``_run``           from rules, backends and laws to records
   ``_laws``          what must hold of any rule
   ``_truth``         values and derivatives at 140 digits
   ``_oracles``       the primals at 140 digits
   ``_tolerance``     how far a number may be from the truth
   ``_cases``         inputs: what every rule is tried on
   ``_matrices``      matrices by construction
   ``_bank``          classical matrices, and inputs of published bugs
   ``strategies``     the same for Hypothesis
   ``_shrink``        the smallest input at which a law fails
   ``_show``          arrays in a report
   ``_backends``      plain array libraries, and frameworks
   ``_native``        a framework's own function as something to try
   ``_cells``         rules, backends and laws as parameters of a test
   ``_cache``         what stays from check to check
   ``_contract``      the transform matrix
   ``_mutation``      faults in derivatives, and whether laws catch them
   ``_faults``        the kinds of fault
   ``_mutation_run``  all faults of all rules, in processes
   ``_audit``         what frameworks' own derivatives get wrong
   ``_bench``         how fast the rules are
   =================  ==================================================
"""

from ._backends import Backend, NotOffered
from ._backends import installed as backends
from ._backends import load as load_backend
from ._cases import Case
from ._cells import Cell, rules
from ._check import LawError, Report, assert_rule, check, check_native
from ._contract import Problem, Row
from ._laws import ACROSS, LAWS, Inapplicable, Measure, Trial
from ._run import Record
from ._truth import oracle

__all__ = [
    "ACROSS",
    "LAWS",
    "Backend",
    "Case",
    "Cell",
    "Inapplicable",
    "LawError",
    "Measure",
    "NotOffered",
    "Problem",
    "Record",
    "Report",
    "Row",
    "Trial",
    "assert_rule",
    "backends",
    "check",
    "check_native",
    "load_backend",
    "oracle",
    "rules",
]
