r"""
The gradient of the determinant
===============================

*TensorFlow has no gradient for my determinant: how do I give it one?* So a question began, in the days
when that was true, and the answers register a function for the operation. One of them forgets the
incoming gradient, and works in its own test.

Here the gradient is registered for TensorFlow's operation, as the question asks; the descent is run;
the published trap is set and caught; and a singular matrix is tried, where TensorFlow's own gradient
fails to this day.

.. math::

    \bar A = \bar d \, \operatorname{cof}(A), \qquad
    \operatorname{cof}(A) = \det(A) \, A^{-H} \text{ where } A \text{ has an inverse.}

Cofactors are polynomials of the entries. They exist at every matrix; the second formula does not.

.. tab-set::

    .. tab-item:: TensorFlow
        :sync: tensorflow

        .. literalinclude:: /gallery/frameworks/determinant_tensorflow.py

    .. tab-item:: PyTorch
        :sync: torch

        .. literalinclude:: /gallery/frameworks/determinant_torch.py

    .. tab-item:: JAX
        :sync: jax

        .. literalinclude:: /gallery/frameworks/determinant_jax.py

    .. tab-item:: autograd
        :sync: autograd

        .. literalinclude:: /gallery/frameworks/determinant_autograd.py
"""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from _page import (
    ORANGE,
    Beside,
    command,
    difference,
    in_frameworks,
    published,
    style,
)

import gradrules as gr
import gradrules_tensorflow

style()
article = published("determinant_tensorflow")
for framework, tab in in_frameworks("determinant"):
    gradient = np.asarray(tab["gradient"])
    print(f"{framework:12}", *gradient)
    assert difference(gradient, article["gradient"]) < 1e-6

# %%
# A gradient for the operation
# ----------------------------
# The question does not want another function: its program calls ``tf.linalg.det``, which makes
# operations of the type ``MatrixDeterminant``. ``register_gradients`` gives the type our
# gradient, for the life of the process; ``gr.override("tensorflow")`` does it within a block.


def loss_of(determinant, a):
    with tf.GradientTape() as tape:
        tape.watch(a)
        loss = determinant(a) ** 2
    return loss, tape.gradient(loss, a)


a = tf.constant(article["matrix"])
native = loss_of(tf.linalg.det, a)[1]
singular = tf.constant([[1.0, 2.0], [2.0, 4.0]], tf.float64)


def slope(determinant, a):
    with tf.GradientTape() as tape:
        tape.watch(a)
        value = determinant(a)
    try:
        return tape.gradient(value, a).numpy()
    except tf.errors.InvalidArgumentError as error:
        return f"raises: {error.message.split('}} ')[-1]}"


before = slope(tf.linalg.det, singular)
with gr.override("tensorflow"):
    within = slope(tf.linalg.det, singular)
gradrules_tensorflow.register_gradients("MatrixDeterminant")
registered = loss_of(tf.linalg.det, a)[1]
after = slope(tf.linalg.det, singular)

print("det(A)^2 at the published matrix: TensorFlow", native.numpy().tolist())
print("                                  registered", registered.numpy().tolist())
print("det at [[1, 2], [2, 4]]")
print("  TensorFlow        ", before)
print("  under override    ", within.tolist())
print("  after registration", after.tolist())
assert isinstance(before, str)
assert difference(after, [[4, -2], [-2, 1]]) < 1e-14
assert difference(within, [[4, -2], [-2, 1]]) < 1e-14

# %%
# The descent
# -----------
# Fifty steps of 1e-3 down the square of the determinant. The values lie on those of the closed
# form.

steps, rate = 50, 1e-3
matrix, losses, closed = tf.cast(a, tf.float64), [], []
exact = np.asarray(article["matrix"])
for _ in range(steps):
    loss, gradient = loss_of(tf.linalg.det, matrix)
    losses.append(float(loss))
    matrix = matrix - rate * gradient
    (p, q), (r, s) = exact
    determinant = p * s - q * r
    closed.append(determinant**2)
    exact = exact - rate * 2 * determinant * np.asarray([[s, -r], [-q, p]])
print(f"after {steps} steps", matrix.numpy().tolist(), f"loss {losses[-1]:.4f}")
assert np.all(np.diff(losses) < 0)

figure, axis = plt.subplots()
axis.plot(losses, label="through the registered gradient")
axis.plot(closed, "o", markersize=3, color=ORANGE, label="closed form")
axis.set(
    xlabel="step of gradient descent", ylabel=r"loss $\det(A)^2$", yscale="log"
)
axis.set_title("The square of a determinant, 50 steps of 1e-3")
axis.legend()

# %%
# The trap
# --------
# One published answer returns :math:`\det(A) A^{-T}`, and does not multiply by the gradient that
# comes in. For the loss det(A) that is 1, and the answer is right. For det(A)\ :sup:`2` it is 2
# det(A), and the answer is wrong without a word.


@tf.custom_gradient
def trapped(a):
    d = tf.linalg.det(a)

    def gradient(incoming):
        return d * tf.transpose(tf.linalg.inv(a))

    return d, gradient


cofactors = gr.det.vjp(np.asarray(article["matrix"]))[1](np.asarray(1.0))[0]
wrong = loss_of(trapped, a)[1].numpy()
print(
    "det(A):  ", slope(trapped, a).tolist(), "where cof(A) is", cofactors.tolist()
)
print("det(A)^2:", wrong.tolist(), "where it is", article["gradient"])

# %%
# The kit does not try the one loss that its author had in mind. It feeds random gradients in, at
# inputs that are not pleasant, and has the truth at 140 digits. The same derivative as a rule, in
# a file of its own:
#
# .. literalinclude:: /gallery/frameworks/determinant_forgetful.py

forgets = command(
    "gradrules check --load determinant_forgetful --rule determinant --backend numpy "
    "--law jvp --law vjp --quick"
)

# %%
# Its jvp passes, its vjp is caught. The failure shows the smallest matrix that was found: of
# order one.
#
# The second example
# ------------------
# A = [[sin x, 0], [0, cos y]], at x = y = 1, and again the loss det(A)\ :sup:`2`.


def second_example(x, y):
    a = tf.linalg.diag(tf.stack([tf.sin(x), tf.cos(y)]))
    return tf.linalg.det(a) ** 2


x, y = tf.constant(1.0, tf.float64), tf.constant(1.0, tf.float64)
with tf.GradientTape() as tape:
    tape.watch([x, y])
    value = second_example(x, y)
dx, dy = (float(g) for g in tape.gradient(value, [x, y]))
s, c = np.sin(1.0), np.cos(1.0)

# %%
# Beside the article
# ------------------

table = Beside()
table.compare("gradient of det(A)^2", article["gradient"], registered.numpy())
table.compare(
    "descent, first loss (closed form)",
    np.linalg.det(article["matrix"]) ** 2,
    losses[0],
)
table.compare("descent, last loss (closed form)", closed[-1], losses[-1])
table.compare("second example, d/dx (closed form)", 2 * s * c * c * c, dx)
table.compare("second example, d/dy (closed form)", -2 * s * s * c * s, dy)
table.state(
    "the answer that forgets",
    "published",
    "caught" if forgets else "passed",
    agrees=forgets == 1,
)
table.show()

# %%
# What we do that the article could not: a singular matrix, every order, complex matrices, and the
# same lines in four frameworks. The Hessian of the determinant at a singular matrix of order
# three:

z = tf.constant(np.diag([1.0, 2.0, 0.0]))
with tf.GradientTape() as outer:
    outer.watch(z)
    with tf.GradientTape() as inner:
        inner.watch(z)
        d = gr.det(z)
    gradient = inner.gradient(d, z)
hessian = outer.jacobian(gradient, z).numpy()
print(
    "d^2 det / da_11 da_22 =",
    hessian[1, 1, 2, 2],
    "  d^2 det / da_12 da_21 =",
    hessian[1, 2, 2, 1],
)
assert hessian[1, 1, 2, 2] == 1
assert hessian[1, 2, 2, 1] == -1
