"""Rules whose first argument is a user's function: ``root(f, x0, *params)``."""

import inspect
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from . import _dispatch
from ._functions import FlatFunction, Function, Tree, flatten, is_array
from ._rule import Rule
from ._signature import Signature
from ._typing import Array, Arrays, MaybeArrays
from .adapters import Adapter
from .errors import ArrayTypeError, RegistrationError

__all__ = ["FunctionRule"]


class FunctionRule(Rule):
    """A rule that is called as ``rule(function, x, *params, **options)``.

    The function is called as ``function(x, *params)`` with an `x` like the rule's. All arrays that
    it reads, in trees of parameters or captured from where it was written, become inputs. The rule
    is in truth one rule for each number of inputs (see :meth:`of`), to which the function, which
    has everything as an argument now, is a static option.
    """

    def __init__(self, primal: Callable[..., Any], *, signature: Signature, **rest: Any) -> None:
        parameters = list(inspect.signature(primal).parameters.values())
        kinds = [p.kind for p in parameters]
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        if not (
            len(kinds) > 2
            and set(kinds[:2]) <= set(positional)
            and kinds[2] is inspect.Parameter.VAR_POSITIONAL
        ):
            msg = (
                f"rule {rest['name']!r}: with the signature {signature.text!r} its primal must take a "
                f"function, an array and *params"
            )
            raise RegistrationError(msg)
        self.function, _, self.variable = (p.name for p in parameters[:3])

        def with_option(*arrays: Array, **options: Any) -> Any:
            return primal(options.pop(self.function), *arrays, **options)

        with_option.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [parameters[1], *parameters[3:]]
        )
        with_option.__doc__, with_option.__module__ = primal.__doc__, primal.__module__
        super().__init__(with_option, signature=signature, **rest)
        self.__wrapped__ = primal
        self.__signature__ = inspect.Signature([p for p in parameters if p.name != "xp"])
        self._of_count: dict[int, Rule] = {}

    def of(self, count: int) -> Rule:
        """The rule of that many arrays, to which the function is an option."""
        made = self._of_count.get(count)
        if made is None:
            made = Rule.__new__(Rule)
            vars(made).update(vars(self))
            params = (f"{self.variable}[{i}]" for i in range(count - 1))
            made.inputs = (*self.inputs, *params)
            made.signature = self.signature.of(count)
            made.defaults = {self.function: inspect.Parameter.empty, **self.defaults}
            made._required = {self.function}
            self._of_count[count] = made
        return made

    def __call__(  # type: ignore[override]
        self, function: Any, *arguments: Any, **options: Hashable
    ) -> Any:
        """Evaluate the rule, differentiably with respect to everything that `function` reads."""
        if isinstance(function, Function):  # inside a rule: it reads its arguments alone
            here = {**options, self.function: function}
            return self.of(len(arguments))(*arguments, **here)
        rule, arrays, here, _, _ = self._closed(function, arguments, options)
        return rule(*arrays, **here)

    # As torch.compiler.disable: the compiler leaves the call as it stands, between two graphs.
    __call__._torchdynamo_disable = True  # type: ignore[attr-defined]
    __call__._torchdynamo_disable_msg = (  # type: ignore[attr-defined]
        "torch.compile takes no rule of a function into its graph"
    )

    def jvp(  # type: ignore[override]
        self, function: Any, primals: Sequence[Any], tangents: Sequence[Any], **options: Hashable
    ) -> tuple[Any, Any]:
        """Value and directional derivative; `primals` and `tangents` hold trees of parameters."""
        rule, arrays, here, flat, captured = self._closed(function, tuple(primals), options)
        head, *params = flat.flat(tangents)
        return rule.jvp(arrays, (head, *(None,) * captured, *params), **here)

    def vjp(  # type: ignore[override]
        self, function: Any, *primals: Any, **options: Hashable
    ) -> tuple[Any, Callable[..., MaybeArrays]]:
        """Value and pullback, which returns one cotangent, or tree of them, for each argument."""
        rule, arrays, here, flat, captured = self._closed(function, primals, options)
        y, pullback = rule.vjp(*arrays, **here)

        def deep(y_bar: Any) -> MaybeArrays:
            head, *params = pullback(y_bar)
            return flat.deep((head, *params[captured:]), tangents=True)

        return y, deep

    def _closed(
        self, function: Any, arguments: tuple[Any, ...], options: dict[str, Hashable]
    ) -> tuple[Rule, Arrays, dict[str, Hashable], FlatFunction, int]:
        """The rule of arrays that this call comes down to, with its arrays and options."""
        if not (callable(function) and arguments):
            msg = f"{self.name}: takes a function and an array, then the function's parameters"
            raise ArrayTypeError(msg)
        backend = self._backend(function, arguments)
        trees = [Tree(parameter, backend.flatten) for parameter in arguments[1:]]
        arrays = (arguments[0], *(array for tree in trees for array in tree.arrays))
        head, *params = backend.adopt(arrays)
        flat = FlatFunction(self.name, function, trees)
        closed, captured = backend.close(self.name, flat, (head, *params))
        arrays = (head, *captured, *params)
        here = {**options, self.function: closed}
        return self.of(len(arrays)), arrays, here, flat, len(captured)

    def _backend(self, function: Any, arguments: tuple[Any, ...]) -> Adapter:
        """The backend of all that the function reads."""
        leaves, _ = flatten(list(arguments[1:]))
        arrays = (arguments[0], *filter(is_array, leaves))
        names = (self.inputs[0], *(self.variable for _ in arrays[1:]))
        backend = _dispatch.backend_of(self.name, names, arrays)
        if backend is _dispatch.NUMPY:
            # Beside plain arrays it may read those of a framework; then its value is one of them.
            y = function(*arguments)
            if is_array(y):
                backend = _dispatch.backend_of(self.name, ("value",), (y,))
        return backend
