r"""
One rule in four frameworks
===========================

*Our library runs on JAX, PyTorch, TensorFlow and autograd. We have derived a gradient by hand. Must we
write it four times?*

PennyLane's quantum fidelity,

.. math:: F(\rho, \sigma) = \left(\operatorname{tr} \sqrt{\sqrt\rho \, \sigma \sqrt\rho}\right)^2,

is such a case. Its file ``pennylane/math/fidelity.py`` holds one formula and four registrations, a branch
for frameworks whose complex gradients are conjugates, another for batches, and reverse mode only: about
two hundred lines.

As a rule it is this file:

.. literalinclude:: /gallery/frameworks/fidelity.py

There is no framework in it. A derivative calls other rules, so that it has derivatives itself. The
convention for complex numbers, batches, ``vmap`` and compilers are the adapters' business.

.. tab-set::

    .. tab-item:: PyTorch
        :sync: torch

        .. literalinclude:: /gallery/frameworks/fidelity_torch.py

    .. tab-item:: JAX
        :sync: jax

        .. literalinclude:: /gallery/frameworks/fidelity_jax.py

    .. tab-item:: TensorFlow
        :sync: tensorflow

        .. literalinclude:: /gallery/frameworks/fidelity_tensorflow.py

    .. tab-item:: autograd
        :sync: autograd

        .. literalinclude:: /gallery/frameworks/fidelity_autograd.py
"""

import numpy as np
import torch
from _page import difference, in_frameworks

import gradrules as gr

tabs = dict(in_frameworks("fidelity"))
for framework, tab in tabs.items():
    value, gradient = (np.asarray(tab[name].detach() if framework == "PyTorch" else tab[name])
                       for name in ("value", "gradient"))  # fmt: skip
    tab["found"] = gradient
    print(
        f"{framework:12} F = {value:.15f}, differs by {difference(gradient, tabs['TensorFlow']['found']):.0e}"
    )
    assert difference(gradient, tabs["TensorFlow"]["found"]) < 1e-12

# %%
# Is it right?
# ------------
# The truth is the primal alone, once more, for numbers of any precision:
#
# .. literalinclude:: /gallery/frameworks/fidelity_oracle.py
#
# With that the kit has derivatives of every order to 140 digits. Both modes and second
# derivatives, all dtypes:

from frameworks import fidelity_oracle  # noqa: F401

fidelity = tabs["PyTorch"]["fidelity"]

report = gr.testing.check(
    fidelity,
    backends=["numpy", "autograd", "torch"],
    laws=["jvp", "vjp", "adjoint", "order2"],
)
print(report)
assert report.passed

# %%
# In a test suite of the library it is one line for each law and each framework that is installed,
# ``@gr.testing.rules(fidelity)``, and on the command line ``gradrules check --load fidelity
# --rule fidelity``.
#
# What the hand-derived gradient is for
# -------------------------------------
# Differentiated by the framework, the formula goes through eigenvectors, and two maximally mixed
# states have nothing but equal eigenvalues. The gradient there is the identity.


def composed(rho, sigma):
    """The formula as it stands, through PyTorch's eigh."""

    def sqrt(a):
        w, v = torch.linalg.eigh(a)
        return (v * torch.sqrt(w)) @ v.mH

    root = sqrt(rho)
    return torch.sum(torch.sqrt(torch.linalg.eigvalsh(root @ sigma @ root))) ** 2


mixed = torch.eye(4, dtype=torch.complex128) / 4
for name, function in {
    "through PyTorch's eigh": composed,
    "the rule": fidelity,
}.items():
    rho = mixed.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(rho, mixed), rho)
    print(f"{name:23}", gradient.diagonal().real.tolist())
assert difference(gradient, np.eye(4)) < 1e-14

# %%
# Second order, both modes, ``vmap``
# ----------------------------------
# PennyLane's registrations end at the first derivative, in reverse. From the file above:

rho, sigma = (torch.tensor(state) for state in tabs["PyTorch"]["states"])
direction = torch.tensor(np.diag([1.0, -1.0, 0.5, -0.5]) + 0j)
slope = torch.func.grad(fidelity, argnums=1)
_, second = torch.func.jvp(lambda s: slope(rho, s), (sigma,), (direction,))
stack = torch.stack([sigma, mixed, rho])
each = torch.func.vmap(slope, in_dims=(None, 0))(rho, stack)
print(
    "Hessian times a direction:",
    tuple(second.shape),
    " gradients of a stack:",
    tuple(each.shape),
)
step = 1e-6 * direction
differences = (slope(rho, sigma + step) - slope(rho, sigma - step)) / 2e-6
assert difference(second, differences) < 1e-7

# %%
# Where PennyLane's does more
# ---------------------------
# The rule declares its domain: states of full rank. At a pure state the fidelity has no gradient
# in all directions. PennyLane returns one, with eigenvalues kept above 1e-15; the rule refuses,
# by the error of the Cholesky factorization or by NaN. For a pure state :math:`\psi` use
# :math:`\psi^H \sigma \psi`, ``gr.quadratic_form``.

pure = torch.zeros(4, 4, dtype=torch.complex128)
pure[0, 0] = 1
try:
    print(fidelity(pure, sigma))
except RuntimeError as error:
    print("a pure state:", str(error).split(":", 1)[0])
psi = torch.eye(4, dtype=torch.complex128)[0]
print("gr.quadratic_form:", gr.quadratic_form(psi, sigma, psi).real.item())
