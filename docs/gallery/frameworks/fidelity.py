import gradrules as gr


def adjoint(a, xp):
    return xp.conj(xp.matrix_transpose(a))


@gr.rule(
    signature="(n,n),(n,n)->()",
    structure={"rho": "positive definite", "sigma": "positive definite"},
    needs={"rho": "nonsingular", "sigma": "nonsingular"},
    domain="states of full rank",
    sources=("A. Uhlmann, Rep. Math. Phys. 9, 1976",),
)
def fidelity(rho, sigma, /, *, xp):
    """(tr sqrt(sqrt(rho) sigma sqrt(rho)))^2, of states or stacks of states.

    It is the square of the nuclear norm of L^H M, for any factors L L^H and M M^H of the two states.
    """
    left, right = (
        xp.linalg.cholesky((a + adjoint(a, xp)) / 2) for a in (rho, sigma)
    )
    return xp.sum(xp.linalg.svdvals(adjoint(left, xp) @ right), axis=-1) ** 2


# The gradients are sqrt(F) T with respect to sigma, and sqrt(F) T^-1 with respect to rho, where T is
# the geometric mean of rho and sigma^-1. With the polar factor P of L^H M it is M^-H P M^-1.
def gradients(primals, outputs, xp):
    left, right = (gr.cholesky(a) for a in primals)
    _, p = gr.polar(adjoint(left, xp) @ right)
    inverse = gr.inv(right)
    root = xp.astype(xp.sqrt(outputs[0]), p.dtype)[..., None, None]
    return (
        root * (right @ gr.solve(p, adjoint(right, xp))),
        root * (adjoint(inverse, xp) @ p @ inverse),
    )


@fidelity.def_vjp
def fidelity_vjp(primals, outputs, cotangents, *, xp):
    slopes = gradients(primals, outputs, xp)
    return tuple(
        xp.astype(cotangents[0], s.dtype)[..., None, None] * s for s in slopes
    )


@fidelity.def_jvp
def fidelity_jvp(primals, outputs, tangents, *, xp):
    slopes = gradients(primals, outputs, xp)
    changes = [
        xp.sum(xp.conj(slope) * tangent, axis=(-2, -1))
        for slope, tangent in zip(slopes, tangents, strict=True)
        if tangent is not None
    ]
    change = sum(changes[1:], changes[0])
    return (
        xp.real(change) if xp.isdtype(change.dtype, "complex floating") else change
    )
