import autograd
import autograd.numpy as np
import numpy.random

import gradrules as gr

x = numpy.random.default_rng(0).uniform(size=(5, 5))
gradient = autograd.grad(lambda a: np.trace(gr.expm(a) @ x))(x + x.T)
