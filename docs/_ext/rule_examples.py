"""The example on the page of a rule: one small program for each framework, made from what the rule declares.

Each is executed when the pages are built. They ask for the same gradient, and must find the same.
"""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradrules import Rule
from gradrules.testing._cases import draw, generator, of_any_shape, valid
from gradrules.testing._matrices import satisfies

FRAMEWORKS = {
    "numpy": "NumPy", "torch": "PyTorch", "jax": "JAX", "tensorflow": "TensorFlow",
    "autograd": "autograd",
}  # fmt: skip

TEMPLATES = {
    "numpy": """\
import numpy as np
import gradrules as gr

{arrays}
out, pullback = gr.{rule}.vjp({given})
print(out)

{cotangent}
print(*pullback(out_bar), sep="\\n")
""",
    "torch": """\
import torch
import gradrules as gr
{define}
{arrays}
out = gr.{rule}({given})
loss = {loss}
loss.backward()
print({grads})
""",
    "jax": """\
import jax
import jax.numpy as jnp
import gradrules as gr

jax.config.update("jax_enable_x64", True)
{define}
{arrays}


def loss({names}):
    out = gr.{rule}({given})
    return {loss}


print(jax.grad(loss{argnums})({names}))
""",
    "tensorflow": """\
import tensorflow as tf
import gradrules as gr
{define}
{arrays}
with tf.GradientTape() as tape:
    tape.watch({watched})
    out = gr.{rule}({given})
    loss = {loss}
print(tape.gradient(loss, {watched}))
""",
    "autograd": """\
import autograd
import autograd.numpy as np
import gradrules as gr
{define}
{arrays}


def loss({names}):
    out = gr.{rule}({given})
    return {loss}


print(autograd.grad(loss{argnum})({names}))
""",
}
ARRAY = {
    "numpy": "{name} = np.array({value})",
    "torch": "{name} = torch.tensor({value}, dtype=torch.float64{grad})",
    "jax": "{name} = jnp.array({value})",
    "tensorflow": "{name} = tf.constant({value}, tf.float64)",
    "autograd": "{name} = np.array({value})",
}


@dataclass
class Problem:
    """What is asked: the rule at some arrays, and which of these have a gradient."""

    rule: Rule
    arrays: dict[str, Any]
    wrt: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    # Of a rule of a function: its definition. It stands before the arrays in a call.
    function: str = ""


# Functions have no signature to draw from. All of them are written with columns, `a @ x`.
_A = np.array([[3.0, 1.0], [1.0, 2.0]])
_COLUMN = np.array([[1.0], [0.5]])
OF_FUNCTIONS = {
    "solve_action": ("a @ x", {"b": _COLUMN, "a": _A}, ("b", "a"), {}),
    "root": ("x**3 + a @ x - 1", {"x0": _COLUMN, "a": _A}, ("a",), {}),
    "fixed_point": ("a @ x / 8 + 1", {"x0": _COLUMN, "a": _A}, ("a",), {}),
    "eigsh": ("a @ x", {"v0": _COLUMN, "a": _A}, ("a",), {"k": 1}),
    "svds": ("a @ x", {"v0": _COLUMN, "a": _A}, ("a",), {"k": 1}),
}


def problem(rule: Rule) -> Problem:
    """The rule at an input of few digits that has what it needs."""
    if rule.signature.function:
        body, arrays, wrt, options = OF_FUNCTIONS[rule.name]
        return Problem(rule, arrays, wrt, options, f"\n\ndef f(x, a):\n    return {body}\n\n")
    options = dict(rule.declaration.variants[0])
    for kind in ("tall", "wide") if of_any_shape(rule) else ("general",):
        drawn = draw(rule, generator(0, rule.name), "float64", kind=kind, n=2)
        rounded = (_rounded(drawn, digits) for digits in (1, 2, 17))
        primals = next(r for r in rounded if _good(rule, r))
        y = rule(*primals, **options)
        if len(rule.outputs) > 1 or np.any(y):  # the null space of a tall matrix is nothing
            break
    wrt = tuple(name for name in rule.inputs if name not in rule.nondifferentiable)
    return Problem(rule, dict(zip(rule.inputs, primals, strict=True)), wrt, options)


def _rounded(primals: tuple[Any, ...], digits: int) -> tuple[Any, ...]:
    return tuple(np.round(p, digits) for p in primals)


def _good(rule: Rule, primals: tuple[Any, ...]) -> bool:
    """Whether rounding has left what the rule needs."""
    structure = rule.declaration.structure
    return valid(rule, "float64", primals) and all(
        satisfies(p, "float64", "positive definite")
        for name, p in zip(rule.inputs, primals, strict=True)
        if structure.get(name) == "positive definite"
    )


def programs(asked: Problem, frameworks: list[str]) -> dict[str, str]:
    """One program for each framework."""
    entries = _entries(asked)
    return {name: _program(asked, name, entries) for name in frameworks}


@dataclass
class _Entry:
    """The first entry of one output: its index, and whether it is squared."""

    output: str
    index: tuple[int, ...]
    squared: bool

    def of(self, size: str) -> str:
        return f"{size}({self.number}) ** 2" if self.squared else self.number

    @property
    def number(self) -> str:
        return f"{self.output}[{', '.join(map(str, self.index))}]" if self.index else self.output


def _entries(asked: Problem) -> list[_Entry]:
    """The loss: the first entry of every output, of one that is not unique its square."""
    rule = asked.rule
    if rule.signature.function:
        import autograd.numpy  # noqa: F401, PLC0415 (it differentiates the function)

        scope: dict[str, Any] = {}
        exec(asked.function, scope)
        outputs = rule(scope["f"], *asked.arrays.values(), **asked.options)
    else:
        outputs = rule(*asked.arrays.values(), **asked.options)
    several = len(rule.outputs) > 1
    found = []
    for name, y in zip(rule.outputs, outputs if several else [outputs], strict=True):
        y = np.asarray(y)  # noqa: PLW2901
        if y.dtype.kind in "fc" and y.size:
            squared = rule.declaration.gauge is not None or y.dtype.kind == "c"
            found.append(_Entry(f"out.{name}" if several else "out", (0,) * y.ndim, squared))
    # Of the spectrum of a function's action only the values are unique.
    return [min(found, key=lambda e: len(e.index))] if rule.signature.function else found


def _program(asked: Problem, framework: str, entries: list[_Entry]) -> str:
    options = "".join(f", {name}={value!r}" for name, value in asked.options.items())
    given = ", ".join((["f"] if asked.function else []) + list(asked.arrays)) + options
    several = len(asked.wrt) > 1
    positions = tuple(list(asked.arrays).index(name) for name in asked.wrt)
    array = ARRAY[framework]
    return TEMPLATES[framework].format(
        rule=asked.rule.name,
        given=given,
        define=asked.function,
        arrays="\n".join(
            array.format(
                name=name,
                value=value.tolist(),
                grad=", requires_grad=True" if name in asked.wrt else "",
            )
            for name, value in asked.arrays.items()
        ),
        names=", ".join(asked.arrays),
        loss=" + ".join(e.of("tf.abs" if framework == "tensorflow" else "abs") for e in entries),
        grads=", ".join(f"{name}.grad" for name in asked.wrt),
        watched=f"[{', '.join(asked.wrt)}]" if several else asked.wrt[0],
        argnums=_argument("argnums", positions),
        argnum=_argument("argnum", positions),
        cotangent=_cotangent(asked.rule, entries),
    )


def _argument(name: str, positions: tuple[int, ...]) -> str:
    if positions == (0,):
        return ""
    return f", {name}={positions if len(positions) > 1 else positions[0]}"


def _cotangent(rule: Rule, entries: list[_Entry]) -> str:
    """Code for the gradient of the loss in the outputs; an output that the loss does not read has none."""
    lines = []
    for e in entries:
        name = e.output.removeprefix("out.") + "_bar"
        at = ", ".join(map(str, e.index)) if e.index else "()"
        value = f"2 * {e.number}" if e.squared else "1"
        lines += [f"{name} = np.zeros_like({e.output})", f"{name}[{at}] = {value}"]
    if len(rule.outputs) == 1:
        if not entries[0].index and not entries[0].squared:
            return "out_bar = np.ones_like(out)"
        return "\n".join(lines)
    read = {e.output for e in entries}
    bars = ", ".join(f"{n}_bar" if f"out.{n}" in read else "None" for n in rule.outputs)
    return "\n".join([*lines, f"out_bar = ({bars})"])


@dataclass(frozen=True)
class Run:
    """What a program printed: the text, and the numbers of its last line, which are the gradient."""

    text: str
    gradient: tuple[Any, ...]


def run(program: str) -> Run:
    """Execute a program."""
    out, shown = io.StringIO(), []

    def printed(*values: Any, **settings: Any) -> None:
        shown.append(values)
        print(*values, file=out, **settings)

    exec(compile(program, "<example>", "exec"), {"__name__": "example", "print": printed})
    arrays = [part for v in shown[-1] for part in (v if isinstance(v, tuple | list) else [v])]
    return Run(out.getvalue().rstrip(), tuple(np.asarray(part) for part in arrays))


def agree(one: Run, other: Run) -> bool:
    """Whether two programs found the same gradient."""
    pairs = zip(one.gradient, other.gradient, strict=False)
    return len(one.gradient) >= len(other.gradient) > 0 and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-8, atol=1e-8) for a, b in pairs
    )
