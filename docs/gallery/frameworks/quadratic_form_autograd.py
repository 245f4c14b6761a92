import autograd
import autograd.numpy as np

import gradrules as gr

q, b = np.array([[1.0, -1.0], [-1.0, 2.0]]), np.array([1.0, 1.0])


def f(x):
    return gr.quadratic_form(x, q, x) / 2 + gr.vecdot(b, x)


x = np.array([3.0, -2.0])
gradient = autograd.grad(f)(x)
hessian = autograd.hessian(f)(x)
