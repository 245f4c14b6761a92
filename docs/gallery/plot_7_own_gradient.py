r"""
A wrong gradient of one's own
=============================

*I wrote a backward pass. My test compares it with differences and passes; the training does not converge.*

A test of one's own tries the input and the loss that one has in mind. The kit tries the others: batches
of every shape, size 1, nonnormal matrices, random gradients coming in, complex numbers.

Here is a class from a training script, as anybody writes it. Its backward pass has a mistake that a
usual test does not see.
"""

import torch
from _page import difference

import gradrules as gr

# %%
# The function is :math:`Y = A^{-1} B`. Its backward pass needs a transpose. The author's matrices
# were symmetric.


class Whiten(torch.autograd.Function):
    @staticmethod
    def forward(a, b):
        return torch.linalg.solve(a, b)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def backward(ctx, incoming):
        a, y = ctx.saved_tensors
        b_bar = torch.linalg.solve(a, incoming)  # a.mT is what it should be
        return -b_bar @ y.mT, b_bar


def whiten(a, b):
    """A^-1 B, with a backward pass of one's own."""
    return Whiten.apply(a, b)


# %%
# The author's test
# -----------------
# A covariance, and PyTorch's own check by differences. It passes.

x = torch.randn(
    50, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64
)
covariance = (x.T @ x / 50).requires_grad_()
right_side = x[:3].T.clone().requires_grad_()
print(
    "gradcheck at a covariance:",
    torch.autograd.gradcheck(whiten, (covariance, right_side)),
)

# %%
# The kit
# -------
# ``check_native`` takes a function of a framework, and differentiates it there. ``like="solve"``
# says which rule it should be, and with that come the truth at 140 digits and the inputs that are
# hard for this rule. Any name of ``gradrules list`` will do. (The kit goes through
# ``torch.func``, and PyTorch wants a ``setup_context`` there: a class whose ``forward`` takes
# ``ctx`` must be split first.)

report = gr.testing.check_native(
    whiten, framework="torch", like="solve", laws=["vjp"], dtypes=["float64"]
)
print(report)
assert not report.passed

# %%
# A failure names the law, the smallest input that was found, what came and what is true. A matrix
# that is no covariance: there a transpose counts. The mended class:


class Mended(Whiten):
    @staticmethod
    def backward(ctx, incoming):
        a, y = ctx.saved_tensors
        b_bar = torch.linalg.solve(a.mT, incoming)
        return -b_bar @ y.mT, b_bar


def mended(a, b):
    return Mended.apply(a, b)


report = gr.testing.check_native(
    mended, framework="torch", like="solve", laws=["vjp"], dtypes=["float64"]
)
print(report)
assert report.passed

# %%
# That is right for real numbers. The kit's next question is for complex ones, where ``mT`` should
# be ``mH``, twice.

report = gr.testing.check_native(
    mended, framework="torch", like="solve", laws=["vjp"], dtypes=["complex128"]
)
print("complex128:", str(report).splitlines()[0])
assert not report.passed

# %%
# Or no backward pass of one's own
# --------------------------------
# ``gr.solve`` is this function, with both modes, of every order, in four frameworks. To see that
# the loss of the script does not change, put it in the place of the class and compare.

(ours,) = torch.autograd.grad(
    torch.sum(gr.solve(covariance, right_side) ** 2), covariance
)
(theirs,) = torch.autograd.grad(
    torch.sum(mended(covariance, right_side) ** 2), covariance
)
print(f"gr.solve and the mended class: {difference(ours, theirs):.0e}")
assert difference(ours, theirs) < 1e-12

# %%
# In a test suite
# ---------------
# The same question as a test: ``assert gr.testing.check_native(...).passed``; for rules of your
# own the pytest plugin makes one test for each rule, backend and law. A function that no rule
# knows is compared with extrapolated differences, whose own error is estimated:


def logcosh(x):
    return x + torch.nn.functional.softplus(-2 * x) - 0.6931471805599453


report = gr.testing.check_native(
    logcosh, framework="torch", signature="()->()", laws=["vjp"], dtypes=["float64"]
)
print(report)
assert report.passed
