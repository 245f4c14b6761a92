"""The faults that are planted: for each kind, what an expression of a derivative is changed into.

An operator takes an expression and yields changed ones. It is a function of the syntax alone; what is
done at run time (a cast, a stopped gradient) is a call of the functions at the end of this module.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import gradrules
from gradrules import Rule
from gradrules._dispatch import backend_of
from gradrules._typing import Array, Namespace
from gradrules.errors import OptionError

from ._cases import cases

Changes = Iterator[ast.expr]
# How planted code reaches this module, from any other.
HERE = f"__import__({__name__!r}, fromlist=['*'])."


@dataclass(frozen=True)
class Place:
    """Where an expression stands, as far as the operators ask."""

    rule: Rule
    # The derivative that the function is ("jvp", "fast_vjp", ...); empty for its helpers.
    part: str
    # Names of its positional parameters, and numbers that its module gives names.
    parameters: tuple[str, ...]
    constants: frozenset[str]
    # Whether the expression is what the derivative returns, and which of several.
    returned: int | None = None
    # Whether it decides: the test of an `if`.
    test: bool = False
    # Whether it is called.
    called: bool = False
    # The number by which it is subscribed at once, as in ``primals[0]``.
    entry: int | None = None
    # Which of its elements it gives no name, as in ``_, b = primals``.
    unread: frozenset[int] = frozenset()


def _called(node: ast.expr, *names: str) -> bool:
    """Whether `node` calls a function or a method of such a name."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
    return name.strip("_") in names


def _argument(node: ast.expr) -> ast.expr:
    """What a function is called with first, or the object whose method or attribute it is."""
    if isinstance(node, ast.Call):
        return node.args[0] if node.args else node.func.value  # type: ignore[attr-defined]
    return node.value  # type: ignore[attr-defined,no-any-return]


def _run(name: str, *arguments: ast.expr) -> ast.expr:
    """A call of one of the functions at the end of this module, wherever it is made."""
    return ast.Call(ast.parse(HERE + name, mode="eval").body, list(arguments), [])


def _result(node: ast.expr, place: Place, name: str, *arguments: float) -> ast.expr:
    """A result, or that of several which the place is about, changed by one of those functions."""
    assert place.returned is not None
    words: list[int | str | float] = [place.returned, name, *arguments]
    return _run("result", node, *map(ast.Constant, words))


def _binary(node: ast.expr, *operators: type[ast.operator]) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, operators)


def transpose_dropped(node: ast.expr, _: Place) -> Changes:
    """``A.T`` becomes ``A``, and ``A.H`` both ``A`` and ``conj(A)``."""
    if _called(node, "matrix_transpose", "transpose", "swapaxes", "adjoint"):
        yield _argument(node)
    if _called(node, "adjoint"):
        yield _run("conjugated", _argument(node))
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "H"):
        yield node.value


def transpose_added(node: ast.expr, place: Place) -> Changes:
    """A factor of a matrix product, or a square result, is transposed."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield ast.BinOp(_run("transposed", node.left), node.op, node.right)
        yield ast.BinOp(node.left, node.op, _run("transposed", node.right))
    if place.returned is not None:
        cores = place.rule.signature
        core = (cores.inputs if place.part.endswith("vjp") else cores.outputs)[place.returned]
        if len(core) == 2 and core[0] == core[1]:
            yield _result(node, place, "transposed")


def conjugate_dropped(node: ast.expr, _: Place) -> Changes:
    """``conj(A)`` becomes ``A``, and ``A.H`` becomes ``A.T``."""
    if _called(node, "conj", "conjugate"):
        yield _argument(node)
    if _called(node, "adjoint"):
        yield _run("transposed", _argument(node))


def conjugate_added(node: ast.expr, place: Place) -> Changes:
    """A result that may be complex is conjugated."""
    if _complex_result(place):
        yield _result(node, place, "conjugated")


def factor(node: ast.expr, place: Place) -> Changes:
    """A result is doubled or halved, a numeric factor doubled."""
    if place.returned is not None:
        yield _result(node, place, "multiplied", 2.0)
        yield _result(node, place, "multiplied", 0.5)
    if _binary(node, ast.Mult, ast.Div):
        assert isinstance(node, ast.BinOp)
        if _number(node.left):
            yield ast.BinOp(_doubled(node.left), node.op, node.right)
        if _number(node.right):
            yield ast.BinOp(node.left, node.op, _doubled(node.right))


def _number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _doubled(node: ast.expr) -> ast.expr:
    assert isinstance(node, ast.Constant)
    return ast.Constant(2 * node.value)  # type: ignore[operator]


def sign(node: ast.expr, place: Place) -> Changes:
    """A minus becomes a plus or is left out, a plus becomes a minus, a result changes its sign."""
    if _binary(node, ast.Add, ast.Sub):
        assert isinstance(node, ast.BinOp)
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield ast.BinOp(node.left, other, node.right)
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    if negative and not _number(node.operand):  # type: ignore[attr-defined]
        yield node.operand  # type: ignore[attr-defined]
    elif place.returned is not None:
        yield _result(node, place, "multiplied", -1.0)


def term_dropped(node: ast.expr, place: Place) -> Changes:
    """One term of a sum or a difference is missing, or one of several results."""
    if _binary(node, ast.Add, ast.Sub):
        assert isinstance(node, ast.BinOp)
        yield node.left
        yield ast.UnaryOp(ast.USub(), node.right) if isinstance(node.op, ast.Sub) else node.right
    if place.returned is not None:
        yield _result(node, place, "dropped")


def operands_swapped(node: ast.expr, _: Place) -> Changes:
    """``A @ B`` becomes ``B @ A``."""
    if _binary(node, ast.MatMult):
        assert isinstance(node, ast.BinOp)
        yield ast.BinOp(node.right, node.op, node.left)


def index(node: ast.expr, _: Place) -> Changes:
    """``w[None, :]`` becomes ``w[:, None]``, ``[:n, n:]`` another block, ``y[0]`` ``y[1]``, rows columns."""
    if isinstance(node, ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        tail = parts[-2:]
        if len(tail) == 2 and sum(_new_axis(part) for part in tail) == 1:
            yield _subscript(node, [*parts[:-2], tail[1], tail[0]])
        for i, part in enumerate(parts):
            if isinstance(part, ast.Slice) and (part.lower is None) != (part.upper is None):
                other = ast.Slice(part.upper, part.lower, part.step)
                yield _subscript(node, [*parts[:i], other, *parts[i + 1 :]])
        if len(parts) == 1 and isinstance(parts[0], ast.Constant) and _number(parts[0]):
            place = parts[0].value
            yield _subscript(node, [ast.Constant(1 if place == 0 else place - 1)])  # type: ignore[operator]
    if isinstance(node, ast.Call):
        for word in node.keywords:
            axis = ast.unparse(word.value)
            if word.arg == "axis" and axis in ("-1", "-2"):
                other_axis = ast.parse("-2" if axis == "-1" else "-1", mode="eval").body
                yield _with_keyword(node, "axis", other_axis)


def _new_axis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _subscript(node: ast.Subscript, parts: list[ast.expr]) -> ast.expr:
    key = parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())
    return ast.Subscript(node.value, key, ast.Load())


def _with_keyword(node: ast.Call, name: str, value: ast.expr) -> ast.Call:
    words = [ast.keyword(w.arg, value if w.arg == name else w.value) for w in node.keywords]
    return ast.Call(node.func, node.args, words)


def mask_dropped(node: ast.expr, _: Place) -> Changes:
    """``where(mask, a, b)`` becomes ``a`` or ``b``."""
    if _called(node, "where"):
        assert isinstance(node, ast.Call)
        yield from node.args[1:3]


def single_precision(node: ast.expr, place: Place) -> Changes:
    """A result is rounded to single precision."""
    if place.returned is not None:
        yield _result(node, place, "rounded")


def real_part_dropped(node: ast.expr, place: Place) -> Changes:
    """``real(A)`` becomes ``A``."""
    if _called(node, "real"):
        yield _argument(node)
    if isinstance(node, ast.Attribute) and node.attr == "real" and not place.called:
        yield node.value


def imaginary_part_dropped(node: ast.expr, place: Place) -> Changes:
    """Of a result that may be complex the real part remains."""
    if _complex_result(place):
        yield _result(node, place, "realified")


def triangle(node: ast.expr, _: Place) -> Changes:
    """``tril(A, k=-1)`` becomes ``triu(A, k=1)`` and ``tril(A)``."""
    if _called(node, "tril", "triu"):
        assert isinstance(node, ast.Call)
        called = copy.deepcopy(node.func)
        swapped = {"tril": "triu", "triu": "tril"}
        if isinstance(called, ast.Name):
            called.id = swapped[called.id]
        elif isinstance(called, ast.Attribute):
            called.attr = swapped[called.attr]
        words = [
            ast.keyword(w.arg, ast.UnaryOp(ast.USub(), w.value) if w.arg == "k" else w.value)
            for w in node.keywords
        ]
        yield ast.Call(called, node.args, words)
        if node.keywords:
            yield ast.Call(node.func, node.args, [w for w in node.keywords if w.arg != "k"])


def gradient_stopped(node: ast.expr, place: Place) -> Changes:
    """A derivative reads one of its arguments as a constant: its own derivative is wrong."""
    if place.part not in ("jvp", "vjp") or not isinstance(node, ast.Name):
        return
    rule = place.rule
    linear = rule.inputs if place.part == "jvp" else rule.outputs
    for name, members in zip(place.parameters, (rule.inputs, rule.outputs, linear), strict=False):
        if node.id == name:
            for i, member in enumerate(members):
                if place.entry not in (None, i) or i in place.unread:
                    continue
                if member not in rule.nondifferentiable:
                    yield _run("stopped", node, ast.Constant(i))


def tolerance(node: ast.expr, place: Place) -> Changes:
    """A rounding error, or a number that the module names, is a million times as large."""
    epsilon = _called(node, "eps") or (isinstance(node, ast.Attribute) and node.attr == "eps")
    if epsilon or (isinstance(node, ast.Name) and node.id in place.constants):
        yield ast.BinOp(node, ast.Mult(), ast.Constant(1e6))


def option(node: ast.expr, place: Place) -> Changes:
    """An option has its default or the opposite value, a condition is inverted."""
    if place.test:
        yield ast.UnaryOp(ast.Not(), node)
    elif isinstance(node, ast.Name) and node.id in place.rule.defaults:
        default = place.rule.defaults[node.id]
        if default is None or isinstance(default, bool | int | float | str):
            yield ast.Constant(default)
        if default is None or isinstance(default, bool):
            yield ast.UnaryOp(ast.Not(), node)
    if isinstance(node, ast.Call) and not _called(node, "zip"):
        for word in node.keywords:
            if word.arg and isinstance(word.value, ast.Constant) and type(word.value.value) is bool:
                yield _with_keyword(node, word.arg, ast.Constant(not word.value.value))


def _complex_result(place: Place) -> bool:
    """Whether a result is complex: a cotangent of a complex input, a tangent of a complex output."""
    if place.returned is None:
        return False
    dtypes = any(dtype.startswith("complex") for dtype in place.rule.declaration.dtypes)
    return dtypes and (place.part.endswith("vjp") or place.returned not in _real(place.rule))


@cache
def _real(rule: Rule) -> frozenset[int]:
    """The outputs that are real for complex inputs, as an ordinary input shows."""
    case = next(c for c in cases(rule, quick=True, seed=0) if c.dtype.startswith("complex"))
    try:
        found = rule(*case.primals, **case.options)
    except OptionError:  # an internal rule, whose options its callers know
        return frozenset()
    outputs = found if isinstance(found, tuple) else (found,)
    return frozenset(i for i, y in enumerate(outputs) if not np.iscomplexobj(y))


KINDS: dict[str, Callable[[ast.expr, Place], Changes]] = {
    "transpose dropped": transpose_dropped,
    "transpose added": transpose_added,
    "conjugate dropped": conjugate_dropped,
    "conjugate added": conjugate_added,
    "factor": factor,
    "sign": sign,
    "term dropped": term_dropped,
    "operands swapped": operands_swapped,
    "index": index,
    "mask dropped": mask_dropped,
    "single precision": single_precision,
    "real part dropped": real_part_dropped,
    "imaginary part dropped": imaginary_part_dropped,
    "triangle": triangle,
    "gradient stopped": gradient_stopped,
    "tolerance": tolerance,
    "option": option,
}


# -- what planted expressions call -----------------------------------------------------------------


def _namespace(x: Array) -> Namespace:
    return backend_of("fault", ("x",), (x,)).xp


def result(values: Any, position: int, name: str, *arguments: float) -> Any:
    """What a derivative returns, one of its results changed by the function called `name`."""
    change = globals()[name]
    many = isinstance(values, tuple)
    changed = [
        change(x, *arguments) if x is not None and (i == position or not many) else x
        for i, x in enumerate(values if many else (values,))
    ]
    return tuple(changed) if many else changed[0]


def transposed(x: Array) -> Array:
    """The transpose of the last two axes."""
    return _namespace(x).matrix_transpose(x)


def conjugated(x: Array) -> Array:
    """The complex conjugate."""
    xp = _namespace(x)
    return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x


def multiplied(x: Array, number: float) -> Array:
    """A multiple."""
    return x * number


def dropped(x: Array) -> Array:
    """Zeros."""
    return x * 0


def rounded(x: Array) -> Array:
    """To single precision and back."""
    xp = _namespace(x)
    single = xp.complex64 if xp.isdtype(x.dtype, "complex floating") else xp.float32
    return xp.astype(xp.astype(x, single), x.dtype)


def realified(x: Array) -> Array:
    """The real part, in the dtype that it came in."""
    xp = _namespace(x)
    return xp.astype(xp.real(x), x.dtype) if xp.isdtype(x.dtype, "complex floating") else x


def stopped(arrays: tuple[Array | None, ...], position: int) -> tuple[Array | None, ...]:
    """`arrays`, the one at `position` without a derivative."""
    return tuple(
        _constant(x) if i == position and x is not None else x for i, x in enumerate(arrays)
    )


@gradrules.rule(name="_constant")
def _constant(x: Array, /) -> Array:
    return x * 1


@_constant.def_jvp
def _constant_jvp(primals: Any, outputs: Any, tangents: Any) -> None:  # noqa: ARG001
    return None


@_constant.def_vjp
def _constant_vjp(primals: Any, outputs: Any, cotangents: Any) -> None:  # noqa: ARG001
    return None
