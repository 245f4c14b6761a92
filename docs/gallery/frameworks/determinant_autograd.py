import autograd
import autograd.numpy as np

import gradrules as gr

a = np.array([[1.0, 2.0], [3.0, 4.0]])
gradient = autograd.grad(lambda a: gr.det(a) ** 2)(a)
