"""Learn a matrix through a linear system, the data split over two virtual devices:

python examples/distributed/tensorflow_mirrored.py
"""

import numpy as np
import tensorflow as tf

import gradrules as gr

STEPS, RATE = 20, 0.05


def gradient(a, b, x):
    """Of the misfit of ``A^-1 b`` to x, added up over the data."""
    with tf.GradientTape() as tape:
        misfit = tf.reduce_sum((gr.solve(a, b) - x) ** 2)
    return tape.gradient(misfit, a)


def learn(strategy, b, x):
    """Gradient descent; each replica differentiates its own part, and the variable adds them up."""
    with strategy.scope():
        a = tf.Variable(tf.eye(3, dtype=b.dtype), aggregation=tf.VariableAggregation.SUM)

    def part(array):
        pieces = np.split(array, strategy.num_replicas_in_sync)
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(pieces[context.replica_id_in_sync_group])
        )

    own_b, own_x = part(b), part(x)

    def descend(own_b, own_x):
        a.assign_sub(RATE / len(x) * gradient(a, own_b, own_x))

    @tf.function
    def step():
        strategy.run(descend, (own_b, own_x))

    for _ in range(STEPS):
        step()
    return a.numpy()


def main():
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    random = np.random.default_rng(0)
    true = np.eye(3) + 0.2 * random.normal(size=(3, 3))
    b = random.normal(size=(16, 3, 1))
    x = np.linalg.solve(true, b)

    together = learn(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), b, x)
    alone = learn(tf.distribute.OneDeviceStrategy("CPU:0"), b, x)
    print(f"learned on two devices:\n{together.round(3)}")
    print(f"difference from one device: {np.max(np.abs(together - alone)):.1e}")


if __name__ == "__main__":
    main()
