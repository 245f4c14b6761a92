import jax
import jax.numpy as jnp
from fidelity import fidelity
from fidelity_states import states

jax.config.update("jax_enable_x64", True)
rho, sigma = jnp.asarray(states)
value, gradient = jax.jit(jax.value_and_grad(fidelity, argnums=1))(rho, sigma)
gradient = gradient.conj()  # JAX's gradients are conjugates
