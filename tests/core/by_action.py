"""Losses through every rule of a function, written once for all frameworks, and their truth.

The truth is a dense computation at 50 digits, differentiated by central differences.
"""

import functools

import mpmath
import numpy as np

import gradrules as gr

mp = mpmath.mp.clone()
mp.dps = 50
STEP = mp.mpf(10) ** -12
PROBLEMS = ("solve_action", "solve_action cg", "root", "fixed_point", "eigsh", "svds")
SIZE = {"eigsh": 10, "svds": 9}


def theta(problem, dtype):
    """A point and two directions."""
    rng = np.random.default_rng(1)
    size = SIZE.get(problem.partition(" ")[0], 13)
    point, *along = (rng.standard_normal(size) / 2 for _ in range(3))
    if dtype.startswith("complex"):
        point, *along = (v + 0.5j * rng.standard_normal(size) for v in (point, *along))
    if problem == "eigsh":
        point[:9] += np.diag([4.0, 0.0, -3.0]).ravel()
    elif problem == "svds":
        point[:8] += np.asarray([[3.0, 0, 0, 0], [0, 1, 0, 0]]).ravel()
    elif problem == "fixed_point":
        point[3:12] /= 4
    else:
        point[3:12] += 3 * np.eye(3).ravel()
        point[12] += 2
    return [v.astype(dtype) for v in (point, *along)]


def loss(problem, xp, captured):
    """``f(theta)``, real; parameters are trees, or captured."""

    def adjoint(a):
        return xp.conj(xp.matrix_transpose(a)) if _is_complex(a) else xp.matrix_transpose(a)

    def times(a, x):
        return (a @ x[:, None])[:, 0]

    def real(x):
        return xp.real(x) if _is_complex(x) else x

    def square(x):
        return real(x * xp.conj(x)) if _is_complex(x) else x * x

    def numbers(values, like):
        return xp.asarray(values, dtype=like.dtype)

    def called(rule, f, x, a, s, b, **options):
        if captured:
            return rule(lambda x: f(x, a, s, b), x, **options)
        tree = {"h": {"a": a}, "s": [s, 1.0], "b": b}
        return rule(
            lambda x, p: f(x, p["h"]["a"], p["s"][0] * p["s"][1], p["b"]), x, tree, **options
        )

    def spectrum(t):
        a, s = xp.reshape(t[:9], (3, 3)), t[9:10]

        def act(x, a, s, b):
            return times(a + adjoint(a), x) / 2 + xp.astype(square(s), x.dtype) * x

        w, v = called(gr.eigsh, act, numbers([1.0, 2.0, 0.5], t), a, s, a, k=2, which="LA")
        o = square(numbers([0.3, -0.7, 1.1], t)[None, :] @ v)[0, :]
        return xp.sum(w**3 * numbers([0.5, 1.0], w)) + xp.sum(o * numbers([1.0, -2.0], w))

    def singular(t):
        a, c = xp.reshape(t[:8], (2, 4)), t[8:9]
        act = lambda x, a, c, b: times(a, x) * c  # noqa: E731
        u, s, vh = called(gr.svds, act, numbers([1.0, 2.0, 0.5, 1.0], t), a, c, a, k=1)
        first = (numbers([1.0, 0.5], t)[None, :] @ u) * (vh @ numbers([1.0, 2, 0, 1], t)[:, None])
        return xp.sum(s**3) + xp.sum(real(first))

    def implicit(t):
        b, a, s = t[:3], xp.reshape(t[3:12], (3, 3)), t[12:13]
        zero = 0.1 + xp.zeros_like(b)
        if problem == "solve_action":
            x = called(gr.solve_action, lambda x, a, s, b: times(a, x) * s + 2 * x, b, a, s, b)
        elif problem == "solve_action cg":
            act = lambda x, a, s, b: times(adjoint(a), times(a, x)) + 2 * x  # noqa: E731
            x = called(gr.solve_action, act, b, a, s, b, solver="cg")
        elif problem == "root":
            x = called(gr.root, lambda x, a, s, b: times(a, x) + 0.2 * s * x**3 - b, zero, a, s, b)
        else:
            act = lambda x, a, s, b: 0.2 * s * times(a, x) ** 2 + b * 0.3  # noqa: E731
            x = called(gr.fixed_point, act, zero, a, s, b)
        return xp.sum(real(x) ** 3) + xp.sum(square(x * numbers([1.0, 2.0, -1.0], t)))

    return {"eigsh": spectrum, "svds": singular}.get(problem, implicit)


def _is_complex(x):
    return "complex" in str(x.dtype)


def _exact(problem, t):
    t = list(t)
    if problem == "eigsh":
        a = mp.matrix(3, 3)
        for i in range(9):
            a[i // 3, i % 3] = t[i]
        w, v = mp.eighe((a + a.H) / 2 + abs(t[9]) ** 2 * mp.eye(3))
        c = [mp.mpf(x) for x in (0.3, -0.7, 1.1)]
        o = [abs(sum(c[i] * v[i, j] for i in range(3))) ** 2 for j in (1, 2)]
        return w[1] ** 3 / 2 + w[2] ** 3 + o[0] - 2 * o[1]
    if problem == "svds":
        a = mp.matrix(2, 4)
        for i in range(8):
            a[i // 4, i % 4] = t[i] * t[8]
        w, u = mp.eighe(a * a.H)
        s = mp.sqrt(w[1])
        vh = u[:, 1].H * a / s
        first = (u[0, 1] + u[1, 1] / 2) * (vh[0] + 2 * vh[1] + vh[3])
        return s**3 + mp.re(first)
    b, a, s = mp.matrix(t[:3]), mp.matrix(3, 3), t[12]
    for i in range(9):
        a[i // 3, i % 3] = t[3 + i]
    if problem == "solve_action":
        x = mp.lu_solve(a * s + 2 * mp.eye(3), b)
    elif problem == "solve_action cg":
        x = mp.lu_solve(a.H * a + 2 * mp.eye(3), b)
    else:
        x = mp.matrix([mp.mpf("0.1")] * 3)
        for _ in range(60):
            y = a * x
            if problem == "root":
                f = y + mp.mpf(0.2) * s * mp.matrix([v**3 for v in x]) - b
                j = a + 3 * mp.mpf(0.2) * s * mp.diag([v**2 for v in x])
            else:
                f = mp.mpf(0.2) * s * mp.matrix([v**2 for v in y]) + b * mp.mpf(0.3) - x
                j = 2 * mp.mpf(0.2) * s * mp.diag(list(y)) * a - mp.eye(3)
            step = mp.lu_solve(j, f)
            x = x - step
            if mp.norm(step) < mp.mpf(10) ** -48:
                break
    weights = (1, 2, -1)
    return sum(mp.re(v) ** 3 for v in x) + sum(
        abs(w * v) ** 2 for w, v in zip(weights, x, strict=True)
    )


@functools.cache
def truth(problem, dtype):
    """The loss, its derivative along both directions, and its second derivative along them."""
    t, d, e = ([mp.mpmathify(x) for x in v.tolist()] for v in theta(problem, dtype))

    def f(i, j):
        return _exact(
            problem, [x + i * STEP * y + j * STEP * z for x, y, z in zip(t, d, e, strict=True)]
        )

    first = [(f(1, 0) - f(-1, 0)) / (2 * STEP), (f(0, 1) - f(0, -1)) / (2 * STEP)]
    second = (f(1, 1) - f(1, -1) - f(-1, 1) + f(-1, -1)) / (4 * STEP**2)
    return [float(x) for x in (f(0, 0), *first, second)]
