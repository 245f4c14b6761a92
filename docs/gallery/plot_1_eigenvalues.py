r"""
Eigenvalues are differentiable
==============================

*Can an optimiser choose a matrix by its eigenvalues?* An article asks this in TensorFlow, and
answers yes: the gradient of an eigenvalue is there, and with it Adam walks to a matrix of given eigenvalues.

Here the walk is done again, from the published starting values and from others, in every framework; then what
the article could not: second derivatives, and with them Newton's method; another spectrum; complex matrices.

The gradient of one eigenvalue
------------------------------

A simple eigenvalue :math:`\lambda` with the unit eigenvector :math:`v` has the gradient
:math:`v v^H`. No gap between eigenvalues is in that formula.

TensorFlow reads the lower triangle of a matrix that is not symmetric. So does ``lower=True`` in ours, and
the gradient then lives in that triangle. That is the article's convention.

.. tab-set::

    .. tab-item:: TensorFlow
        :sync: tensorflow

        .. literalinclude:: /gallery/frameworks/eigenvalues_tensorflow.py

    .. tab-item:: PyTorch
        :sync: torch

        .. literalinclude:: /gallery/frameworks/eigenvalues_torch.py

    .. tab-item:: JAX
        :sync: jax

        .. literalinclude:: /gallery/frameworks/eigenvalues_jax.py

    .. tab-item:: autograd
        :sync: autograd

        .. literalinclude:: /gallery/frameworks/eigenvalues_autograd.py
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from _page import BLACK, Beside, difference, in_frameworks, published, style

import gradrules as gr

style()
printed = published("eigh_tensorflow")
for framework, tab in in_frameworks("eigenvalues"):
    gradient = np.asarray(tab["gradient"])
    print(f"{framework}\n{gradient}")
    assert difference(gradient, printed["grad_smallest_eigenvalue_lower"]) < 1e-6

# %%
# The inverse eigenvalue problem
# ------------------------------
# Six numbers are a symmetric matrix of order three. The loss is the squared distance of its
# eigenvalues from (1, 1, 1). It is zero at the identity alone, and there all three eigenvalues
# coincide: the place where a formula with :math:`1/(\lambda_i - \lambda_j)` fails.
#
# The article begins at random. One of its starting values is printed, and three lines of another
# run. We go back from these lines to where they began, which was two steps earlier; add four
# random starts; and let the six run side by side, as one batch.

ENTRIES = [[0, 3, 5], [3, 1, 4], [5, 4, 2]]


def symmetric(r):
    """The matrices of rows [a00, a11, a22, a01, a12, a02]."""
    return tf.gather(r, ENTRIES, axis=-1)


def distance(w, target):
    return tf.reduce_sum((w - target) ** 2, axis=-1)


def descend(matrices, r, target, steps):
    """Adam with its default settings; the losses and eigenvalues of all steps."""
    r, adam = tf.Variable(r), tf.keras.optimizers.Adam()

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            w = gr.eigvalsh(matrices(r))
            loss = distance(w, target)
        gradient = tape.gradient(loss, r)
        adam.apply([gradient], [r])
        return loss, w, gradient

    losses, spectra, gradients, rs = [], [], [], [r.numpy()]
    for _ in range(steps):
        for kept, value in zip((losses, spectra, gradients), step(), strict=True):
            kept.append(value.numpy())
        rs.append(r.numpy())
    return tuple(np.asarray(kept) for kept in (losses, spectra, gradients, rs))


problem = published("inverse_eigenvalue_problem")
rng = np.random.default_rng(0)
ones = tf.ones(3, tf.float64)
first_line = earlier = np.asarray(problem["trace"][0]["r"])
for _ in range(3):
    *_, reached = descend(symmetric, earlier, ones, 2)
    earlier = earlier + first_line - reached[2]

starts = np.vstack([problem["r"], earlier, rng.uniform(size=(4, 6))]).astype(
    np.float32
)
begin = time.perf_counter()
losses, spectra, gradients, rs = descend(symmetric, starts, tf.ones(3), 3500)
seconds = time.perf_counter() - begin
arrived = np.argmax(losses <= 1e-8, axis=0)
print("steps to a loss of 1e-8:", *arrived)
print(f"{seconds:.1f} s for {len(losses)} steps of six matrices")

# %%
# All six arrive, through the triple eigenvalue, with no NaN on the way.

names = [
    "published start",
    "published trace",
    *(f"random start {i + 1}" for i in range(4)),
]
figure, axes = plt.subplots(2, 3, figsize=(7.0, 4.6), sharex=True, sharey=True)
for i, axis in enumerate(axes.flat):
    axis.plot(spectra[:, i], label=["smallest", "middle", "largest"])
    axis.axvline(arrived[i], color=BLACK, linewidth=1, linestyle=":")
    axis.set_title(f"{names[i]}\n{arrived[i]} steps")
figure.supxlabel("step of Adam")
figure.supylabel("eigenvalue")
axes[0, 2].legend(loc="lower right", frameon=True, framealpha=1)
figure.suptitle("Three eigenvalues on their way to (1, 1, 1)")
assert np.all(np.isfinite(rs))
assert np.all(losses[arrived, range(6)] <= 1e-8)

# %%
# Newton's method
# ---------------
# Second derivatives of eigenvalues need the gaps, and they are right in ours where the spectrum
# is simple. This loss is even a quadratic function of the six numbers, :math:`\operatorname{tr}(A
# - I)^2`, though the program does not say so. One step of Newton's method does what took Adam
# thousands.


def newton_step(matrices, r, target):
    r = tf.constant(r)
    with tf.GradientTape() as outer:
        outer.watch(r)
        with tf.GradientTape() as inner:
            inner.watch(r)
            loss = distance(gr.eigvalsh(matrices(r)), target)
        gradient = inner.gradient(loss, r)
    hessian = outer.jacobian(gradient, r)
    return (
        r - tf.linalg.solve(hessian, gradient[:, None])[:, 0]
    ).numpy(), loss.numpy()


identity, _ = newton_step(symmetric, np.asarray(problem["r"]), ones)
print("after one step of Newton's method", identity.round(12))
assert difference(identity, [1, 1, 1, 0, 0, 0]) < 1e-12

# %%
# Another spectrum
# ----------------
# Now the off-diagonal entries stay as published, and the diagonal is sought for which the
# eigenvalues are (1, 4, 8): three equations for three numbers, and no quadratic function.
# Newton's method doubles the digits with each step. Adam gets there, slowly.

target = np.asarray([1.0, 4.0, 8.0])
rest = np.asarray(problem["r"][3:])


def with_diagonal(d):
    return symmetric(tf.concat([d, tf.broadcast_to(rest, d.shape)], -1))


diagonal = target.copy()
newton_losses = []
for _ in range(7):
    diagonal, loss = newton_step(with_diagonal, diagonal, target)
    newton_losses.append(loss)
adam_losses, *_ = descend(with_diagonal, target, target, 2000)
spectrum = gr.eigvalsh(with_diagonal(tf.constant(diagonal))).numpy()
print("diagonal", diagonal, "eigenvalues", spectrum)
assert difference(spectrum, target) < 1e-14

figure, axis = plt.subplots()
axis.loglog(
    1 + np.arange(7), np.maximum(newton_losses, 1e-32), "o-", label="Newton"
)
axis.loglog(1 + np.arange(len(adam_losses)), adam_losses, label="Adam")
axis.set(
    xlabel="step", ylabel="loss", title="A diagonal for the eigenvalues (1, 4, 8)"
)
axis.legend()

# %%
# Complex Hermitian matrices
# --------------------------
# Nine real numbers are a Hermitian matrix of order three. Nothing else changes.


def hermitian(r):
    """The lower triangle holds the real parts, the strict upper one the imaginary parts."""
    m = tf.reshape(r, (3, 3))
    lower, diagonal = tf.linalg.band_part(m, -1, 0), tf.linalg.band_part(m, 0, 0)
    upper = m - lower
    real = lower + tf.transpose(lower) - diagonal
    return tf.complex(real, upper - tf.transpose(upper))


target = np.asarray([-1.0, 0.5, 3.0])
complex_losses, complex_spectra, *_ = descend(
    hermitian, rng.standard_normal(9), target, 3000
)
steps = int(np.argmax(complex_losses <= 1e-8))
print("steps to a loss of 1e-8:", steps)
assert complex_losses[steps] <= 1e-8

figure, axis = plt.subplots()
axis.plot(complex_spectra, label=["smallest", "middle", "largest"])
axis.axvline(steps, color=BLACK, linewidth=1, linestyle=":")
axis.set(
    xlabel="step of Adam",
    ylabel="eigenvalue",
    title=f"A complex matrix for the eigenvalues (-1, 0.5, 3): {steps} steps",
)
axis.legend()

# %%
# At the triple eigenvalue itself
# -------------------------------
# The gradient is right at the identity: it is zero. The Hessian with respect to the six numbers
# is diag(2, 2, 2, 4, 4, 4), but eigenvalues alone no longer know it: for the last three it is a
# quotient 0/0. The honest answer through eigenvalues is NaN, and that is ours; TensorFlow drops the
# quotient, and its 0 is as finite as it is wrong. Ask the matrix, not its eigenvalues.


def hessian(loss, r):
    r = tf.constant(r)
    with tf.GradientTape() as outer:
        outer.watch(r)
        with tf.GradientTape() as inner:
            inner.watch(r)
            value = loss(symmetric(r))
        gradient = inner.gradient(value, r)
    return outer.jacobian(gradient, r).numpy()


minimum = np.asarray([1.0, 1, 1, 0, 0, 0])
eye = tf.eye(3, dtype=tf.float64)
for name, loss in {
    "through tf.linalg.eigvalsh": lambda a: distance(tf.linalg.eigvalsh(a), ones),
    "through gr.eigvalsh": lambda a: distance(gr.eigvalsh(a), ones),
    "of the matrix: tr (A - I)^2": lambda a: gr.trace((a - eye) @ (a - eye)),
    "at 1e-5 from it, gr.eigvalsh": lambda a: distance(
        gr.eigvalsh(a + tf.linalg.diag(tf.constant([0.0, 1e-5, 3e-5], tf.float64))),
        ones,
    ),
}.items():
    found = 0 if "tf" in name else np.nan if "through" in name else 4
    second = np.diag(hessian(loss, minimum))
    print(f"{name:30}", second.round(4))
    assert np.allclose(second[3:], found, atol=1e-3, equal_nan=True)

# %%
# Beside the article
# ------------------
# The article's numbers are of single precision. The starts of its three timed runs are not
# printed, and ours are others: the numbers of steps can be of the same size, and no more.

table, lines = Beside(), problem["trace"]
with tf.GradientTape() as tape:
    a = tf.Variable(printed["matrix"])
    eigenvalues = gr.eigvalsh(a, lower=True)
    smallest = eigenvalues[0]
gradient = tape.gradient(smallest, a)
table.compare("eigenvalues", printed["eigenvalues"], eigenvalues)
table.compare(
    "gradient of the smallest", printed["grad_smallest_eigenvalue_lower"], gradient
)
table.compare("gradient of the loss", problem["dloss_dr"], gradients[0, 0])
table.compare("after one step", problem["after_one_adam_step"], rs[1, 0])
for i, line in enumerate(lines):
    table.compare(f"trace, line {i + 1}, r", line["r"], rs[i + 2, 1])
    table.compare(
        f"trace, line {i + 1}, eigenvalues", line["eigenvalues"], spectra[i + 1, 1]
    )
    table.compare(f"trace, line {i + 1}, loss", line["loss"], losses[i + 1, 1])
theirs = problem["published_iterations"]
table.state(
    "steps to 1e-8",
    ", ".join(map(str, theirs)),
    f"{min(arrived)} to {max(arrived)}",
    agrees=bool(
        min(theirs) / 1.5 < min(arrived) and max(arrived) < 1.5 * max(theirs)
    ),
)
table.show()

# %%
# What we do that the article could not: second derivatives and Newton's method, complex matrices,
# and the same lines in four frameworks.
#
# What it costs: a step of Adam with our derivative beside one with TensorFlow's own. Small
# matrices pay for the way through Python.


def seconds_of_a_step(eigenvalues):
    r = tf.Variable(starts[0])

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            loss = distance(eigenvalues(symmetric(r)), tf.ones(3))
        return tape.gradient(loss, r)

    gradient()
    times = []
    for _ in range(200):
        begin = time.perf_counter()
        gradient()
        times.append(time.perf_counter() - begin)
    return np.median(times)


ratio = seconds_of_a_step(gr.eigvalsh) / seconds_of_a_step(tf.linalg.eigvalsh)
print(f"a compiled step takes {ratio:.2f} of the time of TensorFlow's own")
