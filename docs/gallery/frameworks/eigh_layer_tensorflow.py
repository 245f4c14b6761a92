import numpy as np
import tensorflow as tf

import gradrules as gr

rng = np.random.default_rng(0)
x = tf.Variable(rng.standard_normal((6, 6)))
weights = tf.constant(rng.standard_normal((6, 6)))

with tf.GradientTape() as tape:
    # The two eigenvectors of the largest eigenvalues of (x + x^T) / 2.
    _, y = gr.eigh(x, subset_by_index=(4, 5))
    loss = tf.reduce_sum(weights * (y @ tf.transpose(y)))
gradient = tape.gradient(loss, x)
