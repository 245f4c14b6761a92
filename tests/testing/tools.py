"""The same faults, shown to three tools: ``python tools.py FILE`` writes what each finds, as JSON.

``torch.autograd.gradcheck`` with ``gradgradcheck``, ``jax.test_util.check_grads`` to second order in
both modes, and our quick check. Each is called as its documentation shows, with its own tolerances; the
first two at a random real matrix in double precision, the third without any input. A fault is one
changed expression of our own derivatives, which all three differentiate.
"""

import json
import sys
from pathlib import Path

import numpy as np

import gradrules as gr
from gradrules.testing import _mutation

# What is wrong because of it: rule, function, kind of fault, changed expression, what it becomes.
FAULTS = {
    "wrong sign": ("inv", "inv_vjp", "sign", "-(yh @ y_bar @ yh)", "yh @ y_bar @ yh"),
    "a transpose is missing, in the form that is differentiated": (
        "solve", "solve_vjp", "transpose dropped", "adjoint(primals[0], xp)", "primals[0]"),
    "a factor of two": (
        "expm", "expm_fast_vjp", "factor",
        "_taylor.frechet(kept, cotangents[0], xp, conjugate=True)[1]",
        "result(_taylor.frechet(kept, cotangents[0], xp, conjugate=True)[1], 0, 'multiplied', 2.0)"),
    "gaps of eigenvalues transposed": (
        "eigh", "gaps", "sign", "w[..., None, :] - w[..., :, None]",
        "w[..., None, :] + w[..., :, None]"),
    "a term is missing": (
        "eigh", "_vjp", "term dropped",
        "left + v * xp.astype(w_bar, v.dtype)[..., None, :]", "left"),
    "second derivative, reverse over reverse": (
        "slogdet", "slogdet_vjp", "gradient stopped", "primals", "stopped(primals, 0)"),
    "second derivative of a composition": (
        "solve", "solve_vjp", "gradient stopped", "cotangents", "stopped(cotangents, 0)"),
    "forward mode alone": ("inv", "inv_jvp", "sign", "-(y @ x_dot @ y)", "y @ x_dot @ y"),
    "second derivative, forward over forward": (
        "inv", "inv_jvp", "gradient stopped", "outputs", "stopped(outputs, 0)"),
    "third derivative": (
        "det", "_second_derivative", "sign", "_dot(z_f, e, xp) * one - e @ z_f - f @ z_e",
        "_dot(z_f, e, xp) * one - e @ z_f + f @ z_e"),
    "nine digits lost": (
        "inv", "inv_vjp", "single precision", "-(yh @ y_bar @ yh)",
        "result(-(yh @ y_bar @ yh), 0, 'rounded')"),
    "a conjugate is missing": (
        "det", "det_vjp", "conjugate dropped", "conj(cofactor(x), xp)", "cofactor(x)"),
    "the phase of a complex determinant": (
        "slogdet", "slogdet_vjp", "term dropped", "total + phase", "total"),
    "complex eigenvectors": (
        "eigvalsh", "values_vjp", "conjugate dropped", "adjoint(v, xp)", "transposed(v)"),
    "equal eigenvalues: finite and wrong": (
        "eigh", "divided", "mask dropped",
        "xp.where(near & ~negligible, xp.full_like(k, float('nan')), z)", "z"),
    "close eigenvalues are called equal": ("eigh", "unresolved", "tolerance", "GAP", "GAP * 1000000.0"),
    "singular matrix: finite and wrong": (
        "slogdet", "poisoned", "mask dropped", "xp.where(bad, xp.full_like(x, float('nan')), zero)", "zero"),
    "singular matrix: a wrong quotient": (
        "det", "_all_but_two", "mask dropped",
        "xp.where(nonzero, quotient, xp.where(last_pair, first, zero))", "quotient"),
    "a batch of matrices of unequal norm": (
        "expm", "frechet", "mask dropped", "xp.where(more, x @ y + y @ x, y)", "x @ y + y @ x"),
    "an option is ignored": ("eigvalsh", "values_vjp", "option", "lower", "None"),
}  # fmt: skip


def fault(rule, function, kind, before, after):
    """The fault of that description."""
    change = f"{before} -> {after}"
    return next(
        m
        for m in _mutation.mutants(gr.registry[rule], [kind])
        if (m.function, m.change) == (function, change)
    )


def inputs(rule):
    """A random matrix, as one writes it down for a test."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((3, 3)) for _ in gr.registry[rule].inputs]


def gradcheck(rule):
    import torch

    arrays = [torch.tensor(a, requires_grad=True) for a in inputs(rule)]
    torch.autograd.gradcheck(gr.registry[rule], arrays)
    torch.autograd.gradgradcheck(gr.registry[rule], arrays)


def check_grads(rule):
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    jax.clear_caches()  # what was compiled with another fault
    check_grads(gr.registry[rule], [jax.numpy.asarray(a) for a in inputs(rule)], order=2)


def ours(rule):
    failures = (_mutation.first_failure(rule, backend=b) for b in ("numpy", "autograd"))
    failed = next(filter(None, failures), None)
    if failed is not None:
        msg = f"{failed.law}: {failed.case}"
        raise AssertionError(msg)


TOOLS = {
    "gradcheck, gradgradcheck": gradcheck,
    "check_grads": check_grads,
    "gradrules check --quick": ours,
}


def finds(tool, rule):
    """Whether a tool complains, whatever the way."""
    try:
        tool(rule)
    except Exception:
        return True
    return False


def main():
    for rule in dict.fromkeys(rule for rule, *_ in FAULTS.values()):
        for name, tool in TOOLS.items():
            if finds(tool, rule):
                sys.exit(f"{name} complains about {rule} without a fault")
    results = []
    for what, description in FAULTS.items():
        with _mutation.planted(fault(*description)):
            found = {name: finds(tool, description[0]) for name, tool in TOOLS.items()}
        results.append({"what": what, "rule": description[0], "found": found})
    Path(sys.argv[1]).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
