r"""Norm of a vector, :math:`\|x\|_p = (\sum |x_i|^p)^{1/p}`.

.. math:: d\|x\| = \operatorname{Re}\langle n, dx \rangle, \qquad
          n_i = \frac{x_i}{|x_i|} \Bigl(\frac{|x_i|}{\|x\|}\Bigr)^{p-1}

Where the norm has a kink n is the subgradient of least norm, and its derivatives are NaN.
"""

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._kinked import kinked
from .._matrix import conj, poisoned, real
from ._power import over, signed_power

__all__ = ["along", "norming", "shared", "size_of", "times", "vector_norm"]

INF = float("inf")


@rule(
    signature="(n)->()",
    layout={"axis": None, "keepdims": False},
    domain=(
        "x not 0; for ord 1 and less no entry 0, for inf and -inf one entry of extreme size. Elsewhere "
        "the first derivative is the subgradient of least norm (ord from 1 to inf), and at ties the mean "
        "of those at either entry; all higher ones are NaN. For ord 0, which jumps, no entry 0: NaN there"
    ),
    cost="a few operations for each entry",
    sources=("G. A. Watson, Linear Algebra Appl. 170, 1992",),
    variants=({}, *({"ord": p} for p in (1, 3, 1.5, 0.5, -1, -2.5, INF, -INF))),
    least_length=1,
    edges={
        "zero": Edge(primals=([0.0, 0.0],), first="mean", second="nan"),
        "zero, ord 1": Edge(
            primals=([0.0, 0.0],), options={"ord": 1}, first="mean", second="nan"
        ),
        "zero, ord 3": Edge(
            primals=([0.0, 0.0],), options={"ord": 3}, first="mean", second="nan"
        ),
        "zero, ord inf": Edge(
            primals=([0.0, 0.0],), options={"ord": INF}, first="mean", second="nan"
        ),
        "zero, ord 0.5": Edge(
            primals=([0.0, 0.0],), options={"ord": 0.5}, first="nan", second="nan"
        ),
        "zero entry": Edge(primals=([3.0, 0.0, -4.0],)),
        "zero entry, ord 1": Edge(
            primals=([3.0, 0.0, -4.0],), options={"ord": 1}, first="mean", second="nan"
        ),
        "zero entry, ord 3": Edge(primals=([3.0, 0.0, -4.0],), options={"ord": 3}),
        "zero entry, ord 1.5": Edge(
            primals=([3.0, 0.0, -4.0],), options={"ord": 1.5}, second="nan"
        ),
        "zero entry, ord 0.5": Edge(
            primals=([3.0, 0.0, -4.0],), options={"ord": 0.5}, first="nan", second="nan"
        ),
        "zero entry, ord -1": Edge(
            primals=([3.0, 0.0, -4.0],), options={"ord": -1}, first="nan", second="nan"
        ),
        "tie, ord inf": Edge(
            primals=([3.0, 1.0, -3.0],), options={"ord": INF}, first="mean", second="nan"
        ),
        "tie, ord -inf": Edge(
            primals=([3.0, 1.0, -1.0],), options={"ord": -INF}, first="mean", second="nan"
        ),
        "ord 0": Edge(primals=([3.0, 1.0, -1.0],), options={"ord": 0}),
        "zero entry, ord 0": Edge(
            primals=([3.0, 0.0, -4.0],), options={"ord": 0}, first="nan", second="nan"
        ),
        "entries of 1e200": Edge(primals=([3e200, -4e200],)),
        "entries of 1e-200": Edge(primals=([3e-200, -4e-200],), second="any"),
        "entries of 1e200, ord 3": Edge(primals=([3e200, -4e200],), options={"ord": 3}),
        "apart by 1e300": Edge(primals=([1e150, -1e-150],)),
        "one entry": Edge(primals=([-2.0],)),
        "complex, ord 3": Edge(
            primals=([3.0 + 4.0j, 1.0 - 2.0j],), options={"ord": 3}, dtypes=("complex128",)
        ),
        "two of them, ord inf": Edge(
            primals=([[3.0, 1.0, -2.0], [0.5, -4.0, 1.0]],), options={"ord": INF}
        ),
        "NaN, ord inf": Edge(
            primals=([float("nan"), 1.0],), options={"ord": INF},
            value="nan", first="nan", second="nan",
        ),
    },
)  # fmt: skip
def vector_norm(x: Array, /, *, ord: float = 2, xp: Namespace) -> Array:  # noqa: A002
    """Norm of vectors.

    Parameters
    ----------
    x
        ``(..., n)``, real or complex floating.
    axis
        The axis of the vectors, or several that are taken as one; by default all.
    keepdims
        Whether these axes stay, with length one.
    ord
        Any real number, or infinity of either sign. 0 counts the entries that are not zero.

    Returns
    -------
    array
        Real, in the unit of `x`.
    """
    return size_of(xp.abs(x), ord, (-1,), xp)[..., 0]


@vector_norm.def_options
def vector_norm_options(ord: object) -> None:  # noqa: A002
    """Refuse values that are not allowed."""
    if isinstance(ord, bool) or not isinstance(ord, int | float) or ord != ord:  # noqa: PLR0124
        msg = f"option 'ord' is {ord!r}; it must be a real number"
        raise ValueError(msg)


@vector_norm.def_jvp
def vector_norm_jvp(
    primals: Arrays,
    outputs: Arrays,
    tangents: MaybeArrays,
    *,
    ord: float,  # noqa: A002
    xp: Namespace,
) -> Array:
    """``Re <n, x_dot>``."""
    n = norming(primals[0], outputs[0][..., None], ord, (-1,), xp)
    return along(n, tangents[0], (-1,), xp)


@vector_norm.def_vjp
def vector_norm_vjp(
    primals: Arrays,
    outputs: Arrays,
    cotangents: MaybeArrays,
    *,
    ord: float,  # noqa: A002
    xp: Namespace,
) -> Array:
    """``y_bar n``."""
    n = norming(primals[0], outputs[0][..., None], ord, (-1,), xp)
    return times(n, cotangents[0][..., None], xp)


def along(n: Array, x_dot: Array, axis: tuple[int, ...], xp: Namespace) -> Array:
    """``Re <n, x_dot>``: the derivative of a real function whose gradient is `n`."""
    return xp.sum(real(conj(n, xp) * x_dot, xp), axis=axis)


def times(n: Array, y_bar: Array, xp: Namespace) -> Array:
    """``y_bar n`` for a real `y_bar`."""
    return n * xp.astype(y_bar, n.dtype)


def size_of(size: Array, order: float, axis: tuple[int, ...], xp: Namespace) -> Array:
    """The norm of vectors of moduli over some axes, which stay; no power over- or underflows."""
    if order == 0:
        return xp.sum(xp.astype(size != 0, size.dtype), axis=axis, keepdims=True)
    if 0 in size.shape:
        return xp.sum(size, axis=axis, keepdims=True)
    scale = (xp.max if order > 0 else xp.min)(size, axis=axis, keepdims=True)
    if abs(order) == INF:
        return scale
    usable = (scale > 0) & xp.isfinite(scale)
    unit = xp.where(usable, scale, xp.ones_like(scale))
    relative = xp.where(usable, size / unit, size if order > 0 else xp.ones_like(size))
    if order == 2:
        total = xp.sqrt(xp.sum(relative * relative, axis=axis, keepdims=True))
    else:
        total = xp.sum(relative**order, axis=axis, keepdims=True) ** (1 / order)
    return unit * total if order > 0 else xp.where(usable, unit * total, scale)


def norming(x: Array, y: Array, order: float, axis: tuple[int, ...], xp: Namespace) -> Array:
    """n, given the norm `y` with axes of length one."""
    if order == 0:
        return poisoned(xp.zeros_like(x), x, x == 0, xp)
    if abs(order) == INF:
        return shared(x, xp.abs(x), order, axis, xp)
    if order == 1:
        return signed_power(x, q=0.0)
    return signed_power(over(x, y), q=order - 1)  # for an order below 1 NaN where y is 0


def shared(x: Array, size: Array, order: float, axis: tuple[int, ...], xp: Namespace) -> Array:
    """Signs of the entries whose `size` is largest, or smallest; where these are several, their mean."""
    if 0 in x.shape:
        return x
    # The norm that was computed may be another in the last digit.
    y = (xp.max if order > 0 else xp.min)(size, axis=axis, keepdims=True)
    there = xp.astype(size == y, y.dtype)
    count = xp.sum(there, axis=axis, keepdims=True)
    none = count == 0  # NaN is equal to nothing
    share = there / xp.where(none, xp.ones_like(count), count)
    # Of the other entries nothing is asked, not even a derivative of the sign of 0.
    marked = kinked(x, xp.astype(count > 1, y.dtype))
    signs = signed_power(xp.where(share > 0, marked, xp.ones_like(x)), q=0.0)
    return poisoned(signs * xp.astype(share, x.dtype), x, none, xp)
