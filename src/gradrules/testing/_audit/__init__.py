"""The audit: what the frameworks' own derivatives get wrong, and ours, measured by scripts.

Each question (`_questions`) about an input (`_situations`) becomes a script in each framework
(`_script`), once with the framework's own function in it and once with ours. A process for each
framework (`_processes`) runs them, and what they print is judged here against the truth.

===============  ====================================
``_audit``       from questions to findings
``_questions``   numbers whose truth is known
``_situations``  inputs at which derivatives go wrong
``_existence``   whether there is a derivative
``_script``      a question as a script
``_processes``   a process for each framework
``_runner``      scripts, run in it one after another
===============  ====================================
"""

from ._audit import VERDICTS, WRONG, Audit, Finding, Verdict, audit, backends, rules

__all__ = ["VERDICTS", "WRONG", "Audit", "Finding", "Verdict", "audit", "backends", "rules"]
