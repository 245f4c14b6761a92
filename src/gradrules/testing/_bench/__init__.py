"""How fast the rules are beside the frameworks' own functions: ``gradrules bench``."""

from ._bench import PARTS, Measured, Sizes, against, bench, frameworks, rules

__all__ = ["PARTS", "Measured", "Sizes", "against", "bench", "frameworks", "rules"]
