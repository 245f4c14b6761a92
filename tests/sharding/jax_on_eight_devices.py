"""Every rule on a batch split over eight devices of the host; a report in JSON on standard output.

For each rule, each kind of sharding and each dtype: the collectives of the compiled program, how far its
results are from those of one device, and how they are sharded.
"""

import json
import re
import sys
import traceback
from collections import Counter
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import gradrules as gr
from gradrules.testing._cases import draw, generator

BATCH = (16,)
MODES = ("automatic", "explicit", "shard_map")
SPLIT = P("batch")
COLLECTIVE = re.compile(
    r"= [^=]*? (all-gather|all-to-all|all-reduce|collective-permute|collective-broadcast|"
    r"reduce-scatter|ragged-all-to-all)(?:-start)?\("
)


def mesh_of(mode):
    kind = AxisType.Explicit if mode == "explicit" else AxisType.Auto
    return jax.make_mesh((8,), ("batch",), axis_types=(kind,))


def as_tuple(y):
    return tuple(y) if isinstance(y, tuple) else (y,)


def value(rule, *primals):
    return as_tuple(rule(*primals))


def gradient(rule, bars, *primals):
    """A gradient that adds nothing up: cotangents of the outputs, in place of a loss."""
    return jax.vjp(partial(value, rule), *primals)[1](bars)


def all_orders(rule, bars, directions, *primals):
    """Value, gradient, jvp of the gradient."""
    push = jax.jvp(partial(gradient, rule, bars), primals, directions)
    return value(rule, *primals), *push


def programs(rule):
    """What is compiled, per dtype, and with what arguments."""
    for dtype, orders in (("float64", all_orders), ("complex128", gradient)):
        if dtype not in rule.declaration.dtypes:
            continue
        primals, directions = (
            draw(rule, generator(rule.name, k), dtype, batch=BATCH) for k in (0, 1)
        )
        rng = generator(rule.name, "bars")
        bars = tuple(
            np.asarray(rng.standard_normal(y.shape), y.dtype) for y in value(rule, *primals)
        )
        arguments = (bars, directions) if orders is all_orders else (bars,)
        yield dtype, partial(orders, rule), (*arguments, *primals)


def collectives(compiled):
    return dict(Counter(COLLECTIVE.findall(compiled.as_text())))


def split(mode, function, arguments):
    """The function compiled for arguments whose batch is split, and these."""
    mesh = mesh_of(mode)
    if mode == "shard_map":
        function = jax.shard_map(function, mesh=mesh, in_specs=SPLIT, out_specs=SPLIT)
    arguments = jax.device_put(arguments, NamedSharding(mesh, SPLIT))
    with jax.set_mesh(mesh):
        return jax.jit(function).lower(*arguments).compile(), arguments


def distance(found, wanted):
    """The largest difference, relative to the largest entry of each array."""
    errors = []
    for y, w in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        y, w = np.asarray(y), np.asarray(w)
        errors.append(np.max(np.abs(y - w)) / max(np.max(np.abs(w)), 1e-300))
    return float(max(errors))


def cell(mode, function, arguments, wanted):
    compiled, arguments = split(mode, function, arguments)
    found = compiled(*arguments)
    over = NamedSharding(mesh_of(mode), SPLIT)
    return {
        "collectives": collectives(compiled),
        "distance": distance(found, wanted),
        "split": all(y.sharding.is_equivalent_to(over, y.ndim) for y in jax.tree.leaves(found)),
    }


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except Exception:
        return {"failure": traceback.format_exc(limit=-3)}


def cells():
    for name, rule in gr.registry.items():
        for dtype, function, arguments in programs(rule):
            wanted = jax.jit(function)(*arguments)
            for mode in MODES:
                yield f"{name} {mode} {dtype}", attempt(cell, mode, function, arguments, wanted)


def control():
    """What is counted when the batch must come together."""
    whole = jax.jit(lambda x: jnp.linalg.norm(jax.lax.with_sharding_constraint(x, P()), axis=(-2, -1)))
    mesh = mesh_of("automatic")
    x = jax.device_put(np.ones((16, 3, 3)), NamedSharding(mesh, SPLIT))
    with jax.set_mesh(mesh):
        return {"collectives": collectives(whole.lower(x).compile())}


if __name__ == "__main__":
    assert jax.device_count() == 8
    json.dump({"control": control(), **dict(cells())}, sys.stdout)
