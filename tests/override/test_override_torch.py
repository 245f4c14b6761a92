"""Code that is written for torch's own functions, under an override."""

import threading

import numpy as np
import overriding
import pytest

import gradrules as gr

torch = pytest.importorskip("torch")

ALIASES = overriding.aliases("torch")
SINGULAR = [[1.0, 2.0], [2.0, 4.0]]
COFACTORS = [[4.0, -2.0], [-2.0, 1.0]]


def leaf(values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def gradient(f, x):
    return torch.autograd.grad(f(x), x)[0]


@pytest.mark.parametrize(("native", "path", "dtype"), overriding.cells(ALIASES))
def test_every_alias(native, path, dtype, monkeypatch):
    overriding.check_alias("torch", native, path, dtype, monkeypatch)


@pytest.mark.parametrize(("native", "path", "dtype"), overriding.cells(ALIASES))
def test_value_and_type_are_native_while_differentiated(native, path, dtype):
    rule = gr.adapters.lookup(native.rule)
    arrays = [torch.tensor(a, requires_grad=True) for a in overriding.inputs(rule, dtype)]
    call = overriding.caller(native, path, arrays)
    expected = call(*arrays)
    with gr.override("torch"):
        found = call(*arrays)
    assert type(found) is type(expected)
    for ours, theirs in zip(overriding.leaves(found), overriding.leaves(expected), strict=True):
        # Where a gradient may follow, torch calls routines that find vectors too.
        values = native.rule in {"eigvalsh", "svdvals", "matrix_norm", "cond"}
        rounding = 8 * torch.finfo(theirs.dtype).eps if values else 0
        torch.testing.assert_close(ours, theirs, rtol=rounding, atol=rounding)
        assert ours.requires_grad == theirs.requires_grad or native.rule == "slogdet"


def test_the_table_has_every_alias():
    names = {path.rpartition(".")[2] for _, path in ALIASES}
    known = {id(overriding.function(path)) for _, path in ALIASES}
    found = {
        f"{owner.__name__}.{name}"
        for owner in (torch, torch.linalg, torch.functional)
        for name in dir(owner)
        if id(getattr(owner, name)) in known or (name in names and owner is torch.linalg)
    }
    found |= {f"torch.Tensor.{name}" for name in names if hasattr(torch.Tensor, name)}
    # Two that only say that they were removed, and a factorization in one matrix.
    others = {"torch.Tensor.solve", "torch.Tensor.eig", "torch.Tensor.lu"}
    assert found - others == {path for _, path in ALIASES}


def loss(a):
    return torch.linalg.det(a) + torch.det(a) + a.det()


def test_det_at_a_singular_matrix_and_native_again_afterwards():
    before = torch.linalg.det, torch.det, torch.Tensor.det
    a = leaf(SINGULAR)
    assert torch.equal(gradient(loss, a), torch.zeros(2, 2, dtype=torch.float64))
    with gr.override("torch"):
        assert torch.linalg.det is not before[0]
        found = gradient(loss, a)
    torch.testing.assert_close(found, 3 * torch.tensor(COFACTORS).double(), rtol=1e-14, atol=1e-14)
    assert (torch.linalg.det, torch.det, torch.Tensor.det) == before
    assert "det" not in vars(torch.Tensor)
    assert torch.equal(gradient(loss, a), torch.zeros(2, 2, dtype=torch.float64))


def test_the_simple_eigenvector_beside_a_pair_of_equal_eigenvalues():
    a = leaf(np.diag([4.0, 1.0, 1.0]))

    def simple(x):
        return torch.linalg.eigh(x).eigenvectors[:, 2] @ weights

    weights = torch.tensor([1.0, 2.0, 3.0]).double()
    assert not torch.isfinite(gradient(simple, a)).all()
    with gr.override("torch", "eigh"):
        sign = torch.linalg.eigh(a).eigenvectors[0, 2].detach()
        found = gradient(simple, a)
    truth = torch.zeros(3, 3).double()
    truth[0, 1:] = truth[1:, 0] = sign * weights[1:] / 6
    torch.testing.assert_close(found, truth, rtol=1e-14, atol=1e-14)


def test_forward_over_forward_of_slogdet():
    a, d, e = (torch.tensor(x) for x in np.random.default_rng(0).standard_normal((3, 3, 3)))

    def logarithm(x):
        return torch.slogdet(x).logabsdet

    with gr.override("torch"):
        _, found = torch.func.jvp(lambda x: torch.func.jvp(logarithm, (x,), (d,))[1], (a,), (e,))
    y = torch.linalg.inv(a)
    torch.testing.assert_close(found, -torch.trace(y @ d @ y @ e), rtol=1e-12, atol=0)


def test_eigvalsh_reads_the_triangle_that_torch_reads():
    full = overriding.inputs(gr.eigvalsh, "complex128")[0]
    for uplo, half in (("L", np.tril(full)), ("U", np.triu(full))):
        half[(0, 2) if uplo == "L" else (2, 0)] = np.nan
        a = leaf(half, torch.complex128)

        def f(x, uplo=uplo):
            return (torch.linalg.eigvalsh(x, UPLO=uplo) ** 3).sum()

        native = gradient(f, a)
        with gr.override("torch"):
            torch.testing.assert_close(gradient(f, a), native, rtol=1e-12, atol=1e-12)


STAY_NATIVE = {
    "out=": lambda a: torch.linalg.det(a.detach(), out=torch.empty(()).double()),
    "left=False": lambda a: torch.linalg.solve(a, a, left=False),
    "a stack of vectors": lambda a: torch.linalg.solve(a.expand(2, 2, 2), a),
}


@pytest.mark.parametrize("name", STAY_NATIVE)
def test_what_no_rule_serves_stays_native(name, monkeypatch):
    f, a = STAY_NATIVE[name], leaf([[1.0, 3.0], [2.0, 4.0]])
    expected = f(a)
    if expected.requires_grad:
        native = gradient(lambda x: f(x).sum(), a)
    with gr.override("torch"), overriding.asked(monkeypatch) as names:
        assert torch.equal(f(a), expected)
        if expected.requires_grad:
            assert torch.equal(gradient(lambda x: f(x).sum(), a), native)
    assert not names


@pytest.mark.parametrize(
    "call",
    [
        lambda: torch.linalg.det(torch.ones(2, 3)),
        lambda: torch.linalg.det(torch.ones(2, 2, dtype=torch.int64)),
        lambda: torch.linalg.inv(torch.zeros(2, 2)),
        lambda: torch.linalg.det([[1.0]]),
        lambda: torch.linalg.solve(torch.eye(2), [1.0, 2.0]),
        lambda: torch.linalg.det(),
        lambda: torch.linalg.det(torch.eye(2).to_sparse()),
        lambda: torch.linalg.solve(torch.eye(2), torch.eye(2).double()),
        lambda: torch.linalg.eigh(torch.eye(2), UPLO="X"),
        lambda: torch.linalg.eigh(torch.eye(2), nonsense=1),
        lambda: torch.linalg.eigh(torch.eye(2), UPLO=[]),
    ],
)
def test_errors_are_those_of_torch(call):
    with pytest.raises(Exception) as native:  # noqa: PT011
        call()
    with gr.override("torch"), pytest.raises(type(native.value)) as ours:
        call()
    assert str(ours.value) == str(native.value)


SHAPES = [
    ((3, 3), (3,)),
    ((5, 3, 3), (3,)),
    ((5, 3, 3), (5, 3)),
    ((3, 3, 3), (3, 3)),
    ((5, 3, 3), (3, 2)),
    ((3, 3), (5, 3, 2)),
    ((2, 1, 3, 3), (5, 3, 2)),
    ((2, 3, 3, 3), (2, 3, 3)),
    ((0, 3, 3), (0, 3, 2)),
    ((0, 0), (0,)),
]


@pytest.mark.parametrize(("one", "other"), SHAPES)
def test_solve_takes_the_shapes_that_torch_takes(one, other):
    rng = np.random.default_rng(5)
    a = leaf(rng.standard_normal(one) + 3 * np.eye(one[-1]))
    b = leaf(rng.standard_normal(other))

    def run():
        x = torch.linalg.solve(a, b)
        return x, *torch.autograd.grad((x**2).sum(), (a, b))

    native = run()
    with gr.override("torch"):
        found = run()
    assert torch.equal(found[0], native[0])
    for ours, theirs in zip(found[1:], native[1:], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_vmap_jacobian_and_hessian():
    a = torch.tensor(np.stack([SINGULAR, SINGULAR])).double()
    with gr.override("torch"):
        found = torch.func.vmap(torch.func.grad(lambda x: torch.det(x)))(a)
        second = torch.func.hessian(lambda x: torch.det(x))(torch.zeros(2, 2).double())
    truth = torch.tensor([COFACTORS, COFACTORS]).double()
    torch.testing.assert_close(found, truth, rtol=1e-14, atol=1e-14)
    expected = torch.zeros(2, 2, 2, 2).double()
    expected[0, 0, 1, 1] = expected[1, 1, 0, 0] = 1.0
    expected[0, 1, 1, 0] = expected[1, 0, 0, 1] = -1.0
    torch.testing.assert_close(second, expected, rtol=1e-14, atol=1e-14)


def test_compiled_functions_follow_the_override():
    @torch.compile(backend="aot_eager", fullgraph=True)
    def compiled(x):
        return torch.linalg.det(x) + torch.linalg.eigh(x).eigenvalues.sum()

    a, trace = leaf(SINGULAR), torch.eye(2).double()
    torch.testing.assert_close(gradient(compiled, a), trace, rtol=1e-14, atol=1e-14)
    with gr.override("torch"):
        found = gradient(compiled, a)
    truth = trace + torch.tensor(COFACTORS).double()
    torch.testing.assert_close(found, truth, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(gradient(compiled, a), trace, rtol=1e-14, atol=1e-14)


def test_another_thread_keeps_the_native_functions():
    a, results = leaf(SINGULAR), {}
    inside, done = threading.Event(), threading.Event()

    def other():
        inside.wait(10)
        results["other"] = gradient(loss, a)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with gr.override("torch"):
        inside.set()
        assert done.wait(10)
        results["own"] = gradient(loss, a)
    thread.join()
    assert not results["other"].any()
    assert results["own"].any()


def test_a_subclass_of_tensor_and_a_parameter():
    class Mine(torch.Tensor):
        pass

    a = torch.nn.Parameter(torch.tensor(SINGULAR).double())
    with gr.override("torch"):
        found = gradient(torch.det, a)
        mine = torch.tensor(SINGULAR).double().as_subclass(Mine).requires_grad_()
        value = torch.det(mine)
        other = torch.autograd.grad(value, mine)[0]
    assert type(value) is Mine
    for g in (found, other):
        torch.testing.assert_close(
            g.as_subclass(torch.Tensor), torch.tensor(COFACTORS).double(), rtol=1e-14, atol=1e-14
        )


@pytest.mark.parametrize("name", ["det", "slogdet", "inv", "solve", "eigh", "eigvalsh"])
def test_our_own_rules_compute_with_native_functions(name, monkeypatch):
    assert not overriding.asked_by_our_own("torch", name, monkeypatch)
