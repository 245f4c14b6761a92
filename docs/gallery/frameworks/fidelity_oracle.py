"""The truth of fidelity: its primal for matrices of mpmath numbers."""

import mpmath
import numpy as np

import gradrules as gr


@gr.testing.oracle("fidelity")
def fidelity_truth(rho, sigma):
    left, right = (
        mpmath.cholesky(mpmath.matrix((a + a.conj().T).tolist()) / 2)
        for a in (rho, sigma)
    )
    k = left.H * right
    values = mpmath.eighe(k.H * k, eigvals_only=True)
    return np.array(sum(mpmath.sqrt(value) for value in values) ** 2, dtype=object)
