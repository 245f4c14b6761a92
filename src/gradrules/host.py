"""Small arrays of a framework, computed by NumPy.

On a 3x3 matrix an operation costs its dispatch alone: 2 to 10 microseconds in eager PyTorch, 30 to
300 in eager TensorFlow, 1 in NumPy; and a rule makes twenty of them. Where nothing is traced, an
adapter may therefore let NumPy do what is small, on the memory of the framework's own arrays.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import numpy as numpy_namespace

from ._typing import Array, Arrays, MaybeArrays, Namespace, Options

if TYPE_CHECKING:
    from ._rule import Mode, Rule

__all__ = ["SMALL", "Host", "disabled"]

# Entries up to which dispatch outweighs arithmetic.
SMALL = 1024

_enabled = True
# How often NumPy was not asked because of that.
_passed_over = 0


@contextmanager
def disabled() -> Iterator[Callable[[], bool]]:
    """Let the frameworks compute small arrays too, in all threads: for tests of that.

    What it gives says whether NumPy would have been asked to.
    """
    global _enabled  # noqa: PLW0603
    before, _enabled = _enabled, False
    known = _passed_over
    try:
        yield lambda: _passed_over > known
    finally:
        _enabled = before


@dataclass(frozen=True)
class Host:
    """NumPy at work for a framework; what it cannot do, the framework's own namespace does.

    Attributes
    ----------
    xp
        The framework's namespace.
    view
        The memory of an array as a NumPy array; `None` if the array is not small, lies on another
        device, or is anything but plain numbers (a tracer, a batch of a transformation, ...).
    wrap
        A framework array from a NumPy array that nothing else uses.
    observed
        Whether something records or replaces the framework's operations, which must then be there.
    """

    xp: Namespace
    view: Callable[[Array], Any]
    wrap: Callable[[Any], Array]
    observed: Callable[[], bool] = lambda: False

    def evaluate(
        self, rule: "Rule", arrays: Arrays, options: Options, *, keep: bool = False
    ) -> tuple[Arrays, Arrays, bool]:
        """Outputs, kept arrays, and whether it was NumPy that made them: what it keeps is for it alone.

        It does not where outputs are not unique: an eigenvector must not change its sign with the
        size of the batch.
        """
        unique = rule.declaration.gauge is None
        views = self._views(arrays, options) if unique and rule.portable else None
        if views is not None:
            try:
                with np.errstate(all="ignore"):
                    outputs, kept = rule.evaluate_keep(
                        views, options, xp=numpy_namespace, keep=keep
                    )
                return self._wrapped(outputs), self._wrapped(kept), True
            except np.linalg.LinAlgError:  # the framework has its own way to say so
                pass
        outputs, kept = rule.evaluate_keep(arrays, options, xp=self.xp, keep=keep)
        return outputs, kept, False

    def linear(
        self,
        rule: "Rule",
        mode: "Mode",
        primals: Arrays,
        outputs: Arrays,
        kept: Arrays,
        inputs: MaybeArrays,
        options: Options,
        *,
        small: bool,
    ) -> MaybeArrays:
        """As :meth:`Rule.linear`, where nothing differentiates the result.

        With `small`, what is kept was made by NumPy.
        """
        present = [x for x in inputs if x is not None]
        views = None
        if small or not kept:
            views = self._views((*primals, *outputs, *kept, *present), options)
        if views is None:
            usable = None if small else kept or None
            return rule.linear(mode, primals, outputs, inputs, options, xp=self.xp, kept=usable)
        rest = iter(views)
        p, y, k = (tuple(next(rest) for _ in group) for group in (primals, outputs, kept))
        given = tuple(None if x is None else next(rest) for x in inputs)
        try:
            with np.errstate(all="ignore"):
                values = rule.linear(mode, p, y, given, options, xp=numpy_namespace, kept=k or None)
            return self._wrapped(values)
        except np.linalg.LinAlgError:
            return rule.linear(mode, primals, outputs, inputs, options, xp=self.xp)

    def all_finite(self, array: Array) -> bool:
        """For :func:`gradrules.hooks.all_finite`: whether NumPy can see that all is finite."""
        view = None if self._idle() else self.view(array)
        return view is not None and bool(np.isfinite(view).all())

    def _idle(self) -> bool:
        global _passed_over  # noqa: PLW0603
        observed = self.observed()
        if not _enabled and not observed:
            _passed_over += 1
        return observed or not _enabled

    def _views(self, arrays: Arrays, options: Options) -> Arrays | None:
        if self._idle():
            return None
        # A function given as an option is the user's, written for the framework's arrays.
        for _, value in options:
            if callable(value):
                return None
        views = []
        for array in arrays:
            view = self.view(array)
            if view is None:
                return None
            views.append(view)
        return tuple(views)

    def _wrapped(self, values: Iterable[Any]) -> Arrays:
        return tuple(None if v is None else self.wrap(_owned(v)) for v in values)


def _owned(value: Any) -> Any:
    """An array with memory of its own: a view may show an input, or be of strange strides."""
    if type(value) is np.ndarray and value.base is None and value.flags.c_contiguous:
        return value
    return np.array(value)
