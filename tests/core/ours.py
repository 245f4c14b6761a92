"""The rules of the library itself: tests register others beside them, in whatever order they run.

Rules of a function are not among them: they have tests of their own, in tests/actions.
"""

import gradrules as gr

RULES = {
    name: rule
    for name, rule in gr.registry.items()
    if rule.__module__.startswith("gradrules.") and not rule.signature.function
}


def _shape(rule):
    """What an adapter can see of a rule."""
    return (
        rule.signature.inputs,
        len(rule.outputs),
        rule.nondifferentiable,
        rule.declaration.gauge is None,
    )


# One rule for each shape that a rule can have, among those of square matrices, one that keeps arrays if
# there is one. What an adapter does is tested with these; what a rule computes, with all of them.
SQUARE = [
    RULES[name]
    for name in sorted(RULES, key=lambda name: (not RULES[name].defines("keep"), name))
    if {*RULES[name].signature.inputs} <= {("n", "n"), ("n", "k?")}
    # Of any matrix, and real where that is.
    and {*RULES[name].declaration.structure.values()} <= {"hermitian"}
    and "simple eigenvalues" not in RULES[name].declaration.needs.values()
]
REPRESENTATIVES = {rule.name: rule for rule in {_shape(r): r for r in reversed(SQUARE)}.values()}


def each(*columns):
    """``(name, *column)`` of every representative and every column, which ends in a dtype that it has."""
    return [
        (name, *column)
        for name, rule in REPRESENTATIVES.items()
        for column in columns
        if column[-1] in rule.declaration.dtypes
    ]
