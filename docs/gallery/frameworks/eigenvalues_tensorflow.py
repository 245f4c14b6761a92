import tensorflow as tf

import gradrules as gr

a = tf.constant(
    [
        [0.6102723, 0.17637432, 0.38962376],
        [0.3735156, 0.6306771, 0.19141042],
        [0.34370267, 0.7677151, 0.4024818],
    ]
)
with tf.GradientTape() as tape:
    tape.watch(a)
    smallest = gr.eigvalsh(a, lower=True)[0]
gradient = tape.gradient(smallest, a)
