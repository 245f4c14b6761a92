"""Two mixed states of two qubits."""

import numpy as np

rng = np.random.default_rng(0)
factors = rng.standard_normal((2, 4, 4)) + 1j * rng.standard_normal((2, 4, 4))
states = factors @ factors.conj().swapaxes(1, 2)
states = states / np.trace(states, axis1=1, axis2=2)[:, None, None]
