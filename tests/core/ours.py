"""The rules of the library itself: tests register others beside them, in whatever order they run.

Rules of a function are not among them: they have tests of their own, in tests/actions.
"""

import gradrules as gr

RULES = {
    name: rule
    for name, rule in gr.registry.items()
    if rule.__module__.startswith("gradrules.") and not rule.signature.function
}


# Rules of square matrices.
SQUARE = [
    RULES[name]
    for name in sorted(RULES)
    if {*RULES[name].signature.inputs} <= {("n", "n"), ("n", "k?")}
    # Of any matrix, and real where that is.
    and {*RULES[name].declaration.structure.values()} <= {"hermitian"}
    and "simple eigenvalues" not in RULES[name].declaration.needs.values()
]
# One for each shape that a rule can have, of those that compile in little time: one input and output, two
# inputs, two outputs, outputs that are not unique; those that keep arrays, and slogdet, which does not. What
# an adapter does is tested with these; what a rule computes, with all of them.
REPRESENTATIVES = {name: RULES[name] for name in ("det", "solve", "slogdet", "eigh")}


def each(*columns):
    """``(name, *column)`` of every representative and every column, which ends in a dtype that it has."""
    return [
        (name, *column)
        for name, rule in REPRESENTATIVES.items()
        for column in columns
        if column[-1] in rule.declaration.dtypes
    ]
