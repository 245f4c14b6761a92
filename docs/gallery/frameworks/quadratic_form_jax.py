import jax
import jax.numpy as jnp

import gradrules as gr

q, b = jnp.asarray([[1.0, -1.0], [-1.0, 2.0]]), jnp.asarray([1.0, 1.0])


def f(x):
    return gr.quadratic_form(x, q, x) / 2 + gr.vecdot(b, x)


x = jnp.asarray([3.0, -2.0])
gradient = jax.grad(f)(x)
hessian = jax.hessian(f)(x)
