r"""
A heat kernel on a ring
=======================

*My loss is a function of a symmetric matrix, computed through* ``eigh``. *The gradient is NaN, or it is a
number and does not fit finite differences.*

The spectrum of your matrix is degenerate: that of a ring, a square, a lattice, an identity always is.
The function :math:`f(A) = V f(\Lambda) V^T` has a derivative there; its eigenvectors have none. A formula
that goes through the derivative of eigenvectors divides 0 by 0.

The answer: do not differentiate the eigenvectors. Ask for the function.

.. tab-set::

    .. tab-item:: PyTorch
        :sync: torch

        .. literalinclude:: /gallery/frameworks/heat_kernel_torch.py

    .. tab-item:: JAX
        :sync: jax

        .. literalinclude:: /gallery/frameworks/heat_kernel_jax.py

    .. tab-item:: TensorFlow
        :sync: tensorflow

        .. literalinclude:: /gallery/frameworks/heat_kernel_tensorflow.py

    .. tab-item:: autograd
        :sync: autograd

        .. literalinclude:: /gallery/frameworks/heat_kernel_autograd.py
"""

import autograd
import autograd.numpy as anp
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import scipy.linalg
import tensorflow as tf
import torch
from _page import difference, exact_expm_gradient, in_frameworks, style

import gradrules as gr

style()
jax.config.update("jax_enable_x64", True)
TIME = 0.5


def ring(n):
    shift = np.roll(np.eye(n), 1, 0)
    return 2 * np.eye(n) - shift - shift.T


def incoming(n):
    g = np.zeros((n, n))
    g[0, 2] = 1
    return g


def sym(a):
    return (a + a.T) / 2


laplacian = ring(6)
right = -TIME * exact_expm_gradient(-TIME * laplacian, incoming(6))  # at 50 digits
for framework, tab in in_frameworks("heat_kernel"):
    error = difference(tab["gradient"], right)
    print(f"gr.expm in {framework:10}: error {error:.0e}")
    assert error < 1e-13

# %%
# The usual way
# -------------
# ``V @ diag(exp(-t w)) @ V.T``, through each framework's ``eigh``. What is compared is the
# symmetric part of the gradient: some frameworks read one triangle.


def through_torch(eigh):
    def gradient(a):
        a = torch.tensor(a, requires_grad=True)
        w, v = eigh(sym(a))
        return torch.autograd.grad(((v * torch.exp(-TIME * w)) @ v.T)[0, 2], a)[0]

    return gradient


def through_jax(a):
    def heat(a):
        w, v = jnp.linalg.eigh(a)
        return ((v * jnp.exp(-TIME * w)) @ v.T)[0, 2]

    return jax.grad(heat)(a)


def through_tensorflow(a):
    a = tf.constant(a)
    with tf.GradientTape() as tape:
        tape.watch(a)
        w, v = tf.linalg.eigh((a + tf.transpose(a)) / 2)
        heat = ((v * tf.exp(-TIME * w)) @ tf.transpose(v))[0, 2]
    return tape.gradient(heat, a)


def through_autograd(a):
    def heat(a):
        w, v = anp.linalg.eigh(sym(a))
        return anp.dot(v * anp.exp(-TIME * w), v.T)[0, 2]

    return autograd.grad(heat)(a)


def expm(a):
    _, pullback = gr.expm.vjp(-TIME * a)
    return -TIME * pullback(incoming(len(a)))[0]


WAYS = {
    "PyTorch, eigh": through_torch(torch.linalg.eigh),
    "JAX, eigh": through_jax,
    "TensorFlow, eigh": through_tensorflow,
    "autograd, eigh": through_autograd,
    "gr.eigh": through_torch(gr.eigh),
    "gr.eigh, project": through_torch(lambda a: gr.eigh(a, degenerate="project")),
    "gr.expm": expm,
}

SIZES = (4, 6, 8, 12)
truths = {
    n: sym(-TIME * exact_expm_gradient(-TIME * ring(n), incoming(n))) for n in SIZES
}
gradients = {}
print(f"{'':18}" + "".join(f"{f'ring of {n}':>14}" for n in SIZES))
for name, way in WAYS.items():
    errors = []
    for n in SIZES:
        with np.errstate(all="ignore"):
            gradients[name, n] = sym(np.asarray(way(ring(n))))
        errors.append(difference(gradients[name, n], truths[n]))
    print(f"{name:18}" + "".join(f"{error:14.0e}" for error in errors))
assert all(difference(gradients["gr.expm", n], truths[n]) < 1e-13 for n in SIZES)

# %%
# The first four rows are wrong numbers or NaN, by the luck of rounding, but for the ring of four,
# where this loss does not ask about the inside of a cluster. ``gr.eigh`` is right there, and
# refuses the others by NaN. ``degenerate="project"`` is not for this: it is your word that the
# loss has no term inside a cluster, and drops the term; here it counts.
#
# What a training run would see, for the ring of six:

n = 6
truth, finite = truths[n], gradients["gr.eigh, project", n]
figure, axes = plt.subplots(1, 3, figsize=(7.0, 2.9), sharey=True)
pictures = {
    "the gradient": truth,
    "in-cluster term dropped": finite,
    "difference": finite - truth,
}
size = np.abs(truth).max() / 2
for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
    image = axis.imshow(picture, cmap="RdBu", vmin=-size, vmax=size)
    axis.set(title=title, xlabel="node", xticks=range(n), yticks=range(n))
    axis.grid(visible=False)
axes[0].set_ylabel("node")
figure.colorbar(
    image, ax=axes, label="d heat / d Laplacian", shrink=0.9, extend="both"
)
figure.suptitle("Finite is not the same as right: off by "
                f"{100 * difference(finite, truth):.0f} % of the largest entry")  # fmt: skip

# %%
# Second derivatives too
# ----------------------
# The Hessian of the heat exists as well, and through ``gr.expm`` it comes in every order and
# mode.

direction = np.random.default_rng(0).standard_normal((6, 6))
heat = jax.grad(lambda a: gr.expm(-TIME * a)[0, 2])
_, along = jax.jvp(heat, (jnp.asarray(laplacian),), (jnp.asarray(direction),))
differences = (
    heat(laplacian + 1e-4 * direction) - heat(laplacian - 1e-4 * direction)
) / 2e-4
print(
    f"Hessian times a direction, against differences: {difference(along, differences):.0e}"
)
assert difference(along, differences) < 1e-7

# %%
# A square root at a repeated eigenvalue
# --------------------------------------
# ``sqrtm`` is not among our rules. A function that is not may still be defined by its equation,
# here :math:`X X = A`: ``gr.root`` differentiates what solves it, by the implicit function
# theorem, and no eigenvector is in that. At the identity the derivative in the direction E is E /
# 2.


def equation(x, a):
    return x @ x - a


weights = np.random.default_rng(1).standard_normal((3, 3))
turn, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))
for name, matrix in {
    "identity": np.eye(3),
    "eigenvalues 1, 1, 4": turn @ np.diag([1.0, 1.0, 4.0]) @ turn.T,
}.items():
    a = torch.tensor(matrix, requires_grad=True)
    x = gr.root(equation, torch.eye(3, dtype=torch.float64), a)
    (found,) = torch.autograd.grad(torch.sum(torch.tensor(weights) * x), a)
    # X is symmetric: the derivative Y in the direction E solves X Y + Y X = E.
    right = scipy.linalg.solve_sylvester(
        x.detach().numpy(), x.detach().numpy(), weights
    )
    through, v = torch.linalg.eigh(a)
    (usual,) = torch.autograd.grad(
        torch.sum(torch.tensor(weights) * ((v * torch.sqrt(through)) @ v.T)), a
    )
    print(f"{name}: error through gr.root {difference(found, right):.0e}, "
          f"through torch.linalg.eigh {difference(sym(usual), sym(right)):.0e}")  # fmt: skip
    assert difference(found, right) < 1e-12

# %%
# What it costs: a system of n\ :sup:`2` equations, solved by iteration. For large matrices and
# many of them a rule of its own is the right thing, and not there yet.
