r"""Zeros whose derivatives are NaN where eigenvectors have none.

Along E the second derivative of :math:`\sum f(w_j)` is

.. math:: \sum_j f''(w_j) M_{jj}^2 +
    \sum_{i \ne j} \frac{f'(w_j) - f'(w_i)}{w_j - w_i} |M_{ij}|^2, \qquad M = V^H E V.

Within a cluster the quotient means :math:`f''`, which no derivative knows that is given the numbers
:math:`f'(w_j)`: it is undefined, also where they are 0. There the reverse mode would return 0, for what it
passes on to the eigenvectors is 0. So in their closed forms the derivatives of eigenvalues have these zeros
added.
"""

from typing import Any, NamedTuple

from ... import hooks
from ..._rule import Rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import real
from ._known import derived, restored

__all__ = ["Crossing", "crossing"]


class Crossing(NamedTuple):
    """The zeros of one decomposition.

    Attributes
    ----------
    moved
        ``moved(*inputs, *outputs, *tangents)``: a number for each matrix, beside the tangents of values.
    pulled
        ``pulled(*inputs, *outputs)``: one like each input, beside its cotangent.
    """

    moved: Rule
    pulled: Rule

    def tangent(
        self, dot: Array, primals: Arrays, outputs: Arrays, tangents: MaybeArrays, xp: Namespace,
        **options: Any,
    ) -> Array:  # fmt: skip
        """That of an output, given all outputs."""
        return self.tangents((dot,), primals, outputs, tangents, xp, **options)[0]

    def tangents(
        self, dots: Arrays, primals: Arrays, outputs: Arrays, tangents: MaybeArrays, xp: Namespace,
        **options: Any,
    ) -> Arrays:  # fmt: skip
        """Those of several outputs, given all outputs."""
        if not hooks.recorded(xp=xp):
            return dots
        along = (
            xp.zeros_like(x) if t is None else t for x, t in zip(primals, tangents, strict=True)
        )
        zero = self.moved(*primals, *outputs, *along, **options)
        return tuple(
            dot + xp.astype(zero, dot.dtype)[(..., *(None,) * (dot.ndim - zero.ndim))]
            for dot in dots
        )

    def cotangents(
        self, w_bar: Array | None, bars: Arrays, primals: Arrays, outputs: Arrays, xp: Namespace,
        **options: Any,
    ) -> Arrays:  # fmt: skip
        """Those of the inputs, `bars`, given that of the values, without which there is nothing to add."""
        if w_bar is None or not hooks.recorded(xp=xp):
            return bars
        zeros = self.pulled(*primals, *outputs, **options)
        zeros = zeros if len(primals) > 1 else (zeros,)
        return tuple(
            bar + xp.astype(zero, bar.dtype) for bar, zero in zip(bars, zeros, strict=True)
        )


def crossing(
    of: Rule, inputs: str, outputs: str, reals: tuple[str, ...] = (), **fixed: Any
) -> Crossing:
    """The zeros of the rule `of`, whose inputs and outputs have these core axes.

    `reals` are the outputs that are real whatever the inputs are; `fixed` are options that its
    derivative is called with.
    """
    count, total = len(of.inputs), len(of.inputs) + len(of.outputs)
    names = (*of.inputs, *(f"value_{i}" for i in range(len(of.outputs))))
    vectors = [i for i, core in enumerate(of.signature.outputs) if len(core) == 2]

    def undefined(arrays: Arrays, along: MaybeArrays, options: Any, xp: Namespace) -> Array:
        """0 for each matrix, or NaN where vectors have no derivative along these tangents."""
        static = of.static_options({**options, **fixed})
        values = restored(of, arrays[count:total], reals, xp)
        dots = of.linear("jvp", arrays[:count], values, along, static, xp=xp)
        return sum(xp.sum(0 * real(dots[i], xp), axis=(-2, -1)) for i in vectors)

    def beside(arrays: Arrays, along: MaybeArrays, options: Any, xp: Namespace) -> MaybeArrays:
        """The same, for each entry of the inputs; nothing beside the other arrays."""
        if all(x is None for x in along):
            return (None,) * len(arrays)
        number = undefined(arrays, along, options, xp)
        wide = (
            xp.zeros_like(x) + xp.astype(number, x.dtype)[(..., *(None for _ in core))]
            for x, core in zip(arrays[:count], of.signature.inputs, strict=True)
        )
        return *wide, *(None for _ in arrays[count:])

    def no_number(*arrays: Array, xp: Namespace) -> Array:
        axes = tuple(range(-len(of.signature.inputs[0]), 0))
        return xp.sum(xp.zeros_like(real(arrays[0], xp)), axis=axes)

    moved = derived(
        of, "moved", (*names, *(f"{name}_dot" for name in of.inputs)), no_number,
        signature=f"{inputs},{outputs},{inputs}->()", fixed=fixed,
    )  # fmt: skip

    @moved.def_jvp
    def moved_jvp(
        primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace, **options: Any
    ) -> Array | None:
        along = tangents[:count]
        known = any(x is not None for x in along)
        return undefined(primals, along, options, xp) if known else None

    @moved.def_vjp
    def moved_vjp(
        primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace, **options: Any
    ) -> MaybeArrays:
        return beside(primals, primals[total:], options, xp)

    def no_matrices(*arrays: Array, xp: Namespace) -> Any:
        zeros = tuple(xp.zeros_like(x) for x in arrays[:count])
        return zeros if count > 1 else zeros[0]

    pulled = derived(
        of, "pulled", names, no_matrices,
        signature=f"{inputs},{outputs}->{inputs}", outputs=of.inputs, fixed=fixed,
    )  # fmt: skip

    @pulled.def_jvp
    def pulled_jvp(
        primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace, **options: Any
    ) -> MaybeArrays:
        return beside(primals, tangents[:count], options, xp)[:count]

    @pulled.def_vjp
    def pulled_vjp(
        primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace, **options: Any
    ) -> MaybeArrays:
        return beside(primals, cotangents, options, xp)

    return Crossing(moved, pulled)
