import jax
import jax.numpy as jnp
import numpy as np

import gradrules as gr

jax.config.update("jax_enable_x64", True)
rng = np.random.default_rng(0)
x = jnp.asarray(rng.standard_normal((6, 6)))
weights = jnp.asarray(rng.standard_normal((6, 6)))


@jax.jit
@jax.grad
def gradient_at(x):
    # The two eigenvectors of the largest eigenvalues of (x + x^T) / 2.
    _, y = gr.eigh(x, subset_by_index=(4, 5))
    return jnp.sum(weights * (y @ y.T))


gradient = gradient_at(x)
