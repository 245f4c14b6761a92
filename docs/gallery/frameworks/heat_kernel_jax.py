import jax
import jax.numpy as jnp

import gradrules as gr

jax.config.update("jax_enable_x64", True)
# The Laplacian of a ring of six nodes: its eigenvalues are 0, 1, 1, 3, 3, 4.
ring = jnp.roll(jnp.eye(6), 1, 0)
laplacian = 2 * jnp.eye(6) - ring - ring.T
# How much heat goes from one node to another.
gradient = jax.grad(lambda a: gr.expm(-0.5 * a)[0, 2])(laplacian)
