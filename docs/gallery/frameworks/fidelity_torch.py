import torch
from fidelity import fidelity
from fidelity_states import states

rho, sigma = torch.tensor(states, requires_grad=True)
value = fidelity(rho, sigma)
(gradient,) = torch.autograd.grad(value, sigma)
