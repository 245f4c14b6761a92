"""Bad input: an error before any work, that names the rule and the argument and says what to do."""

import subprocess
import sys

import array_api_strict
import numpy as np
import pytest

import gradrules as gr
from gradrules import errors

GOOD = np.asarray([[2.0, 1.0], [0.5, 3.0]])


def raises(kind, *words):
    """The error, whose message holds all words."""
    return pytest.raises(kind, match="".join(f"(?=.*{word})" for word in words))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.eye(2, dtype=int), ("int64", r"\(2, 2\)", "cast")),
        (np.eye(2, dtype=bool), ("bool", "cast")),
        (np.eye(2).astype(object), ("object",)),
        (np.asarray([["a"]]), ("str",)),
        (np.eye(2, dtype=np.float16), ("float16", "cast")),
        ([[1.0, 2.0], [3.0, 4.0]], ("list", "not an array")),
        (2.0, ("float", "not an array")),
        (None, ("NoneType",)),
        ("matrix", ("str",)),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else "",
)
def test_not_an_array_of_numbers(value, words):
    with raises(errors.ArrayTypeError, "det", "'x'", *words):
        gr.det(value)


@pytest.mark.parametrize("shape", [(2, 3), (3,), (), (4, 3, 2)])
def test_not_square(shape):
    with raises(
        errors.ShapeError, "eigh", "'x'", str(shape).replace("(", r"\(").replace(")", r"\)")
    ):
        gr.eigh(np.ones(shape))


def test_shapes_that_do_not_belong_together():
    with raises(errors.ShapeError, "solve", "'x1'", "'x2'", r"\(5, 2\)"):
        gr.solve(GOOD, np.ones((5, 2)))
    with raises(errors.ShapeError, "batch axes", "'x1'", "'x2'"):
        gr.solve(np.ones((3, 2, 2)), np.ones((4, 2, 1)))


def test_libraries_that_do_not_belong_together():
    with raises(errors.ArrayTypeError, "solve", "array_api_strict", "numpy", "convert"):
        gr.solve(GOOD, array_api_strict.asarray(GOOD))


def test_number_of_arguments():
    with raises(errors.ArrayTypeError, "solve", "2 positional", "1 given"):
        gr.solve(GOOD)


def test_options():
    with raises(errors.OptionError, "eigh", "'uplo'", "lower", "degenerate"):
        gr.eigh(GOOD, uplo="L")
    with raises(errors.OptionError, "eigh", "'degenerate'", "'lorentz'", "project"):
        gr.eigh(GOOD, degenerate="lorentz")
    with raises(errors.OptionError, "eigh", "'lower'", "'L'"):
        gr.eigh(GOOD, lower="L")
    with raises(errors.OptionError, "eigh", "'lower'", "hashed"):
        gr.eigh(GOOD, lower=[True])


def test_tangents_and_cotangents():
    with raises(errors.ArrayTypeError, "solve", "one tangent", "x1, x2", "1 given"):
        gr.solve.jvp([GOOD, GOOD], [GOOD])
    with raises(errors.ShapeError, "det", "tangent of 'x'", r"\(3, 3\)", r"\(2, 2\)"):
        gr.det.jvp([GOOD], [np.ones((3, 3))])
    with raises(errors.ShapeError, "det", "tangent of 'x'", "float32", "float64"):
        gr.det.jvp([GOOD], [GOOD.astype(np.float32)])
    with raises(errors.ArrayTypeError, "det", "tangent of 'x'", "list", "None where it is zero"):
        gr.det.jvp([GOOD], [[[1.0]]])
    pullback = gr.eigh.vjp(GOOD)[1]
    with raises(errors.ArrayTypeError, "eigh", "one cotangent", "eigenvalues, eigenvectors"):
        pullback(GOOD)
    with raises(errors.ShapeError, "eigh", "cotangent of 'eigenvalues'"):
        pullback((np.ones(3), None))


def test_registration():
    with raises(errors.RegistrationError, "'det'", "registered already", "replace=True"):
        gr.rule(name="det")(lambda x: x)
    with raises(errors.RegistrationError, "2 inputs", "'tests.bad'"):
        gr.rule(name="tests.bad", signature="(n),(n)->()")(lambda x: x)
    with raises(errors.RegistrationError, "no '->'"):
        gr.rule(name="tests.bad", signature="(n)")(lambda x: x)
    with raises(errors.RegistrationError, "'y'", "not inputs"):
        gr.rule(name="tests.bad", nondifferentiable=("y",))(lambda x: x)
    rule = gr.rule(name="tests.once", replace=True)(lambda x: x)
    rule.def_vjp(lambda p, y, c: c[0])
    with raises(errors.RegistrationError, "'tests.once'", "vjp already"):
        rule.def_vjp(lambda p, y, c: c[0])
    assert "tests.bad" not in gr.registry


def test_a_derivative_that_returns_the_wrong_number_of_values():
    rule = gr.rule(name="tests.count", replace=True)(lambda x: x)
    rule.def_vjp(lambda p, y, c: (c[0], c[0]))
    with raises(errors.MissingDerivativeError, "vjp", "'tests.count'", "2 values", "1 are needed"):
        rule.vjp(GOOD)[1](GOOD)


def test_numpy_subclasses_that_mean_something_else():
    with raises(errors.ArrayTypeError, "det", "'x'", "MaskedArray", "asarray"):
        gr.det(np.ma.masked_array(GOOD, mask=GOOD > 2))
    with raises(errors.ArrayTypeError, "det", "'x'", "matrix", "asarray"):
        gr.det(np.matrix(GOOD))


def test_a_primal_that_returns_something_else_than_declared():
    two = gr.rule(name="tests.two", signature="()->(),()", outputs=("p", "q"), replace=True)(
        lambda x: x
    )
    with raises(errors.RegistrationError, "'tests.two'", "p, q", "ndarray"):
        two(np.ones(2))
    one = gr.rule(name="tests.one", replace=True)(lambda x: (x, x))
    with raises(errors.RegistrationError, "'tests.one'", "tuple of 2"):
        one(np.ones(2))


def test_a_derivative_of_the_wrong_shape():
    rule = gr.rule(name="tests.shape", signature="(n)->()", replace=True)(lambda x: x.sum(axis=-1))
    rule.def_vjp(lambda p, y, c: c[0])
    rule.def_jvp(lambda p, y, t: [1.0])
    with raises(errors.ShapeError, "vjp", "'tests.shape'", r"\(3,\)"):
        rule.vjp(np.ones(3))[1](np.asarray(1.0))
    with raises(errors.ShapeError, "jvp", "'tests.shape'", "list"):
        rule.jvp([np.ones(3)], [np.ones(3)])


def test_an_option_without_a_default_must_be_given():
    rule = gr.rule(name="tests.needs", replace=True)(lambda x, *, k: x * k)
    with raises(errors.OptionError, "tests.needs", "'k'", "must be given"):
        rule(GOOD)
    assert np.array_equal(rule(GOOD, k=2), 2 * GOOD)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda *xs: xs, (r"\*xs", "named")),
        (lambda x, **kw: x, (r"\*kw", "named")),
        (lambda x, y=1.0: x, ("'y'", "default")),
    ],
)
def test_primals_that_cannot_be_rules(function, words):
    with raises(errors.RegistrationError, *words):
        gr.rule(name="tests.bad")(function)


def test_names_and_fields_that_cannot_be():
    with raises(errors.RegistrationError, "no name"):
        gr.rule(lambda x: x)
    with raises(errors.RegistrationError, "'colour'", "domain"):
        gr.rule(name="tests.bad", colour="red")(lambda x: x)


def test_a_missing_adapter():
    with raises(errors.AdapterError, "no adapter 'mlx'", "torch"):
        gr.adapters.load("mlx")


def test_a_missing_framework_says_how_to_install_it():
    program = (
        "import sys; sys.modules['autograd'] = None\n"
        "import gradrules as gr\n"
        "try:\n    gr.adapters.load('autograd')\n"
        "except gr.errors.AdapterError as error:\n    print(error)"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "pip install 'gradrules[autograd]'" in out.stdout


def test_a_broken_adapter_is_named_and_harms_nobody_else(monkeypatch):
    class Broken:
        name, value = "array_api_strict", "broken_adapter:adapter"

        def load(self):
            msg = "a bug of somebody else"
            raise RuntimeError(msg)

    class Foreign:
        shape, dtype = (2, 2), np.dtype(float)

    points = {"array_api_strict": Broken()}
    monkeypatch.setattr(gr.adapters, "_entry_points", lambda: points)
    monkeypatch.setattr(gr.adapters, "_LOADED", {})
    assert gr.det(GOOD) == pytest.approx(5.5)
    with raises(errors.ArrayTypeError, "det", "'x'", "broken_adapter", "a bug of somebody else"):
        gr.det(Foreign())
