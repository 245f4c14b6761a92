"""Rules as somebody outside would write them; imported by tests, and by `gradrules check --load`."""

import gradrules as gr


@gr.rule(name="tests.logcosh", dtypes=("float32", "float64"))
def logcosh(x, /, *, xp):
    """Logarithm of the hyperbolic cosine, without overflow."""
    size = xp.abs(x)
    return size + xp.log(1 + xp.exp(-2 * size)) - 0.6931471805599453


@logcosh.def_jvp
def logcosh_jvp(primals, outputs, tangents, *, xp):
    """tanh(x) x_dot."""
    return xp.tanh(primals[0]) * tangents[0]


@logcosh.def_vjp
def logcosh_vjp(primals, outputs, cotangents, *, xp):
    """tanh(x) y_bar."""
    return xp.tanh(primals[0]) * cotangents[0]


@gr.rule(
    name="tests.masked_sum",
    signature="(n),(n)->()",
    nondifferentiable=("mask",),
    sample=lambda rng, shapes, dtype: (
        (
            rng.standard_normal(shapes[0])
            + (1j * rng.standard_normal(shapes[0]) if "c" in dtype else 0)
        ).astype(dtype),
        rng.integers(0, 2, shapes[1]),
    ),
)
def masked_sum(x, mask, /, *, xp):
    """Sum of the entries where an integer mask is not 0."""
    return xp.sum(xp.where(mask != 0, x, xp.zeros_like(x)), axis=-1)


@masked_sum.def_jvp
def masked_sum_jvp(primals, outputs, tangents, *, xp):
    """The same of the tangent."""
    return masked_sum(tangents[0], primals[1])


@masked_sum.def_vjp
def masked_sum_vjp(primals, outputs, cotangents, *, xp):
    """The cotangent where the mask is not 0."""
    x, mask = primals
    g = cotangents[0][..., None] + xp.zeros_like(x)
    return xp.where(mask != 0, g, xp.zeros_like(x)), None


@gr.rule(
    name="tests.summary",
    signature="(n)->(),(),()",
    outputs=("total", "largest", "square"),
    least_length=1,
    dtypes=("float32", "float64"),
)
def summary(x, /, *, xp):
    """Sum, position of the largest entry (an integer), and sum of squares."""
    return xp.sum(x, axis=-1), xp.argmax(x, axis=-1), xp.sum(x * x, axis=-1)


@summary.def_jvp
def summary_jvp(primals, outputs, tangents, *, xp):
    """An integer has no tangent."""
    (x,), (x_dot,) = primals, tangents
    return xp.sum(x_dot, axis=-1), None, 2 * xp.sum(x * x_dot, axis=-1)


@summary.def_vjp
def summary_vjp(primals, outputs, cotangents, *, xp):
    """Any of the two may be absent."""
    (x,), (total_bar, _, square_bar) = primals, cotangents
    g = xp.zeros_like(x)
    if total_bar is not None:
        g = g + total_bar[..., None]
    if square_bar is not None:
        g = g + 2 * square_bar[..., None] * x
    return g


@gr.rule(name="tests.power", variants=({}, {"exponent": 3}), dtypes=("float64", "complex128"))
def power(x, /, *, exponent=2, xp):
    """x to a static integer exponent."""
    return x**exponent


@power.def_jvp
def power_jvp(primals, outputs, tangents, *, exponent, xp):
    """A rule that calls itself."""
    return exponent * _lower(primals[0], exponent) * tangents[0]


@power.def_vjp
def power_vjp(primals, outputs, cotangents, *, exponent, xp):
    """With the conjugate, for complex x."""
    factor = exponent * _lower(primals[0], exponent)
    if xp.isdtype(factor.dtype, "complex floating"):
        factor = xp.conj(factor)
    return factor * cotangents[0]


def _lower(x, exponent):
    return power(x, exponent=exponent - 1) if exponent > 1 else x * 0 + 1


@gr.rule(name="tests.quadratic", signature="(n,n),(n)->()", needs={"a": "nonsingular"})
def quadratic(a, b, /, *, xp):
    """b^T A^-1 b, without a conjugate; its derivative is written with another rule."""
    x = xp.linalg.solve(a, b[..., None])[..., 0]
    bad = xp.sum(a * 0, axis=(-2, -1))  # at an infinite entry LAPACK may return numbers
    return xp.sum(b * x, axis=-1) + bad


def _solutions(a, b, xp):
    x = gr.solve(a, b[..., None])[..., 0]
    y = gr.solve(xp.matrix_transpose(a), b[..., None])[..., 0]
    return x, y


@quadratic.def_jvp
def quadratic_jvp(primals, outputs, tangents, *, xp):
    """(x + y)^T b_dot - y^T A_dot x."""
    (a, b), (a_dot, b_dot) = primals, tangents
    x, y = _solutions(a, b, xp)
    out = xp.zeros_like(outputs[0])
    if b_dot is not None:
        out = out + xp.sum((x + y) * b_dot, axis=-1)
    if a_dot is not None:
        out = out - xp.sum(y * (a_dot @ x[..., None])[..., 0], axis=-1)
    return out


@quadratic.def_vjp
def quadratic_vjp(primals, outputs, cotangents, *, xp):
    """The adjoint."""
    x, y = _solutions(*primals, xp)
    g = cotangents[0][..., None]
    if xp.isdtype(x.dtype, "complex floating"):
        x, y = xp.conj(x), xp.conj(y)
    return -(g[..., None] * y[..., :, None] * x[..., None, :]), g * (x + y)


@gr.rule(
    name="tests.softmax",
    signature="(n)->(n)",
    variants=({}, {"temperature": 0.5}),
    edges={
        "large": gr.Edge(primals=([1e4, 1e4 - 1.0, -1e4],)),
        "equal": gr.Edge(primals=([3.0, 3.0],), options={"temperature": 2.0}),
    },
    least_length=1,
    dtypes=("float32", "float64"),
)
def softmax(x, /, *, temperature=1.0, xp):
    """exp(x / T), normalized."""
    e = xp.exp((x - xp.max(x, axis=-1, keepdims=True)) / temperature)
    return e / xp.sum(e, axis=-1, keepdims=True)


@softmax.def_jvp
def softmax_jvp(primals, outputs, tangents, *, temperature, xp):
    """diag(y) - y y^T, by T."""
    return _centred(outputs[0], tangents[0], xp) / temperature


@softmax.def_vjp
def softmax_vjp(primals, outputs, cotangents, *, temperature, xp):
    """The same: the matrix is symmetric."""
    return _centred(outputs[0], cotangents[0], xp) / temperature


def _centred(y, d, xp):
    return y * (d - xp.sum(y * d, axis=-1, keepdims=True))


@gr.rule(
    name="tests.equilibrium",
    signature="(n,n),(n)->(n)",
    sample=lambda rng, shapes, dtype: (
        rng.uniform(-0.4, 0.4, shapes[0]).astype(dtype) / max(shapes[0][-1], 1),
        rng.standard_normal(shapes[1]).astype(dtype),
    ),
    dtypes=("float32", "float64"),
)
def equilibrium(w, b, /, *, xp):
    """The x with x = tanh(W x + b), for a W of norm below 1."""
    x = b * 0
    for _ in range(40):
        x = xp.tanh((w @ x[..., None])[..., 0] + b)
    return x


@equilibrium.def_jvp
def equilibrium_jvp(primals, outputs, tangents, *, xp):
    """(I - S W)^-1 S (W_dot x + b_dot), with S = diag(1 - x^2)."""
    (w, _), (x,), (w_dot, b_dot) = primals, outputs, tangents
    moved = xp.zeros_like(x) if b_dot is None else b_dot
    if w_dot is not None:
        moved = moved + (w_dot @ x[..., None])[..., 0]
    slope = 1 - x * x
    return gr.solve(_implicit(w, slope, xp), (slope * moved)[..., None])[..., 0]


@equilibrium.def_vjp
def equilibrium_vjp(primals, outputs, cotangents, *, xp):
    """b_bar = S (I - S W)^-T x_bar, W_bar = b_bar x^T."""
    (w, _), (x,), (x_bar,) = primals, outputs, cotangents
    slope = 1 - x * x
    adjoint = xp.matrix_transpose(_implicit(w, slope, xp))
    b_bar = slope * gr.solve(adjoint, x_bar[..., None])[..., 0]
    return b_bar[..., :, None] * x[..., None, :], b_bar


def _implicit(w, slope, xp):
    n = w.shape[-1]
    return xp.eye(n, dtype=w.dtype) - slope[..., :, None] * w
