import numpy as np
import tensorflow as tf

import gradrules as gr

x = np.random.default_rng(0).uniform(size=(5, 5))
a = tf.Variable(x + x.T)
with tf.GradientTape() as tape:
    loss = tf.linalg.trace(gr.expm(a) @ x)
gradient = tape.gradient(loss, a)
