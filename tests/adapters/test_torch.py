"""PyTorch: every way in which torch differentiates, against NumPy's results for the same rules."""

import gc
import itertools
import subprocess
import sys
import weakref

import numpy as np
import pytest

import gradrules as gr
from gradrules.errors import (
    ArrayTypeError,
    MissingDerivativeError,
    NotDifferentiableError,
    UnsupportedTransformError,
)

torch = pytest.importorskip("torch")

import torch.autograd.forward_ad as fwd  # noqa: E402
from torch import func  # noqa: E402

T = gr.adapters.load("torch").transforms

# -- cases: a rule, its inputs, and a loss that no gauge freedom changes ---------------------------

NAMES = ("det", "eigh", "eigvalsh", "expm", "expm_frechet", "inv", "slogdet", "solve")
FIELDS = ("real", "complex")
MODES = ("forward", "reverse")


@pytest.fixture(autouse=True)
def _single_thread():
    torch.set_num_threads(1)


def draw(shape, field, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if field == "complex" else x


class Case:
    """``loss = sum_k C_k |y_k|^2 + Re sum conj(D_k) y_k`` of the outputs of one rule."""

    def __init__(self, name, field, batch=()):
        self.rule, self.name = gr.registry[name], name
        shapes = [(*batch, 3, 3)] * len(self.rule.inputs)
        if name == "solve":
            shapes[1] = (*batch, 3, 2)
        self.arrays, *self.directions = (
            tuple(0.6 * draw(shape, field, 10 * i + j) for j, shape in enumerate(shapes))
            for i in range(4)
        )
        outputs = self._outputs(self.arrays)
        self.squares = [draw(y.shape, "real", 50 + k) for k, y in enumerate(outputs)]
        self.lines = [
            draw(y.shape, field if np.iscomplexobj(y) else "real", 60 + k)
            for k, y in enumerate(outputs)
        ]
        if name == "eigh":  # the phases of eigenvectors are arbitrary
            self.lines[1] = 0 * self.lines[1]
        self.weights = [list(map(torch.as_tensor, w)) for w in (self.squares, self.lines)]

    def _outputs(self, arrays):
        y = self.rule(*arrays)
        return tuple(y) if isinstance(y, tuple) else (y,)

    def loss(self, *arrays):
        """With torch."""
        total = 0
        for y, c, d in zip(self._outputs(arrays), *self.weights, strict=True):
            total = total + (c * real(y.conj() * y)).sum() + real(d.conj() * y).sum()
        return total

    def slope(self, arrays, tangents):
        """The first derivative of the loss, with NumPy."""
        ys, dots = self.rule.jvp(arrays, tangents)
        ys, dots = (v if isinstance(v, tuple) else (v,) for v in (ys, dots))
        return sum(
            np.sum(2 * c * np.real(np.conj(y) * t)) + np.sum(np.real(np.conj(d) * t))
            for y, t, c, d in zip(ys, dots, self.squares, self.lines, strict=True)
        )

    def truth(self, order):
        """Derivative along the first `order` directions: the first by rule, the others by differences."""
        first, *others = self.directions[:order]

        def at(arrays, others):
            if not others:
                return self.slope(arrays, first)
            h = 3e-3  # with eighth order, truncation and rounding are both below 1e-10
            weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
            return sum(
                s * weight * at([x + s * k * h * e for x, e in zip(arrays, others[0], strict=True)],
                                others[1:])
                for k, weight in weights.items() for s in (1, -1)
            ) / h  # fmt: skip

        return at(self.arrays, others)

    def tensors(self, which=None):
        return tuple(map(torch.as_tensor, self.arrays if which is None else self.directions[which]))


def real(x):
    return x.real if x.is_complex() else x


def inner(tangents, gradients):
    return sum(real(t.conj() * g).sum() for t, g in zip(tangents, gradients, strict=True))


def close(got, wanted, tolerance=1e-9):
    got = got.detach().numpy() if isinstance(got, torch.Tensor) else got
    wanted = wanted.detach().numpy() if isinstance(wanted, torch.Tensor) else np.asarray(wanted)
    assert got.shape == wanted.shape
    scale = np.max(np.abs(wanted), initial=1e-300)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * scale)


# Directional derivatives: each takes a scalar function of arrays and returns another.


def forward(f, d):
    return lambda *x: func.jvp(f, x, d)[1]


def reverse(f, d):
    return lambda *x: inner(d, func.grad(f, argnums=tuple(range(len(x))))(*x))


def plain_forward(f, d):
    def g(*x):
        with fwd.dual_level():
            duals = (fwd.make_dual(a, t) for a, t in zip(x, d, strict=True))
            return fwd.unpack_dual(f(*duals)).tangent

    return g


def plain_reverse(f, d, *, create_graph=True):
    def g(*x):
        x = tuple(a if a.requires_grad else a.clone().requires_grad_() for a in x)
        return inner(d, torch.autograd.grad(f(*x), x, create_graph=create_graph))

    return g


FUNC = {"forward": forward, "reverse": reverse}
PLAIN = {"forward": plain_forward, "reverse": plain_reverse}
NESTINGS = list(itertools.product(MODES, repeat=2))


# -- values and derivatives of every rule ----------------------------------------------------------


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", NAMES)
class TestEveryRule:
    def test_value(self, name, field):
        case = Case(name, field)
        y, wanted = case.rule(*case.tensors()), case.rule(*case.arrays)
        if name == "eigh":
            y, wanted = (v.eigenvalues for v in (y, wanted))
        pairs = zip(y, wanted, strict=True) if isinstance(wanted, tuple) else [(y, wanted)]
        for a, b in pairs:
            close(a, b, 1e-13)

    def test_dual_over_backward_without_graph(self, name, field):
        # Grad mode is off in that backward pass, and yet it is being differentiated.
        case = Case(name, field)
        g = plain_reverse(case.loss, case.tensors(0), create_graph=False)
        close(plain_forward(g, case.tensors(1))(*case.tensors()), case.truth(2))

    # Of torch.func inside plain torch, only forward over forward is refused (nested dual levels).
    @pytest.mark.parametrize(("first", "second"), NESTINGS[1:])
    def test_second_mixed(self, name, field, first, second):
        case = Case(name, field)
        f = PLAIN[second](FUNC[first](case.loss, case.tensors(0)), case.tensors(1))
        close(f(*case.tensors()), case.truth(2))

    @pytest.mark.parametrize("shape", [(0, 0), (1, 1), (0, 3, 3), (2, 0, 0)])
    def test_empty(self, name, field, shape):
        rule = gr.registry[name]
        dtype = torch.complex128 if field == "complex" else torch.float64
        x = tuple(torch.ones(shape, dtype=dtype).requires_grad_() for _ in rule.inputs)

        def f(*x):
            y = rule(*x)
            return sum(real(a).sum() for a in (y if isinstance(y, tuple) else (y,)))

        for g in torch.autograd.grad(f(*x), x):
            assert g.shape == shape
            assert torch.isfinite(g.detach().abs()).all() or name in ("eigh",)
        constants = tuple(a.detach() for a in x)
        assert forward(f, constants)(*constants).shape == ()


# -- whose derivative ran: a rule with factors planted in its derivatives --------------------------


@pytest.fixture
def planted():
    """``x**3``, whose jvp is 3 times, whose vjp 5 times, and whose fast vjp 7 times too large."""
    ran = []

    @gr.rule(name="_planted", replace=True)
    def cube(x):
        ran.append("primal")
        return x * x * x

    @cube.def_jvp
    def jvp(primals, outputs, tangents):
        ran.append("jvp")
        return 3 * 3 * primals[0] * primals[0] * tangents[0]

    @cube.def_vjp
    def vjp(primals, outputs, cotangents):
        ran.append("vjp")
        return 5 * 3 * primals[0] * primals[0] * cotangents[0]

    @cube.def_keep
    def keep(x):
        ran.append("keep")
        return x * x * x, (3 * x * x,)

    @cube.def_fast_vjp
    def fast_vjp(primals, outputs, kept, cotangents):
        ran.append("fast_vjp")
        return 7 * kept[0] * cotangents[0]

    cube.ran = ran
    return cube


X = torch.tensor(1.3, dtype=torch.float64)
ONE = (torch.tensor(1.0, dtype=torch.float64),)
SLOPE, CURVATURE = 3 * 1.3**2, 6 * 1.3


class TestWhoseDerivative:
    def test_first(self, planted):
        for op in FUNC.values():
            factor = 3 if op is forward else 7
            close(op(planted, ONE)(X), factor * SLOPE)
            close(torch.vmap(op(planted, ONE))(X[None]), [factor * SLOPE])
        close(plain_forward(planted, ONE)(X), 3 * SLOPE)
        close(plain_reverse(planted, ONE, create_graph=False)(X), 7 * SLOPE)
        close(plain_reverse(planted, ONE, create_graph=True)(X), 5 * SLOPE)

    @pytest.mark.parametrize(("first", "second"), NESTINGS)
    def test_second(self, planted, first, second):
        # The fast form is never what is differentiated.
        factor = {"forward": 3, "reverse": 5}[first]
        f = FUNC[second](FUNC[first](planted, ONE), ONE)
        close(f(X), factor * CURVATURE)
        close(torch.vmap(f)(X[None]), [factor * CURVATURE])
        if (first, second) != ("forward", "forward"):
            close(PLAIN[second](PLAIN[first](planted, ONE), ONE)(X), factor * CURVATURE)

    def test_compiled(self, planted):
        close(plain_reverse(compiled(planted), ONE, create_graph=False)(X), 7 * SLOPE)
        for op in FUNC.values():
            factor = 3 if op is forward else 7
            close(compiled(torch.vmap(op(planted, ONE)))(X[None]), [factor * SLOPE])
        for first, second in NESTINGS:
            f = compiled(FUNC[second](FUNC[first](planted, ONE), ONE))
            close(f(X), {"forward": 3, "reverse": 5}[first] * CURVATURE)

    def test_nothing_kept_when_nothing_differentiates(self, planted):
        x = X.clone().requires_grad_()
        planted(X)
        torch.vmap(planted)(X[None])
        with torch.no_grad():
            planted(x)
        with torch.inference_mode():
            planted(x)
        compiled(planted)(X)
        assert {*planted.ran} == {"primal"}
        planted(x)
        torch.vmap(planted)(x[None])
        assert planted.ran[-2:] == ["keep", "keep"]

    def test_replaced_rule(self, planted):
        call = compiled(lambda x: gr.adapters.lookup("_planted")(x))
        close(call(X), 1.3**3)

        @gr.rule(name="_planted", replace=True)
        def other(x):
            return 2 * x

        close(compiled(lambda x: other(x))(X), 2.6)
        close(compiled(lambda x: planted(x))(X), 1.3**3)
        close(planted(X), 1.3**3)

        def through(rule):
            return torch.compile(lambda x: rule(x), backend="aot_eager", fullgraph=True)

        close(through(planted)(X), 1.3**3)
        close(through(other)(X), 2.6)

    def test_no_recompilation(self, planted):
        f = compiled(planted)
        x = X.clone().requires_grad_()
        f(x).backward()
        planted.ran.clear()
        f(x).backward()
        close(x.grad, 2 * 7 * SLOPE)  # and gradients accumulate
        assert planted.ran == []


# -- rules of other shapes -------------------------------------------------------------------------


class TestKindsOfRules:
    def test_missing_derivative(self):
        @gr.rule(name="_only_jvp", replace=True)
        def only_jvp(x):
            return x * x

        @only_jvp.def_jvp
        def _(primals, outputs, tangents):
            return 2 * primals[0] * tangents[0]

        @gr.rule(name="_only_vjp", replace=True)
        def only_vjp(x):
            return x * x

        @only_vjp.def_vjp
        def _(primals, outputs, cotangents):
            return 2 * primals[0] * cotangents[0]

        for op in (forward, plain_forward):
            close(op(only_jvp, ONE)(X), 2.6)
            with pytest.raises(MissingDerivativeError, match="'_only_vjp' has no jvp"):
                op(only_vjp, ONE)(X)
        for op in (reverse, plain_reverse):
            close(op(only_vjp, ONE)(X), 2.6)
            with pytest.raises(MissingDerivativeError, match="'_only_jvp' has no vjp"):
                op(only_jvp, ONE)(X)

    @pytest.fixture
    def power(self):
        @gr.rule(name="_power", nondifferentiable=("n",), replace=True)
        def power(x, n, *, scale=1.0):
            return scale * x**n

        @power.def_jvp
        def _(primals, outputs, tangents, *, scale):
            x, n = primals
            return scale * n * x ** (n - 1) * tangents[0]

        @power.def_vjp
        def _(primals, outputs, cotangents, *, scale):
            x, n = primals
            return scale * n * x ** (n - 1) * cotangents[0], None

        return power

    @pytest.mark.parametrize("dtype", [torch.int64, torch.float64])
    def test_nondifferentiable_input(self, power, dtype):
        n = torch.tensor(3, dtype=dtype)
        for op in (*FUNC.values(), *PLAIN.values()):
            close(op(lambda x: power(x, n), ONE)(X), SLOPE)
            if op in (forward, reverse):
                close(op(op(lambda x: power(x, n, scale=2.0), ONE), ONE)(X), 2 * CURVATURE)
        for op in (*FUNC.values(), *PLAIN.values()):
            if dtype == torch.float64:
                with pytest.raises(NotDifferentiableError, match="argument 'n'"):
                    op(lambda m: power(X, m), ONE)(n)

    def test_nondifferentiable_input_that_is_not_asked_for(self, power):
        x, n = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (1.3, 3.0))
        y = power(x, n.detach()) + n
        y.backward()
        close(x.grad, SLOPE)

    def test_nondifferentiable_input_that_requires_grad(self, power):
        x, n = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (1.3, 3.0))
        y = power(x, n)
        with pytest.raises(NotDifferentiableError, match="argument 'n'"):
            y.backward()

    def test_option_compiled(self, power):
        n = torch.tensor(3)
        f = compiled(lambda x: power(x, n, scale=2.0))
        close(plain_reverse(f, ONE, create_graph=False)(X), 2 * SLOPE)

    def test_several_outputs(self):
        @gr.rule(name="_three", outputs=("a", "b", "count"), replace=True)
        def three(x, y):
            return x * y, x + y, (x > 0) + 0

        @three.def_jvp
        def _(primals, outputs, tangents):
            (x, y), (dx, dy) = primals, tangents
            a = None if dx is None else dx * y
            a = a if dy is None else x * dy if a is None else a + x * dy
            return a, dx if dy is None else dy if dx is None else dx + dy, None

        @three.def_vjp
        def _(primals, outputs, cotangents):
            (x, y), (a, b, count) = primals, cotangents
            assert count is None
            if a is None:
                return b, b
            return (a * y, a * x) if b is None else (a * y + b, a * x + b)

        y = torch.tensor(0.7, dtype=torch.float64)
        assert three(X, y).count.dtype == torch.int64
        assert three(X, y).count == 1
        unit = (ONE[0], ONE[0])
        for ops in (FUNC, PLAIN):
            for op in ops.values():
                close(op(lambda x, y: three(x, y).a, unit)(X, y), 2.0)
                close(op(lambda x, y: three(x, y)[1], unit)(X, y), 2.0)
                close(op(lambda x: three(x, y).a, ONE)(X), 0.7)
                close(op(lambda x, y: three(x, y).a + three(x, y).b, unit)(X, y), 4.0)
        for first, second in NESTINGS:
            f = FUNC[second](FUNC[first](lambda x, y: three(x, y).a, unit), unit)
            close(f(X, y), 2.0)
            close(torch.vmap(f)(X[None], y[None]), [2.0])

    def test_output_is_input(self):
        # torch would take the output for a view, and refuse or forget the derivative.
        @gr.rule(name="_same", signature="(n,n)->(n,n),(n,n)", outputs=("x", "t"), replace=True)
        def same(x, *, xp):
            return x, xp.matrix_transpose(x)

        @same.def_jvp
        def _(primals, outputs, tangents, *, xp):
            return 2 * tangents[0], 2 * xp.matrix_transpose(tangents[0])

        @same.def_keep
        def _(x, *, xp):
            return (x, xp.matrix_transpose(x)), (x,)

        @same.def_vjp
        def _(primals, outputs, cotangents, *, xp):
            a, b = cotangents
            b = None if b is None else xp.matrix_transpose(b)
            return 2 * (b if a is None else a if b is None else a + b)

        a, d = torch.as_tensor(draw((2, 2), "real", 1)), torch.as_tensor(draw((2, 2), "real", 2))
        for op in (*FUNC.values(), *PLAIN.values()):
            close(op(lambda x: (same(x).x * a).sum(), (d,))(a), 2 * torch.sum(d * a))
            close(op(lambda x: (same(x).t * a).sum(), (d,))(a), 2 * torch.sum(d.mT * a))


# -- details of single rules -----------------------------------------------------------------------


class TestSingleRules:
    @pytest.mark.parametrize("which", [0, 1])
    def test_eigh_with_one_cotangent(self, which):
        a, d = Case("eigh", "real").arrays[0], Case("eigh", "real").directions[0][0]
        y, pullback = gr.eigh.vjp(a)
        c = draw(y[which].shape, "real", 3)
        bars = tuple(c if k == which else None for k in range(2))
        wanted = np.sum(d * pullback(bars)[0])
        for op in (*FUNC.values(), *PLAIN.values()):
            f = op(lambda x: (gr.eigh(x)[which] * torch.as_tensor(c)).sum(), (torch.as_tensor(d),))
            close(f(torch.as_tensor(a)), wanted)

    @pytest.mark.parametrize("lower", [True, False])
    def test_eigh_option(self, lower):
        a, d = Case("eigh", "complex").arrays[0], Case("eigh", "complex").directions[0][0]
        wanted = gr.eigh.jvp((a,), (d,), lower=lower)[1].eigenvalues.sum()
        for op in (*FUNC.values(), *PLAIN.values()):
            f = op(lambda x: gr.eigh(x, lower=lower)[0].sum(), (torch.as_tensor(d),))
            close(f(torch.as_tensor(a)), wanted)

    def test_broadcast_batches(self):
        a, b = draw((3, 3), "complex", 1), draw((5, 3, 2), "complex", 2)
        da, db = draw((3, 3), "complex", 3), draw((5, 3, 2), "complex", 4)
        c = draw((5, 3, 2), "complex", 5)
        dot = gr.solve.jvp((a, b), (da, db))[1]
        wanted = np.sum(np.real(np.conj(c) * dot))
        for op in (*FUNC.values(), *PLAIN.values()):
            d = torch.as_tensor(da), torch.as_tensor(db)
            f = op(lambda a, b: real(torch.as_tensor(c).conj() * gr.solve(a, b)).sum(), d)
            close(f(torch.as_tensor(a), torch.as_tensor(b)), wanted)

    def test_vector_right_side(self):
        a, b = draw((3, 3), "real", 1), draw((3,), "real", 2)
        da, db = draw((3, 3), "real", 3), draw((3,), "real", 4)
        wanted = gr.solve.jvp((a, b), (da, db))[1].sum()
        for op in (*FUNC.values(), *PLAIN.values()):
            f = op(lambda a, b: gr.solve(a, b).sum(), (torch.as_tensor(da), torch.as_tensor(db)))
            close(f(torch.as_tensor(a), torch.as_tensor(b)), wanted)
        assert gr.solve(torch.as_tensor(a), torch.as_tensor(b)).shape == (3,)

    def test_vmap_of_hessian(self):
        # torch.linalg.lu_solve is silently wrong for factors that vmap left in another layout.
        b, a = (torch.as_tensor(draw(s, "real", 1)) for s in ((3, 2), (4, 3, 3)))

        def f(a):
            return (gr.solve(a, a @ a @ b) ** 3).sum()

        for h in (func.hessian(f), func.jacrev(func.jacrev(f))):
            close(torch.vmap(h)(a), torch.stack([h(x) for x in a]), 1e-12)

    def test_one_input_held(self):
        case = Case("solve", "real")
        (a, b), (da, db) = case.tensors(), case.tensors(0)
        for k, (f, d, x) in enumerate((
            (lambda a: case.loss(a, b), da, a), (lambda b: case.loss(a, b), db, b)
        )):  # fmt: skip
            parts = [np.zeros_like(t) for t in case.directions[0]]
            parts[k] = d.numpy()
            for op in (*FUNC.values(), *PLAIN.values()):
                close(op(f, (d,))(x), case.slope(case.arrays, tuple(parts)))

    def test_float32(self):
        a = torch.as_tensor(draw((3, 3), "complex", 1)).to(torch.complex64).requires_grad_()
        y = gr.solve(a, a @ a)
        g = torch.autograd.grad(y.abs().sum(), a)[0]
        assert y.dtype == g.dtype == torch.complex64


# -- what is torch's own ---------------------------------------------------------------------------


def compiled(f, backend="aot_eager"):
    torch._dynamo.reset()
    return torch.compile(f, fullgraph=True, backend=backend)


class TestCompile:
    def test_dynamic_shapes(self):
        f = torch.compile(lambda x: gr.eigh(x)[0].sum(), backend="aot_eager", dynamic=True)
        for n in (3, 5):
            x = torch.as_tensor(draw((n, n), "real", n)).requires_grad_()
            f(x).backward()
            close(x.grad, np.eye(n), 1e-12)

    def test_loop_stays_a_loop(self):
        # The squarings of expm: neither counted at trace time nor unrolled to their maximum.
        a = torch.as_tensor(draw((3, 3), "real", 1))
        f = compiled(gr.expm)
        for scale in (0.1, 30.0):
            close(f(scale * a), gr.expm(scale * a), 1e-12)

    def test_cold(self):
        # The very first call of gradrules may be a compiled one.
        code = (
            "import torch, gradrules as gr, warnings; warnings.simplefilter('error', UserWarning)\n"
            "x = torch.eye(3, dtype=torch.float64, requires_grad=True)\n"
            "f = torch.compile(lambda x: gr.solve(x, x).sum(), backend='aot_eager', fullgraph=True)\n"
            "f(x).backward()"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


class TestTorch:
    @pytest.mark.parametrize("name", ["eigh", "expm"])
    def test_export(self, name):
        case = Case(name, "real")

        class Module(torch.nn.Module):
            def forward(self, x):
                return case.loss(x)

        x = case.tensors()[0]
        for strict in (True, False):
            program = torch.export.export(Module(), (x,), strict=strict)
            close(program.module()(x), case.loss(x))

    def test_export_refuses_what_it_cannot_write_down(self):
        @gr.rule(name="_with_function", replace=True)
        def applied(x, /, *, function=torch.sin):
            return function(x)

        class Module(torch.nn.Module):
            def forward(self, x):
                return applied(x)

        with pytest.raises(UnsupportedTransformError, match=r"_with_function.*torch\.export"):
            torch.export.export(Module(), (X,), strict=False)

    def test_an_exported_program_is_never_silently_without_tangents(self):
        class Module(torch.nn.Module):
            def forward(self, x):
                return gr.det(x)

        x = torch.eye(2, dtype=torch.float64)
        program = torch.export.export(Module(), (x,)).module()
        with fwd.dual_level():
            y = fwd.unpack_dual(program(fwd.make_dual(x, x)))
            close(y.tangent, 2.0)
        with pytest.raises(RuntimeError):
            func.jvp(program, (x,), (x,))

    def test_meta(self):
        for name in NAMES:
            case = Case(name, "complex", (2,))
            y = case.rule(*(a.to("meta") for a in case.tensors()))
            wanted = case.rule(*case.tensors())
            for a, b in zip(
                *((v if isinstance(v, tuple) else (v,)) for v in (y, wanted)), strict=True
            ):
                assert (a.shape, a.dtype, a.device.type) == (b.shape, b.dtype, "meta")
            x = tuple(a.to("meta").requires_grad_() for a in case.tensors())
            y = case.rule(*x)
            total = sum(v.abs().sum() for v in (y if isinstance(y, tuple) else (y,)))
            assert torch.autograd.grad(total, x)[0].shape == (2, 3, 3)

    def test_under_a_dispatch_mode(self):
        from torch.utils.flop_counter import FlopCounterMode

        case = Case("expm", "real")
        with FlopCounterMode(display=False) as counter:
            value = case.loss(*case.tensors())
        close(value, case.loss(*case.tensors()))
        assert counter.get_total_flops() > 0

    def test_devices(self):
        a = torch.ones(3, 3)
        with pytest.raises(ArrayTypeError, match=r"'x1' on cpu, 'x2' on meta"):
            gr.solve(a, a.to("meta"))

    def test_subclasses(self):
        parameter = torch.nn.Parameter(torch.eye(3))
        gr.det(parameter).backward()
        close(parameter.grad, np.eye(3), 1e-6)
        with pytest.raises(ArrayTypeError, match="different libraries"):
            gr.solve(parameter, np.eye(3))

    def test_hooks(self):
        seen = []
        x = Case("eigh", "real").tensors()[0].requires_grad_()
        y = gr.eigh(x)[0]
        y.register_hook(lambda g: seen.append(("output", g)) or 2 * g)
        x.register_hook(lambda g: seen.append(("input", g)))
        y.sum().backward()
        assert [where for where, _ in seen] == ["output", "input"]
        close(x.grad, 2 * np.eye(3), 1e-13)

    def test_no_grad(self):
        x = Case("eigh", "real").tensors()[0].requires_grad_()
        with torch.no_grad():
            assert not gr.eigh(x)[0].requires_grad
        with torch.inference_mode():
            y = gr.solve(x, gr.expm(x))
            assert y.is_inference()
        assert gr.eigh(x)[0].requires_grad
        assert not gr.eigh(x.detach())[0].requires_grad

    def test_in_place_change_is_noticed(self):
        x = Case("solve", "real").tensors()[0].requires_grad_()
        z = x * 1
        y = gr.solve(z, z @ z).sum()
        z.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()

    @pytest.mark.parametrize("name", ["solve", "expm", "eigvalsh"])
    def test_nothing_stays_alive(self, name):
        case = Case(name, "real")
        rule, (a, *rest) = case.rule, case.tensors()

        def run(finish):
            z = a.clone().requires_grad_() * 1
            y = rule(z, *rest)
            node, seen = y.grad_fn, weakref.ref(y.grad_fn)
            own = [t for t in node.saved_tensors if not any(t is x for x in (y, z, *rest))]
            assert own  # the kept arrays
            saved = list(map(weakref.ref, own))
            del node, own
            finish(y.sum(), z)
            del y, z
            return [seen, *saved]

        gc.disable()
        try:
            refs = run(lambda y, z: y.backward())
            refs += run(lambda y, z: None)
            refs += run(
                lambda y, z: torch.autograd.grad(y, z, create_graph=True)[0].sum().backward()
            )
            assert all(ref() is None for ref in refs)
        finally:
            gc.enable()

    def test_pullback_after_its_level(self):
        case = Case("solve", "real")
        grads = func.grad(case.loss, argnums=(0, 1))
        _, pullback = func.vjp(grads, *case.tensors())
        close(inner(case.tensors(1), pullback(case.tensors(0))), case.truth(2))

    def test_functional_call_in_a_module(self):
        layer = torch.nn.Linear(3, 3, dtype=torch.float64)

        def loss(parameters):
            out = torch.func.functional_call(
                layer, parameters, (torch.eye(3, dtype=torch.float64),)
            )
            return gr.expm(out).sum()

        parameters = dict(layer.named_parameters())
        g = func.grad(loss)(parameters)
        layer.zero_grad()
        gr.expm(layer(torch.eye(3, dtype=torch.float64))).sum().backward()
        close(g["weight"], layer.weight.grad)


class TestTransforms:
    """The common form of the transformations that the laws drive."""

    def test_nested(self):
        case = Case("eigvalsh", "complex")
        x, d, e = case.tensors(), case.tensors(0), case.tensors(1)
        one = (torch.tensor(1.0, dtype=torch.float64),)

        def f(*x):
            return (case.loss(*x),)

        def push(f, d):
            return lambda *x: T.jvp(f, x, d)

        def pull(f, d):
            return lambda *x: (inner(d, T.vjp(f, x, one)),)

        for a, b in itertools.product((push, pull), repeat=2):
            g = b(a(f, d), e)
            close(g(*x)[0], case.truth(2))
            close(T.vmap(g)(*(v[None] for v in x))[0], [case.truth(2)])
        close(T.compile(push(pull(f, d), e))(*x)[0], case.truth(2))

    def test_compiles_more_than_the_recompilation_limit(self):
        for k in range(torch._dynamo.config.recompile_limit + 2):
            close(T.compile(lambda x, k=k: (x + k,))(X)[0], 1.3 + k)

    def test_absent_and_integers(self):
        n, x = torch.tensor([1, 2]), torch.tensor([1.0, 2.0])

        def f(x, n):
            return x * n, n + 1

        cotangents = T.vjp(f, (x, n), (torch.ones(2), None))
        close(cotangents[0], [1.0, 2.0])
        close(cotangents[1], [0, 0])
        close(T.vjp(f, (x, n), (None, None))[0], [0.0, 0.0])
        tangents = T.jvp(f, (x, n), (torch.ones(2), None))
        close(tangents[0], [1.0, 2.0])
        close(tangents[1], [0, 0])
        close(T.jvp(f, (x, n), (None, None))[0], [0.0, 0.0])
        assert T.numpy(T.array(np.ones(2)).conj()).dtype == np.float64
