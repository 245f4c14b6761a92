"""Internal rules that declare hard inputs of their own stand every law, like any other."""

import numpy as np
import pytest

import gradrules as gr


@pytest.mark.parametrize(
    "name",
    [
        "_gap_quotient",
        "_cofactor_derivative",
        "_skew_sylvester",
        "_pfaffian_cofactor_derivative",
        "_kinked",
        "_modulus_power",
        "_signed_power",
        "_over",
        "_singular_projectors",
        "_gram_solve",
    ],
)
def test_laws(name):
    pytest.importorskip("autograd")
    rule = gr.adapters.lookup(name)
    assert rule.declaration.edges
    report = gr.testing.check(rule, backends=["autograd"])
    assert report.passed, str(report)


def test_the_third_derivative_of_an_empty_determinant():
    empty = np.zeros((0, 0))
    derivative_of = gr.adapters.lookup("_cofactor_derivative")
    assert derivative_of.jvp([empty, empty], [empty, empty])[1].shape == (0, 0)
