"""A function of a framework, differentiated by that framework, as something that the laws can try."""

import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from gradrules import Rule, adapters, rule
from gradrules._override import resolve
from gradrules._signature import Signature
from gradrules.adapters import Native

from ._backends import Function, NativeBackend, as_tuple

__all__ = ["FunctionBackend", "framework_of", "known_native", "rule_of_native"]


class FunctionBackend(NativeBackend):
    """One function in the place of one rule."""

    def __init__(self, framework: str, function: Any, outputs: Callable[[Any], Any]) -> None:
        super().__init__(framework)
        self._function, self._outputs = function, outputs
        absent = {"vmap", "compile"} & self.transforms.missing.keys()
        self.missing = {law: self.transforms.missing[law] for law in absent}
        self.missing["kept"] = "a function of a framework keeps no arrays that the kit can see"

    def native(self, rule: Rule) -> Function:
        """The function, whatever the rule."""
        return self.stand_in(rule, self._function, self._outputs)


def framework_of(function: Any, framework: str | None) -> str:
    """The framework that differentiates `function`: as given, or by where it was defined.

    Raises
    ------
    ValueError
        If that is not known, or has no adapter.
    """
    inner = function
    while hasattr(inner, "func"):  # functools.partial
        inner = inner.func
    name = framework or (getattr(inner, "__module__", None) or "").partition(".")[0]
    if name not in adapters.available():
        found = known_native(inner)
        if framework is not None or found is None:
            msg = (
                f"{name or function!r} is no framework that gradrules knows; pass framework=..., one of "
                f"{', '.join(adapters.available())}"
            )
            raise ValueError(msg)
        name = found[0]
    return name


def known_native(function: Any) -> tuple[str, Native, str] | None:
    """The framework, the entry of its table of natives and the path that `function` has there."""
    for framework in adapters.available():
        if framework not in sys.modules:
            continue
        for native in adapters.load(framework).natives:
            for path in native.paths.split():
                if resolve(path) is function:
                    return framework, native, path
    return None


def name_of(function: Any, framework: str) -> str:
    """A dotted name for reports: where users find the function, if it is in the table of natives."""
    found = known_native(function)
    if found is not None:
        return found[2]
    while hasattr(function, "func"):
        function = function.func
    module = getattr(function, "__module__", None) or framework
    last = getattr(function, "__name__", "")
    parts = [*module.split("."), last if last.isidentifier() else "function"]
    return ".".join(part for part in parts if part.isidentifier())


def rule_of_native(
    function: Any, framework: str, signature: str, outputs: Any, **declared: Any
) -> Rule:
    """A rule with the value of `function` and no derivative: its truth is differences of the value."""
    transforms = adapters.load(framework).transforms
    assert transforms is not None
    count = len(Signature(signature).inputs)
    names = ["x"] if count == 1 else [f"x{i + 1}" for i in range(count)]

    def primal(*arrays: Any) -> Any:
        with transforms.precise():
            values = as_tuple(function(*(transforms.array(np.array(a)) for a in arrays)))
            found = tuple(np.asarray(transforms.numpy(v)) for v in values)
        return found if len(found) > 1 else found[0]

    primal.__name__ = "primal"
    primal.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
    )
    made: Rule = rule(
        name=name_of(function, framework),
        signature=signature,
        outputs=outputs,
        register=False,
        **declared,
    )(primal)
    return made
