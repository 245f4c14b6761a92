"""Transformations of torch beyond those of `_transforms`, for the transform matrix."""

import functools
import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.autograd.forward_ad as fwd
from torch import func
from torch.autograd import functional
from torch.autograd.gradcheck import GradcheckError
from torch.utils.checkpoint import checkpoint

from gradrules.testing import NotOffered, Problem, Row

Arrays = tuple[Any, ...]

_REAL = "torch takes real inputs alone here: one array cannot hold a complex Jacobian or Hessian"


def rows() -> Iterator[Row]:
    """All of them."""
    for group in (_autograd, _dual, _functional, _func, _vmap, _programs, _surroundings):
        yield from group()


# -- tensors that require a gradient ---------------------------------------------------------------


def _leaves(x: Arrays) -> Arrays:
    return tuple(a.detach().clone().requires_grad_() for a in x)


def _gradient(y: Any, x: Arrays, **how: Any) -> Arrays:
    return torch.autograd.grad(y, x, **how)


def _slope(p: Problem, x: Arrays, along: Arrays, f: Any = None) -> Any:
    """The derivative along a direction, recorded."""
    f = f or p.loss
    return p.inner(_gradient(f(*x), x, create_graph=True), along)


def _backward(p: Problem, f: Any = None) -> list[Any]:
    x = _leaves(p.x)
    (f or p.loss)(*x).backward()
    return [p.inner([a.grad for a in x], p.d)]


def _backward_of(around: Callable[[Any], Any]) -> Callable[[Problem], list[Any]]:
    return lambda p: _backward(p, around(p.loss))


def _double(p: Problem, f: Any = None) -> list[Any]:
    x = _leaves(p.x)
    return [p.inner(_gradient(_slope(p, x, p.d, f), x), p.e)]


def _triple(p: Problem) -> list[Any]:
    x = _leaves(p.x)
    second = p.inner(_gradient(_slope(p, x, p.d), x, create_graph=True), p.e)
    return [p.inner(_gradient(second, x), p.h)]


def _accumulated(p: Problem) -> list[Any]:
    x = _leaves(p.x)
    for _ in range(2):
        p.loss(*x).backward()
    return [p.inner([a.grad for a in x], p.d) / 2]


def _retained(p: Problem) -> list[Any]:
    x = _leaves(p.x)
    y = p.loss(*x)
    y.backward(retain_graph=True)
    y.backward()
    return [p.inner([a.grad for a in x], p.d) / 2]


def _batched_cotangents(p: Problem) -> list[Any]:
    x = _leaves(p.x)
    scales = torch.tensor([1.0, 2.0], dtype=p.one.dtype)
    found = _gradient(p.loss(*x), x, grad_outputs=scales, is_grads_batched=True)
    return [sum(p.inner([g[i] for g in found], p.d) / scales[i] for i in range(2)) / 2]


def _one_input(p: Problem) -> list[Any]:
    parts = []
    for i in range(len(p.x)):
        (leaf,) = _leaves(p.x[i : i + 1])
        y = p.loss(*p.x[:i], leaf, *p.x[i + 1 :])
        parts.append(p.inner(_gradient(y, (leaf,)), p.d[i : i + 1]))
    return [sum(parts)]


def _autograd() -> Iterator[Row]:
    yield Row("backward()", 1, _backward)
    yield Row("autograd.grad, create_graph=True", 2, _double)
    yield Row("autograd.grad, three times", 3, _triple)
    yield Row("backward() twice accumulates", 1, _accumulated)
    yield Row("backward(retain_graph=True)", 1, _retained)
    yield Row("autograd.grad, is_grads_batched=True", 1, _batched_cotangents)
    yield Row("gradient of one of two inputs", 1, _one_input, inputs=2)
    yield Row("gradcheck, every flag", 0, _gradcheck)
    yield Row("gradgradcheck, every flag", 0, _gradgradcheck, slow=True)


def _gradcheck(p: Problem) -> list[Any]:
    try:
        torch.autograd.gradcheck(
            p.loss, _leaves(p.x), check_forward_ad=True, check_batched_grad=True,
            check_batched_forward_grad=True, check_undefined_grad=True,
        )  # fmt: skip
    except GradcheckError as error:
        if "has_fw_view" not in str(error):
            raise
        msg = (
            "an internal assertion of gradcheck's batched forward mode fails, for x * x.conj() too"
        )
        raise NotOffered(msg) from None
    return [p.loss(*p.x)]


def _gradgradcheck(p: Problem) -> list[Any]:
    torch.autograd.gradgradcheck(
        p.loss,
        _leaves(p.x),
        check_fwd_over_rev=True,
        check_rev_over_rev=True,
        check_batched_grad=True,
    )
    return [p.loss(*p.x)]


# -- dual numbers ----------------------------------------------------------------------------------


def _duals(x: Arrays, d: Arrays) -> Arrays:
    return tuple(fwd.make_dual(a, b) for a, b in zip(x, d, strict=True))


def _tangent(p: Problem, x: Arrays, along: Arrays) -> Any:
    return fwd.unpack_dual(p.loss(*_duals(x, along))).tangent


def _dual_forward(p: Problem) -> list[Any]:
    with fwd.dual_level():
        return [_tangent(p, p.x, p.d)]


def _dual_over_backward(p: Problem) -> list[Any]:
    with fwd.dual_level():
        x = _duals(_leaves(p.x), p.e)
        found = _gradient(p.loss(*x), x, create_graph=True)
        tangents = [fwd.unpack_dual(g).tangent for g in found]
    return [p.inner(tangents, p.d)]


def _backward_over_dual(p: Problem) -> list[Any]:
    x = _leaves(p.x)
    with fwd.dual_level():
        tangent = _tangent(p, x, p.d)
    return [p.inner(_gradient(tangent, x), p.e)]


def _dual() -> Iterator[Row]:
    yield Row("forward_ad", 1, _dual_forward)
    yield Row("forward_ad over autograd.grad", 2, _dual_over_backward)
    yield Row("autograd.grad over forward_ad", 2, _backward_over_dual)


# -- torch.autograd.functional ---------------------------------------------------------------------


def _jacobian(p: Problem, **how: Any) -> list[Any]:
    return [p.inner(_tuple(functional.jacobian(p.vector, p.x, **how)), p.d)]


def _functional() -> Iterator[Row]:
    name = "autograd.functional"
    yield Row(f"{name}.jacobian", 1, _jacobian)
    yield Row(f"{name}.jacobian(vectorize=True)", 1, functools.partial(_jacobian, vectorize=True))
    forward = functools.partial(_jacobian, vectorize=True, strategy="forward-mode")
    yield Row(f"{name}.jacobian(strategy='forward-mode')", 1, forward, real=_REAL)
    yield Row(
        f"{name}.hessian", 2, lambda p: [p.bilinear(functional.hessian(p.loss, p.x))], real=_REAL
    )
    yield Row(f"{name}.vjp", 1, lambda p: [p.inner(_tuple(functional.vjp(p.loss, p.x)[1]), p.d)])
    yield Row(f"{name}.jvp", 1, lambda p: [functional.jvp(p.loss, p.x, p.d)[1]])
    yield Row(
        f"{name}.vhp", 2, lambda p: [p.inner(_tuple(functional.vhp(p.loss, p.x, p.d)[1]), p.e)]
    )
    yield Row(
        f"{name}.hvp", 2, lambda p: [p.inner(_tuple(functional.hvp(p.loss, p.x, p.d)[1]), p.e)]
    )


def _tuple(values: Any) -> Arrays:
    return tuple(values) if isinstance(values, tuple | list) else (values,)


# -- torch.func ------------------------------------------------------------------------------------


def _all(p: Problem) -> tuple[int, ...]:
    return tuple(range(len(p.x)))


def _down(p: Problem, f: Any, along: Arrays) -> Any:
    return lambda *x: p.inner(func.grad(f, argnums=_all(p))(*x), along)


def _up(f: Any, along: Arrays) -> Any:
    return lambda *x: func.jvp(f, x, along)[1]


def _first(p: Problem) -> Any:
    return _down(p, p.loss, p.d)


def _forward(p: Problem) -> Any:
    return _up(p.loss, p.d)


def _second(p: Problem) -> Any:
    return _up(_down(p, p.loss, p.d), p.e)


def _value_and_grad(p: Problem) -> list[Any]:
    return [p.inner(func.grad_and_value(p.loss, argnums=_all(p))(*p.x)[0], p.d)]


def _func_vjp(p: Problem) -> list[Any]:
    return [p.inner(func.vjp(p.loss, *p.x)[1](p.one), p.d)]


def _pullback_under_vmap(p: Problem) -> list[Any]:
    _, pullback = func.vjp(p.loss, *p.x)
    scales = torch.tensor([1.0, 2.0], dtype=p.one.dtype)
    found = torch.vmap(pullback)(scales)
    return [sum(p.inner([g[i] for g in found], p.d) / scales[i] for i in range(2)) / 2]


def _linearize(p: Problem) -> list[Any]:
    return [func.linearize(p.loss, *p.x)[1](*p.d)]


def _func() -> Iterator[Row]:
    yield Row("func.grad", 1, lambda p: [_first(p)(*p.x)])
    yield Row("func.grad_and_value", 1, _value_and_grad)
    yield Row("func.vjp", 1, _func_vjp)
    yield Row("func.vjp, pullback under vmap", 1, _pullback_under_vmap)
    yield Row("func.jvp", 1, lambda p: [_forward(p)(*p.x)])
    yield Row("func.linearize", 1, _linearize)
    yield Row("func.jacrev", 1, _func_jacobian(func.jacrev), real=_REAL)
    yield Row("func.jacfwd", 1, _func_jacobian(func.jacfwd), real=_REAL)
    yield Row("func.hessian", 2, _func_hessian(func.hessian), real=_REAL)
    yield Row("func.jacrev(func.jacrev)", 2, _func_hessian(_reversed_twice), real=_REAL)
    yield Row("func.jvp of func.grad", 2, lambda p: [_second(p)(*p.x)])


def _func_jacobian(transform: Any) -> Callable[[Problem], list[Any]]:
    return lambda p: [p.inner(transform(p.vector, argnums=_all(p))(*p.x), p.d)]


def _func_hessian(transform: Any) -> Callable[[Problem], list[Any]]:
    return lambda p: [p.bilinear(transform(p.loss, argnums=_all(p))(*p.x))]


def _reversed_twice(f: Any, argnums: tuple[int, ...]) -> Any:
    return func.jacrev(func.jacrev(f, argnums=argnums), argnums=argnums)


# -- torch.vmap ------------------------------------------------------------------------------------


def _mapped(make: Callable[[Problem], Any], **how: Any) -> Callable[[Problem], Any]:
    return lambda p: torch.vmap(make(p), **how)(*p.points)


def _mapped_last(p: Problem) -> Any:
    """Mapped over the last axis of the first input, the others not mapped; gradients likewise."""
    first, *others = p.points
    gradient = func.grad(p.loss, argnums=0)
    axes = (-1, *(None for _ in others))
    stacked = torch.vmap(gradient, in_dims=axes, out_dims=-1)(
        first.movedim(0, -1), *(a[0] for a in others)
    )
    rest = [
        torch.vmap(func.grad(p.loss, argnums=i + 1), in_dims=axes)(
            first.movedim(0, -1), *(a[0] for a in others)
        )
        for i in range(len(others))
    ]
    return [p.inner([stacked[..., k], *(r[k] for r in rest)], p.d) for k in range(first.shape[0])]


def _mapped_twice(p: Problem) -> Any:
    return torch.vmap(torch.vmap(_first(p)))(*(a.unsqueeze(0) for a in p.points))[0]


def _grad_of_mapped(p: Problem) -> list[Any]:
    def total(*points: Any) -> Any:
        return torch.vmap(p.loss)(*points).sum()

    found = func.grad(total, argnums=_all(p))(*p.points)
    return [p.inner([g[k] for g in found], p.d) for k in range(p.points[0].shape[0])]


def _vmap() -> Iterator[Row]:
    yield Row("vmap of func.grad", 1, _mapped(_first))
    yield Row("vmap of func.jvp", 1, _mapped(_forward))
    yield Row("vmap of jvp of grad", 2, _mapped(_second))
    yield Row("vmap in vmap, of grad", 1, _mapped_twice)
    yield Row("vmap(chunk_size=2) of grad", 1, _mapped(_first, chunk_size=2))
    yield Row("vmap(in_dims=-1, out_dims=-1), other inputs not mapped", 1, _mapped_last)
    yield Row("grad of vmap", 1, _grad_of_mapped)


# -- compilers and exporters -----------------------------------------------------------------------


def _compiled(f: Any, **how: Any) -> Any:
    torch.compiler.reset()
    return torch.compile(f, fullgraph=True, **{"backend": "aot_eager", **how})


def _of_compiled(p: Problem, **how: Any) -> list[Any]:
    return _backward(p, _compiled(p.loss, **how))


def _compiled_at(p: Problem, *, make: Callable[[Problem], Any]) -> list[Any]:
    return [_compiled(make(p))(*p.x)]


def _compiled_rows() -> Iterator[Row]:
    yield Row("compile, then backward()", 1, _of_compiled, slow=True)
    yield Row(
        "compile(dynamic=True), then backward()",
        1,
        functools.partial(_of_compiled, dynamic=True),
        slow=True,
    )
    yield Row(
        "compile by inductor, then backward()",
        1,
        functools.partial(_of_compiled, backend="inductor"),
        slow=True,
    )
    for name, order, make in (
        ("func.grad", 1, _first),
        ("func.jvp", 1, _forward),
        ("jvp of grad", 2, _second),
    ):
        run = functools.partial(_compiled_at, make=make)
        yield Row(f"compile of {name}", order, run, slow=True)
    yield Row(
        "compile of vmap of grad",
        1,
        lambda p: _compiled(torch.vmap(_first(p)))(*p.points),
        slow=True,
    )


class _Module(torch.nn.Module):
    def __init__(self, f: Any) -> None:
        super().__init__()
        self.f = f

    def forward(self, *x: Any) -> Any:
        return self.f(*x)


def _exported(p: Problem) -> Any:
    file = io.BytesIO()
    torch.export.save(torch.export.export(_Module(p.loss), p.x), file)
    file.seek(0)
    return torch.export.load(file).module()


def _loaded(p: Problem) -> list[Any]:
    return _backward(p, _exported(p))


def _loaded_twice(p: Problem) -> list[Any]:
    return _double(p, _exported(p))


def _programs() -> Iterator[Row]:
    yield from _compiled_rows()
    yield Row("torch.export", 0, lambda p: [_exported(p)(*p.x)], slow=True)
    yield Row("gradient of a saved and loaded program", 1, _loaded, slow=True)
    yield Row("second derivative of a loaded program", 2, _loaded_twice, slow=True)
    yield Row("make_fx of grad", 1, _traced)


def _traced(p: Problem) -> list[Any]:
    from torch.fx.experimental.proxy_tensor import make_fx  # noqa: PLC0415 (slow to import)

    return [make_fx(_first(p))(*p.x)(*p.x)]


# -- what may surround a call ----------------------------------------------------------------------


def _checkpointed(*, reentrant: bool) -> Callable[[Any], Any]:
    return lambda f: lambda *x: checkpoint(f, *x, use_reentrant=reentrant)


def _in_thread(p: Problem) -> list[Any]:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.extend(_backward(p))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [sum(found) / 2]


def _under(context: Callable[[], Any], run: Callable[[Problem], Any]) -> Callable[[Problem], Any]:
    def inside(p: Problem) -> Any:
        with context():
            return run(p)

    return inside


def _saved_on_disk() -> Any:
    """Tensors that autograd saves are packed into something else."""
    return torch.autograd.graph.saved_tensors_hooks(
        lambda x: (x.clone(),), lambda packed: packed[0]
    )


class _Parameters(torch.nn.Module):
    def __init__(self, p: Problem) -> None:
        super().__init__()
        self.loss = p.loss
        self.parameters_ = torch.nn.ParameterList(map(torch.nn.Parameter, p.x))

    def forward(self) -> Any:
        return self.loss(*self.parameters_)


def _module(p: Problem) -> list[Any]:
    module = _Parameters(p)
    module.load_state_dict(module.state_dict())
    module().backward()
    return [p.inner([a.grad for a in module.parameters_], p.d)]


def _changed_in_place(p: Problem) -> list[Any]:
    """An input that is written to after the call: torch must notice, or the gradient must be right."""
    x = _leaves(p.x)
    copies = tuple(a.clone() for a in x)
    y = p.loss(*copies)
    copies[0].mul_(2)
    try:
        return [p.inner(_gradient(y, x), p.d)]
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
    return _backward(p)


def _surroundings() -> Iterator[Row]:
    yield Row("checkpoint", 1, _backward_of(_checkpointed(reentrant=False)))
    yield Row(
        "checkpoint, to second order",
        2,
        lambda p: _double(p, _checkpointed(reentrant=False)(p.loss)),
    )
    yield Row("checkpoint(use_reentrant=True)", 1, _backward_of(_checkpointed(reentrant=True)))
    yield Row("no_grad", 0, _under(torch.no_grad, lambda p: [p.loss(*p.x)]))
    yield Row("inference_mode", 0, _under(torch.inference_mode, lambda p: [p.loss(*p.x)]))
    yield Row("autocast", 1, _under(lambda: torch.autocast("cpu"), _backward))
    yield Row(
        "detect_anomaly",
        1,
        _under(lambda: torch.autograd.detect_anomaly(check_nan=False), _backward),
    )
    yield Row("saved_tensors_hooks", 1, _under(_saved_on_disk, _backward))
    yield Row("save_on_cpu", 1, _under(torch.autograd.graph.save_on_cpu, _backward))
    yield Row("two threads", 1, _in_thread)
    yield Row("nn.Module with parameters", 1, _module)
    yield Row("an input changed in place after the call", 1, _changed_in_place)
