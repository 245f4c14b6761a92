"""The truth itself: for each rule a second way to the same numbers, of another library or formula.

Exact rational arithmetic (FLINT, SymPy) where the function is rational, FLINT's rigorous balls for
spectra, mpmath's own exponential, power series for Fréchet derivatives.
"""

from fractions import Fraction

import flint
import mpmath
import numpy as np
import pytest
import sympy

import gradrules as gr
from gradrules.testing import _bank, _oracles
from gradrules.testing._truth import Truth, exact

DIGITS = 60
A = np.asarray([[0.5, 2.0, -1.25], [1.0, -3.0, 0.75], [4.0, 0.5, 2.0]])
B = np.asarray([[1.0, -2.0], [0.5, 3.0], [0.25, 1.0]])
E = np.asarray([[1.0, 0.5, -2.0], [0.25, 1.5, 1.0], [-1.0, 2.0, 0.5]])
F = np.asarray([[0.5, -1.0, 3.0], [2.0, 0.25, -0.5], [1.0, 1.0, -2.0]])
H = np.asarray([[2, 1 - 2j, 0.5], [1 + 2j, -3, 1j], [0.5, -1j, 4]])
INPUTS = [A, _bank.hilbert(4), _bank.frank(5), np.diag([1e-12, 1.0, 1e12]) @ A]


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(DIGITS):
        flint.ctx.prec = mpmath.mp.prec + 64
        yield


def rational(a):
    return flint.fmpq_mat([[fraction(x) for x in row] for row in np.asarray(a).tolist()])


def fraction(x):
    return flint.fmpq(*Fraction(x).as_integer_ratio())


def number(q):
    """An mpmath number of a rational one of FLINT or SymPy."""
    return mpmath.mpf(int(q.p)) / mpmath.mpf(int(q.q))


def numbers(matrix, shape):
    return [[number(matrix[i, j]) for j in range(shape[1])] for i in range(shape[0])]


def near(found, wanted, digits=DIGITS - 8):
    """Equal to that many digits of the largest entry."""
    found, wanted = (np.asarray(v, dtype=object) for v in (found, wanted))
    size = max(abs(x) for x in wanted.flat)
    error = max(abs(a - b) for a, b in zip(found.flat, wanted.flat, strict=True))
    return found.shape == wanted.shape and error <= size * mpmath.mpf(10) ** -digits


@pytest.mark.parametrize("a", INPUTS)
def test_rational_functions_against_flint(a):
    n = len(a)
    determinant = number(rational(a).det())
    assert near(_oracles.det(exact(a)), determinant)
    sign, logarithm = _oracles.slogdet(exact(a))
    assert sign == mpmath.sign(determinant)
    assert near(mpmath.exp(logarithm[()]), abs(determinant))
    inverse = numbers(rational(a).inv(), (n, n))
    assert near(_oracles.inv(exact(a)), inverse)
    b = np.arange(2.0 * n).reshape(n, 2)
    assert near(_oracles.solve(exact(a), exact(b)), numbers(rational(a).solve(rational(b)), (n, 2)))


def test_complex_rational_functions_against_sympy():
    a = A + 1j * E
    matrix = sympy.Matrix(
        3, 3, lambda i, j: sympy.Rational(A[i, j]) + sympy.I * sympy.Rational(E[i, j])
    )

    def value(z):
        real, imaginary = sympy.expand(z).as_real_imag()
        return mpmath.mpc(number(real), number(imaginary))

    assert near(_oracles.det(exact(a)), value(matrix.det()))
    inverse = matrix.inv().applyfunc(lambda z: sympy.nsimplify(sympy.radsimp(sympy.expand(z))))
    wanted = [[value(inverse[i, j]) for j in range(3)] for i in range(3)]
    assert near(_oracles.inv(exact(a)), wanted)
    assert near(
        _oracles.solve(exact(a), exact(B * (1 + 0j))), np.asarray(wanted, dtype=object) @ exact(B)
    )


def ball(x):
    real, imaginary = mpmath.re(x), mpmath.im(x)
    return flint.acb(*(flint.arb(mpmath.nstr(v, DIGITS + 20)) for v in (real, imaginary)))


def middle(x):
    return mpmath.mpc(
        *(mpmath.mpf(part.mid().str(DIGITS + 5, radius=False)) for part in (x.real, x.imag))
    )


@pytest.mark.parametrize("a", [A + A.T, H, _bank.wilkinson(5), _bank.clement(5)])
def test_spectra_against_the_rigorous_ones_of_flint(a):
    w, v = _oracles.eigh(exact(a))
    matrix = flint.acb_mat([[ball(x) for x in row] for row in exact(a)])
    values, right = matrix.eig(right=True, algorithm="rump")
    n = len(a)
    order = sorted(range(n), key=lambda k: float(values[k].real.mid()))
    assert near(w, [middle(values[k]).real for k in order], DIGITS - 12)
    assert near(_oracles.eigvalsh(exact(a)), w, DIGITS - 12)
    for j, k in enumerate(order):
        other = np.asarray([middle(right[i, k]) for i in range(n)], dtype=object)
        projector = np.outer(other, np.conj(other)) / np.sum(other * np.conj(other))
        assert near(np.outer(v[:, j], np.conj(v[:, j])), projector, DIGITS - 20)


@pytest.mark.parametrize("a", [A[:2], A.T[:, :2], A + 1j * E, H])
def test_singular_values_against_the_rigorous_spectrum_of_the_square(a):
    x = exact(a)
    u, s, vh = _oracles.svd(x, full_matrices=False)
    assert near(u * s @ vh, x)
    assert near(np.conj(u.T) @ u, exact(np.eye(len(s))))
    square = x @ np.conj(x.T) if len(x) == len(s) else np.conj(x.T) @ x
    values = flint.acb_mat([[ball(v) for v in row] for row in square]).eig(algorithm="rump")
    wanted = sorted((middle(v).real for v in values), reverse=True)
    assert near(s * s, wanted, DIGITS - 12)
    assert near(_oracles.svdvals(x), s)


@pytest.mark.parametrize("a", [A, A + 1j * E, _bank.frank(4)])
def test_general_spectra_against_the_rigorous_ones_of_flint(a):
    w, v = _oracles.eig(exact(a))
    assert near(exact(a) @ v, v * w, DIGITS - 12)
    assert near(np.sum(np.abs(v) ** 2, axis=0), np.ones(len(a)))
    values = flint.acb_mat([[ball(x) for x in row] for row in exact(a)]).eig(algorithm="rump")
    for value in map(middle, values):
        assert min(abs(value - x) for x in w) < mpmath.mpf(10) ** (15 - DIGITS)
    assert near(_oracles.eigvals(exact(a)), w)


def test_pencils_and_projectors_by_what_defines_them():
    a, b, identity = A + A.T, F @ F.T + np.eye(3), exact(np.eye(3))
    x, y = exact(a), exact(b)
    w, v = _oracles.eigh_generalized(x, y)
    assert near(x @ v, y @ v * w, DIGITS - 12)
    assert near(v.T @ y @ v, identity, DIGITS - 12)
    assert near(_oracles.eigvalsh_generalized(x, y), w)
    general, vectors = _oracles.eig_generalized(exact(A), exact(B @ B.T + np.eye(3)))
    assert near(exact(A) @ vectors, exact(B @ B.T + np.eye(3)) @ vectors * general, DIGITS - 12)
    p = _oracles.spectral_projector(exact(H), subset_by_index=(1, 2))
    assert near(p @ p, p)
    assert near(p @ exact(H), exact(H) @ p, DIGITS - 12)
    assert near(np.trace(p), 2)
    d, e = exact(np.asarray([1.0, 2.0, 4.0])), exact(np.asarray([0.5, -3.0]))
    w, v = _oracles.eigh_tridiagonal(d, e)
    t = np.diag(d) + np.diag(e, 1) + np.diag(e, -1)
    assert near(t @ v, v * w, DIGITS - 12)


@pytest.mark.parametrize("lower", [True, False])
def test_the_triangle_that_is_read(lower):
    a = H + np.triu(np.full((3, 3), 7.0), 1) * (1 if lower else 0)
    b = H + np.tril(np.full((3, 3), 7.0), -1) * (0 if lower else 1)
    given = a if lower else b
    assert near(_oracles.eigvalsh(exact(given), lower=lower), _oracles.eigvalsh(exact(H)))


def power_series(a, *directions):
    """exp and its mixed derivatives, each term of the series by the product rule."""
    n, terms = len(a), 140
    zero = exact(np.zeros((n, n)))
    parts = {frozenset(): exact(np.eye(n))}
    everything = [frozenset(s) for s in subsets(len(directions))]
    total = {s: parts.get(s, zero) for s in everything}
    power = dict(total)
    for k in range(1, terms):
        new = {}
        for s in everything:
            new[s] = power[s] @ exact(a) / k
            for i in s:
                new[s] = new[s] + power[s - {i}] @ exact(directions[i]) / k
        power = new
        total = {s: total[s] + power[s] for s in everything}
    return total[frozenset(range(len(directions)))]


def subsets(count):
    return [{i for i in range(count) if mask >> i & 1} for mask in range(2**count)]


@pytest.mark.parametrize("a", [A, H, _bank.jordan(3), A / 64, np.zeros((3, 3))])
def test_the_exponential_against_mpmath_and_its_series(a):
    own = mpmath.expm(mpmath.matrix(exact(a).tolist()))
    assert near(_oracles.expm(exact(a)), np.asarray(own.tolist(), dtype=object), DIGITS - 12)
    value, derivative = _oracles.expm_frechet(exact(a), exact(E))
    assert near(value, power_series(a), DIGITS - 12)
    assert near(derivative, power_series(a, E), DIGITS - 12)


# -- derivatives -----------------------------------------------------------------------------------


def along(rule, function, primals, *directions):
    """The truth, and the derivative of an exact function of SymPy by its own rules."""
    names = sympy.symbols(f"t:{len(directions)}")
    moved = []
    for position, p in enumerate(primals):
        matrix = sympy.Matrix(np.vectorize(sympy.Rational)(p))
        for name, d in zip(names, directions, strict=True):
            matrix = matrix + name * sympy.Matrix(np.vectorize(sympy.Rational)(d[position]))
        moved.append(matrix)
    result = function(*moved)
    for name in names:
        result = sympy.diff(result, name)
    result = result.subs(dict.fromkeys(names, 0))
    (found,) = Truth(rule, tuple(primals), {}).derivative(*directions)
    return found, np.asarray(sympy.matrix2numpy(sympy.Matrix([result])), dtype=float).reshape(
        found.shape
    )


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_of_rational_functions_against_sympy(order):
    directions = [(E[:2, :2],), (F[:2, :2],), (A[1:, 1:],)][:order]
    for rule, function in ((gr.det, lambda a: a.det()), (gr.inv, lambda a: a.inv())):
        found, wanted = along(rule, function, [A[:2, :2]], *directions)
        assert np.allclose(found, wanted, rtol=1e-14, atol=0)
    both = [(d, B[:2] * (k + 1.0)) for k, (d,) in enumerate(directions)]
    found, wanted = along(gr.solve, lambda a, b: a.inv() * b, [A[:2, :2], B[:2]], *both)
    assert np.allclose(found, wanted, rtol=1e-14, atol=0)


def test_inputs_of_very_different_size_each_have_their_own_step():
    a, b = A[:2, :2] * 2.0**-100, B[:2]
    found, wanted = along(gr.solve, lambda a, b: a.inv() * b, [a, b], (E[:2, :2], F[:2, :2]))
    assert np.allclose(found, wanted, rtol=1e-15, atol=0)
    directions = [(E[:2, :2], F[:2, :2]), (F[:2, :2], E[:2, :2])]
    found, wanted = along(gr.solve, lambda a, b: a.inv() * b, [a, b], *directions)
    assert np.allclose(found, wanted, rtol=1e-15, atol=0)


def test_a_derivative_that_is_zero_is_exactly_zero():
    x = np.asarray([[3 + 4j]])
    (second,) = Truth(gr.det, (x,), {}).derivative((x * 1j,), (x * (2 - 1j),))
    assert second == 0
    (third,) = Truth(gr.det, (A[:2, :2],), {}).derivative((E[:2, :2],), (F[:2, :2],), (E[:2, :2],))
    assert third == 0


def test_derivatives_of_exponentials_against_their_series():
    for directions in ([E], [E, F]):
        (found,) = Truth(gr.expm, (A,), {}).derivative(*[(d,) for d in directions])
        assert np.allclose(found, np.asarray(power_series(A, *directions), dtype=float), rtol=1e-14)
    _, found = Truth(gr.expm_frechet, (A, E), {}).derivative((F, E))
    wanted = power_series(A, E, F) + power_series(A, E)
    assert np.allclose(found, np.asarray(wanted, dtype=float), rtol=1e-14)


def test_derivatives_of_logarithms_against_the_trace_formulas():
    a, e, f = (rational(m) for m in (A, E, F))
    y = a.inv()

    def trace(m):
        return float(number(sum((m[i, i] for i in range(3)), flint.fmpq(0))))

    sign, first = Truth(gr.slogdet, (A,), {}).derivative((E,))
    assert sign == 0
    assert first == pytest.approx(trace(y * e), rel=1e-15)
    _, second = Truth(gr.slogdet, (A,), {}).derivative((E,), (F,))
    assert second == pytest.approx(-trace(y * e * y * f), rel=1e-15)


def test_derivatives_of_spectra_against_perturbation_theory():
    """First and second order, of the eigenvalues and of gauge-fixed eigenvectors, in FLINT's eigenbasis."""
    e = (F + F.T) + 1j * (E - E.T)
    w, v = _oracles.eigh(exact(H))
    reference = tuple(np.asarray(x, dtype=t) for x, t in ((w, float), (v, complex)))
    truth = Truth(gr.eigh, (H,), {}, reference)
    m = np.conj(v.T) @ exact(e) @ v
    values, vectors = truth.derivative((e,))
    assert np.allclose(values, np.asarray(np.diag(m), dtype=complex).real, rtol=1e-14)
    gaps = w[None, :] - w[:, None] + exact(np.eye(3))
    z = m / gaps * exact(1 - np.eye(3))
    overlap = np.conj(np.sum(np.conj(v) * exact(reference[1]), axis=0))
    wanted = np.asarray(v @ z * np.conj(overlap / np.abs(overlap)), dtype=complex)
    assert np.allclose(vectors, wanted, rtol=1e-13, atol=1e-14)
    curved = [2 * sum(abs(m[i, j]) ** 2 / gaps[i, j] for i in range(3) if i != j) for j in range(3)]
    (second,) = Truth(gr.eigvalsh, (H,), {}).derivative((e,), (e,))
    assert np.allclose(second, np.asarray(curved, dtype=complex).real, rtol=1e-13)
