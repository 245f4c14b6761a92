r"""Projectors onto singular vectors, :math:`U_S U_S^H`, :math:`V_S V_S^H`, and :math:`U_S V_S^H`.

They are the blocks of twice a spectral projector: that of

.. math:: H = \begin{pmatrix} 0 & A \\ A^H & 0 \end{pmatrix}

onto the eigenvectors :math:`(u_i; v_i)` of the eigenvalues :math:`s_i`, i in S. Only gaps between these
and all others matter, among which are zero and :math:`-s_i`.
"""

from collections.abc import Callable
from typing import Any

from ..._rule import Edge, rule
from ..._typing import Array, Arrays, MaybeArrays, Namespace
from .._matrix import adjoint, guarded, herm
from .._rank import nonzero
from ..spectra._across import across
from ..spectra.svd import decompose

__all__ = [
    "is_wide",
    "mirrored",
    "projectors_jvp",
    "projectors_vjp",
    "singular_projectors",
    "truncated",
    "truncated_jvp",
    "truncated_vjp",
]


@rule(
    name="_singular_projectors",
    signature="(m,n)->(m,m),(m,n),(n,n)",
    outputs=("left", "isometry", "right"),
    needs={"x": "simple singular values"},
    degrees={"x": (0, 0, 0)},
    variants=({"stop": 1}, {"start": -1}, {"stop": 2}),
    least_length=2,
    edges={
        "equal values on both sides": Edge(
            primals=([[5.0, 0, 0, 0], [0, 5.0, 0, 0], [0, 0, 0, -2.0], [0, 0, 2.0, 0]],),
            options={"stop": 2},
        ),
        "small for its rtol, tall": Edge(
            primals=([[4.0, 1.0], [1 - 1j, -0.5j], [1.0, 0.25]],),
            options={"rtol": 0.25},
            dtypes=("complex128",),
        ),
        "tie": Edge(
            primals=([[0.0, 3.0], [-3.0, 0.0]],), options={"stop": 1},
            value="any", first="nan", second="nan",
        ),
    },
)  # fmt: skip
def singular_projectors(
    x: Array,
    /,
    *,
    start: int = 0,
    stop: int | None = None,
    rtol: float | None = None,
    xp: Namespace,
) -> Arrays:
    """The blocks for the singular values from the place `start` to before `stop`, as of a sequence.

    With `rtol` for those of them that are above `rtol` times the largest.
    """
    u, s, vh = decompose(x, xp, full_matrices=False)
    part = slice(start, stop)
    u, vh = u[..., :, part], vh[..., part, :]
    if rtol is not None:
        some = xp.astype(nonzero(s, x, rtol, xp)[..., part], u.dtype)
        u, vh = u * some[..., None, :], vh * some[..., :, None]
    blocks = u @ adjoint(u, xp), u @ vh, adjoint(vh, xp) @ vh
    return guarded(x, xp, *((block, 2) for block in blocks))


@singular_projectors.def_jvp
def projectors_jvp(
    primals: Arrays, outputs: Arrays, tangents: MaybeArrays, *, xp: Namespace, **options: object
) -> Arrays:
    """Blocks of ``4 herm(X)``, the solution X across for the tangent of H."""
    (x,), (x_dot,) = primals, tangents
    z = across(_hermitian(x, xp), _joined(outputs, xp), _hermitian(x_dot, xp))
    return _blocks(4 * herm(z, xp), x)


@singular_projectors.def_vjp
def projectors_vjp(
    primals: Arrays, outputs: Arrays, cotangents: MaybeArrays, *, xp: Namespace, **options: object
) -> Array:
    """``H_bar`` of the same equation; that of A is its upper block and the adjoint of its lower."""
    (x,) = primals
    left, isometry, right = (
        xp.zeros_like(y) if bar is None else bar for y, bar in zip(outputs, cotangents, strict=True)
    )
    bars = _matrix(2 * left, 2 * isometry, xp.zeros_like(adjoint(x, xp)), 2 * right, xp)
    h_bar = across(_hermitian(x, xp), _joined(outputs, xp), 2 * herm(bars, xp))
    return _blocks(2 * herm(h_bar, xp), x)[1]


# The matrix without the other singular values: A R = L A, with the smaller of the two projectors.


def truncated(x: Array, xp: Namespace, **options: Any) -> Array:
    """Of `x` the part that belongs to the singular values chosen by `options`."""
    blocks = singular_projectors(x, **options)
    return blocks.left @ x if is_wide(x) else x @ blocks.right


def truncated_jvp(x: Array, x_dot: Array, xp: Namespace, **options: Any) -> Array:
    """``A_dot R + A R_dot``."""
    blocks = singular_projectors(x, **options)
    left_dot, _, right_dot = projectors_jvp((x,), blocks, (x_dot,), xp=xp)
    if is_wide(x):
        return blocks.left @ x_dot + left_dot @ x
    return x_dot @ blocks.right + x @ right_dot


def truncated_vjp(x: Array, g: Array, xp: Namespace, **options: Any) -> Array:
    """``G R``, and ``A^H G`` for R."""
    blocks = singular_projectors(x, **options)
    if is_wide(x):
        bars = (g @ adjoint(x, xp), None, None)
        return blocks.left @ g + projectors_vjp((x,), blocks, bars, xp=xp)
    bars = (None, None, adjoint(x, xp) @ g)
    return g @ blocks.right + projectors_vjp((x,), blocks, bars, xp=xp)


def is_wide(x: Array) -> bool:
    """Whether there are more columns than rows."""
    return bool(x.shape[-2] < x.shape[-1])


def mirrored(
    derivative: Callable[..., Array], a: Array, y: Array, e: Array, xp: Namespace
) -> Array:
    """A derivative at `a` and `y` along `e` by that of their adjoints."""
    return adjoint(derivative(adjoint(a, xp), adjoint(y, xp), adjoint(e, xp), xp), xp)


def _hermitian(a: Array, xp: Namespace) -> Array:
    ah = adjoint(a, xp)
    return _matrix(xp.zeros_like(a @ ah), a, ah, xp.zeros_like(ah @ a), xp)


def _joined(outputs: Arrays, xp: Namespace) -> Array:
    left, isometry, right = outputs
    return _matrix(left, isometry, adjoint(isometry, xp), right, xp) / 2


def _matrix(a: Array, b: Array, c: Array, d: Array, xp: Namespace) -> Array:
    return xp.concat([xp.concat([a, b], axis=-1), xp.concat([c, d], axis=-1)], axis=-2)


def _blocks(h: Array, a: Array) -> Arrays:
    m = a.shape[-2]
    return h[..., :m, :m], h[..., :m, m:], h[..., m:, m:]
