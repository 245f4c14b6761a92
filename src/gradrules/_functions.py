"""A user's function as rules see it: with derivatives, and with everything it reads as arguments.

A rule whose argument is a function is given a :class:`Function`, as a static option. What the
function reads besides its first argument, parameters and captured arrays alike, are inputs of the
rule, and come behind the first argument in every call.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._dtypes import is_inexact
from ._typing import Array, Arrays, MaybeArrays, Namespace, Options, TypedOptions
from .errors import ArrayTypeError, MissingDerivativeError, ShapeError

__all__ = ["FlatFunction", "Function", "Given", "Tree", "flatten", "function", "lifted"]

Call = Callable[..., Any]


class Function:
    """A pure function of arrays with one array as its value, and the protocol of a rule.

    An adapter derives a class of its own, which says how its framework differentiates (`push`,
    `pull`) and vectorizes (`vmap`). Two functions are equal if they are the same object.

    Attributes
    ----------
    xp
        The namespace of the arrays, traced ones too: what a rule derives is written with it.
    batch
        How many axes in front of every argument and of the value are a batch.
    has_jvp
        Whether it has one: of plain arrays its user may not have given it.
    """

    xp: Namespace = None
    has_jvp = True

    def __init__(self, call: Call, *, batch: int = 0) -> None:
        self._call = call
        self.batch = batch
        self._adjoint: Function | None = None

    # -- what a rule calls ---------------------------------------------------------------------

    def __call__(self, *xs: Array) -> Array:
        """The value."""
        return self._call(*xs)

    def jvp(self, xs: Arrays, dxs: MaybeArrays) -> Array | None:
        """The derivative at `xs` along `dxs`, in which `None` is zero."""
        moving = [i for i, dx in enumerate(dxs) if dx is not None]
        if not moving:
            return None
        return self.push(self._along(xs, moving), [xs[i] for i in moving], [dxs[i] for i in moving])

    def vjp(self, xs: Arrays, cotangent: Array, wrt: Iterable[int]) -> MaybeArrays:
        """Cotangents of the arguments at the positions `wrt`; `None` for an integer."""
        wrt = list(wrt)
        moving = [i for i in wrt if is_inexact(xs[i], self.xp)]
        found: dict[int, Array] = {}
        if moving:
            pulled = self.pull(self._along(xs, moving), [xs[i] for i in moving], cotangent)
            found = dict(zip(moving, pulled, strict=True))
        return tuple(found.get(i) for i in wrt)

    def derived(self, call: Call, adjoint: Call | None = None, *, lanes: int = 0) -> "Function":
        """A function that a rule makes of this one, and of numbers; never of arrays.

        Parameters
        ----------
        call
            The function.
        adjoint
            Its adjoint in the first argument, if that can be said better than by a vjp.
        lanes
            So many axes of its first argument and its value, behind the batch, are independent
            problems: a batch that the other arguments do not have.
        """
        made = self._made(call)
        made.batch += lanes
        if adjoint is call:
            made._adjoint = made
        elif adjoint is not None:
            other = self._made(adjoint)
            other.batch += lanes
            made._pair(other)
        return made

    def adjoint(self) -> "Function":
        """For a function that is linear in its first argument, the adjoint in it."""
        if self._adjoint is None:

            def pulled(y: Array, *params: Array) -> Array:
                return self.vjp((self.xp.zeros_like(y), *params), y, (0,))[0]

            self._pair(self._made(pulled))
        assert self._adjoint is not None
        return self._adjoint

    def lift(self) -> "Function":
        """The same function of arrays that have one more batch axis in front."""
        made = self._lifted()
        if self._adjoint is self:
            made._adjoint = made
        elif self._adjoint is not None:
            made._pair(self._adjoint._lifted())
        return made

    def _made(self, call: Call) -> "Function":
        return type(self)(call, batch=self.batch)

    def _lifted(self) -> "Function":
        return type(self)(self.vmap(self._call), batch=self.batch + 1)

    def _pair(self, other: "Function") -> None:
        self._adjoint, other._adjoint = other, self

    def _along(self, xs: Arrays, moving: Sequence[int]) -> Call:
        """The function of those arguments alone."""

        def along(*values: Array) -> Array:
            there = list(xs)
            for i, value in zip(moving, values, strict=True):
                there[i] = value
            return self._call(*there)

        return along

    # -- what an adapter defines ---------------------------------------------------------------

    @staticmethod
    def push(f: Call, xs: Sequence[Array], dxs: Sequence[Array]) -> Array:
        """The derivative of ``f(*xs)`` along `dxs`."""
        raise NotImplementedError

    @staticmethod
    def pull(f: Call, xs: Sequence[Array], cotangent: Array) -> Sequence[Array]:
        """Cotangents of all `xs` for that of ``f(*xs)``, in our convention of complex numbers."""
        raise NotImplementedError

    @staticmethod
    def vmap(f: Call) -> Call:
        """`f` over a new leading axis of every argument."""
        raise NotImplementedError


class Given(Function):
    """A function of plain arrays, whose derivatives its user gives.

    Else they are those of the kind of function that `otherwise` finds, if it finds any.
    """

    def __init__(
        self,
        xp: Namespace,
        call: Call,
        *,
        jvp: Call | None = None,
        vjp: Call | None = None,
        name: str = "function",
        otherwise: Callable[[], type[Function] | None] = lambda: None,
    ) -> None:
        super().__init__(call)
        self.xp = xp
        self._jvp, self._vjp, self._name, self._otherwise = jvp, vjp, name, otherwise
        self.has_jvp = jvp is not None

    def jvp(self, xs: Arrays, dxs: MaybeArrays) -> Array | None:
        """By the given jvp."""
        if all(dx is None for dx in dxs):
            return None
        if self._jvp is None:
            return self._other("jvp").jvp(xs, dxs)
        return self._jvp(tuple(xs), tuple(dxs))

    def vjp(self, xs: Arrays, cotangent: Array, wrt: Iterable[int]) -> MaybeArrays:
        """By the given vjp."""
        wrt = list(wrt)
        if not wrt:
            return ()
        if self._vjp is None:
            return self._other("vjp").vjp(xs, cotangent, wrt)
        found = self._vjp(tuple(xs), cotangent)
        return tuple(found[i] for i in wrt)

    def _made(self, call: Call) -> "Function":
        return Given(self.xp, call, name=self._name)

    def _other(self, part: str) -> Function:
        kind = self._otherwise()
        if kind is None:
            msg = (
                f"{self._name}: nothing differentiates a function of plain arrays; give its {part}, "
                f"gradrules.function(f, jvp=..., vjp=...), or pass a rule"
            )
            raise MissingDerivativeError(msg)
        return kind(self._call)


class function:  # noqa: N801 (used like a function)
    """A function of plain arrays with its derivatives, to be passed to a rule.

    Frameworks differentiate functions themselves, and read `f` alone.

    Parameters
    ----------
    f
        ``f(*xs) -> y``, pure.
    jvp
        ``jvp(xs, dxs) -> dy``; a tangent that is zero is `None`.
    vjp
        ``vjp(xs, y_bar) -> (x_bar, ...)``, the adjoint of the jvp for ``Re sum(conj(a) * b)``.
        Where a parameter is a dict, list or tuple, so are its tangent and cotangent.
    """

    def __init__(self, f: Call, *, jvp: Call | None = None, vjp: Call | None = None) -> None:
        self.f: Call = f
        self.jvp: Any = jvp
        self.vjp: Any = vjp

    def __call__(self, *xs: Any) -> Any:
        """The value."""
        return self.f(*xs)


class FlatFunction:
    """A user's function of an array and trees of parameters, as a function of their arrays.

    What is no array in a tree is a constant of the function.

    Attributes
    ----------
    jvp, vjp
        The derivatives that came with the function, `None` for most.
    """

    def __init__(self, rule: str, f: Any, trees: Sequence["Tree"]) -> None:
        self.rule, self.f, self.trees = rule, f, trees
        self.jvp = self._jvp if getattr(f, "jvp", None) is not None else None
        self.vjp = self._vjp if getattr(f, "vjp", None) is not None else None

    def __call__(self, *arrays: Array) -> Any:
        """The value, one array."""
        y = self.f(*self.deep(arrays))
        if not is_array(y):
            msg = (
                f"{self.rule}: the function returned a {type(y).__name__}; it must return one array"
            )
            raise ArrayTypeError(msg)
        return y

    def deep(self, arrays: Sequence[Any], *, tangents: bool = False) -> tuple[Any, ...]:
        """The first array, and trees of the others."""
        found, start = [arrays[0]], 1
        for tree in self.trees:
            stop = start + len(tree.places)
            found.append(tree.holding(arrays[start:stop], tangents=tangents))
            start = stop
        return tuple(found)

    def flat(self, values: Sequence[Any]) -> MaybeArrays:
        """Tangents or cotangents of the arrays, of those given like the arguments."""
        if len(values) != 1 + len(self.trees):
            msg = (
                f"{self.rule}: {len(values)} tangents or cotangents for the {1 + len(self.trees)} "
                f"arguments of the function"
            )
            raise ShapeError(msg)
        found = [values[0]]
        for tree, value in zip(self.trees, values[1:], strict=True):
            found += tree.arrays_of(value)
        return tuple(found)

    def _jvp(self, xs: Arrays, dxs: MaybeArrays) -> Array:
        if isinstance(self.f, function):
            return self.f.jvp(self.deep(xs), self.deep(dxs, tangents=True))
        return self.f.jvp(xs, dxs)[1]  # a rule

    def _vjp(self, xs: Arrays, cotangent: Array) -> MaybeArrays:
        if isinstance(self.f, function):
            return self.flat(self.f.vjp(self.deep(xs), cotangent))
        found: MaybeArrays = self.f.vjp(*xs)[1](cotangent)
        return found


class Tree:
    """A tree of parameters: `places` are the leaves that are arrays."""

    def __init__(
        self, tree: Any, flatten: Callable[[Any], tuple[list[Any], Callable[..., Any]]]
    ) -> None:
        self.flatten = flatten
        self.leaves, self.rebuild = flatten(tree)
        self.places = [i for i, leaf in enumerate(self.leaves) if is_array(leaf)]

    @property
    def arrays(self) -> list[Array]:
        """The leaves that are arrays."""
        return [self.leaves[i] for i in self.places]

    def holding(self, arrays: Sequence[Any], *, tangents: bool = False) -> Any:
        """The tree with other arrays; a tree of tangents has `None` beside them."""
        leaves = [None] * len(self.leaves) if tangents else list(self.leaves)
        for i, array in zip(self.places, arrays, strict=True):
            leaves[i] = array
        return self.rebuild(leaves)

    def arrays_of(self, other: Any) -> list[Any]:
        """Where this tree has arrays, the leaves of another; `None` is a tree of nothing."""
        if other is None:
            return [None] * len(self.places)
        leaves, _ = self.flatten(other)
        if len(leaves) != len(self.leaves):
            msg = f"tangents or cotangents with {len(leaves)} leaves for parameters with {len(self.leaves)}"
            raise ShapeError(msg)
        return [leaves[i] for i in self.places]


def lifted(options: Options) -> Options:
    """Options for arrays with one more batch axis in front: functions are lifted, others stay."""
    return TypedOptions(
        (name, value.lift() if isinstance(value, Function) else value) for name, value in options
    )


def is_array(value: Any) -> bool:
    """Whether a leaf of a tree is an array: anything else is as constant as the tree."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def flatten(tree: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
    """The leaves of nested dicts, lists and tuples, and the function that puts others in their place."""
    if isinstance(tree, dict):
        leaves, rebuild = flatten(list(tree.values()))
        keys = list(tree)
        return leaves, lambda new: dict(zip(keys, rebuild(new), strict=True))
    if not isinstance(tree, list | tuple):
        return [tree], lambda new: new[0]
    parts = [flatten(item) for item in tree]
    ends = [0]
    for found, _ in parts:
        ends.append(ends[-1] + len(found))
    make: Any = tree._make if hasattr(tree, "_make") else type(tree)

    def joined(new: Sequence[Any]) -> Any:
        return make(
            [back(new[i:j]) for (_, back), i, j in zip(parts, ends[:-1], ends[1:], strict=True)]
        )

    return [leaf for found, _ in parts for leaf in found], joined
