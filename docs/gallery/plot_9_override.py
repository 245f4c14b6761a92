r"""
In a training script that exists
================================

*The script is not mine, or it is long, and calls* ``torch.linalg`` *in many places. How do I try other
derivatives in it without touching it?*

One line around it. While an override holds, the framework's functions compute their values as before, and are
differentiated by our rules.

.. tab-set::

    .. tab-item:: PyTorch
        :sync: torch

        .. literalinclude:: /gallery/frameworks/override_torch.py

    .. tab-item:: JAX
        :sync: jax

        .. literalinclude:: /gallery/frameworks/override_jax.py

    .. tab-item:: TensorFlow
        :sync: tensorflow

        .. literalinclude:: /gallery/frameworks/override_tensorflow.py

    .. tab-item:: autograd
        :sync: autograd

        .. literalinclude:: /gallery/frameworks/override_autograd.py

The script of this page is one file, and it stays as it is:

.. literalinclude:: /gallery/frameworks/training_torch.py
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from _page import BLUE, ORANGE, difference, in_frameworks, style
from frameworks.training_torch import train

import gradrules as gr

style()
for framework, tab in in_frameworks("override"):
    print(f"{framework:12}", np.asarray(tab["gradient"]).tolist())
    assert difference(tab["gradient"], [[4, -2], [-2, 1]]) < 1e-6

# %%
# Two maps, of which one begins flat: its matrix is singular. PyTorch's gradient of the
# determinant is zero there, which is the gradient at a minimum: the map never moves, and nothing
# says why.

starts = [[[1.0, 2.0], [2.0, 4.0]], [[1.0, 0.5], [0.2, 0.4]]]
native = train(starts)
with gr.override("torch"):
    ours = train(starts)

figure, axis = plt.subplots()
axis.semilogy(native, color=ORANGE, label="the script")
axis.semilogy(
    ours, color=BLUE, linestyle="--", label='the script in gr.override("torch")'
)
axis.set(xlabel="step of gradient descent", ylabel="mean loss of two maps")
axis.set_title("The same script, with other derivatives")
axis.legend()
print(f"last loss: {native[-1]:.2g}, in the override {ours[-1]:.2g}")
assert native[-1] > 0.4
assert ours[-1] < 1e-3

# %%
# Where nothing was wrong, nothing changes: the values are PyTorch's own, and the second map alone
# trains alike.

native = train(starts[1:])
with gr.override("torch"):
    ours = train(starts[1:])
print(f"losses of the second map differ by {difference(ours, native):.0e}")
assert difference(ours, native) < 1e-5

# %%
# Three forms
# -----------
# A block, as above; some functions alone; the whole process.

with gr.override("torch", "det", "eigh"):
    within = torch.linalg.det
assert within is not torch.linalg.det


@gr.override("torch")
def job():
    return train(starts)


assert job()[-1] < 1e-3
print(
    "gr.register('torch') does the same for the life of the process, in all threads."
)

# %%
# Find out first
# --------------
# Before you change anything: is the derivative that the script uses wrong for its matrices? The
# kit asks the framework's own function, at general and at hard inputs.

report = gr.testing.check_native(
    torch.linalg.det, laws=["vjp", "edge"], dtypes=["float64"]
)
print("\n".join(str(report).splitlines()[:8]))
assert not report.passed

# %%
# What it costs
# -------------
# A stand-in looks at each call before it lets the framework compute. For a small matrix that
# counts, and so does our derivative, which holds where there is no inverse.


def seconds():
    a = torch.randn(
        2, 2, generator=torch.Generator().manual_seed(0), requires_grad=True
    )
    times = []
    for _ in range(300):
        begin = time.perf_counter()
        torch.linalg.det(a).backward()
        times.append(time.perf_counter() - begin)
    return np.median(times)


plain = seconds()
with gr.override("torch"):
    replaced = seconds()
print(
    f"det of 2 x 2, forward and backward: {1e6 * plain:.0f} us, in the override {1e6 * replaced:.0f} us"
)

# %%
# What an override cannot reach is listed on the page about it: names that were imported before,
# what a framework calls inside itself, graphs that were traced earlier. And an override keeps the
# contract: a heat kernel through ``torch.linalg.eigh`` at a repeated eigenvalue becomes NaN,
# where it was a wrong number.
