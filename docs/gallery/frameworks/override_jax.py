import jax
import jax.numpy as jnp

import gradrules as gr

a = jnp.asarray([[1.0, 2.0], [2.0, 4.0]])
with gr.override("jax"):
    gradient = jax.jit(jax.grad(jnp.linalg.det))(a)  # JAX's own is right here, too
