"""How fast the rules are beside the frameworks' own functions: ``gradrules bench``.

==============  ===============================================
``_bench``      the run, a process for each framework
``_worker``     that process
``_clock``      ratios of times, on a machine that is not quiet
``_questions``  what is measured of a rule
==============  ===============================================
"""

from ._bench import PARTS, Measured, Sizes, against, bench, frameworks, rules

__all__ = ["PARTS", "Measured", "Sizes", "against", "bench", "frameworks", "rules"]
