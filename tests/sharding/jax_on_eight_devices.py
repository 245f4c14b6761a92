"""Every rule on a batch split over eight devices; written to the file that the command line names."""

import re
from collections import Counter
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from problems import attempt, distance, floating_outputs, problem, problems, report

import gradrules as gr
from gradrules import adapters
from gradrules.errors import ArrayTypeError

T = adapters.load("jax").transforms
SPLIT = P("batch")
# In the compiled text, what moves and its shape; an asynchronous pair counts by its start.
COLLECTIVE = re.compile(
    r"= (?P<shape>\(.*?\)|\S+) (?P<name>all-gather|all-to-all|all-reduce|reduce-scatter|"
    r"collective-permute|collective-broadcast|ragged-all-to-all)(?:-start)?\("
)


def mesh_of(mode):
    kind = AxisType.Explicit if mode == "explicit" else AxisType.Auto
    return jax.make_mesh((8,), ("batch",), axis_types=(kind,))


# -- every rule ------------------------------------------------------------------------------------


def all_orders(p, bars, directions, *primals):
    """Value, gradient, jvp of the gradient."""
    f, x = p.function(primals)
    gradient = partial(T.vjp, f, cotangents=bars)
    push = T.jvp(lambda *x: gradient(x), x, directions)
    return floating_outputs(p.rule(*primals)), gradient(x), push


def first_order(p, bars, *primals):
    f, x = p.function(primals)
    return (T.vjp(f, x, bars),)


def compiled(mode, function, arguments):
    """The program for arguments whose batch is split, and these."""
    mesh = mesh_of(mode)
    if mode == "shard_map":
        function = jax.shard_map(function, mesh=mesh, in_specs=SPLIT, out_specs=SPLIT)
    arguments = jax.device_put(arguments, NamedSharding(mesh, SPLIT))
    with jax.set_mesh(mesh):
        return jax.jit(function).lower(*arguments).compile(), arguments


def collectives(program):
    found = COLLECTIVE.finditer(program.as_text())
    return dict(Counter(f"{one['name']} {one['shape']}" for one in found))


def cell(mode, function, arguments, wanted):
    program, arguments = compiled(mode, function, arguments)
    found = jax.tree.leaves(program(*arguments))
    over = NamedSharding(mesh_of(mode), SPLIT)
    return {
        "collectives": collectives(program),
        "distance": distance(found, jax.tree.leaves(wanted)),
        "split": all(y.sharding.is_equivalent_to(over, y.ndim) for y in found),
    }


def cells():
    for p in problems(batch=16):
        real = p.dtype == "float64"
        function = partial(all_orders if real else first_order, p)
        arguments = (p.bars, p.directions, *p.primals) if real else (p.bars, *p.primals)
        wanted = jax.jit(function)(*arguments)
        # Only the compiler's own decisions depend on the dtype: it knows each routine of LAPACK by name.
        for mode in ("automatic", "explicit", "shard_map") if real else ("automatic",):
            yield (
                f"{p.rule.name} {mode} {p.dtype}",
                attempt(cell, mode, function, arguments, wanted),
            )


# -- particular cases ------------------------------------------------------------------------------


def matrices():
    (a,) = problem(gr.inv, "float64", 16).primals
    return a


def control():
    """What is counted when a batch must come together."""
    program, _ = compiled("automatic", lambda a: jnp.sort(a, axis=0), (matrices(),))
    return {"collectives": collectives(program)}


def split_matrices(mode):
    """The rows of one matrix on eight devices."""
    mesh = mesh_of(mode)
    a = np.eye(8) + np.arange(64.0).reshape(8, 8) / 100
    wanted = jax.grad(lambda a: jnp.sum(gr.inv(a)))(jnp.asarray(a))
    x = jax.device_put(a, NamedSharding(mesh, SPLIT))
    with jax.set_mesh(mesh):
        try:
            found = jax.jit(jax.grad(lambda a: jnp.sum(gr.inv(a))))(x)
        except ArrayTypeError as refusal:
            return {"refusal": str(refusal)}
    return {"distance": distance([found], [wanted])}


def sharded_otherwise():
    """A batch over two axes of a mesh, which two arguments split in different ways."""
    explicit = AxisType.Explicit
    mesh = jax.make_mesh((4, 2), ("x", "y"), axis_types=(explicit, explicit))
    a = matrices()
    wanted = gr.inv(jnp.asarray(a))
    with jax.set_mesh(mesh):
        over_both = jax.device_put(a, NamedSharding(mesh, P(("x", "y"))))
        found = gr.inv(over_both)
        one, other = (jax.device_put(a, NamedSharding(mesh, P(axis))) for axis in ("x", "y"))
        try:
            gr.solve(one, other)
        except ArrayTypeError as refusal:
            return {
                "refusal": str(refusal),
                "distance": distance([found], [wanted]),
                "spec": str(jax.typeof(found).sharding.spec),
            }
    return {}


def shared_argument():
    """One right-hand side for a split batch: its gradient is a sum over all devices."""
    mesh = mesh_of("explicit")
    a, b = jnp.asarray(matrices()), jnp.ones((3, 2))

    def loss(a, b):
        return jnp.sum(jnp.sin(gr.solve(a, b)))

    def spread(a, b):
        return loss(a, jnp.broadcast_to(b, (16, 3, 2), out_sharding=SPLIT))

    wanted = jax.jit(jax.grad(loss, (0, 1)))(a, b)
    arguments = (
        jax.device_put(a, NamedSharding(mesh, SPLIT)),
        jax.device_put(b, NamedSharding(mesh, P())),
    )
    with jax.set_mesh(mesh):
        programs = [
            jax.jit(jax.grad(f, (0, 1))).lower(*arguments).compile() for f in (loss, spread)
        ]
    return {
        "distance": max(distance(program(*arguments), wanted) for program in programs),
        "as it is": collectives(programs[0]),
        "spread": collectives(programs[1]),
    }


def replicated_in_shard_map():
    """An operand that is the same on all devices gets the sum of all devices' cotangents."""
    mesh = mesh_of("shard_map")
    a, b = jnp.asarray(matrices()), jnp.ones((3, 2))

    def loss(a, b):
        return jnp.sum(jnp.sin(gr.solve(a, b)))

    def push(a, t):
        return jnp.sum(jnp.sin(jax.jvp(gr.inv, (a,), (jnp.broadcast_to(t, a.shape),))[1]))

    def mapped(f, out_specs):
        return jax.shard_map(f, mesh=mesh, in_specs=(SPLIT, P()), out_specs=out_specs)

    def added_up(f):
        return mapped(lambda *arguments: jax.lax.psum(f(*arguments), "batch"), P())

    def gradients(loss, push):
        gradient = jax.grad(loss, (0, 1))
        second = jax.jvp(gradient, (a, b), (a, b))[1]
        return gradient(a, b), second, jax.grad(push, 1)(a, a[3])

    wanted = jax.jit(lambda: gradients(loss, push))()
    found = jax.jit(lambda: gradients(added_up(loss), added_up(push)))()
    inside = jax.jit(mapped(jax.grad(loss, (0, 1)), (SPLIT, P())))(a, b)
    return {
        "inside": distance(inside, wanted[0]),
        "outside": distance(jax.tree.leaves(found), jax.tree.leaves(wanted)),
    }


def transformed():
    """Second order under `vmap`, and `scan` of a `checkpoint`, over a batch on an explicit mesh."""
    mesh = mesh_of("explicit")
    a, b = matrices(), np.ones((3, 2))

    def loss(a, b):
        return jnp.sum(jnp.sin(gr.solve(a, b)))

    def body(c, _):
        return gr.inv(c) + c, None

    functions = {
        "vmap": jax.vmap(jax.hessian(loss), (0, None)),
        "scan": jax.grad(lambda a, b: loss(jax.lax.scan(jax.checkpoint(body), a, length=2)[0], b)),
    }
    found = {}
    for name, f in functions.items():
        wanted = jax.jit(f)(a, b)
        arguments = (
            jax.device_put(a, NamedSharding(mesh, SPLIT)),
            jax.device_put(b, NamedSharding(mesh, P())),
        )
        with jax.set_mesh(mesh):
            program = jax.jit(f).lower(*arguments).compile()
        error = distance(jax.tree.leaves(program(*arguments)), jax.tree.leaves(wanted))
        found[name] = {"collectives": collectives(program), "distance": error}
    return found


if __name__ == "__main__":
    assert jax.device_count() == 8
    report(
        {
            "control": control(),
            "matrix automatic": attempt(split_matrices, "automatic"),
            "matrix explicit": attempt(split_matrices, "explicit"),
            "otherwise": attempt(sharded_otherwise),
            "shared": attempt(shared_argument),
            "replicated": attempt(replicated_in_shard_map),
            "transformed": attempt(transformed),
            **dict(cells()),
        }
    )
