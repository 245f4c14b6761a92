import autograd
import autograd.numpy as np

import gradrules as gr

# The Laplacian of a ring of six nodes: its eigenvalues are 0, 1, 1, 3, 3, 4.
ring = np.roll(np.eye(6), 1, 0)
laplacian = 2 * np.eye(6) - ring - ring.T
# How much heat goes from one node to another.
gradient = autograd.grad(lambda a: gr.expm(-0.5 * a)[0, 2])(laplacian)
