import numpy as np
import torch

import gradrules as gr

rng = np.random.default_rng(0)
x = torch.tensor(rng.standard_normal((6, 6)), requires_grad=True)
weights = torch.tensor(rng.standard_normal((6, 6)))

# The two eigenvectors of the largest eigenvalues of (x + x^T) / 2.
_, y = gr.eigh(x, subset_by_index=(4, 5))
torch.sum(weights * (y @ y.T)).backward()
gradient = x.grad
