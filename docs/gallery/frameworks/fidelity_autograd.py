import autograd
from fidelity import fidelity
from fidelity_states import states

rho, sigma = states
value = fidelity(rho, sigma)
gradient = autograd.grad(fidelity, argnum=1)(rho, sigma).conj()  # as in JAX
