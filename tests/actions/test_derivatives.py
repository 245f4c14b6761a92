"""Rules of a user's function: values, both modes, all second orders, vmap, on every framework."""

import os

import by_action as problems
import numpy as np
import pytest

import gradrules as gr
from gradrules.testing import _backends

FRAMEWORKS = [name for name in _backends.installed() if name not in _backends.PLAIN]
CASES = [
    pytest.param(p, dtype, captured, id=f"{p}-{dtype}-{'captured' if captured else 'tree'}")
    for p in problems.PROBLEMS
    for dtype, captured in (("float64", False), ("complex128", True))
]
pytestmark = pytest.mark.usefixtures("x64")
# What these frameworks trace and compile takes a minute each: a loop within a loop is tried here, the rest by
# ``nox -s everything``.
COMPILING = {"jax", "tensorflow"}
EVERYTHING = bool(os.environ.get("GRADRULES_EVERYTHING"))


def tried(*columns):
    """All columns on every framework; on those that compile the first of them."""
    return [
        pytest.param(framework, *column.values, id=f"{framework}-{column.id}")
        for framework in FRAMEWORKS
        for number, column in enumerate(columns)
        if EVERYTHING or framework not in COMPILING or number == 0
    ]


class Driver:
    """A loss of one array in one framework."""

    def __init__(self, framework, problem, dtype, captured):
        adapter = gr.adapters.load(framework)
        self.xp, self.transforms = adapter.xp, adapter.transforms
        self.f = problems.loss(problem, self.xp, captured)
        self.point, self.d, self.e = map(self.transforms.array, problems.theta(problem, dtype))

    def pair(self, a, b):
        product = a * (self.xp.conj(b) if "complex" in str(b.dtype) else b)
        return self.xp.sum(self.xp.real(product) if "complex" in str(b.dtype) else product)

    def down(self, f, along):
        """The derivative along a direction, by reverse mode."""

        def g(t):
            y = f(t)
            one = self.xp.ones_like(y)
            return self.pair(self.transforms.vjp(lambda t: (f(t),), (t,), (one,))[0], along)

        return g

    def up(self, f, along):
        """The same, by forward mode."""
        return lambda t: self.transforms.jvp(lambda t: (f(t),), (t,), (along,))[0]

    def run(self, *functions):
        """The values of all functions, at the point."""
        found = self.whole(lambda t: tuple(f(t) for f in functions))(self.point)
        return [float(self.transforms.numpy(y)) for y in found]

    def whole(self, g):
        """`g`, compiled as one where eager calls would be compiled one by one."""
        return self.transforms.compile(g) if "jax" in self.xp.__name__ else g


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(("problem", "dtype", "captured"), CASES)
def test_value_and_first_derivatives(framework, problem, dtype, captured):
    run = Driver(framework, problem, dtype, captured)
    found = run.run(run.f, run.down(run.f, run.d), run.up(run.f, run.e))
    np.testing.assert_allclose(found, problems.truth(problem, dtype)[:3], rtol=1e-9)


@pytest.mark.parametrize(("framework", "problem", "dtype", "captured"), tried(*CASES))
def test_second_derivatives(framework, problem, dtype, captured):
    run = Driver(framework, problem, dtype, captured)
    found = run.run(
        run.down(run.down(run.f, run.d), run.e),
        run.up(run.down(run.f, run.d), run.e),
        run.down(run.up(run.f, run.d), run.e),
        run.up(run.up(run.f, run.d), run.e),
    )
    np.testing.assert_allclose(found, [problems.truth(problem, dtype)[3]] * 4, rtol=1e-8)


@pytest.mark.parametrize(
    ("framework", "problem"),
    # TensorFlow takes a minute to vectorize a loop within a loop.
    [
        p
        for p in tried(*(pytest.param(p, id=p) for p in problems.PROBLEMS))
        if EVERYTHING or p.values[0] != "tensorflow"
    ],
)
def test_vmap(framework, problem):
    run = Driver(framework, problem, "float64", captured=True)
    if "vmap" in run.transforms.missing:
        pytest.skip(run.transforms.missing["vmap"])
    gradient = run.down(run.f, run.d)
    both = lambda t: (run.f(t), gradient(t))  # noqa: E731
    points = run.xp.stack([run.point, run.point + 0.01 * run.e])
    mapped = run.whole(run.transforms.vmap(both))(points)
    alone = map(run.whole(both), (points[0], points[1]))
    found, expected = (np.asarray([[run.transforms.numpy(y) for y in ys] for ys in group])
                       for group in ([mapped], alone))  # fmt: skip
    np.testing.assert_allclose(found[0].T, expected, rtol=1e-9)
