import tensorflow as tf

import gradrules as gr

# The Laplacian of a ring of six nodes: its eigenvalues are 0, 1, 1, 3, 3, 4.
ring = tf.roll(tf.eye(6, dtype=tf.float64), 1, 0)
laplacian = tf.Variable(2 * tf.eye(6, dtype=tf.float64) - ring - tf.transpose(ring))
with tf.GradientTape() as tape:
    heat = gr.expm(-0.5 * laplacian)[
        0, 2
    ]  # how much heat goes from one node to another
gradient = tape.gradient(heat, laplacian)
