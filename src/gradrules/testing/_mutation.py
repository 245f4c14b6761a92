"""Mutation: plant faults in the derivatives of a rule, and see whether the laws catch them.

The kit measures itself. A fault is one changed expression in the source of a derivative, of a helper or
of an internal rule that it calls (`_faults` has the kinds). The changed source is compiled, and the
function runs the new code until the check is over: no file changes, nothing is registered again, and
whoever holds the function meets the fault.
"""

import ast
import inspect
import math
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from gradrules import Rule, adapters

from . import _backends
from ._faults import HERE, KINDS, Place
from ._laws import LAWS
from ._run import Record, run

DERIVATIVES = ("jvp", "vjp", "keep", "fast_jvp", "fast_vjp")
# What catches most comes first: derivatives on NumPy, derivatives of derivatives after that.
ORDER = ("vjp", "jvp", "adjoint", "kept", "edge", "batch", "primal")
FRAMEWORKS_ORDER = ("order2", "order3", *ORDER)
# Parts of a function that it does not compute with.
_DECLARED = {"decorator_list", "returns", "annotation", "args", "type_params"}

Function = types.FunctionType


@dataclass(frozen=True)
class Mutant:
    """One fault: an expression of a function, and what stands there instead."""

    rule: str
    owner: str  # the rule itself, or the internal one whose derivatives run the function
    kind: str
    module: str
    function: str
    first_line: int
    line: int
    text: str  # the line of the source
    node: int  # number of the expression among those of the function
    before: str
    after: str

    @property
    def change(self) -> str:
        """What was changed, for readers."""
        return f"{self.before} -> {self.after.replace(HERE, '')}"

    @property
    def place(self) -> tuple[str | int, ...]:
        """The same for the fault in each rule that runs the function."""
        return self.module, self.function, self.first_line, self.node, self.after

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "change": self.change}


def mutants(rule: Rule, kinds: Sequence[str] = tuple(KINDS)) -> list[Mutant]:
    """All faults that can be planted in what the derivatives of `rule` run.

    Raises
    ------
    OSError
        If the source of a derivative cannot be read.
    """
    return [
        mutant
        for function, owner, part in _reached(rule)
        for mutant in _of_function(rule, function, owner, part, kinds)
    ]


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Let the function of `mutant` run the changed code."""
    rule = adapters.lookup(mutant.rule)
    function = next(
        f
        for f, _, _ in _reached(rule)
        if (f.__module__, f.__qualname__, f.__code__.co_firstlineno)
        == (mutant.module, mutant.function, mutant.first_line)
    )
    original = function.__code__
    function.__code__ = _compiled(function, mutant)
    try:
        yield
    finally:
        function.__code__ = original


def kill(
    mutant: Mutant, backend: str, *, laws: Sequence[str] = tuple(LAWS), seed: int = 0
) -> Record | None:
    """The first record of a quick check that fails by the fault; `None` if it survives."""
    with planted(mutant):
        return first_failure(mutant.rule, mutant.owner, backend=backend, laws=laws, seed=seed)


def first_failure(
    *rules: str, backend: str, laws: Sequence[str] = tuple(LAWS), seed: int = 0
) -> Record | None:
    """The first record that fails in quick checks of `rules`.

    Of internal rules those are checked that declare hard inputs of their own.
    """
    order = ORDER if backend == "numpy" else FRAMEWORKS_ORDER
    chosen = sorted(laws, key=lambda law: order.index(law) if law in order else len(order))
    loaded = _backends.load(backend)
    for rule in map(adapters.lookup, dict.fromkeys(rules)):
        if rule.name.startswith("_") and not rule.declaration.edges:
            continue
        records = run(rule, loaded, laws=chosen, quick=True, seed=seed)
        failed = next((record for record in records if record.status == "fail"), None)
        if failed is not None:
            return failed
    return None


# -- what a derivative runs ------------------------------------------------------------------------


@cache
def _reached(rule: Rule) -> list[tuple[Function, Rule, str]]:
    """The functions that the derivatives of `rule` run, with the rule and the part that each is.

    Those of the rule's own package, that is: what it imports from elsewhere is not its own, and public
    rules that it calls have derivatives of their own. What only `keep` shares with the primal is the
    primal's.
    """
    derivatives = _closure(rule, [part for part in DERIVATIVES if part != "keep"])
    keeping = _closure(rule, ["keep"])
    primal = _closure(rule, ["primal"])
    own = {f: found for f, found in keeping.items() if f not in primal}
    return [(function, *found) for function, found in (own | derivatives).items()]


def _closure(rule: Rule, parts: Sequence[str]) -> dict[Function, tuple[Rule, str]]:
    """The functions that some parts of a rule run."""
    # The folder of rules, of which a rule may lie in a folder: at most two names deep.
    package = ".".join(rule.__module__.split(".")[:-1][:2]) or rule.__module__
    found: dict[Function, tuple[Rule, str]] = {}
    waiting: list[tuple[Any, Rule, str]] = [
        (rule._functions[part], rule, part) for part in parts if rule.defines(part)
    ]
    while waiting:
        thing, owner, part = waiting.pop(0)
        if isinstance(thing, Rule):
            if thing.name.startswith("_"):
                # First of all: they are its derivatives, also where another rule calls them itself.
                parts = ("primal", *DERIVATIVES)
                waiting[:0] = [(thing._functions[p], thing, p) for p in parts if thing.defines(p)]
            continue
        if isinstance(thing, type):
            waiting += [(member, owner, "") for member in vars(thing).values()]
            continue
        function = inspect.unwrap(thing) if callable(thing) else thing
        if not isinstance(function, Function) or function in found:
            continue
        home = function.__module__
        if home != rule.__module__ and not home.startswith(f"{package}."):
            continue
        found[function] = (owner, part)
        waiting += [(used, owner, "") for used in _used(function)]
    return found


def _used(function: Function) -> Iterator[Any]:
    """What the names in a function mean in its module, attributes of modules among them."""
    for node in (spot.node for spot in _spots(_source(function))):
        if isinstance(node, ast.Name):
            yield function.__globals__.get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = function.__globals__.get(node.value.id)
            if isinstance(owner, types.ModuleType):
                yield getattr(owner, node.attr, None)


# -- expressions -----------------------------------------------------------------------------------


@cache
def _text(file: str) -> str:
    return Path(file).read_text(encoding="utf-8")


def _source(function: Function) -> Any:
    """A new syntax tree of the function, with the lines of its file."""
    file = inspect.getsourcefile(function)
    if file is None or not Path(file).is_file():
        msg = f"the source of {function.__module__}.{function.__qualname__} cannot be read"
        raise OSError(msg)
    code = function.__code__
    for node in ast.walk(ast.parse(_text(file))):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            decorators = getattr(node, "decorator_list", [])
            first = decorators[0].lineno if decorators else node.lineno
            name = getattr(node, "name", "<lambda>")
            if (first, name) == (code.co_firstlineno, code.co_name):
                return node
    msg = f"{file} has changed since {function.__qualname__} was imported"
    raise OSError(msg)


@dataclass
class _Spot:
    """An expression, and where in its parent it stands."""

    node: ast.expr
    parent: ast.AST
    field: str
    position: int | None

    def replace(self, other: ast.expr) -> None:
        if self.position is None:
            setattr(self.parent, self.field, other)
        else:
            getattr(self.parent, self.field)[self.position] = other


def _spots(parent: ast.AST) -> Iterator[_Spot]:
    """All expressions that a function computes, in the order of the syntax tree."""
    for field, value in ast.iter_fields(parent):
        if field in _DECLARED and not isinstance(parent, ast.Call):
            continue
        several = isinstance(value, list)
        for position, child in enumerate(value if several else [value]):
            if not isinstance(child, ast.AST) or isinstance(child, ast.Raise):
                continue
            if isinstance(child, ast.expr) and not isinstance(parent, ast.Expr):
                yield _Spot(child, parent, field, position if several else None)
            yield from _spots(child)


def _of_function(
    rule: Rule, function: Function, owner: Rule, part: str, kinds: Sequence[str]
) -> Iterator[Mutant]:
    tree = _source(function)
    lines = _text(inspect.getsourcefile(function) or "").splitlines()
    parameters = tuple(a.arg for a in (*tree.args.posonlyargs, *tree.args.args))
    constants = frozenset(
        name
        for name, value in function.__globals__.items()
        if type(value) in (int, float) and abs(value) < math.inf and name.strip("_").isupper()
    )
    results = _results(tree, owner, part)
    unread = dict(_unread(tree))
    seen: set[str] = set()
    for number, spot in enumerate(_spots(tree)):
        node = spot.node
        if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            continue
        place = Place(
            # The options of a helper are those of the rule that it serves.
            rule=owner,
            part=part,
            parameters=parameters,
            constants=constants,
            called=spot.field == "func",
            entry=_entry(spot.parent),
            unread=unread.get(id(node), frozenset()),
            test=spot.field == "test" and isinstance(spot.parent, ast.If | ast.IfExp | ast.While),
        )
        before = ast.unparse(node)
        for returned in results.get(id(node), (None,)):
            for kind in kinds:
                for changed in KINDS[kind](node, replace(place, returned=returned)):
                    after = ast.unparse(changed)
                    whole = _whole(tree, spot, changed)
                    if whole in seen or after == before:
                        continue
                    seen.add(whole)
                    yield Mutant(
                        rule=rule.name,
                        owner=owner.name,
                        kind=kind,
                        module=function.__module__,
                        function=function.__qualname__,
                        first_line=function.__code__.co_firstlineno,
                        line=node.lineno,
                        text=lines[node.lineno - 1].strip(),
                        node=number,
                        before=before,
                        after=after,
                    )


def _entry(parent: ast.AST) -> int | None:
    key = parent.slice if isinstance(parent, ast.Subscript) else None
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, int) else None


def _unread(tree: Any) -> Iterator[tuple[int, frozenset[int]]]:
    """Of what is unpacked the elements that are called ``_``, and those of what is unpacked beside it."""
    waiting = [
        (target, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
    ]
    while waiting:
        target, value = waiting.pop()
        if not isinstance(target, ast.Tuple):
            continue
        if isinstance(value, ast.Tuple):
            waiting += zip(target.elts, value.elts, strict=False)
        names = [getattr(element, "id", "") for element in target.elts]
        yield id(value), frozenset(i for i, name in enumerate(names) if name == "_")


def _whole(tree: Any, spot: _Spot, changed: ast.expr) -> str:
    """The function with the change, to tell whether two changes are the same."""
    spot.replace(changed)
    text = ast.unparse(tree)
    spot.replace(spot.node)
    return text


def _results(tree: Any, owner: Rule, part: str) -> dict[int, tuple[int, ...]]:
    """The expressions that a derivative returns, and which of its results each holds."""
    if part in ("", "keep"):
        return {}
    count = len(owner.inputs if part.endswith("vjp") else owner.outputs)
    found: dict[int, tuple[int, ...]] = {}
    bodies = [tree.body] if isinstance(tree, ast.Lambda) else _returns(tree)
    for value in bodies:
        if isinstance(value, ast.Tuple) and len(value.elts) == count:
            found.update(
                {
                    id(element): (i,)
                    for i, element in enumerate(value.elts)
                    if not isinstance(element, ast.Constant)
                }
            )
        elif value is not None and not isinstance(value, ast.Constant):
            found[id(value)] = tuple(range(count))
    return found


def _returns(parent: ast.AST) -> Iterator[ast.expr | None]:
    """What the function itself returns, not those inside it."""
    for child in ast.iter_child_nodes(parent):
        if isinstance(child, ast.Return):
            yield child.value
        elif not isinstance(child, ast.FunctionDef | ast.Lambda):
            yield from _returns(child)


def _compiled(function: Function, mutant: Mutant) -> types.CodeType:
    """The code of `function` with the fault."""
    tree = _source(function)
    spot = list(_spots(tree))[mutant.node]
    changed = ast.copy_location(ast.parse(mutant.after, mode="eval").body, spot.node)
    spot.replace(changed)
    code = function.__code__
    module = _enclosed(tree, code.co_freevars)
    ast.fix_missing_locations(module)
    compiled = compile(module, code.co_filename, "exec", dont_inherit=True)
    found = next(
        c
        for c in _codes(compiled)
        if (c.co_name, c.co_firstlineno) == (code.co_name, code.co_firstlineno)
    )
    return found.replace(co_qualname=code.co_qualname)


def _enclosed(tree: Any, names: tuple[str, ...]) -> Any:
    """A module of the function alone, which holds on to the variables around it."""
    if not names:
        return ast.Module([tree if isinstance(tree, ast.stmt) else ast.Expr(tree)], [])
    around: Any = ast.parse(f"def around({', '.join(names)}):\n    if 0: ({', '.join(names)},)")
    (unused,) = around.body[0].body
    if isinstance(tree, ast.Lambda):
        tree.body = ast.IfExp(ast.Constant(1), tree.body, unused.body[0].value)
        around.body[0].body = [ast.Expr(tree)]
    else:
        tree.body = [unused, *tree.body]
        around.body[0].body = [tree]
    return around


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)
