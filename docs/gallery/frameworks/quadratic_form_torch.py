import torch

import gradrules as gr

q, b = torch.tensor([[1.0, -1.0], [-1.0, 2.0]]), torch.tensor([1.0, 1.0])


def f(x):
    return gr.quadratic_form(x, q, x) / 2 + gr.vecdot(b, x)


x = torch.tensor([3.0, -2.0])
gradient = torch.func.grad(f)(x)
hessian = torch.func.hessian(f)(x)
