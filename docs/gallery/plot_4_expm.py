r"""
Three formulas for the gradient of expm
=======================================

*Which formula is the gradient of the matrix exponential, and does it matter which I take?* An article
writes down three, in TensorFlow, and finds that they agree for symmetric matrices:

* **series**: Najfeld and Havel's first formula,
  :math:`L(A, E) = e^A \, \varphi(\operatorname{ad}_A)[E]` with :math:`\varphi(x) = (1 - e^{-x})/x`;
* **columns**: the Fréchet derivative, one column at a time, over the canonical basis;
* **eigenvectors**: :math:`V (\Delta \circ V^T E V) V^T` with the divided differences
  :math:`\Delta_{ij} = (e^{\lambda_i} - e^{\lambda_j}) / (\lambda_i - \lambda_j)`.

They do, and we agree with them. Then the matrices for which they were not written: nonnormal and
defective ones, against 50 digits; and what each costs.

The gradient is the Fréchet derivative of the transpose, applied to the gradient that comes in:
:math:`\bar A = L(A^T, \bar Y)`. All of it in one line:

.. tab-set::

    .. tab-item:: TensorFlow
        :sync: tensorflow

        .. literalinclude:: /gallery/frameworks/expm_tensorflow.py

    .. tab-item:: PyTorch
        :sync: torch

        .. literalinclude:: /gallery/frameworks/expm_torch.py

    .. tab-item:: JAX
        :sync: jax

        .. literalinclude:: /gallery/frameworks/expm_jax.py

    .. tab-item:: autograd
        :sync: autograd

        .. literalinclude:: /gallery/frameworks/expm_autograd.py
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import scipy.linalg
import tensorflow as tf
from _page import (
    Beside,
    difference,
    exact_expm_gradient,
    in_frameworks,
    published,
    style,
)

import gradrules as gr

style()
article = published("expm_tensorflow")
tabs = dict(in_frameworks("expm"))
for framework, tab in tabs.items():
    error = difference(tab["gradient"], tabs["TensorFlow"]["gradient"])
    print(f"{framework}: differs from TensorFlow by {error:.0e}")
    assert error < 1e-12

# %%
# The formulas
# ------------
# Each takes the matrix and the gradient that comes in, and returns the gradient.


def series(a, g):
    """exp(A) phi(ad_A) [E] of the transpose: a sum of nested commutators."""
    a = tf.transpose(a)
    term = total = g
    for k in range(2, 150):
        term = (term @ a - a @ term) / k
        total = total + term
        if tf.norm(term) <= 1e-17 * tf.norm(total):
            break
    return tf.linalg.expm(a) @ total


def columns(a, g):
    """The derivative in the direction of each entry, from the exponential of a block matrix."""
    n = a.shape[0]
    units = tf.reshape(tf.eye(n * n, dtype=a.dtype), (n * n, n, n))
    many = tf.broadcast_to(a, (n * n, n, n))
    block = tf.concat(
        [tf.concat([many, units], 2), tf.concat([tf.zeros_like(many), many], 2)], 1
    )
    frechet = tf.linalg.expm(block)[:, :n, n:]
    return tf.reshape(tf.einsum("kij,ij->k", frechet, g), (n, n))


def eigenvectors(a, g):
    """Divided differences in the eigenbasis of the symmetric part."""
    values, v = tf.linalg.eigh((a + tf.transpose(a)) / 2)
    gap = values[:, None] - values[None, :]
    f = tf.exp(values)
    near = tf.abs(gap) < 1e-12
    quotient = (f[:, None] - f[None, :]) / tf.where(near, tf.ones_like(gap), gap)
    quotient = tf.where(near, tf.broadcast_to(f[:, None], gap.shape), quotient)
    return v @ (quotient * (tf.transpose(v) @ g @ v)) @ tf.transpose(v)


def through(expm):
    """The gradient by reverse mode."""

    def gradient(a, g):
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = expm(a)
        return tape.gradient(y, a, output_gradients=g)

    return gradient


FORMULAS = {
    "series": series,
    "columns": columns,
    "eigenvectors": eigenvectors,
    "TensorFlow": through(tf.linalg.expm),
    "ours": through(gr.expm),
}

# %%
# Where they agree, and where not
# -------------------------------
# The truth is at 50 digits, from the exponential of the block matrix [[A, E], [0, A]].

rng = np.random.default_rng(0)
x = rng.uniform(size=(5, 5))
incoming = rng.standard_normal((5, 5))
jordan = 2 * np.eye(5) + np.diag(np.ones(4), 1)
turn = np.triu(rng.uniform(size=(5, 5)), 1) * 40
MATRICES = {
    "symmetric": x + x.T,
    "repeated": np.eye(5) * 2,
    "skew, large": 20 * (x - x.T),
    "nonnormal": turn + np.diag([1.0, 1.1, 1.2, -1.0, 0.5]),
    "defective": jordan,
}


errors = {}
print(f"{'':14}", *(f"{name:>13}" for name in FORMULAS))
for kind, a in MATRICES.items():
    right = exact_expm_gradient(a, incoming)
    for name, formula in FORMULAS.items():
        found = formula(tf.constant(a), tf.constant(incoming)).numpy()
        errors[kind, name] = max(difference(found, right), 1e-17)
    print(f"{kind:14}", *(f"{errors[kind, name]:13.0e}" for name in FORMULAS))

figure, axis = plt.subplots(figsize=(7.0, 3.8))
places = np.arange(len(MATRICES))
for shift, name in enumerate(FORMULAS):
    heights = [errors[kind, name] for kind in MATRICES]
    axis.bar(places + 0.17 * (shift - 2), heights, 0.16, bottom=0, label=name)
axis.set(yscale="log", ylim=(1e-17, 1e15), ylabel="relative error of the gradient")
axis.set_xticks(places, list(MATRICES))
axis.set_title(
    "Five ways to one gradient, of matrices of order 5, against 50 digits"
)
axis.grid(visible=False, axis="x")
axis.legend(ncols=5, loc="upper center", columnspacing=1, handlelength=1)
for kind in MATRICES:
    assert errors[kind, "ours"] < 1e-11

# %%
# * **Eigenvectors** are for symmetric matrices. Given another they return the gradient at another
#   matrix, without a word.
# * The **series** is exact for all, and cancels where the matrix is large: its terms grow like
#   :math:`\|{\operatorname{ad}_A}\|^k / k!` before they shrink.
# * **Columns** and reverse mode hold everywhere, TensorFlow's own included. For the large skew
#   matrix both are more exact than ours:

print(
    *(
        f"{name} {errors['skew, large', name]:.0e}"
        for name in ("columns", "TensorFlow", "ours")
    )
)

# %%
# What it costs
# -------------
# Columns need n\ :sup:`2` exponentials of order 2n; ours is one derivative. Up to order 32 ours
# is computed by NumPy on the memory of the framework; beyond that an operation of eager
# TensorFlow costs its dispatch.


def seconds(formula, n):
    x = rng.uniform(size=(n, n)) / n
    a, g = tf.constant(x + x.T), tf.constant(rng.standard_normal((n, n)))
    formula(a, g)
    times = []
    for _ in range(2 if formula is columns else 5):
        begin = time.process_time()
        formula(a, g)
        times.append(time.process_time() - begin)
    return float(np.median(times))


SIZES = {name: [5, 10, 20, 40, 80, 160] for name in FORMULAS} | {
    "columns": [5, 10, 20]
}
cost = {
    name: [seconds(FORMULAS[name], n) for n in sizes]
    for name, sizes in SIZES.items()
}

figure, axis = plt.subplots()
for marker, (name, times) in zip("os^Dv", cost.items(), strict=True):
    axis.loglog(SIZES[name], times, marker=marker, label=name)
axis.set(
    xlabel="order n",
    ylabel="seconds of the processor",
    title="One gradient of expm, float64",
)
axis.set_xticks([5, 10, 20, 40, 80, 160], ["5", "10", "20", "40", "80", "160"])
axis.minorticks_off()
figure.legend(loc="outside right center")

for name, times in cost.items():
    print(
        f"{name:13}",
        *(
            f"n={n}: {1e3 * t:.2f} ms "
            for n, t in zip(SIZES[name], times, strict=True)
        ),
    )
for n, ours, theirs, eigen in zip(SIZES["ours"], cost["ours"], cost["TensorFlow"],
                                  cost["eigenvectors"], strict=True):  # fmt: skip
    print(
        f"n={n}: ours / TensorFlow {ours / theirs:.2f}, ours / eigenvectors {ours / eigen:.1f}"
    )

# %%
# For a symmetric matrix the way through eigenvectors is cheaper than any exponential, and right:
# where all you have is symmetric and large, it is the one to beat.
#
# Beside the article
# ------------------
# The article prints no number. It claims that three formulas agree for symmetric matrices of
# order five, and so they do.

print("claim:", article["claim"])
print("backward:", article["backward"])
table = Beside()
for name in FORMULAS:
    error = errors["symmetric", name]
    table.state(
        f"symmetric 5x5, {name}", "agrees", f"to {error:.0e}", agrees=error < 1e-12
    )
unit = np.zeros((5, 5))
unit[1, 3] = 1
frechet = np.sum(
    incoming * scipy.linalg.expm_frechet(MATRICES["nonnormal"], unit)[1]
)
entry = FORMULAS["ours"](tf.constant(MATRICES["nonnormal"]), tf.constant(incoming))[
    1, 3
]
table.state(
    "gradient: Frechet derivative of the transpose",
    "holds",
    f"to {difference(entry, frechet):.0e}",
    agrees=difference(entry, frechet) < 1e-10,
)
table.show()

# %%
# What we do that the article could not: one function for all matrices, in four frameworks, in
# both modes; and the derivative is a function with derivatives of its own, ``gr.expm_frechet``.

value, derivative = gr.expm_frechet(tf.constant(jordan), tf.constant(unit))
print(
    "the derivative of exp at a defective matrix, first row",
    derivative[0].numpy().round(4),
)
