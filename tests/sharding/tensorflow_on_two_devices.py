"""Rules under MirroredStrategy on two virtual devices; written to the file of the command line."""

from collections import Counter
from functools import partial

import numpy as np
import tensorflow as tf
from problems import attempt, distance, floating_outputs, problem, problems, report
from tensorflow.experimental import dtensor

import gradrules as gr
from gradrules import adapters, host

T = adapters.load("tensorflow").transforms
DEVICES = ("CPU:0", "CPU:1")
EACH = 2  # matrices for each device

# -- every rule --------------------------------------------------------------------------------------


def first_order(p, bars, *primals):
    """Value and gradient."""
    f, x = p.function(primals)
    return *floating_outputs(p.rule(*primals)), *T.vjp(f, x, bars)


def second_order(p, bars, directions, *primals):
    """Gradient, and its jvp."""
    f, x = p.function(primals)
    return *T.vjp(f, x, bars), *T.jvp(lambda *x: T.vjp(f, x, bars), x, directions)


def spread(strategy, array):
    """One part of the batch for each replica."""

    def part(context):
        i = context.replica_id_in_sync_group
        return tf.constant(array[EACH * i : EACH * (i + 1)])

    return strategy.experimental_distribute_values_from_function(part)


def cell(strategy, run, function, arguments):
    wanted = function(*tf.nest.map_structure(tf.constant, arguments))
    parts = tf.nest.map_structure(lambda array: spread(strategy, array), arguments)
    found, devices = run(lambda: strategy.run(function, parts))
    local = [strategy.experimental_local_results(y) for y in found]
    reduced = [strategy.reduce("SUM", y, axis=0) for y in found]
    return {
        "distance": distance([np.concatenate(y) for y in local], wanted),
        "reduced": distance(reduced, [tf.reduce_sum(w, axis=0) for w in wanted]),
        "devices": devices,
    }


def small_cell(strategy):
    """Small tensors, which NumPy computes outside of graphs."""
    p = problem(gr.inv, "float64", 2 * EACH)
    return cell(strategy, at_once, partial(first_order, p), (p.bars, *p.primals))


def at_once(f):
    """The results of `f`, and how many of them are on each device."""
    found = f()
    return found, count_devices(part for y in found for part in y.values)


def in_a_function(f):
    """The results of `f` in a graph, and how many operations of it each device has."""
    function = tf.function(f)
    return function(), count_devices(function.get_concrete_function().graph.get_operations())


def count_devices(placed):
    counts = Counter(one.device[-5:] for one in placed)
    return {device: counts[device] for device in DEVICES}


def cells(strategy):
    for p in problems(2 * EACH):
        name, first = (
            f"{p.rule.name} {{}} {p.dtype}",
            (partial(first_order, p), (p.bars, *p.primals)),
        )
        yield name.format("eager"), attempt(cell, strategy, at_once, *first)
        # What a graph adds does not depend on the dtype, and it takes long to build.
        if p.dtype == "float64":
            yield name.format("function"), attempt(cell, strategy, in_a_function, *first)
            second = partial(second_order, p), (p.bars, p.directions, *p.primals)
            yield name.format("second"), attempt(cell, strategy, at_once, *second)


# -- a shared variable -------------------------------------------------------------------------------

LOSSES = {
    "eigh": lambda a: tf.reduce_sum(gr.eigh(a).eigenvectors[..., 0] ** 4, -1),
    "solve": lambda a: tf.reduce_sum(gr.solve(a, tf.sin(a)), (-2, -1)) ** 2,
    "expm": lambda a: tf.linalg.trace(gr.expm(a / 4)),
}


def step(strategy, name):
    """One step of gradient descent on a mirrored variable, against one device."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2 * EACH, 3, 3))
    start = rng.normal(size=(3, 3))

    def loss(w, x):
        h = x @ w
        symmetric = h @ tf.linalg.matrix_transpose(h) + tf.linalg.diag(
            tf.range(2.0, 5.0, dtype=x.dtype)
        )
        return tf.reduce_sum(LOSSES[name](symmetric))

    def gradient(w, x):
        with tf.GradientTape() as tape:
            value = loss(w, x)
        return tape.gradient(value, w)

    alone = tf.Variable(start)
    wanted = start - 0.1 * gradient(alone, tf.constant(x))
    with strategy.scope():
        mirrored = tf.Variable(start, aggregation=tf.VariableAggregation.SUM)

    def descend(x):
        mirrored.assign_sub(0.1 * gradient(mirrored, x))

    parts = spread(strategy, x)
    tf.function(lambda: strategy.run(descend, args=(parts,)))()
    copies = strategy.experimental_local_results(mirrored)
    return {"distance": distance(copies, [wanted, wanted])}


# -- DTensor -----------------------------------------------------------------------------------------


def split(axis):
    """What TensorFlow says of a function of its own, and of ours, where DTensor splits an axis."""
    mesh = dtensor.create_mesh([("x", 2)], devices=list(DEVICES))
    axes = [dtensor.UNSHARDED] * 3
    axes[axis] = "x"
    whole = dtensor.copy_to_mesh(tf.eye(4, batch_shape=[2]), dtensor.Layout.replicated(mesh, 3))
    a = dtensor.relayout(whole, dtensor.Layout(axes, mesh))
    said = {}
    for name, f in (("native", tf.linalg.inv), ("ours", gr.inv)):
        try:
            f(a)
        except tf.errors.UnimplementedError as refusal:
            said[name] = str(refusal)[:80]
    return said


def main():
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(DEVICES)
    particular = {f"step {name}": attempt(step, strategy, name) for name in LOSSES}
    particular |= {"batch": attempt(split, 0), "matrix": attempt(split, 1)}
    particular["small"] = attempt(small_cell, strategy)
    # A graph has no small arrays that NumPy could compute: its eigenvectors may have another sign.
    with host.disabled():
        report(particular | dict(cells(strategy)))


if __name__ == "__main__":
    main()
