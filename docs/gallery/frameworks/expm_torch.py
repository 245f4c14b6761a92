import numpy as np
import torch

import gradrules as gr

x = np.random.default_rng(0).uniform(size=(5, 5))
a = torch.tensor(x + x.T, requires_grad=True)
torch.trace(gr.expm(a) @ torch.tensor(x)).backward()
gradient = a.grad
