import jax
import jax.numpy as jnp

import gradrules as gr

a = jnp.asarray([[1.0, 2.0], [3.0, 4.0]])
gradient = jax.grad(lambda a: gr.det(a) ** 2)(a)
