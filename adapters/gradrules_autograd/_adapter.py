"""How a rule becomes an operation that autograd differentiates by the rule's derivatives.

A node of autograd's graph has one value, so an operation of several outputs needs a container.
autograd's own tuples would do, but turn an absent cotangent into a dense array of zeros;
:class:`_Outputs` keeps it absent (`None`). Three primitives serve all rules, and options travel as
keyword arguments, which are not traced: autograd never forgets a primitive, so making one per call
would leak.

- ``_evaluate(*primals) -> _Outputs`` is the rule itself, the kept arrays hanging on its value
- ``_take(outputs, index) -> array`` is one output
- ``_pack(*arrays) -> _Outputs`` is its adjoint: a container of (co)tangents

Where no operand is traced, a derivative runs in plain NumPy, in its fast form. Where one is, the
derivative will be differentiated itself: it is recorded in its closed form, operation by operation,
so every order and every nesting meets rules again and nothing goes through a kept array. (The fast
form as a fourth primitive would be run in addition to the closed one, never in its place: autograd
asks for the derivative of every operation as it records it.)

autograd's cotangents are the complex conjugates of ours.
"""

from typing import Any

import numpy as np
from array_api_compat import numpy as plain
from autograd.builtins import SequenceBox
from autograd.extend import (
    VSpace,
    defjvp,
    defjvp_argnums,
    defvjp,
    defvjp_argnums,
    primitive,
    vspace,
)
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import getval, isbox

from gradrules import Adapter, FlatFunction, Function, Rule, hooks

from . import _namespace as xp
from ._closures import AutogradFunction, close
from ._natives import NATIVES
from ._transforms import AutogradTransforms

__all__ = ["AutogradAdapter"]

Array = Any
Arrays = tuple[Array, ...]
MaybeArrays = tuple[Array | None, ...]
Options = tuple[tuple[str, Any], ...]


class AutogradAdapter(Adapter):
    """The bridge to HIPS autograd."""

    name = "autograd"
    xp = xp
    transforms = AutogradTransforms()
    companions = (np.ndarray, np.generic)
    natives = NATIVES
    plain_function = AutogradFunction

    def handles(self, kind: type) -> bool:
        """Whether `kind` is a traced array; a plain one is left to NumPy."""
        return issubclass(kind, ArrayBox)

    def close(self, rule: str, f: FlatFunction, example: Arrays) -> tuple[Function, Arrays]:
        """Boxes that `f` captures become arguments; plain arrays are constants."""
        return close(rule, f, example)

    def apply(self, rule: Rule, arrays: Arrays, options: Options) -> Arrays:
        """Evaluate `rule`, as one node of autograd's graph if an argument is traced."""
        arrays = tuple(
            xp.asarray(a) if rule.differentiable(i) else _constant(rule, i, a)
            for i, a in enumerate(arrays)
        )
        if not any(map(isbox, arrays)):
            return rule.evaluate(arrays, options, xp=plain)
        outputs = _evaluate(*arrays, rule=rule, options=options)
        return tuple(_output(outputs, i) for i in range(len(rule.outputs)))


def _constant(rule: Rule, position: int, array: Array) -> Array:
    """Take the value of an input that has no derivative; no trace may end here silently."""
    if isbox(array) and _has_tangent(array):
        raise rule.refusal(rule.inputs[position])
    return getval(array)


def _output(outputs: "_Outputs", index: int) -> Array:
    value = getval(outputs)[index]
    return _take(outputs, index=index) if _has_tangent(value) else value


def _has_tangent(array: Array) -> bool:
    return array.dtype.kind in "fc"


# -- containers of outputs, tangents and cotangents --------------------------------------------


class _Outputs(tuple[Array | None, ...]):
    """The outputs of a rule with the arrays it kept, or their (co)tangents: `None` is zero."""

    kept: Arrays = ()


class _OutputsSpace(VSpace):  # type: ignore[misc]  # autograd is untyped
    """What autograd needs to add up the cotangents of an operation."""

    def __init__(self, value: _Outputs) -> None:
        self.count = len(value)

    def zeros(self) -> _Outputs:
        return _Outputs((None,) * self.count)

    def _add(self, x: _Outputs, y: _Outputs) -> _Outputs:
        return _Outputs(
            b if a is None else a if b is None else a + b for a, b in zip(x, y, strict=True)
        )

    _mut_add = _add


_OutputsSpace.register(_Outputs)
SequenceBox.register(_Outputs)


@primitive  # type: ignore[untyped-decorator]
def _take(outputs: _Outputs, *, index: int) -> Array:
    return outputs[index]


@primitive  # type: ignore[untyped-decorator]
def _pack(*arrays: Array, positions: tuple[int, ...], count: int) -> _Outputs:
    present = dict(zip(positions, arrays, strict=True))
    return _Outputs(present.get(i) for i in range(count))


def _packed(values: MaybeArrays) -> _Outputs:
    positions = tuple(i for i, value in enumerate(values) if value is not None)
    # A primitive sees boxes among its arguments, not inside a tuple.
    packed: _Outputs = _pack(
        *(values[i] for i in positions), positions=positions, count=len(values)
    )
    return packed


def _unpacked(outputs: _Outputs) -> MaybeArrays:
    """All entries, traced if the container is; integers cannot be traced."""
    return tuple(
        value if value is None or _is_integer(value) else _take(outputs, index=i)
        for i, value in enumerate(getval(outputs))
    )


def _is_integer(value: Array) -> bool:
    return hasattr(value, "dtype") and not _has_tangent(value)


def _dense(value: Array | None, like: Array) -> Array:
    return vspace(like).zeros() if value is None else value


defvjp(
    _take,
    lambda ans, outputs, index: (  # noqa: ARG005 (autograd calls it so)
        lambda g: _pack(g, positions=(index,), count=len(getval(outputs)))
    ),
)
defjvp(_take, lambda g, ans, outputs, index: _dense(_unpacked(g)[index], ans))  # noqa: ARG005
defvjp_argnums(
    _pack,
    lambda argnums, ans, arrays, kwargs: (  # noqa: ARG005
        lambda g: [_dense(_unpacked(g)[kwargs["positions"][i]], arrays[i]) for i in argnums]
    ),
)
defjvp_argnums(
    _pack,
    lambda argnums, gs, ans, arrays, kwargs: _pack(  # noqa: ARG005
        *gs, positions=tuple(kwargs["positions"][i] for i in argnums), count=kwargs["count"]
    ),
)


# -- the rule ----------------------------------------------------------------------------------


@primitive  # type: ignore[untyped-decorator]
def _evaluate(*primals: Array, rule: Rule, options: Options) -> _Outputs:
    values, kept = rule.evaluate_keep(primals, options, xp=plain)
    outputs = _Outputs(values)
    outputs.kept = kept
    return outputs


def _evaluate_vjp(
    argnums: tuple[int, ...], ans: _Outputs, primals: Arrays, call: dict[str, Any]
) -> Any:
    outputs = _unpacked(ans)

    def pullback(g: _Outputs) -> list[Array]:
        cotangents = tuple(
            c if c is None else _conj(_fitted(c, y))
            for c, y in zip(_unpacked(g), outputs, strict=True)
        )
        values = _linear("vjp", primals, outputs, cotangents, getval(ans).kept, **call)
        return [_conj(_dense(values[i], primals[i])) for i in argnums]

    return pullback


def _evaluate_jvp(
    argnums: tuple[int, ...],
    gs: list[Array],
    ans: _Outputs,
    primals: Arrays,
    call: dict[str, Any],
) -> _Outputs:
    given = dict(zip(argnums, gs, strict=True))
    tangents = tuple(
        _fitted(given[i], primal) if i in given else None for i, primal in enumerate(primals)
    )
    return _packed(_linear("jvp", primals, _unpacked(ans), tangents, getval(ans).kept, **call))


defvjp_argnums(_evaluate, _evaluate_vjp)
defjvp_argnums(_evaluate, _evaluate_jvp)


def _linear(
    mode: Any,
    primals: Arrays,
    outputs: Arrays,
    inputs: MaybeArrays,
    kept: Arrays,
    *,
    rule: Rule,
    options: Options,
) -> MaybeArrays:
    """Apply the jvp or vjp of `rule`: fast and plain if nothing differentiates it, else closed."""
    if any(map(isbox, (*primals, *outputs, *inputs))):
        return rule.linear(mode, primals, outputs, inputs, options, xp=xp)
    return rule.linear(mode, primals, outputs, inputs, options, xp=plain, kept=kept)


def _fitted(linear: Array, point: Array) -> Array:
    """Give a (co)tangent the dtype of its point: autograd widens, and takes Python numbers."""
    linear = xp.asarray(linear)
    return linear if linear.dtype == point.dtype else xp.astype(linear, point.dtype)


def _conj(array: Array | None) -> Array | None:
    return xp.conj(array) if array is not None and array.dtype.kind == "c" else array


# An ArrayBox has no device, which the fallback reads.
hooks.provide(xp, eye_like=lambda a: np.eye(a.shape[-1], dtype=a.dtype))
