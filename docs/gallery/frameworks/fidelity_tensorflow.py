import tensorflow as tf
from fidelity import fidelity
from fidelity_states import states

rho, sigma = tf.unstack(tf.constant(states))
with tf.GradientTape() as tape:
    tape.watch(sigma)
    value = fidelity(rho, sigma)
gradient = tape.gradient(value, sigma)
