import tensorflow as tf

import gradrules as gr

q, b = tf.constant([[1.0, -1.0], [-1.0, 2.0]]), tf.constant([1.0, 1.0])


def f(x):
    return gr.quadratic_form(x, q, x) / 2 + gr.vecdot(b, x)


x = tf.Variable([3.0, -2.0])
with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        y = f(x)
    gradient = inner.gradient(y, x)
hessian = outer.jacobian(gradient, x)
