"""The audit: what the frameworks' own derivatives get wrong, and ours, measured by scripts.

Each question (`_questions`) about an input (`_situations`) becomes a script in each framework
(`_script`), once with the framework's own function in it and once with ours. A process for each
framework (`_processes`) runs them, and what they print is judged here against the truth.
"""

from ._audit import VERDICTS, WRONG, Audit, Finding, Verdict, audit, backends, rules

__all__ = ["VERDICTS", "WRONG", "Audit", "Finding", "Verdict", "audit", "backends", "rules"]
