"""The property-test kit: prove a rule, on every backend, against the truth.

>>> import gradrules as gr
>>> report = gr.testing.check(gr.det, backends=["numpy"], laws=["vjp"])
>>> report.passed
True
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
