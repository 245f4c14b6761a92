import tensorflow as tf

import gradrules as gr

a = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
with tf.GradientTape() as tape:
    loss = gr.det(a) ** 2
gradient = tape.gradient(loss, a)
