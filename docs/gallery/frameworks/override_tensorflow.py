import tensorflow as tf

import gradrules as gr

a = tf.Variable([[1.0, 2.0], [2.0, 4.0]])
with gr.override("tensorflow"), tf.GradientTape() as tape:
    value = tf.linalg.det(a)
gradient = tape.gradient(
    value, a
)  # TensorFlow's own: an error, "Input is not invertible"
