import torch

import gradrules as gr

a = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
(gr.det(a) ** 2).backward()
gradient = a.grad
