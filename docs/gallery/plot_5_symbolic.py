r"""
Symbolic against automatic
==========================

*Should I differentiate on paper, with SymPy, or let a program do it?* An article does both for a
quadratic form, :math:`f(x) = x^T Q x / 2 + b^T x`: gradient, Jacobian and Hessian, by symbols and by
autograd, on a grid of 400 points, with pictures. One thing did not work: SymPy could not form the
Hessian of the matrix expression.

Here both are done, and the Hessian too. Then the same comparison for a function for which symbols are
hopeless, where a truth at high precision takes their place.

.. tab-set::

    .. tab-item:: autograd
        :sync: autograd

        .. literalinclude:: /gallery/frameworks/quadratic_form_autograd.py

    .. tab-item:: JAX
        :sync: jax

        .. literalinclude:: /gallery/frameworks/quadratic_form_jax.py

    .. tab-item:: PyTorch
        :sync: torch

        .. literalinclude:: /gallery/frameworks/quadratic_form_torch.py

    .. tab-item:: TensorFlow
        :sync: tensorflow

        .. literalinclude:: /gallery/frameworks/quadratic_form_tensorflow.py
"""

import math
import time

import autograd
import autograd.numpy as anp
import matplotlib.pyplot as plt
import numpy as np
import sympy
from _page import BLUE, Beside, in_frameworks, published, style

import gradrules as gr

style()
article = published("quadratic_form_sympy_autograd")
Q, b = np.asarray(article["Q"], dtype=float), np.asarray(article["b"], dtype=float)
for framework, tab in in_frameworks("quadratic_form"):
    point, gradient, hessian = (
        np.asarray(tab[name]).tolist() for name in ("x", "gradient", "hessian")
    )
    print(f"{framework:12} gradient at {point}: {gradient}, Hessian: {hessian}")
    assert gradient == (Q @ point + b).tolist()
    assert hessian == article["hessian"]

# %%
# By symbols
# ----------
# First as the article does it: a matrix expression. SymPy differentiates it, and today also a
# second time; but its function ``hessian`` does not take it.

x, m, c = (
    sympy.MatrixSymbol(name, 2, k) for name, k in (("x", 1), ("Q", 2), ("b", 1))
)
expression = x.T * m * x / 2 + c.T * x
print("gradient:", expression.diff(x))
print("and once more:", expression.diff(x).diff(x))
try:
    sympy.hessian(expression, x)
except ValueError as error:
    print("hessian:", error)

# %%
# The kit asks for a primal at high precision as a function of arrays of objects: a few lines, and
# nothing in them says what the objects are. So they may be symbols, and the Hessian is SymPy's.


def oracle(x):
    """The function, for arrays of any kind of number."""
    q, c = (np.asarray(article[name], dtype=object) for name in ("Q", "b"))
    return x @ (q @ x) / 2 + c @ x


symbols = sympy.symbols("x0 x1")
f = sympy.expand(oracle(np.asarray(symbols, dtype=object)))
gradient_by_symbols = sympy.Matrix([f]).jacobian(symbols)
hessian_by_symbols = sympy.hessian(f, symbols)
print("f        ", f)
print("gradient ", gradient_by_symbols.tolist()[0])
print("Hessian  ", hessian_by_symbols.tolist())

# %%
# By a program
# ------------
# All 400 points of the grid go through one call, as a batch. The derivatives are those of the
# rules ``quadratic_form`` and ``vecdot``; the second is the derivative of the first.

axis_points = np.arange(-10.0, 10.0)
grid = np.stack(np.meshgrid(axis_points, axis_points, indexing="ij"), -1).reshape(
    -1, 2
)


def values(points):
    columns = points[:, :, None]
    return gr.quadratic_form(columns, Q, columns)[:, 0, 0] / 2 + gr.vecdot(
        points, b
    )


def slopes(points):
    return autograd.grad(lambda p: anp.sum(values(p)))(points)


begin = time.perf_counter()
height = values(grid)
gradient = slopes(grid)
rows = [
    autograd.grad(lambda p, i=i: anp.sum(slopes(p)[:, i]))(grid) for i in range(2)
]
hessians = np.stack(rows, 1)
seconds = time.perf_counter() - begin

begin = time.perf_counter()
substituted = np.asarray(
    [
        [
            float(g.subs(dict(zip(symbols, p, strict=True))))
            for g in gradient_by_symbols
        ]
        for p in grid
    ]
)
by_substitution = time.perf_counter() - begin
print(
    f"values, gradients and Hessians at {len(grid)} points: {1e3 * seconds:.1f} ms"
)
print(
    f"SymPy's gradient alone, substituted point by point: {1e3 * by_substitution:.0f} ms"
)
compiled = sympy.lambdify(symbols, list(gradient_by_symbols))
assert np.array_equal(np.stack(compiled(*grid.T), 1), gradient)
assert np.array_equal(substituted, gradient)

zeros = grid[gradient[:, 0] == 0]
print(
    f"gradient component 0 is exactly 0 at {len(zeros)} points, from {zeros[0]} to {zeros[-1]}"
)

figure, axes = plt.subplots(
    1,
    3,
    figsize=(9.0, 3.6),
    subplot_kw={"projection": "3d", "box_aspect": (1, 1, 0.9)},
)
surfaces = {
    "f(x)": height,
    "gradient, component 0": gradient[:, 0],
    "Hessian, entry (0, 0)": hessians[:, 0, 0],
}
for axis, (title, surface) in zip(axes, surfaces.items(), strict=True):
    first, second = (grid[:, i].reshape(20, 20) for i in range(2))
    axis.plot_wireframe(
        first, second, surface.reshape(20, 20), color=BLUE, linewidth=0.6
    )
    axis.set(title=title, xlabel="$x_0$", ylabel="$x_1$")
    axis.view_init(elev=25, azim=-155)
axes[2].set_zlim(0, 2)
figure.suptitle("The quadratic form on a grid of 400 points")

# %%
# Where symbols are hopeless
# --------------------------
# The determinant of a matrix of n\ :sup:`2` symbols has n! terms. At order 5 SymPy still forms
# it; each order more takes n times as long.

for n in range(2, 6):
    begin = time.perf_counter()
    entries = sympy.symbols(f"a:{n * n}")
    determinant = sympy.expand(sympy.Matrix(n, n, entries).det(method="berkowitz"))
    took = time.perf_counter() - begin
    print(f"n = {n}: {len(determinant.args):4} terms in {took:.2f} s")
print(f"n = 20: {math.factorial(20):.1e} terms")

# %%
# At order 20 there is nothing to compare with but numbers. The kit compares with numbers of 140
# digits, from a primal written as above, for objects of any kind; derivatives of any order are
# differences at that precision.

n = 20
rng = np.random.default_rng(0)
a, direction = rng.standard_normal((2, n, n))
begin = time.perf_counter()
slope = autograd.grad(gr.det)
second = np.sum(
    autograd.grad(lambda a: anp.sum(slope(a) * direction))(a) * direction
)
took = time.perf_counter() - begin


def exact_determinant(t):
    """Of a + t direction, in rational numbers."""
    matrix = sympy.Matrix(n, n, [sympy.Rational(v) for v in a.ravel()])
    step = sympy.Matrix(n, n, [sympy.Rational(v) for v in direction.ravel()])
    return sympy.QQ.to_sympy((matrix + t * step).to_DM().convert_to(sympy.QQ).det())


h = sympy.Rational(1, 10**20)
up, middle, down = (exact_determinant(t) for t in (h, 0, -h))
truth = float((up - 2 * middle + down) / h**2)
error = abs(second / truth - 1)
print(f"second derivative of det, order {n}: {second:.15g} in {1e3 * took:.1f} ms")
print(
    f"by differences of rational numbers: {truth:.15g}; they differ by {error:.0e}"
)
assert error < 1e-11

report = gr.testing.check(
    gr.expm, backends=["autograd"], laws=["jvp", "vjp", "order2"]
)
print("expm, of which no entry has a closed form:", report)
assert report.passed

# %%
# Beside the article
# ------------------

table = Beside()
expanded = sympy.sympify(article["expanded"])
table.state(
    "expanded",
    article["expanded"],
    str(f),
    agrees=sympy.nsimplify(f - expanded).expand() == 0,
)
linear = sympy.Matrix(article["Q"]) * sympy.Matrix(symbols) + sympy.Matrix(
    article["b"]
)
table.state(
    "gradient",
    article["gradient"],
    str(gradient_by_symbols.tolist()[0]),
    agrees=linear == gradient_by_symbols.T,
)
table.compare(
    "Hessian, by SymPy",
    article["hessian"],
    np.array(hessian_by_symbols, dtype=float),
)
table.compare("Hessian, by the program", article["hessian"], hessians[0])
table.compare(
    "zeros of component 0", article["zero_points_component_0"], len(zeros)
)
table.compare("first and last zero", article["first_and_last_zero"], zeros[[0, -1]])
table.show()
assert np.array_equal(hessians, np.broadcast_to(article["hessian"], hessians.shape))

# %%
# What we do that the article could not: the Hessian by symbols; the whole grid in one call with
# no pool of processes; and a check that does not end where symbols do.
#
# Where the article's way is better: for a function as small as this one, symbols give a formula
# to read, and NumPy evaluates it with less work than any reverse mode.
