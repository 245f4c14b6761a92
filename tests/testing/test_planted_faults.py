"""Faults in rules that one law alone sees; `gradrules mutate` plants all others."""

import gradrules as gr


def test_a_cotangent_along_the_gauge_that_is_not_projected_out(monkeypatch):
    """A vjp that is right for every horizontal cotangent, and has a part along the phases."""
    for part in ("vjp", "fast_vjp"):
        original = gr.eigh._functions[part]

        def leaking(primals, outputs, *given, xp, original=original, **options):
            x_bar = original(primals, outputs, *given, xp=xp, **options)
            v, v_bar = outputs[1], given[-1][1]
            if v_bar is None or not xp.isdtype(v.dtype, "complex floating"):
                return x_bar
            along = xp.imag(xp.sum(xp.conj(v) * v_bar, axis=-2))
            return x_bar + v * along[..., None, :] @ xp.conj(v).mT

        monkeypatch.setitem(gr.eigh._functions, part, leaking)
    options = {"backends": ["numpy"], "shrink": False}
    assert gr.testing.check(gr.eigh, laws=["vjp", "adjoint"], **options).passed
    assert not gr.testing.check(gr.eigh, laws=["gauge"], **options).passed


def test_a_jvp_that_knows_the_phases_of_the_library(monkeypatch):
    """Right at the outputs that LAPACK returns, whose last row is real, and in no other gauge."""
    original = gr.eigh._functions["jvp"]

    def fixed(primals, outputs, tangents, *, xp, **options):
        w, v = outputs
        last = v[..., -1:, :]
        return original(primals, (w, v * xp.abs(last) / last), tangents, xp=xp, **options)

    monkeypatch.setitem(gr.eigh._functions, "jvp", fixed)
    report = gr.testing.check(gr.eigh, backends=["numpy"], laws=["gauge"], shrink=False)
    assert any("in another gauge" in record.message for record in report.failures())


def test_a_gradient_outside_the_tangent_space(monkeypatch):
    """In one triangle, where the Hermitian part is read: no Hermitian direction tells the difference."""
    for part in ("vjp", "fast_vjp"):
        original = gr.eigvalsh._functions[part]

        def one_sided(*args, xp, original=original, **options):
            g = original(*args, xp=xp, **options)
            return xp.tril(g) + xp.conj(xp.triu(g, k=1)).mT if options["lower"] is None else g

        monkeypatch.setitem(gr.eigvalsh._functions, part, one_sided)
    report = gr.testing.check(gr.eigvalsh, backends=["numpy"], laws=["structure"], shrink=False)
    assert not report.passed


def test_a_constant_beside_the_gaps(monkeypatch):
    """What frameworks do, with a smaller constant: right for matrices of size 1, also close clusters."""
    quotient = gr.adapters.lookup("_gap_quotient")

    def broadened(k, gap, size, /, *, degenerate, xp):
        x = xp.where(xp.isinf(gap), 0 * size, gap)
        return k * xp.astype(x / (x * x + 1e-40), k.dtype)

    monkeypatch.setitem(quotient._functions, "primal", broadened)
    options = {"backends": ["numpy"], "shrink": False, "dtypes": ["float64", "complex128"]}
    assert gr.testing.check(gr.eigh, laws=["jvp"], **options).passed
    report = gr.testing.check(gr.eigh, laws=["scale"], **options)
    assert any("tangent of eigenvectors, x times 2^-100" in r.message for r in report.failures())


def test_a_law_that_tried_nothing_says_why():
    report = gr.testing.check(gr.expm, backends=["numpy"], laws=["gauge", "structure", "scale"])
    reasons = {r.law: r.message for r in report.records}
    assert reasons == {
        "gauge": "the rule declares no gauge",
        "structure": "the rule declares no structure",
        "scale": "the rule declares no degrees",
    }
    assert not report.passed
