import autograd
import autograd.numpy as np

import gradrules as gr

rng = np.random.default_rng(0)
x = rng.standard_normal((6, 6))
weights = rng.standard_normal((6, 6))


def loss(x):
    # The two eigenvectors of the largest eigenvalues of (x + x^T) / 2.
    _, y = gr.eigh(x, subset_by_index=(4, 5))
    return np.sum(weights * (y @ y.T))


gradient = autograd.grad(loss)(x)
