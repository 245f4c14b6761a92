"""Small arrays of eager frameworks go to NumPy, and nobody can tell."""

import numpy as np
import pytest
from array_api_compat import numpy as numpy_namespace

import gradrules as gr

torch = pytest.importorskip("torch")
tf = pytest.importorskip("tensorflow")

MAKE = {"torch": torch.from_numpy, "tensorflow": tf.constant}
SMALL = np.asarray([[2.0, 1.0], [1.0, 3.0]])
LARGE = np.zeros((400, 2, 2)) + SMALL
USED = []
RAN = []


@gr.rule(name="_host_keeper", signature="(n,n)->(n,n)")
def keeper(x, /):
    """The square, which keeps its argument."""
    return x @ x


@keeper.def_keep
def keeper_keep(x, /):
    return x @ x, (x * 1,)


@keeper.def_vjp
def keeper_vjp(primals, outputs, cotangents, *, xp):
    RAN.append("closed")
    xt = xp.matrix_transpose(primals[0])
    return xt @ cotangents[0] + cotangents[0] @ xt


@keeper.def_fast_vjp
def keeper_fast_vjp(primals, outputs, kept, cotangents, *, xp):
    RAN.append("fast")
    xt = xp.matrix_transpose(kept[0])
    return xt @ cotangents[0] + cotangents[0] @ xt


@gr.rule(name="_host_witness", signature="(n,n)->(n,n)")
def witness(x, /, *, function=None, xp):
    """The square; tells which namespace computes it."""
    USED.append(xp)
    return x @ x if function is None else function(x)


@witness.def_jvp
def witness_jvp(primals, outputs, tangents, *, function, xp):
    USED.append(xp)
    return primals[0] @ tangents[0] + tangents[0] @ primals[0]


@witness.def_vjp
def witness_vjp(primals, outputs, cotangents, *, function, xp):
    USED.append(xp)
    xt = xp.matrix_transpose(primals[0])
    return xt @ cotangents[0] + cotangents[0] @ xt


def used(call):
    USED.clear()
    call()
    return {xp is numpy_namespace for xp in USED}


@pytest.fixture(params=["torch", "tensorflow"])
def make(request):
    return MAKE[request.param]


def gradient(x, rule=witness):
    if isinstance(x, torch.Tensor):
        x = x.requires_grad_()
        return torch.autograd.grad(rule(x).sum(), x)[0]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(rule(x))
    return tape.gradient(y, x)


def test_small_arrays_go_to_numpy_and_others_do_not(make):
    assert used(lambda: witness(make(SMALL))) == {True}
    assert used(lambda: gradient(make(SMALL))) == {True}
    assert used(lambda: witness(make(LARGE))) == {False}
    assert used(lambda: gradient(make(LARGE))) == {False}
    with gr.host.disabled():
        assert used(lambda: gradient(make(SMALL))) == {False}


@pytest.mark.parametrize("array", [SMALL, LARGE], ids=["small", "large"])
def test_the_fast_form_runs_whoever_kept_its_arrays(make, array):
    RAN.clear()
    gradient(make(array), keeper)
    assert RAN == ["fast"]


def test_both_ways_agree(make):
    here = np.asarray(gradient(make(SMALL)))
    with gr.host.disabled():
        np.testing.assert_allclose(here, np.asarray(gradient(make(SMALL))), rtol=1e-14)


def test_a_function_of_the_user_gets_the_frameworks_arrays(make):
    seen = []

    def function(x):
        seen.append(type(x))
        return x @ x

    x = make(SMALL)
    witness(x, function=function)
    assert seen == [type(x)]


def test_eigenvectors_do_not_depend_on_the_size_of_the_batch(make):
    alone, many = gr.eigh(make(SMALL)), gr.eigh(make(LARGE))
    with gr.host.disabled():
        framework = gr.eigh(make(SMALL))
    for y, batch, z in zip(alone, many, framework, strict=True):
        np.testing.assert_array_equal(np.asarray(y), np.asarray(z))
        np.testing.assert_allclose(np.asarray(batch)[0], np.asarray(y), rtol=1e-14)


def test_whether_numpy_was_passed_over_is_known(make):
    with gr.host.disabled() as by_numpy:
        assert not by_numpy()
        witness(make(SMALL))
        assert by_numpy()


def test_eigenvalues_of_a_pencil_and_their_derivatives_are_in_one_order():
    """NumPy and TensorFlow find these eigenvalues in two orders."""
    a, b = tf.constant([[3.0 + 0j, 0], [0, 2.0]]), tf.eye(2, dtype=tf.complex128)
    with tf.GradientTape() as tape:
        tape.watch(a)
        w = gr.eigvals_generalized(a, b)
        first = tf.math.real(w[0])
    own = np.diag(abs(w.numpy()[0] - [3.0, 2.0]) < 0.5)
    np.testing.assert_allclose(tape.gradient(first, a).numpy(), own, atol=1e-15)


def test_results_share_no_memory_with_inputs():
    gr.rule(lambda x, /: x, name="_host_identity", replace=True)
    same = gr.adapters.lookup("_host_identity")
    x = torch.ones(3)
    same(x).add_(1)
    assert x.tolist() == [1, 1, 1]


def test_a_trace_holds_operations_not_values():
    traced = torch.jit.trace(lambda x: witness(x), torch.from_numpy(SMALL))
    other = torch.from_numpy(SMALL) + 1
    assert torch.equal(traced(other), other @ other)


def test_errors_are_the_frameworks_own():
    with pytest.raises(torch.linalg.LinAlgError):
        gr.inv(torch.zeros(2, 2))


def test_second_derivatives_do_not_meet_what_numpy_kept():
    a = torch.from_numpy(SMALL).requires_grad_()
    (g,) = torch.autograd.grad(gr.expm(a).sum(), a, create_graph=True)
    assert g.grad_fn is not None
    (h,) = torch.autograd.grad((g * g).sum(), a)
    with gr.host.disabled():
        (g,) = torch.autograd.grad(gr.expm(a).sum(), a, create_graph=True)
        (want,) = torch.autograd.grad((g * g).sum(), a)
    torch.testing.assert_close(h, want, rtol=1e-12, atol=0)


def test_a_tangent_on_a_small_array_is_not_lost():
    import torch.autograd.forward_ad as fwd

    a, e = torch.from_numpy(SMALL), torch.ones(2, 2, dtype=torch.float64)
    with fwd.dual_level():
        y = fwd.unpack_dual(witness(fwd.make_dual(a, e)))
    torch.testing.assert_close(y.tangent, a @ e + e @ a)
