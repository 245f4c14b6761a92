"""Transformations of JAX beyond those of `_transforms`, for the transform matrix."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from gradrules.testing import Problem, Row

Array = Any
Arrays = tuple[Array, ...]
Make = Callable[[Problem], Any]
Run = Callable[[Problem], Any]

_REDUCED = (
    "JAX reduces the precision of what this checkpoint saves, and raises if that is complex, "
    "as for x * x * x"
)
_REAL = "JAX takes real inputs, or holomorphic functions, alone here"


def rows() -> Iterator[Row]:
    """All of them."""
    for group in (
        _derivatives,
        _jacobians,
        _vmap,
        _control_flow,
        _checkpoint,
        _programs,
        _settings,
    ):
        yield from group()


# -- spelling --------------------------------------------------------------------------------------


def _all(p: Problem) -> tuple[int, ...]:
    return tuple(range(len(p.x)))


def _down(p: Problem, f: Any, along: Arrays) -> Any:
    return lambda *x: p.pair(jax.grad(f, argnums=_all(p))(*x), along)


def _up(f: Any, along: Arrays) -> Any:
    return lambda *x: jax.jvp(f, x, along)[1]


def _first(p: Problem, f: Any = None) -> Any:
    return _down(p, f or p.loss, p.d)


def _second(p: Problem, f: Any = None) -> Any:
    return _up(_down(p, f or p.loss, p.d), p.e)


def _reversed(p: Problem, f: Any = None) -> Any:
    return _down(p, _down(p, f or p.loss, p.d), p.e)


def _at(make: Make) -> Run:
    return lambda p: [make(p)(*p.x)]


def _around(wrap: Callable[[Any], Any], make: Callable[..., Any]) -> Run:
    """A derivative of the loss, wrapped."""
    return lambda p: [make(p, wrap(p.loss))(*p.x)]


# -- rows ------------------------------------------------------------------------------------------


def _derivatives() -> Iterator[Row]:
    yield Row("grad", 1, _at(_first))
    yield Row(
        "value_and_grad", 1,
        lambda p: [p.pair(jax.value_and_grad(p.loss, argnums=_all(p))(*p.x)[1], p.d)],
    )  # fmt: skip
    yield Row("vjp", 1, lambda p: [p.pair(jax.vjp(p.loss, *p.x)[1](p.one), p.d)])
    yield Row("linearize", 1, lambda p: [jax.linearize(p.loss, *p.x)[1](*p.d)])
    yield Row("linear_transpose of linearize", 1, _transposed)
    yield Row("vjp, pullback under vmap", 1, _mapped_pullback)
    yield Row("jvp of grad", 2, _at(_second))
    yield Row("grad of grad", 2, _at(_reversed))
    yield Row("grad of one of two inputs", 1, _one_input, inputs=2)
    yield Row("inside custom_jvp", 1, _at(_inside_custom_jvp))


def _transposed(p: Problem) -> list[Array]:
    _, pushforward = jax.linearize(p.loss, *p.x)
    return [p.pair(jax.linear_transpose(pushforward, *p.x)(p.one), p.d)]


def _mapped_pullback(p: Problem) -> list[Array]:
    scales = jnp.asarray([1.0, 2.0], p.one.dtype)
    found = jax.vmap(jax.vjp(p.loss, *p.x)[1])(scales)
    return [sum(p.pair([g[i] for g in found], p.d) / scales[i] for i in range(2)) / 2]


def _one_input(p: Problem) -> list[Array]:
    grads = [jax.grad(p.loss, argnums=i)(*p.x) for i in _all(p)]
    return [p.pair(tuple(grads), p.d)]


def _inside_custom_jvp(p: Problem) -> Any:
    f = jax.custom_jvp(p.loss)
    f.defjvp(lambda x, t: jax.jvp(p.loss, x, t))
    return _first(p, f)


def _jacobians() -> Iterator[Row]:
    yield Row("jacrev", 1, _jacobian(jax.jacrev), real=_REAL)
    yield Row("jacfwd", 1, _jacobian(jax.jacfwd), real=_REAL)
    yield Row("hessian", 2, _hessian(jax.hessian), real=_REAL)
    yield Row(
        "jit of hessian", 2, _hessian(lambda f, **how: jax.jit(jax.hessian(f, **how))), real=_REAL
    )


def _jacobian(transform: Any) -> Run:
    return lambda p: [p.pair(transform(p.vector, argnums=_all(p))(*p.x), p.d)]


def _hessian(transform: Any) -> Run:
    return lambda p: [p.bilinear(transform(p.loss, argnums=_all(p))(*p.x))]


def _vmap() -> Iterator[Row]:
    yield Row("vmap of grad", 1, lambda p: jax.vmap(_first(p))(*p.points))
    yield Row("vmap of jvp", 1, lambda p: jax.vmap(_up(p.loss, p.d))(*p.points))
    yield Row("vmap of jvp of grad", 2, lambda p: jax.vmap(_second(p))(*p.points))
    yield Row(
        "vmap in vmap, of grad",
        1,
        lambda p: jax.vmap(jax.vmap(_first(p)))(*(a[None] for a in p.points))[0],
    )
    yield Row("vmap(in_axes=-1, out_axes=-1), other inputs not mapped", 1, _mapped_last)
    yield Row("grad of vmap", 1, _grad_of_mapped)
    yield Row("jit of vmap of grad", 1, lambda p: jax.jit(jax.vmap(_first(p)))(*p.points))
    yield Row("vmap of jit of grad", 1, lambda p: jax.vmap(jax.jit(_first(p)))(*p.points))


def _mapped_last(p: Problem) -> list[Array]:
    first, *others = p.points
    axes = (-1, *(None for _ in others))
    gradient = jax.vmap(jax.grad(p.loss, argnums=_all(p)), in_axes=axes, out_axes=-1)
    found = gradient(jnp.moveaxis(first, 0, -1), *(a[0] for a in others))
    return [p.pair(tuple(g[..., k] for g in found), p.d) for k in range(first.shape[0])]


def _grad_of_mapped(p: Problem) -> list[Array]:
    found = jax.grad(lambda *x: jnp.sum(jax.vmap(p.loss)(*x)), argnums=_all(p))(*p.points)
    return [p.pair(tuple(g[k] for g in found), p.d) for k in range(p.points[0].shape[0])]


def _scanned(f: Any) -> Any:
    def g(*x: Array) -> Array:
        def step(total: Array, scale: Array) -> Any:
            y = f(*x)
            return total + scale * y, y

        scales = jnp.asarray([0.25, 0.75], jnp.real(x[0]).dtype)
        return jax.lax.scan(step, jnp.zeros((), scales.dtype), scales)[0]

    return g


def _carried(f: Any) -> Any:
    """The inputs themselves are the carry."""

    def g(*x: Array) -> Array:
        return jax.lax.scan(lambda carry, _: (carry, f(*carry)), x, None, length=2)[1][1]

    return g


def _repeated(f: Any) -> Any:
    def g(*x: Array) -> Array:
        start = jnp.zeros((), jnp.real(x[0]).dtype)
        return jax.lax.fori_loop(0, 2, lambda _, total: total + f(*x) / 2, start)

    return g


def _while(f: Any) -> Any:
    def g(*x: Array) -> Array:
        start = (0, jnp.zeros((), jnp.real(x[0]).dtype))
        return jax.lax.while_loop(
            lambda s: s[0] < 2, lambda s: (s[0] + 1, s[1] + f(*x) / 2), start
        )[1]

    return g


def _chosen(f: Any) -> Any:
    def g(*x: Array) -> Array:
        return jax.lax.cond(
            jnp.isfinite(jnp.sum(jnp.real(x[0]))),
            f,
            lambda *_: jnp.zeros(()).astype(f(*x).dtype),
            *x,
        )

    return g


def _control_flow() -> Iterator[Row]:
    for name, wrap in (("scan", _scanned), ("scan, inputs in the carry", _carried), ("fori_loop", _repeated),
                       ("cond", _chosen)):  # fmt: skip
        yield Row(f"grad of {name}", 1, _around(wrap, _first))
        yield Row(f"jvp of grad of {name}", 2, _around(wrap, _second))
    yield Row("jvp of while_loop", 1, _around(_while, lambda p, f: _up(f, p.d)))
    yield Row("jvp of jvp of while_loop", 2, _around(_while, lambda p, f: _up(_up(f, p.d), p.e)))
    yield Row("grad inside scan", 1, lambda p: jax.lax.scan(
        lambda _, x: (None, _first(p)(*x)), None, p.points)[1])  # fmt: skip


def _checkpoint() -> Iterator[Row]:
    yield Row("grad of checkpoint", 1, _around(jax.checkpoint, _first))
    yield Row("grad of grad of checkpoint", 2, _around(jax.checkpoint, _reversed))
    yield Row("jvp of grad of checkpoint", 2, _around(jax.checkpoint, _second))
    for name in ("nothing_saveable", "everything_saveable", "dots_with_no_batch_dims_saveable"):
        policy = getattr(jax.checkpoint_policies, name)

        def wrap(f: Any, policy: Any = policy) -> Any:
            return jax.checkpoint(f, policy=policy)

        real = _REDUCED if name == "everything_saveable" else ""
        yield Row(f"grad of checkpoint, {name}", 1, _around(wrap, _first), real=real)


def _programs() -> Iterator[Row]:
    yield Row("jit of grad", 1, lambda p: [jax.jit(_first(p))(*p.x)])
    yield Row("grad of jit", 1, _around(jax.jit, _first))
    yield Row("jit of jvp of grad", 2, lambda p: [jax.jit(_second(p))(*p.x)])
    yield Row(
        "lower and compile, of grad", 1, lambda p: [jax.jit(_first(p)).lower(*p.x).compile()(*p.x)]
    )
    yield Row("export, gradient of what is loaded, symbolic batch", 1, _exported, slow=True)
    yield Row("grad of shard_map", 1, _sharded)


def _exported(p: Problem) -> list[Array]:
    (length,) = jax.export.symbolic_shape("b")
    shapes = [jax.ShapeDtypeStruct((length, *a.shape[1:]), a.dtype) for a in p.points]
    saved = jax.export.export(jax.jit(jax.vmap(p.loss)))(*shapes).serialize(vjp_order=1)
    loaded = jax.export.deserialize(saved)
    found = jax.grad(lambda *x: jnp.sum(loaded.call(*x)), argnums=_all(p))(*p.points)
    return [p.pair(tuple(g[k] for g in found), p.d) for k in range(p.points[0].shape[0])]


def _sharded(p: Problem) -> list[Array]:
    mesh = jax.sharding.Mesh(np.asarray(jax.devices()[:1]), ("batch",))
    spec = PartitionSpec("batch")
    mapped = jax.shard_map(jax.vmap(p.loss), mesh=mesh, in_specs=spec, out_specs=spec)
    found = jax.grad(lambda *x: jnp.sum(mapped(*x)), argnums=_all(p))(*p.points)
    return [p.pair(tuple(g[k] for g in found), p.d) for k in range(p.points[0].shape[0])]


def _settings() -> Iterator[Row]:
    yield Row("grad under disable_jit", 1, _under(jax.disable_jit, _at(_first)))
    yield Row("grad under debug_nans", 1, _under(lambda: jax.debug_nans(True), _at(_first)))  # noqa: FBT003 (JAX's signature)
    yield Row("grad under checking_leaks", 1, _under(jax.checking_leaks, _at(_first)))


def _under(context: Callable[[], Any], run: Run) -> Run:
    def inside(p: Problem) -> Any:
        with context():
            return run(p)

    return inside
