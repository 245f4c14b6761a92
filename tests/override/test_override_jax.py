"""Code that is written for JAX's own functions, under an override."""

import subprocess
import sys

import numpy as np
import overriding
import pytest

import gradrules as gr

jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402
import jax.scipy.linalg as jsl  # noqa: E402

ALIASES = overriding.aliases("jax")
DTYPES = ("complex128", "float64")
# JAX compiles each derivative for seconds: one rule of each shape, and of each kind of entry.
FEW = {
    *("solve", "cho_solve", "pinv", "lu", "svd"),
    *("cholesky", "eigh_tridiagonal", "expm", "matrix_power", "vector_norm"),
}
COFACTORS = np.asarray([[4.0, -2.0], [-2.0, 1.0]])


@pytest.mark.parametrize(("native", "path", "dtype"), overriding.cells(ALIASES, DTYPES, FEW))
def test_every_alias(native, path, dtype, monkeypatch):
    overriding.check_alias("jax", native, path, dtype, monkeypatch)


@pytest.mark.parametrize(("native", "path", "dtype"), overriding.cells(ALIASES, DTYPES))
def test_value_and_type_are_native_while_differentiated(native, path, dtype):
    rule = gr.adapters.lookup(native.rule)
    arrays = tuple(map(jnp.asarray, overriding.inputs(rule, dtype)))
    call = overriding.caller(native, path, arrays)
    expected = call(*arrays)
    with gr.override("jax"):
        found = jax.vjp(call, *arrays)[0]
    assert type(found) is type(expected)
    for ours, theirs in zip(overriding.leaves(found), overriding.leaves(expected), strict=True):
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()


def test_the_table_has_every_alias():
    known = {id(overriding.function(path)) for _, path in ALIASES}
    found = {
        f"{owner.__name__}.{name}"
        for owner in (jax, jnp, jnp.linalg, jax.scipy, jsl, jax.lax, jax.lax.linalg)
        for name in dir(owner)
        if id(getattr(owner, name)) in known
    }
    assert found == {path for _, path in ALIASES}


def test_expm_at_norm_1e6_and_native_again_afterwards():
    before = jsl.expm
    stiff = jnp.asarray([[1.0, 1e6], [0.0, -1.0]])

    def gradient(a):
        return jax.grad(lambda x: jsl.expm(x).sum())(a)

    assert not gradient(stiff).any()  # JAX's value is NaN, its gradient zero
    with gr.override("jax"):
        found = gradient(stiff)
        decaying = gradient(-1e6 * jnp.eye(2) + jnp.asarray([[0.0, 2.0], [1.0, 0.0]]))
        forward = jax.jvp(jsl.expm, (stiff,), (jnp.eye(2),))[1]
    # d/dt exp(A + t E) is the upper right block of exp [[A, E], [0, A]]: here in closed form.
    sinh, cosh = np.sinh(1.0), np.cosh(1.0)
    truth = np.asarray(
        [[np.e + 1e6 * (np.e - sinh) / 2, sinh], [0.0, np.exp(-1) + 1e6 * (sinh - np.exp(-1)) / 2]]
    )
    lower = 1e12 * (cosh - sinh) / 2 + 1e6 * sinh
    np.testing.assert_allclose(found[0, 1], sinh, rtol=1e-9)
    np.testing.assert_allclose(np.diag(found), np.diag(truth), rtol=1e-9)
    np.testing.assert_allclose(found[1, 0], lower, rtol=1e-5)
    assert np.array_equal(decaying, np.zeros((2, 2)))
    exponential = [[np.e, 1e6 * sinh], [0.0, np.exp(-1)]]
    np.testing.assert_allclose(forward, exponential, rtol=1e-9)
    assert jsl.expm is before
    assert not gradient(stiff).any()


def test_forward_over_forward_of_slogdet():
    a, d, e = map(jnp.asarray, np.random.default_rng(0).standard_normal((3, 3, 3)))

    def logarithm(x):
        return jnp.linalg.slogdet(x).logabsdet

    with gr.override("jax"):
        found = jax.jvp(lambda x: jax.jvp(logarithm, (x,), (d,))[1], (a,), (e,))[1]
    y = np.linalg.inv(a)
    assert float(found) == pytest.approx(-np.trace(y @ d @ y @ e), rel=1e-12)


def test_the_simple_eigenvector_beside_a_pair_of_equal_eigenvalues():
    def simple(x):
        return jnp.linalg.eigh(x).eigenvectors[:, 2] @ weights

    a, weights = jnp.diag(jnp.asarray([4.0, 1.0, 1.0])), jnp.asarray([1.0, 2.0, 3.0])
    assert not np.isfinite(jax.grad(simple)(a)).all()
    with gr.override("jax", "eigh"):
        found = jax.grad(simple)(a)
    sign = jnp.linalg.eigh(a).eigenvectors[0, 2]
    truth = np.zeros((3, 3))
    truth[0, 1:] = truth[1:, 0] = sign * weights[1:] / 6
    np.testing.assert_allclose(found, truth, rtol=1e-14, atol=1e-14)


def test_compiled_functions_follow_the_override():
    @jax.jit
    def second(x):
        return jax.hessian(lambda y: jnp.linalg.det(y))(x)

    a = jnp.diag(jnp.asarray([1.0, 2.0, 0.0, 0.0]))
    assert second(a)[2, 2, 3, 3] == 0.0  # wrong, natively
    with gr.override("jax"):
        assert second(a)[2, 2, 3, 3] == pytest.approx(2.0, rel=1e-14)
        with gr.override("jax", "inv"):
            assert second(a)[2, 2, 3, 3] == pytest.approx(2.0, rel=1e-14)
    assert second(a)[2, 2, 3, 3] == 0.0


def test_a_second_call_traces_nothing():
    traces = []

    @jax.jit
    def gradient(x):
        traces.append(1)
        return jax.grad(lambda y: jnp.linalg.det(y))(x)

    for _ in range(3):
        with gr.override("jax"):
            gradient(jnp.eye(3))
    assert len(traces) == 1


def test_vmap_scan_and_checkpoint():
    batch = jnp.stack([jnp.asarray([[1.0, 2.0], [2.0, 4.0]])] * 2)
    with gr.override("jax"):
        found = jax.vmap(jax.grad(jax.checkpoint(lambda x: jnp.linalg.det(x))))(batch)
        total = jax.grad(
            lambda b: jax.lax.scan(lambda c, x: (c + jnp.linalg.det(x), None), 0.0, b)[0]
        )(batch)
    for g in (found, total):
        np.testing.assert_allclose(g, [COFACTORS] * 2, rtol=1e-14, atol=1e-14)


SYMMETRIC = jnp.asarray([[2.0, 1.0], [1.0, 3.0]])


@pytest.mark.parametrize(
    "call",
    [
        lambda a: jnp.linalg.eigh(a, symmetrize_input=False)[1],
        lambda a: jsl.lu(a, permute_l=True)[1],
        lambda a: jnp.linalg.norm(a, 2, axis=(1, 0)),
        lambda a: jsl.solve(a, a, assume_a="pos"),
        lambda a: jsl.expm(a, upper_triangular=True),
        lambda a: jnp.linalg.solve(a, jnp.eye(2, dtype=jnp.float32)),
    ],
)
def test_what_no_rule_serves_stays_native(call):
    def traced():
        return str(jax.make_jaxpr(jax.grad(lambda x: call(x).sum()))(SYMMETRIC))

    native = traced()
    with gr.override("jax"):
        found = traced()
        ours = str(jax.make_jaxpr(jax.grad(lambda x: jnp.linalg.det(x)))(SYMMETRIC))
    assert found == native
    assert "gradrules" not in found
    assert "gradrules" in ours


@pytest.mark.parametrize(
    "call",
    [
        lambda: jnp.linalg.det(jnp.ones((2, 3))),
        lambda: jnp.linalg.det("text"),
        lambda: jnp.linalg.det(),
        lambda: jnp.linalg.eigh(jnp.eye(2), UPLO="X", symmetrize_input=False),
        lambda: jnp.linalg.slogdet(jnp.eye(2), method="X"),
        lambda: jnp.linalg.slogdet(jnp.eye(2), nonsense=1),
    ],
)
def test_errors_are_those_of_jax(call):
    with pytest.raises(Exception) as native:  # noqa: PT011
        call()
    with gr.override("jax"), pytest.raises(type(native.value)) as ours:
        call()
    assert str(ours.value).partition("\n")[0] == str(native.value).partition("\n")[0]


def test_numbers_lists_and_integers_as_jax_takes_them():
    with gr.override("jax"):
        assert jnp.linalg.det(np.asarray([[2.0, 0.0], [0.0, 3.0]])) == 6.0
        assert jnp.linalg.det(jnp.asarray([[2, 0], [0, 3]])) == 6.0


def test_options_that_serve_are_handed_to_jax():
    a = jnp.asarray([[1.0, 2.0], [3.0, 4.0]])
    with gr.override("jax"):
        by_qr = jax.value_and_grad(lambda x: jnp.linalg.slogdet(x, method="qr")[1])(a)
        upper = jnp.linalg.eigh(a, UPLO="U").eigenvalues
        squared = jax.value_and_grad(lambda x: jsl.expm(x, max_squarings=30).sum())(1e5 * a)
    np.testing.assert_allclose(by_qr[1], np.linalg.inv(a).T, rtol=1e-12)
    assert np.array_equal(by_qr[0], jnp.linalg.slogdet(a, method="qr")[1])
    assert np.array_equal(upper, jnp.linalg.eigh(a, UPLO="U").eigenvalues)
    assert np.isinf(squared[0])


REGISTERED = """
import threading, jax, jax.numpy as jnp
import gradrules as gr
f = jax.jit(lambda x: jnp.linalg.det(x))
found = []
def look():
    found.append("gradrules" in str(jax.make_jaxpr(f)(jnp.eye(2))))
look()
gr.register("jax", "det")
look()
thread = threading.Thread(target=look)
thread.start(); thread.join()
with gr.override("jax"):
    look()
look()
gr.register("jax", "det")
look()
print(found)
"""


def test_register_reaches_compiled_functions_and_all_threads():
    out = subprocess.run(
        [sys.executable, "-c", REGISTERED], capture_output=True, text=True, check=False
    )
    assert out.stdout == "[False, True, True, True, True, True]\n", out.stderr


@pytest.mark.parametrize("name", ["det", "slogdet", "inv", "solve", "eigh", "eigvalsh"])
def test_our_own_rules_compute_with_native_functions(name, monkeypatch):
    assert not overriding.asked_by_our_own("jax", name, monkeypatch)
