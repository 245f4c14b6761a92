import torch

import gradrules as gr

# The Laplacian of a ring of six nodes: its eigenvalues are 0, 1, 1, 3, 3, 4.
ring = torch.roll(torch.eye(6, dtype=torch.float64), 1, 0)
laplacian = (2 * torch.eye(6) - ring - ring.T).requires_grad_()
heat = gr.expm(-0.5 * laplacian)  # how much heat goes from one node to another
heat[0, 2].backward()
gradient = laplacian.grad
