"""The contract: a rule is a primal, a jvp and a vjp, written once over the array API."""

import copy
import inspect
from collections import namedtuple
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, TypeVar, overload

from . import _dispatch
from ._dtypes import is_inexact
from ._layout import Arrangement, Layout
from ._registry import add
from ._scope import natively
from ._signature import Signature
from ._typing import Array, Arrays, MaybeArrays, Namespace, Options, TypedOptions
from .errors import (
    ArrayTypeError,
    MissingDerivativeError,
    NotDifferentiableError,
    OptionError,
    RegistrationError,
    ShapeError,
)

# Most calls: all inputs as the rule takes them, all results as it gives them.
_AS_IT_IS = Arrangement()

Mode = Literal["jvp", "vjp"]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A hard input and what is promised there.

    ``"exact"`` promises the true value, ``"nan"`` a NaN wherever the truth does not exist,
    ``"raises"`` the array library's own error, ``"refused"`` a `NotDifferentiableError`; ``"any"``
    promises nothing finite and wrong, and is tested for NaN or truth. At a kink ``"finite"`` promises
    some first derivative, and ``"mean"`` that it is the mean of those on both sides, along each
    direction. Of third derivatives ``"nan"`` can be promised; by default nothing is.

    Where the outputs have no derivative, but some functions of them do, `loss` is one of these:
    ``loss(outputs, xp)``, a tuple of arrays. Then the derivatives promised are those of the loss.
    """

    primals: tuple[Any, ...]
    loss: Callable[..., Any] | None = None
    options: Mapping[str, Hashable] = field(default_factory=dict)
    value: str = "exact"
    first: str = "exact"
    second: str = "exact"
    third: str | None = None
    dtypes: tuple[str, ...] = ("float64",)


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """Which outputs are not unique.

    Attributes
    ----------
    group
        The freedom, in words.
    align
        ``align(outputs, reference, xp)`` moves `outputs` along the group as close to the
        reference as it can be: what makes a finite difference meaningful.
    invariants
        ``invariants(outputs, xp)``: a tuple of arrays that do not depend on the gauge, and together
        determine the outputs up to it. Written with ``xp.conj`` and arithmetic alone.
    horizontal
        ``horizontal(outputs, cotangents, xp)`` is the nearest cotangent of a function that does
        not see the gauge.
    """

    group: str
    align: Callable[..., Any]
    invariants: Callable[..., Any]
    horizontal: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a rule says about itself, for readers and for the tests alike.

    Attributes
    ----------
    structure
        By input: the set of matrices that it is taken from, and whose tangent space its gradient
        lies in, such as ``"hermitian"``.
    needs
        By input: what derivatives of every order need, ``"nonsingular"`` or ``"simple spectrum"``.
        What comes without it is declared by `edges`.
    degrees
        By input: for each output the power of ``c > 0`` that multiplies it when the input is
        multiplied by ``c``; ``"n"`` is the order of the input, `None` says that there is none.
    """

    summary: str = ""
    structure: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    degrees: Mapping[str, tuple[int | str | None, ...]] = field(default_factory=dict)
    gauge: Gauge | None = None
    domain: str = "everywhere"
    cost: str = ""
    sources: tuple[str, ...] = ()
    sample: Callable[..., Any] | None = None
    edges: Mapping[str, Edge] = field(default_factory=dict)
    variants: tuple[Mapping[str, Hashable], ...] = ({},)
    dtypes: tuple[str, ...] = ("float32", "float64", "complex64", "complex128")
    least_length: int = 0


def _wants_xp(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let `function` be called with ``xp=``, whether it has such a parameter or not."""
    if "xp" in inspect.signature(function).parameters:
        return function

    def without(*args: Any, xp: Namespace, **options: Any) -> Any:  # noqa: ARG001
        return function(*args, **options)

    without.__wrapped__ = function  # type: ignore[attr-defined]
    return without


class Rule:
    """A function of arrays together with its derivatives; calling it is differentiable.

    A rule is made by :func:`rule`. Called with arrays of any supported library it returns arrays
    of the same kind, and the library's own differentiation uses the rule's derivatives.
    """

    # AutoGraph rewrites the source of whatever a tf.function calls, but for what has this attribute.
    # It is set here because the first call loads the adapter, which is not to be rewritten either.
    autograph_info__: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        primal: Callable[..., Any],
        *,
        name: str,
        signature: Signature,
        outputs: tuple[str, ...],
        nondifferentiable: tuple[str, ...],
        declaration: Declaration,
        layout: Mapping[str, Hashable],
    ) -> None:
        parameters = inspect.signature(primal).parameters.values()
        _check_parameters(name, parameters)
        self.name = name
        self.inputs = tuple(
            p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        )
        self.defaults: dict[str, Hashable] = {
            p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "xp"
        }
        self.signature = signature
        self.layout = Layout(name, self.signature, layout) if layout else None
        self.outputs = outputs
        self.nondifferentiable = nondifferentiable
        self.declaration = declaration
        self.forms: dict[int, Rule] = {}
        self.portable = True
        self.__name__ = self.__qualname__ = name
        self.__module__ = primal.__module__
        self.__doc__ = primal.__doc__
        self.__wrapped__ = primal
        # What a caller passes: tf.function and others read it.
        self.__signature__ = inspect.Signature(
            [p for p in parameters if p.name != "xp"]
            + [
                inspect.Parameter(k, inspect.Parameter.KEYWORD_ONLY, default=v)
                for k, v in layout.items()
            ]
        )
        self._functions: dict[str, Callable[..., Any]] = {"primal": _wants_xp(primal)}
        self._default_options: Options = TypedOptions(sorted(self.defaults.items()))
        self._required = {k for k, v in self.defaults.items() if v is inspect.Parameter.empty}
        self._check_declaration()
        self._pack: Callable[[Sequence[Any]], Any] = (
            _named_tuple(name, outputs) if len(outputs) > 1 else _only
        )

    def _check_declaration(self) -> None:
        counts = len(self.signature.inputs), len(self.signature.outputs)
        if counts != (len(self.inputs), len(self.outputs)):
            msg = (
                f"rule {self.name!r}: the signature {self.signature.text!r} has {counts[0]} inputs "
                f"and {counts[1]} outputs, the primal has inputs {self.inputs} and the "
                f"declared outputs are {self.outputs}"
            )
            raise RegistrationError(msg)
        for name, default in self.defaults.items():
            if default is inspect.Parameter.empty:
                continue
            _check_hashable(self.name, name, default)
        declared = self.declaration
        named = {*self.nondifferentiable, *declared.structure, *declared.needs, *declared.degrees}
        unknown = sorted(named - {*self.inputs})
        if unknown:
            msg = f"rule {self.name!r} declares something about {unknown}, which are not inputs"
            raise RegistrationError(msg)
        for name, degrees in declared.degrees.items():
            if len(degrees) != len(self.outputs):
                msg = (
                    f"rule {self.name!r} declares {len(degrees)} degrees in {name!r}; one is needed "
                    f"for each of the outputs {', '.join(self.outputs)}"
                )
                raise RegistrationError(msg)

    def __repr__(self) -> str:
        return f"<rule {self.name}: {self.signature.text}>"

    # -- what the author defines ---------------------------------------------------------------

    def _define(self, part: str, function: F) -> F:
        if part in self._functions:
            msg = f"rule {self.name!r} has a {part} already"
            raise RegistrationError(msg)
        self._functions[part] = _wants_xp(function)
        return function

    def def_jvp(self, function: F) -> F:
        """Define ``jvp(primals, outputs, tangents, *, xp, **options) -> output tangents``.

        A tangent that is `None` is zero. The result is one array or `None` per output (for a
        single output the array itself will do), written with registered rules, so that it can be
        differentiated again.
        """
        return self._define("jvp", function)

    def def_vjp(self, function: F) -> F:
        """Define ``vjp(primals, outputs, cotangents, *, xp, **options) -> input cotangents``.

        The adjoint of the jvp for ``Re sum(conj(a) * b)``; absent cotangents are `None`.
        """
        return self._define("vjp", function)

    def def_keep(self, function: F) -> F:
        """Define ``keep(*primals, *, xp, **options) -> (outputs, kept)``: a primal that keeps arrays.

        Kept arrays carry the batch axes in front. They serve the fast derivatives alone: nothing is
        ever differentiated through them, and none is computed when no derivative is asked for.
        """
        return self._define("keep", function)

    def def_fast_jvp(self, function: F) -> F:
        """Define ``fast_jvp(primals, outputs, kept, tangents, *, xp, **options)``, equal to the jvp."""
        return self._define("fast_jvp", function)

    def def_fast_vjp(self, function: F) -> F:
        """Define ``fast_vjp(primals, outputs, kept, cotangents, *, xp, **options)``, equal to the vjp."""
        return self._define("fast_vjp", function)

    def def_form(self, other: "Rule") -> "Rule":
        """Let calls with as many arrays as `other` takes be calls of it, also of its jvp and vjp.

        A decorator above :func:`rule`, for a function that means another one of more arrays, as
        ``eigh(a, b)`` does.
        """
        count = len(other.inputs)
        if count == len(self.inputs) or count in self.forms:
            msg = (
                f"rule {self.name!r} has a form of {count} arrays already; that of "
                f"{other.name!r} takes as many"
            )
            raise RegistrationError(msg)
        self.forms[count] = other
        return other

    def with_primal(self, primal: Callable[..., Any]) -> "Rule":
        """The same derivatives, at the values of another primal of the same function.

        The result is not registered, and `portable` is false: `primal` may be a framework's own
        function, which takes that framework's arrays alone. What the rule keeps its own primal has
        made, so that nothing is kept.
        """
        made = copy.copy(self)
        made._functions = {
            part: self._functions[part]
            for part in ("jvp", "vjp", "options")
            if part in self._functions
        }
        made._functions["primal"] = _wants_xp(primal)
        made.forms = {}
        made.portable = False
        return made

    def with_declaration(self, declaration: Declaration) -> "Rule":
        """The same functions, declared otherwise; not registered."""
        made = copy.copy(self)
        made.declaration = declaration
        return made

    def with_core_last(self) -> "Rule":
        """The same functions, called with the core axes at the end, where they have them; not registered."""
        made = copy.copy(self)
        made.layout = None
        return made

    def defines(self, part: str) -> bool:
        """Whether ``"jvp"``, ``"vjp"``, ``"keep"``, ``"fast_jvp"`` or ``"fast_vjp"`` is there."""
        return part in self._functions

    # -- what a user calls ---------------------------------------------------------------------

    def __call__(self, *arrays: Array, **options: Hashable) -> Any:
        """Evaluate the rule, differentiably where the arrays' library can differentiate."""
        if len(arrays) in self.forms:
            return self.forms[len(arrays)](*arrays, **options)
        backend, arrays, arranged, static = self.prepare(arrays, options)
        return self.packed(backend.apply(self, arrays, static), arranged, xp=backend.xp)

    def jvp(
        self, primals: Sequence[Array], tangents: Sequence[Array | None], **options: Hashable
    ) -> tuple[Any, Any]:
        """Value and directional derivative, on plain arrays.

        Parameters
        ----------
        primals, tangents
            One array per input; a tangent has its primal's shape and dtype, or is `None` (zero).

        Returns
        -------
        tuple
            ``(y, y_dot)``, both structured as the result of calling the rule.
        """
        if len(primals) in self.forms:
            return self.forms[len(primals)].jvp(primals, tangents, **options)
        self._require("jvp")
        for word, given in (("primals", primals), ("tangents", tangents)):
            if not isinstance(given, tuple | list):
                msg = f"{self.name}: {word} is a {type(given).__name__}; pass a tuple of arrays"
                raise ArrayTypeError(msg)
        primals, tangents = tuple(primals), tuple(tangents)
        self._check_linear("tangent", self.inputs, primals, tangents)
        backend, arrays, arranged, static = self.prepare(primals, options, tangents)
        xp = backend.xp
        if any(tangent is not None for tangent in tangents):
            filled = tuple(
                arranged.inward(xp.zeros_like(p) if t is None else t, xp)
                for p, t in zip(primals, tangents, strict=True)
            )
            fitted, _ = self.signature.fit(self.name, self.inputs, filled, xp)
            tangents = tuple(
                None if t is None else xp.astype(f, a.dtype)
                for t, f, a in zip(tangents, fitted, arrays, strict=True)
            )
        outputs, kept = backend.apply_kept(self, arrays, static)
        values = self.linear("jvp", arrays, outputs, tangents, static, xp=xp, kept=kept)
        dots = tuple(
            xp.zeros_like(y) if v is None and is_inexact(y, xp) else v
            for y, v in zip(outputs, values, strict=True)
        )
        return self.packed(outputs, arranged, xp=xp), self.packed(dots, arranged, xp=xp)

    def vjp(self, *primals: Array, **options: Hashable) -> tuple[Any, Callable[..., Arrays]]:
        """Value and pullback, on plain arrays.

        Returns
        -------
        tuple
            ``(y, pullback)``. ``pullback(y_bar)`` takes a cotangent structured as ``y``, in which an
            absent one is `None`, and returns a tuple with one cotangent per input.
        """
        if len(primals) in self.forms:
            return self.forms[len(primals)].vjp(*primals, **options)
        self._require("vjp")
        backend, arrays, arranged, static = self.prepare(primals, options)
        outputs, kept = backend.apply_kept(self, arrays, static)
        y = self.packed(outputs, arranged, xp=backend.xp)

        def pullback(y_bar: Any) -> Arrays:
            bars = tuple(y_bar) if isinstance(y_bar, tuple | list) else (y_bar,)
            ys = tuple(y) if len(self.outputs) > 1 else (y,)
            self._check_linear("cotangent", self.outputs, ys, bars)
            present = [b for b in bars if b is not None]
            here = _dispatch.backend_of(
                self.name, (*self.inputs, *("cotangent" for _ in present)), (*arrays, *present)
            )
            bars = tuple(
                b if b is None else arranged.cotangent(b, core, o, here.xp)
                for b, o, core in zip(bars, outputs, self.signature.outputs, strict=True)
            )
            # A cotangent that is being differentiated must not meet what was kept.
            usable = kept if here is backend else None
            values = self.linear("vjp", arrays, outputs, bars, static, xp=here.xp, kept=usable)
            return tuple(
                here.xp.zeros_like(p)
                if v is None
                else _unbroadcast(
                    arranged.outward(
                        self.signature.restore(v, core, arranged.absent),
                        arranged.lengths(p, here.xp),
                        here.xp,
                    ),
                    p,
                    here.xp,
                )
                for p, v, core in zip(primals, values, self.signature.inputs, strict=True)
            )

        return y, pullback

    @property
    def keywords(self) -> dict[str, Hashable]:
        """The options of a call and their defaults: those of the layout are not the rule's own."""
        return {**self.defaults, **(self.layout.defaults if self.layout else {})}

    # -- what an adapter calls -----------------------------------------------------------------

    def prepare(
        self, arrays: Arrays, options: Mapping[str, Hashable], tangents: MaybeArrays = ()
    ) -> tuple[Any, Arrays, Arrangement, Options]:
        """Everything that is checked before any work: backend, fitted arrays, their arrangement, options."""
        if len(arrays) != len(self.inputs):
            others = "".join(
                f", or {count} ({', '.join(form.inputs)})" for count, form in self.forms.items()
            )
            msg = (
                f"{self.name}: takes {len(self.inputs)} positional "
                f"{'array' if len(self.inputs) == 1 else 'arrays'} "
                f"({', '.join(self.inputs)}){others}, {len(arrays)} given"
            )
            raise ArrayTypeError(msg)
        present = tuple(t for t in tangents if t is not None)
        names = self.inputs + ("tangent",) * len(present)
        backend = _dispatch.backend_of(self.name, names, arrays + present)
        arrays = backend.check(self, arrays)
        arranged = _AS_IT_IS
        if self.layout is not None:
            given = {k: v for k, v in options.items() if k in self.layout.defaults}
            options = {k: v for k, v in options.items() if k not in given}
            arranged = self.layout.arrange(arrays, given)
            arrays = tuple(arranged.inward(array, backend.xp) for array in arrays)
        arrays, absent = self.signature.fit(self.name, self.inputs, arrays, backend.xp)
        if absent:
            arranged = replace(arranged, absent=absent)
        return backend, arrays, arranged, self.static_options(options)

    def static_options(self, options: Mapping[str, Hashable]) -> Options:
        """`options`, checked, with the defaults of the others."""
        if not (options or self._required):
            return self._default_options
        for name, value in options.items():
            if name not in self.defaults:
                known = ", ".join(self.keywords) or "none"
                msg = f"{self.name}: unknown option {name!r} (options: {known})"
                raise OptionError(msg)
            _check_hashable(self.name, name, value)
        missing = sorted(self._required - options.keys())
        if missing:
            msg = f"{self.name}: option {missing[0]!r} has no default and must be given"
            raise OptionError(msg)
        merged = {**self.defaults, **options}
        check = self._functions.get("options")
        if check is not None:
            check(**merged)
        return TypedOptions(sorted(merged.items()))

    def packed(self, outputs: Sequence[Any], arranged: Arrangement, *, xp: Namespace) -> Any:
        """The result of a call: `outputs` as the call arranges them; several are named."""
        return self._pack(self.arranged(outputs, arranged, xp=xp))

    def arranged(
        self, outputs: Sequence[Any], arranged: Arrangement, *, xp: Namespace
    ) -> Sequence[Any]:
        """`outputs` as the call arranges them."""
        if arranged is _AS_IT_IS:
            return outputs
        return tuple(
            y if y is None else arranged.result(y, core, self.signature, xp)
            for y, core in zip(outputs, self.signature.outputs, strict=True)
        )

    def evaluate(self, arrays: Arrays, options: Options, *, xp: Namespace) -> Arrays:
        """The primal alone, as a tuple; nothing in it is meant to be differentiated."""
        return self._tuple(natively(self._functions["primal"], *arrays, xp=xp, **dict(options)))

    def evaluate_keep(
        self, arrays: Arrays, options: Options, *, xp: Namespace, keep: bool = True
    ) -> tuple[Arrays, Arrays]:
        """The primal and the arrays it keeps; none without `keep`, or if the rule has none."""
        if not keep or "keep" not in self._functions:
            return self.evaluate(arrays, options, xp=xp), ()
        outputs, kept = natively(self._functions["keep"], *arrays, xp=xp, **dict(options))
        return self._tuple(outputs), tuple(kept)

    def _tuple(self, result: Any) -> Arrays:
        count = len(self.outputs)
        if count == 1 and not isinstance(result, tuple):
            return (result,)
        if count > 1 and isinstance(result, tuple) and len(result) == count:
            return tuple(result)
        got = f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__name__
        msg = (
            f"rule {self.name!r} declares the outputs {', '.join(self.outputs)}; its primal "
            f"returned {got}"
        )
        raise RegistrationError(msg)

    def linear(
        self,
        mode: Mode,
        primals: Arrays,
        outputs: Arrays,
        inputs: MaybeArrays,
        options: Options,
        *,
        xp: Namespace,
        kept: Arrays | None = None,
    ) -> MaybeArrays:
        """Apply the jvp to tangents, or the vjp to cotangents.

        With `kept` the fast form runs, if the rule has one; without, the closed form, which can be
        differentiated. The results have the dtype of the outputs (jvp) or primals (vjp).
        """
        targets = outputs if mode == "jvp" else primals
        if all(value is None for value in inputs):
            return (None,) * len(targets)
        if mode == "jvp":
            self._refuse_nondifferentiable(inputs)
        fast = self._functions.get(f"fast_{mode}") if kept is not None else None
        if fast is not None:
            values = natively(fast, primals, outputs, kept, inputs, xp=xp, **dict(options))
        else:
            self._require(mode)
            values = self._functions[mode](primals, outputs, inputs, xp=xp, **dict(options))
        if len(targets) == 1 and not isinstance(values, tuple):
            values = (values,)
        if not isinstance(values, tuple) or len(values) != len(targets):
            got = f"{len(values)} values" if isinstance(values, tuple) else type(values).__name__
            msg = f"the {mode} of rule {self.name!r} returned {got}; {len(targets)} are needed"
            raise MissingDerivativeError(msg)
        return tuple(
            None if value is None else self._fitted(mode, value, target, xp)
            for value, target in zip(values, targets, strict=True)
        )

    def _fitted(self, mode: Mode, value: Array, target: Array, xp: Namespace) -> Array:
        """One result of a derivative, which must look like its target."""
        shape = getattr(value, "shape", None)
        if shape != target.shape and (
            shape is None or None not in (*tuple(shape), *tuple(target.shape))
        ):
            got = type(value).__name__ if shape is None else f"an array of shape {tuple(shape)}"
            msg = (
                f"the {mode} of rule {self.name!r} returned {got} where shape "
                f"{tuple(target.shape)} is needed"
            )
            raise ShapeError(msg)
        return _cast(value, target, xp)

    def differentiable(self, position: int) -> bool:
        """Whether the input at `position` has a derivative."""
        return self.inputs[position] not in self.nondifferentiable

    def _refuse_nondifferentiable(self, tangents: MaybeArrays) -> None:
        for name, tangent in zip(self.inputs, tangents, strict=True):
            if tangent is not None and name in self.nondifferentiable:
                raise self.refusal(name)

    def refusal(self, name: str) -> NotDifferentiableError:
        """The error for a derivative with respect to an input that has none."""
        return NotDifferentiableError(
            f"{self.name}: argument {name!r} is declared not differentiable; "
            f"hold it constant, or differentiate another argument"
        )

    # -- checks --------------------------------------------------------------------------------

    def _require(self, mode: str) -> None:
        if mode not in self._functions:
            msg = f"rule {self.name!r} has no {mode}; define one with @{self.name}.def_{mode}"
            raise MissingDerivativeError(msg)

    def def_options(self, function: F) -> F:
        """Define ``check(**options)``, which raises on values that are not allowed."""

        def check(*, xp: Namespace = None, **options: Hashable) -> None:  # noqa: ARG001
            try:
                function(**options)
            except ValueError as error:
                msg = f"{self.name}: {error}"
                raise OptionError(msg) from None

        self._functions["options"] = check
        return function

    def _check_linear(
        self, word: str, names: tuple[str, ...], points: Arrays, values: MaybeArrays
    ) -> None:
        if len(points) != len(names) or len(values) != len(names):
            msg = (
                f"{self.name}: one {word} is needed for each of ({', '.join(names)}), in a tuple; "
                f"{len(values)} given, for {len(points)} arrays"
            )
            raise ArrayTypeError(msg)
        for name, point, value in zip(names, points, values, strict=True):
            if value is None:
                continue
            if not hasattr(value, "shape") or not hasattr(value, "dtype"):
                msg = (
                    f"{self.name}: the {word} of {name!r} is a {type(value).__name__}; "
                    f"pass an array, or None where it is zero"
                )
                raise ArrayTypeError(msg)
            if tuple(value.shape) != tuple(point.shape) or value.dtype != point.dtype:
                msg = (
                    f"{self.name}: the {word} of {name!r} has shape {tuple(value.shape)} and dtype "
                    f"{value.dtype}; it must have shape {tuple(point.shape)} and dtype {point.dtype}"
                )
                raise ShapeError(msg)


def _check_parameters(name: str, parameters: Iterable[inspect.Parameter]) -> None:
    if not name or not all(part.isidentifier() for part in name.split(".")):
        msg = f"{name!r} is no name for a rule; give one with name=..."
        raise RegistrationError(msg)
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            msg = f"rule {name!r}: the primal takes *{p.name}; inputs and options must be named"
            raise RegistrationError(msg)
        if p.kind is not p.KEYWORD_ONLY and p.default is not p.empty:
            msg = (
                f"rule {name!r}: input {p.name!r} has a default; inputs are arrays, and options are "
                f"keyword-only"
            )
            raise RegistrationError(msg)


def _only(outputs: Sequence[Any]) -> Any:
    return outputs[0]


def _named_tuple(name: str, outputs: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    title = "".join(part.capitalize() for part in name.replace(".", "_").split("_")) + "Result"
    factory: Any = namedtuple  # noqa: PYI024 (the names are known at run time only)
    make: Callable[[Sequence[Any]], Any] = factory(title, outputs)._make
    return make


def _check_hashable(rule_name: str, name: str, value: Any) -> None:
    try:
        hash(value)
    except TypeError:
        msg = (
            f"{rule_name}: option {name!r} is a {type(value).__name__}, which cannot be hashed; "
            f"options are static, arrays are positional arguments"
        )
        raise OptionError(msg) from None


def _cast(value: Array, target: Array, xp: Namespace) -> Array:
    if value.dtype == target.dtype:
        return value
    if xp.isdtype(value.dtype, "complex floating") and not xp.isdtype(
        target.dtype, "complex floating"
    ):
        value = xp.real(value)
    return xp.astype(value, target.dtype)


def _unbroadcast(value: Array, primal: Array, xp: Namespace) -> Array:
    """Sum over the axes along which a primal was repeated; the adjoint of broadcasting."""
    value = _cast(value, primal, xp)
    shape = tuple(primal.shape)
    if tuple(value.shape) == shape:
        return value
    front = len(value.shape) - len(shape)
    if front > 0:
        value = xp.sum(value, axis=tuple(range(front)))
    ones = tuple(
        i for i, (have, want) in enumerate(zip(value.shape, shape, strict=True)) if have != want
    )
    return xp.sum(value, axis=ones, keepdims=True) if ones else value


def _declaration(name: str, declared: dict[str, Any]) -> Declaration:
    unknown = sorted(declared.keys() - Declaration.__dataclass_fields__.keys())
    if unknown:
        msg = (
            f"rule {name!r} declares {unknown[0]!r}; a declaration has "
            f"{', '.join(Declaration.__dataclass_fields__)}"
        )
        raise RegistrationError(msg)
    return Declaration(**declared)


@overload
def rule(primal: Callable[..., Any], /) -> Rule: ...
@overload
def rule(
    *,
    name: str | None = None,
    signature: str | None = None,
    outputs: tuple[str, ...] | str = "result",
    nondifferentiable: tuple[str, ...] | str = (),
    layout: Mapping[str, Hashable] | None = None,
    replace: bool = False,
    register: bool = True,
    **declared: Any,
) -> Callable[[Callable[..., Any]], Rule]: ...
def rule(
    primal: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    signature: str | None = None,
    outputs: tuple[str, ...] | str = "result",
    nondifferentiable: tuple[str, ...] | str = (),
    layout: Mapping[str, Hashable] | None = None,
    replace: bool = False,
    register: bool = True,
    **declared: Any,
) -> Rule | Callable[[Callable[..., Any]], Rule]:
    """Make a function of arrays a rule, and register it.

    Parameters
    ----------
    primal
        ``primal(*arrays, *, xp, **options)``: a pure function written with the array namespace `xp`
        (the parameter may be left out). Keyword-only parameters are static, hashable options.
    name
        Key in the registry; by default the function's name. A name with a leading underscore is
        internal: the rule works, but is not listed.
    signature
        Shapes as in NumPy's generalized ufuncs, such as ``"(n,n)->(n),(n,n)"``. By default every
        input and output is a scalar, and all axes are batch axes: an elementwise function.
        ``"f,*,...->*"`` makes a rule of a function and whole arrays, called ``rule(f, x, *params)``.
    outputs
        Names of the outputs; two or more come back as a named tuple.
    nondifferentiable
        Names of inputs that have no derivative. They may be integers.
    layout
        Keywords that say where the core axes of a call are, with their defaults: `axis` and `keepdims`,
        as those of NumPy's generalized ufuncs. The functions of the rule do not get them.
    replace
        Allow a rule of the same name to be replaced.
    register
        Whether to list it. A rule that is not listed works in every framework, but no saved program
        and no command line can name it.
    **declared
        Fields of :class:`Declaration`: ``structure``, ``needs``, ``degrees``, ``gauge``, ``domain``,
        ``cost``, ``sources``, ``sample``, ``edges``, ``variants``, ``dtypes``,
        ``least_length`` (the shortest axis for which there is a value).

    Raises
    ------
    RegistrationError
        If the name is taken, or the declaration contradicts the function.
    """

    def decorate(function: Callable[..., Any]) -> Rule:
        names = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        arity = sum(
            p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
            for p in inspect.signature(function).parameters.values()
        )
        elementwise = ",".join(["()"] * max(arity, 1)) + "->" + ",".join(["()"] * len(names))
        from ._function_rule import FunctionRule  # noqa: PLC0415 (it is a kind of rule)

        parsed = Signature(signature or elementwise)
        made = (FunctionRule if parsed.function else Rule)(
            function,
            name=name or function.__name__,
            signature=parsed,
            outputs=names,
            nondifferentiable=tuple(
                [nondifferentiable] if isinstance(nondifferentiable, str) else nondifferentiable
            ),
            declaration=_declaration(name or function.__name__, {"summary": summary, **declared}),
            layout=layout or {},
        )
        if register:
            add(made.name, made, replace=replace)
        return made

    return decorate if primal is None else decorate(primal)
