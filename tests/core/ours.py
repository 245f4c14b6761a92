"""The rules of the library itself: tests register others beside them, in whatever order they run.

Rules of a function are not among them: they have tests of their own, in tests/actions.
"""

import gradrules as gr

RULES = {
    name: rule
    for name, rule in gr.registry.items()
    if rule.__module__.startswith("gradrules.") and not rule.signature.function
}


def each(*columns):
    """``(name, *column)`` of every rule and every column, which ends in a dtype that the rule has."""
    return [
        (name, *column)
        for name, rule in RULES.items()
        for column in columns
        if column[-1] in rule.declaration.dtypes
    ]
