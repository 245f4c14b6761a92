"""Code that is written for TensorFlow's own functions, under an override."""

import subprocess
import sys

import numpy as np
import overriding
import pytest

import gradrules as gr

tf = pytest.importorskip("tensorflow")
import gradrules_tensorflow  # noqa: E402

ALIASES = overriding.aliases("tensorflow")
CELLS = [
    cell
    for cell in overriding.cells(ALIASES)
    # TensorFlow's pinv takes no complex matrix.
    if "pinv-complex" not in cell.id
]
SINGULAR = [[1.0, 2.0], [2.0, 4.0]]
COFACTORS = np.asarray([[4.0, -2.0], [-2.0, 1.0]])


def gradient(f, a):
    a = tf.convert_to_tensor(a)
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = f(a)
    return tape.gradient(y, a).numpy()


def constant(values):
    return tf.constant(values, tf.float64)


@pytest.mark.parametrize(("native", "path", "dtype"), CELLS)
def test_every_alias(native, path, dtype, monkeypatch):
    overriding.check_alias("tensorflow", native, path, dtype, monkeypatch)


@pytest.mark.parametrize(("native", "path", "dtype"), CELLS)
def test_value_and_type_are_native_while_differentiated(native, path, dtype):
    rule = gr.adapters.lookup(native.rule)
    arrays = tuple(map(tf.constant, overriding.inputs(rule, dtype)))
    before, call = overriding.function(path), overriding.caller(native, path, arrays)
    expected = call(*arrays)
    with gr.override("tensorflow"), tf.GradientTape() as tape:
        tape.watch(arrays)
        assert overriding.function(path) is not before
        found = call(*arrays)
    assert type(found) is type(expected)
    for ours, theirs in zip(overriding.leaves(found), overriding.leaves(expected), strict=True):
        assert ours.numpy().tobytes() == theirs.numpy().tobytes()


def test_the_table_has_every_alias():
    known = {id(overriding.function(path)) for _, path in ALIASES}
    spaces = {
        "tensorflow": tf,
        "tensorflow.linalg": tf.linalg,
        "tensorflow.compat.v1": tf.compat.v1,
        "tensorflow.compat.v1.linalg": tf.compat.v1.linalg,
        "tensorflow.compat.v2": tf.compat.v2,
        "tensorflow.compat.v2.linalg": tf.compat.v2.linalg,
    }
    found = {
        f"{space}.{name}"
        for space, owner in spaces.items()
        for name in dir(owner)
        if id(getattr(owner, name)) in known
    }
    assert found == {path for _, path in ALIASES}


def loss(a):
    return tf.linalg.det(a) + tf.compat.v1.matrix_determinant(a)


def test_det_at_a_singular_matrix_and_native_again_afterwards():
    before = tf.linalg.det, tf.compat.v1.matrix_determinant, tf.compat.v1.linalg.det
    with pytest.raises(tf.errors.InvalidArgumentError):
        gradient(loss, constant(SINGULAR))
    with gr.override("tensorflow"):
        found = gradient(loss, constant(SINGULAR))
    np.testing.assert_allclose(found, 2 * COFACTORS, rtol=1e-14)
    assert (tf.linalg.det, tf.compat.v1.matrix_determinant, tf.compat.v1.linalg.det) == before
    with pytest.raises(tf.errors.InvalidArgumentError):
        gradient(loss, constant(SINGULAR))


def test_complex_det_and_the_sign_of_slogdet():
    a = tf.constant([[2 + 1j, 1], [1j, 3]], tf.complex128)
    cofactors = np.asarray([[3, -1j], [-1, 2 + 1j]])

    def real(x):
        return tf.math.real(tf.linalg.det(x))

    def phase(x):
        return tf.math.imag(tf.linalg.slogdet(x)[0])

    assert not np.allclose(gradient(real, a), cofactors.conj(), rtol=0.1)
    assert not gradient(phase, a).any()
    with gr.override("tensorflow"):
        np.testing.assert_allclose(gradient(real, a), cofactors.conj(), rtol=1e-14, atol=1e-14)
        found = gradient(phase, a)
    sign = np.linalg.slogdet(a.numpy())[0]
    # d sign = i sign Im tr(A^-1 dA), and the loss is the imaginary part of the sign.
    truth = sign.real * 1j * np.linalg.inv(a.numpy()).conj().T
    np.testing.assert_allclose(found, truth, rtol=1e-13, atol=1e-14)


def test_forward_over_forward_of_slogdet():
    a, d, e = map(tf.constant, np.random.default_rng(0).standard_normal((3, 3, 3)))
    with (
        gr.override("tensorflow"),
        tf.autodiff.ForwardAccumulator(a, e) as outer,
        tf.autodiff.ForwardAccumulator(a, d) as first,
    ):
        y = tf.linalg.slogdet(a)[1]
        found = outer.jvp(first.jvp(y))
    inverse = np.linalg.inv(a.numpy())
    truth = -np.trace(inverse @ d.numpy() @ inverse @ e.numpy())
    assert float(found) == pytest.approx(truth, rel=1e-12)


def test_the_simple_eigenvector_beside_a_pair_of_equal_eigenvalues():
    weights = constant([1.0, 2.0, 3.0])
    a = constant(np.diag([4.0, 1.0, 1.0]))

    def simple(x):
        return tf.reduce_sum(tf.linalg.eigh(x)[1][:, 2] * weights)

    with gr.override("tensorflow", "eigh"):
        found = gradient(simple, a)
    sign = tf.linalg.eigh(a)[1].numpy()[0, 2]
    truth = np.zeros((3, 3))
    truth[1:, 0] = sign * weights.numpy()[1:] / 3  # all of it in the triangle that is read
    np.testing.assert_allclose(found, truth, rtol=1e-14, atol=1e-14)


def test_graphs_traced_within_are_ours():
    def compiled():
        return tf.function(lambda x: tf.linalg.det(x) + tf.reduce_sum(tf.linalg.expm(x)))

    native, ours = compiled(), compiled()
    native(constant(SINGULAR))
    frechet = gr.expm.vjp(np.asarray(SINGULAR))[1](np.ones((2, 2)))[0]
    with gr.override("tensorflow"):
        found = gradient(ours, constant(SINGULAR))
        with pytest.raises(tf.errors.InvalidArgumentError):
            gradient(native, constant(SINGULAR))
    np.testing.assert_allclose(found, COFACTORS + frechet, rtol=1e-12)
    np.testing.assert_allclose(gradient(ours, constant(SINGULAR)), found, rtol=1e-12)


def test_vectorized_map_and_variables():
    batch = tf.Variable(constant([SINGULAR, SINGULAR]))
    with gr.override("tensorflow"), tf.GradientTape() as tape:
        y = tf.vectorized_map(lambda x: tf.linalg.det(x), batch)
    found = tape.gradient(y, batch)
    np.testing.assert_allclose(found, [COFACTORS] * 2, rtol=1e-14)


@pytest.mark.parametrize(
    "call",
    [
        lambda a: tf.linalg.inv(a, adjoint=True),
        lambda a: tf.linalg.solve(a, a, adjoint=True),
        lambda a: tf.linalg.det([[a[0, 0], 1.0], [1.0, a[1, 1]]]),
        lambda a: tf.linalg.solve(a, np.eye(2)),
        lambda a: tf.linalg.solve(np.eye(2), a),
    ],
)
def test_what_no_rule_serves_stays_native(call, monkeypatch):
    a = constant([[2.0, 1.0], [0.5, 3.0]])
    native = gradient(call, a)
    with gr.override("tensorflow"), overriding.asked(monkeypatch) as names:
        assert np.array_equal(gradient(call, a), native)
    assert not names


@pytest.mark.parametrize(
    "call",
    [
        lambda: tf.linalg.det(tf.ones((2, 3))),
        lambda: tf.linalg.det(tf.ones((2, 2), tf.int32)),
        lambda: tf.linalg.solve(tf.eye(2), tf.ones((2,))),
        lambda: tf.linalg.solve(tf.eye(2)[None], tf.ones((5, 2, 3))),
        lambda: tf.linalg.inv(tf.zeros((2, 2))),
        lambda: tf.linalg.det(),
        lambda: tf.linalg.det(tf.eye(2), nonsense=1),
    ],
)
def test_errors_are_those_of_tensorflow(call):
    with pytest.raises(Exception) as native:  # noqa: PT011
        call()
    with gr.override("tensorflow"), pytest.raises(type(native.value)) as ours:
        call()
    assert str(ours.value) == str(native.value)


def test_a_name_is_handed_to_tensorflow():
    with gr.override("tensorflow"):

        @tf.function
        def f(x):
            return tf.linalg.det(x, name="my_det")

        graph = f.get_concrete_function(constant(SINGULAR)).graph
    assert [op.type for op in graph.get_operations() if op.name == "my_det"] == [
        "MatrixDeterminant"
    ]


# -- types of operations -------------------------------------------------------------------------


def test_gradient_names_serve_a_gradient_override_map():
    names = gradrules_tensorflow.gradient_names("MatrixDeterminant")
    assert names == gradrules_tensorflow.gradient_names("MatrixDeterminant")

    @tf.function
    def f(x):
        with tf.compat.v1.get_default_graph().gradient_override_map(names):
            y = tf.linalg.det(x)
        return tf.gradients(y, x)[0]

    np.testing.assert_allclose(f(constant(SINGULAR)), COFACTORS, rtol=1e-14)


def test_an_unknown_type_is_refused():
    with pytest.raises(gr.errors.OptionError, match=r"'Svd'.*MatrixDeterminant"):
        gradrules_tensorflow.register_gradients("Svd")


LOADED = """
import sys, tempfile
sys.path.insert(0, {helpers!r})
import numpy as np, tensorflow as tf, overriding, gradrules as gr, gradrules_tensorflow
class Model(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float64)])
    def __call__(self, a):
        return tf.linalg.det(a)
folder = tempfile.mkdtemp()
tf.saved_model.save(Model(), folder)
def gradient(f, a):
    with tf.GradientTape() as tape:
        tape.watch(a)
        y = f(a)
    return tape.gradient(y, a)
singular = tf.constant([[1.0, 2.0], [2.0, 4.0]], tf.float64)
gradrules_tensorflow.register_gradients("MatrixDeterminant")
found = gradient(tf.saved_model.load(folder), singular)
np.testing.assert_allclose(found, [[4.0, -2.0], [-2.0, 1.0]], rtol=1e-14)
gradrules_tensorflow.register_gradients()
functions = [
    ("det", tf.linalg.det), ("slogdet", lambda a: tuple(tf.linalg.slogdet(a))),
    ("inv", tf.linalg.inv), ("solve", tf.linalg.solve),
    ("eigh", tf.linalg.eigh), ("eigvalsh", tf.linalg.eigvalsh),
    ("inv", lambda a: tf.linalg.inv(a, adjoint=True)),
]
for dtype in ("float64", "complex128"):
    for name, native in functions:
        for f in (native, tf.function(native)):
            rule = gr.registry[name]
            arrays, tangents = overriding.inputs(rule, dtype), overriding.directions(rule, dtype)
            call = overriding.without_gauge(
                rule, gr.adapters.load("tensorflow").xp, lambda *x: overriding.leaves(f(*x))
            )
            def value(*x):
                outputs = call(*map(tf.constant, x))
                w = [np.cos(np.arange(tf.size(y))).reshape(y.shape) for y in outputs]
                return sum(
                    tf.reduce_sum(tf.math.real(y) * u + tf.math.imag(y) * u[::-1])
                    if y.dtype.is_complex and y.shape.rank else tf.reduce_sum(tf.math.real(y) * u)
                    + (tf.reduce_sum(tf.math.imag(y)) if y.dtype.is_complex else 0.0)
                    for y, u in zip(outputs, w)
                )
            with tf.GradientTape() as tape:
                xs = tuple(map(tf.constant, arrays))
                tape.watch(xs)
                y = value(*xs)
            found = overriding.inner([g.numpy() for g in tape.gradient(y, xs)], tangents)
            (truth,) = overriding.difference(lambda *x: (value(*x).numpy(),), arrays, tangents)
            assert abs(found - truth) < 1e-8 * max(1, abs(truth)), (dtype, name, found, truth)
print("fine")
"""


def test_register_gradients_reaches_loaded_graphs_and_every_type():
    program = LOADED.format(helpers=str(overriding.__file__).rpartition("/")[0])
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert out.stdout == "fine\n", out.stderr


@pytest.mark.parametrize("name", ["det", "slogdet", "inv", "solve", "eigh", "eigvalsh"])
def test_our_own_rules_compute_with_native_functions(name, monkeypatch):
    assert not overriding.asked_by_our_own("tensorflow", name, monkeypatch)
