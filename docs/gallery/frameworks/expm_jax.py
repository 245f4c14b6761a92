import jax
import jax.numpy as jnp
import numpy as np

import gradrules as gr

jax.config.update("jax_enable_x64", True)
x = np.random.default_rng(0).uniform(size=(5, 5))
gradient = jax.grad(lambda a: jnp.trace(gr.expm(a) @ x))(jnp.asarray(x + x.T))
