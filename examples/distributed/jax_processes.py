"""Differentiate one batch that two processes hold together. Start both, in two shells:

    python examples/distributed/jax_processes.py 0
    python examples/distributed/jax_processes.py 1

On real machines ``jax.distributed.initialize()`` finds its arguments by itself (SLURM, TPU pods, ...), and
the mesh holds their GPUs.
"""

import os
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import gradrules as gr


def loss(a):
    """The free energy of each Hamiltonian, added up."""
    return jnp.sum(jnp.log(jnp.sum(jnp.exp(-gr.eigh(a).eigenvalues), axis=-1)))


def main():
    address = os.environ.get("COORDINATOR", "localhost:12355")
    process = int(sys.argv[1])
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", 1)
    jax.distributed.initialize(address, num_processes=2, process_id=process)
    jax.config.update("jax_enable_x64", val=True)

    everything = np.random.default_rng(0).normal(size=(8, 3, 3))
    mesh = jax.make_mesh((jax.device_count(),), ("batch",), axis_types=(AxisType.Explicit,))
    own = everything[4 * process : 4 * (process + 1)]
    with jax.set_mesh(mesh):
        a = jax.make_array_from_process_local_data(NamedSharding(mesh, P("batch")), own)
        compiled = jax.jit(jax.grad(loss)).lower(a).compile()
        found = compiled(a)

    assert "all-gather" not in compiled.as_text()
    wanted = jax.grad(loss)(jnp.asarray(own))
    difference = np.max(np.abs(found.addressable_data(0) - wanted))
    print(f"process {process} of {jax.process_count()} holds {jax.typeof(found)}")
    print(f"difference from one process: {difference:.1e}")


if __name__ == "__main__":
    main()
