"""The laws of `solve`, tried on what solves by action: the kit draws the matrices."""

import math

import pytest

import gradrules as gr
from gradrules.testing import _backends

# Not ``batch``: a stack of matrices is one system here, solved to the accuracy of its largest part.
LAWS = ("primal", "jvp", "vjp", "adjoint", "linear", "order2", "dtype", "pure")


def dense(name):
    """`solve` in one framework, by a rule of a function."""
    xp = gr.adapters.load(name).xp

    def spread(a, b):
        batch = tuple(a.shape)[:-2]
        if len(b.shape) > 2 and len(b.shape) >= len(a.shape):
            batch = tuple(b.shape)[:-2]
        return xp.broadcast_to(b, (*batch, *tuple(b.shape)[-2:]))

    def by_action(a, b):
        return gr.solve_action(lambda x: a @ x, b)

    def by_newton(a, b):
        return gr.root(lambda x: a @ x - b, xp.zeros_like(b))

    def solver(rule):
        def solve(a, b):
            if len(b.shape) == 1:
                return rule(a, spread(a, b[:, None]))[..., 0]
            return rule(a, spread(a, b))

        return solve

    return [solver(by_action), solver(by_newton)]


@pytest.mark.parametrize("rule", [0, 1], ids=["solve_action", "root"])
@pytest.mark.parametrize("framework", ["autograd", "torch"])
def test_solving_by_action_obeys_the_laws_of_solve(framework, rule):
    if framework not in _backends.installed():
        pytest.skip(f"{framework} is not installed")
    report = gr.testing.check_native(
        dense(framework)[rule], framework=framework, like="solve", laws=LAWS
    )
    assert report.counts()["pass"] > 30
    for record in report.failures():  # an iteration may give up on a hard input, by NaN
        assert record.case.startswith("edge: rows scaled apart"), str(report)
        assert math.isnan(record.error), str(report)
