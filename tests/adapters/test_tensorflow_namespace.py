"""The array namespace over TensorFlow means what the standard means: NumPy is the judge."""

import inspect

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
xp = pytest.importorskip("gradrules_tensorflow")._adapter.xp

RNG = np.random.default_rng(7)


def reals(*shape, low=-2.0, high=2.0, dtype=np.float64):
    return RNG.uniform(low, high, shape).astype(dtype)


def numbers(*shape, dtype=np.complex128):
    return (reals(*shape) + 1j * reals(*shape)).astype(dtype)


A, B, C = reals(3, 3), reals(3, 3), numbers(3, 3)
F, CF = A.astype(np.float32), C.astype(np.complex64)
STACK, POSITIVE = reals(2, 4, 3, 3), reals(2, 3, low=0.1, high=3.0)
INTEGERS = RNG.integers(-5, 5, (2, 3))
SMALL = INTEGERS.astype(np.int32)
ODD = np.asarray([0.0, -0.0, 1.5, -2.5, 0.5, np.inf, -np.inf, np.nan])
TRUTHS = np.asarray([[True, False, True], [False, False, False]])
SPD = A @ A.T + 3 * np.eye(3)
HERMITIAN = C + C.conj().T

# (function, positional arguments, keyword arguments); NumPy arrays become tensors.
CALLS = [
    ("abs", (A,), {}), ("abs", (C,), {}), ("abs", (CF,), {}), ("abs", (INTEGERS,), {}),
    ("sign", (ODD,), {}), ("sign", (C,), {}), ("sign", (INTEGERS,), {}), ("negative", (C,), {}),
    ("square", (C,), {}), ("reciprocal", (POSITIVE,), {}),
    *((name, (x,), {}) for name in ("exp", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh",
      "sqrt") for x in (np.abs(A), F * F, C)),
    *((name, (x,), {}) for name in ("log", "log2", "log10", "log1p") for x in (POSITIVE,
      POSITIVE.astype(np.float32))),
    ("log", (C,), {}), ("log1p", (C,), {}), ("log2", (C,), {}),
    ("log2", (np.asarray([1.0, 2.0, 8.0, 2.0**-40]),), {}),
    *((name, (A / 3,), {}) for name in ("asin", "acos", "atan", "asinh", "atanh")),
    ("acosh", (POSITIVE + 1,), {}),
    *((name, (x,), {}) for name in ("floor", "ceil", "round", "trunc") for x in (ODD, 3 * A,
      INTEGERS)),
    ("round", (3 * C,), {}),
    *((name, (x,), {}) for name in ("isfinite", "isnan", "isinf") for x in (ODD,
      np.asarray([complex(0, v) for v in ODD]), INTEGERS)),
    ("signbit", (ODD[:-1],), {}), ("signbit", (INTEGERS,), {}),
    *((name, (x,), {}) for name in ("conj", "real", "imag") for x in (C, CF)),
    ("conj", (A,), {}),
    *((name, (A, B), {}) for name in ("add", "subtract", "multiply", "divide", "atan2",
      "floor_divide", "remainder", "maximum", "minimum", "equal", "not_equal", "less", "less_equal",
      "greater", "greater_equal", "logaddexp", "hypot")),
    ("add", (A, B[0]), {}), ("maximum", (A[:, None], B), {}), ("maximum", (ODD, np.ones(8)), {}),
    ("minimum", (ODD, np.ones(8)), {}), ("pow", (POSITIVE, 2 * POSITIVE), {}),
    ("hypot", (A * 1e200, B * 1e200), {}), ("logaddexp", (A * 1e4, B * 1e4), {}),
    *((name, (TRUTHS, ~TRUTHS[0]), {}) for name in ("logical_and", "logical_or", "logical_xor")),
    ("logical_not", (TRUTHS,), {}), ("clip", (A, -1.0, 1.0), {}), ("clip", (A,), {"max": 0.5}),
    ("where", (TRUTHS, POSITIVE, -POSITIVE[0]), {}), ("where", (TRUTHS, POSITIVE, 0.0), {}),
    *((name, (x,), kw) for name in ("sum", "prod", "mean") for x in (STACK, F, C) for kw in ({},
      {"axis": -1}, {"axis": (-2, -1)}, {"axis": (0, 1), "keepdims": True}) if x.ndim == 4 or
      kw.get("axis") != (0, 1)),
    *((name, (x,), kw) for name in ("max", "min") for x in (STACK, F, INTEGERS, ODD[None]) for kw
      in ({}, {"axis": -1}, {"axis": (0, 1)}, {"axis": 0, "keepdims": True})),
    *((name, (x,), kw) for name in ("sum", "prod") for x in (INTEGERS, SMALL,
      SMALL.astype(np.uint8)) for kw in ({}, {"axis": 0}, {"axis": (0, 1), "keepdims": True})),
    ("sum", (F,), {"dtype": np.float64}), ("sum", (np.zeros((0, 3)),), {"axis": 0}),
    ("prod", (np.zeros((2, 0)),), {"axis": -1}),
    *((name, (STACK,), kw) for name in ("var", "std") for kw in ({}, {"axis": (0, 2)}, {"axis": 1,
      "correction": 1.0, "keepdims": True})),
    *((name, (x,), kw) for name in ("any", "all") for x in (TRUTHS, INTEGERS) for kw in ({},
      {"axis": 0}, {"axis": (0, 1)}, {"axis": -1, "keepdims": True})),
    *((name, (STACK,), kw) for name in ("argmax", "argmin") for kw in ({}, {"axis": 1}, {"axis":
      -1, "keepdims": True}, {"keepdims": True})),
    ("cumulative_sum", (STACK,), {"axis": 1}), ("cumulative_sum", (SMALL[0],), {}),
    ("cumulative_prod", (STACK,), {"axis": -1}),
    *((name, (STACK,), kw) for name in ("sort", "argsort") for kw in ({}, {"axis": 1}, {"axis":
      0})),
    ("take", (A, np.asarray([2, 0])), {"axis": 1}),
    ("take", (A[0], np.asarray([[2, 0], [1, 1]])), {}),
    ("take_along_axis", (STACK, np.argsort(STACK, axis=1)), {"axis": 1}),
    ("reshape", (STACK, (8, 9)), {}), ("reshape", (STACK, (-1,)), {}),
    ("broadcast_to", (A, (2, 3, 3)), {}), ("concat", ([A, B],), {}),
    ("concat", ([A, B],), {"axis": -1}), ("concat", ([A, B[0]],), {"axis": None}),
    ("concat", ([F, B],), {}), ("stack", ([A, B],), {}), ("stack", ([A, B],), {"axis": -1}),
    ("stack", ([A, C],), {"axis": 1}), ("permute_dims", (STACK, (2, 0, 3, 1)), {}),
    ("permute_dims", (STACK, (-1, 0, 1, 2)), {}), ("moveaxis", (STACK, 0, -1), {}),
    ("moveaxis", (STACK, (0, -1), (-1, 1)), {}), ("matrix_transpose", (STACK,), {}),
    ("expand_dims", (A,), {"axis": 0}), ("expand_dims", (A,), {"axis": -1}),
    ("expand_dims", (A,), {"axis": (0, -2)}), ("squeeze", (A[:, None, :, None], 1), {}),
    ("squeeze", (A[:, None, :, None], (1, 3)), {}), ("flip", (STACK,), {}),
    ("flip", (STACK,), {"axis": (0, -1)}), ("roll", (STACK, 2), {}),
    ("roll", (STACK, 1), {"axis": -1}), ("roll", (STACK, (1, -1)), {"axis": (0, 1)}),
    ("tile", (A, (2, 1)), {}), ("tile", (A, (2, 1, 2)), {}), ("tile", (STACK, (2,)), {}),
    ("repeat", (A, 2), {"axis": 1}), ("repeat", (A, np.asarray([1, 0, 2])), {"axis": 0}),
    *((name, (STACK,), {"k": k}) for name in ("tril", "triu") for k in (-5, -1, 0, 2, 5)),
    ("tril", (C[:2],), {}), ("triu", (np.full((2, 2), np.inf),), {"k": 1}),
    ("zeros_like", (CF,), {}), ("ones_like", (F,), {}),
    ("ones_like", (A,), {"dtype": np.complex64}), ("full_like", (CF, np.nan), {}),
    ("full_like", (F, 2), {}), ("full_like", (np.zeros((0, 3)), 1.0), {}),
    ("matmul", (STACK, A), {}), ("matmul", (A, B[0]), {}), ("matmul", (A[0], B), {}),
    ("matmul", (A[0], B[0]), {}), ("matmul", (STACK, A[0]), {}), ("vecdot", (C, C[::-1]), {}),
    ("vecdot", (C, C[::-1]), {"axis": 0}), ("tensordot", (STACK, A), {"axes": 1}),
    ("tensordot", (STACK, A), {"axes": 2}), ("tensordot", (A, STACK), {"axes": ((0,), (2,))}),
]  # fmt: skip
LINALG = [
    ("cholesky", (SPD,), {}), ("cholesky", (HERMITIAN @ HERMITIAN.conj().T + np.eye(3),), {}),
    ("cholesky", (SPD,), {"upper": True}),
    *((name, (x,), {}) for name in ("det", "inv", "slogdet") for x in (A, STACK, C, CF)),
    ("det", (np.zeros((2, 0, 0)),), {}), ("det", (np.zeros((0, 3, 3)),), {}),
    ("slogdet", (np.zeros((3, 3)),), {}), ("inv", (np.zeros((0, 3, 3)),), {}),
    ("diagonal", (STACK,), {}), ("diagonal", (STACK,), {"offset": 1}),
    ("diagonal", (A[:2],), {"offset": -1}), ("diagonal", (A,), {"offset": 4}),
    ("trace", (STACK,), {}), ("trace", (C,), {"offset": -1}), ("eigvalsh", (SPD,), {}),
    ("eigvalsh", (HERMITIAN,), {}), ("eigvalsh", (HERMITIAN.astype(np.complex64),), {}),
    ("solve", (A, B), {}), ("solve", (A, B[0]), {}), ("solve", (A, reals(5, 3, 2)), {}),
    ("solve", (STACK, B), {}), ("solve", (C, C), {}), ("solve", (A, np.zeros((3, 0))), {}),
    ("svdvals", (STACK,), {}), ("svdvals", (C[:2],), {}), ("pinv", (A[:2],), {}),
    ("pinv", (C,), {}), ("pinv", (STACK[..., :2],), {}), ("pinv", (np.outer(A[0], B[0]),), {}),
    ("pinv", (A,), {"rtol": 0.5}), ("outer", (A[0], B[0]), {}), ("matmul", (A, B), {}),
    ("matrix_transpose", (STACK,), {}), ("vecdot", (C, C), {}), ("tensordot", (A, B), {}),
    *(("matrix_norm", (STACK,), {"ord": o, "keepdims": k}) for o in ("fro", "nuc", 1, -1, 2, -2,
      np.inf, -np.inf) for k in (False, True)),
    *(("vector_norm", (STACK,), {"ord": o, "axis": a, "keepdims": k}) for o in (0, 1, 2, 3.5,
      np.inf, -np.inf) for a, k in ((-1, False), (None, False), ((0, 2), True))),
    ("vector_norm", (C,), {}),
]  # fmt: skip


def tensors(value):
    if isinstance(value, np.ndarray):
        return tf.constant(value)
    return [tensors(v) for v in value] if isinstance(value, list) else value


def same(got, want):
    if isinstance(want, tuple):
        assert len(got) == len(want)
        for g, w in zip(got, want, strict=True):
            same(g, w)
        return
    want = np.asarray(want)
    assert tuple(got.shape) == want.shape
    assert got.dtype.name == want.dtype.name
    kind = {"complex128": "float64", "complex64": "float32"}.get(want.dtype.name, want.dtype.name)
    tolerance = 100 * np.finfo(kind).eps if kind.startswith("float") else 0
    np.testing.assert_allclose(got.numpy(), want, rtol=tolerance, atol=10 * tolerance)


def identifier(call):
    name, arguments, options = call
    first = arguments[0][0] if isinstance(arguments[0], list) else arguments[0]
    return f"{name}-{first.dtype}{list(first.shape)}-{options}"


def check(module, reference, call):
    name, arguments, options = call
    got = getattr(module, name)(*map(tensors, arguments), **options)
    same(got, getattr(reference, name)(*arguments, **options))


@pytest.mark.parametrize("call", CALLS, ids=identifier)
def test_function(call):
    check(xp, np, call)


@pytest.mark.parametrize("call", LINALG, ids=identifier)
def test_linalg(call):
    check(xp.linalg, np.linalg, call)


@pytest.mark.parametrize(
    "x", [A, STACK, C, CF, np.zeros((2, 0, 0))], ids=lambda x: f"{x.dtype}{x.shape}"
)
def test_decompositions_reproduce_the_matrix(x):
    close = {"atol": 100 * np.finfo(x.dtype).eps, "rtol": 0}
    hermitian = x + np.conj(np.swapaxes(x, -1, -2))
    w, v = xp.linalg.eigh(tf.constant(hermitian))
    same(w, np.linalg.eigvalsh(hermitian))
    assert w.dtype.is_floating
    back = (v * tf.cast(w, v.dtype)[..., None, :]) @ tf.linalg.adjoint(v)
    np.testing.assert_allclose(back, hermitian, **close)
    for full in (True, False):
        wide = x[..., :2, :]
        u, s, vh = xp.linalg.svd(tf.constant(wide), full_matrices=full)
        assert [t.shape for t in (u, s, vh)] == [
            t.shape for t in np.linalg.svd(wide, full_matrices=full)
        ]
        back = (u * tf.cast(s, u.dtype)[..., None, :]) @ vh[..., : s.shape[-1], :]
        np.testing.assert_allclose(back, wide, **close)
    for mode in ("reduced", "complete"):
        tall = x[..., :, :2]
        q, r = xp.linalg.qr(tf.constant(tall), mode=mode)
        assert [t.shape for t in (q, r)] == [t.shape for t in np.linalg.qr(tall, mode=mode)]
        np.testing.assert_allclose(q @ r, tall, **close)


@pytest.mark.parametrize("name", ["float32", "float64", "complex64", "complex128"])
def test_creation(name):
    dtype, of_numpy = getattr(xp, name), np.dtype(name)
    same(xp.eye(3, dtype=dtype), np.eye(3, dtype=of_numpy))
    same(xp.eye(3, 4, k=1, dtype=dtype, device="/cpu:0"), np.eye(3, 4, k=1, dtype=of_numpy))
    same(xp.zeros((2, 3), dtype=dtype), np.zeros((2, 3), of_numpy))
    same(xp.ones(3, dtype=dtype), np.ones(3, of_numpy))
    same(xp.full((2,), float("nan"), dtype=dtype), np.full((2,), np.nan, of_numpy))
    same(xp.asarray([1.0, 2.0], dtype=dtype), np.asarray([1.0, 2.0], of_numpy))
    same(xp.astype(tf.constant(SMALL), dtype), SMALL.astype(of_numpy))
    same(xp.arange(3), np.arange(3))
    same(xp.arange(1, 8, 3), np.arange(1, 8, 3))
    if not name.startswith("complex"):
        same(xp.arange(0.0, 1.0, 0.25, dtype=dtype), np.arange(0.0, 1.0, 0.25, of_numpy))
        same(xp.linspace(0.0, 1.0, 5, dtype=dtype), np.linspace(0.0, 1.0, 5, dtype=of_numpy))
        assert xp.finfo(dtype).eps == np.finfo(of_numpy).eps


def test_several_results():
    for got, want in zip(
        xp.broadcast_arrays(tf.constant(A[0]), tf.constant(STACK)),
        np.broadcast_arrays(A[0], STACK),
        strict=True,
    ):
        same(got, want)
    for got, want in zip(
        xp.unstack(tf.constant(STACK), axis=1), np.unstack(STACK, axis=1), strict=True
    ):
        same(got, want)
    for descending in (False, True):
        same(
            xp.sort(tf.constant(A), descending=descending),
            np.sort(A)[:, ::-1] if descending else np.sort(A),
        )


def test_dtypes():
    assert xp.result_type(tf.float32, tf.constant(C)) == tf.complex128
    assert xp.result_type(tf.float32, tf.complex64) == tf.complex64
    assert xp.result_type(tf.float64, tf.complex64) == tf.complex128
    kinds = (
        "bool",
        "signed integer",
        "unsigned integer",
        "integral",
        "real floating",
        "complex floating",
        "numeric",
    )
    for name in ("bool", "int8", "int64", "uint8", "float32", "float64", "complex64", "complex128"):
        for kind in kinds:
            assert xp.isdtype(getattr(xp, name), kind) == np.isdtype(np.dtype(name), kind)
        assert xp.isdtype(getattr(xp, name), getattr(xp, name))
    assert xp.isdtype(tf.float32, ("complex floating", "real floating"))
    assert not xp.isdtype(tf.int32, ("complex floating", "real floating"))
    assert xp.isdtype(tf.float32, tf.float32)
    assert not xp.isdtype(tf.float32, tf.float64)


def test_lengths_unknown_to_the_graph():
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.float64),
            tf.TensorSpec([None, 1, None, None], tf.float64),
        ]
    )
    def f(a, b):
        assert a.shape.as_list() == [None, None]
        x, y = xp.broadcast_batches((a, b), (2, 2))
        assert x.shape.rank == y.shape.rank == 4
        return (
            x,
            y,
            xp.full_like(a, 2.0),
            xp.tril(a),
            xp.linalg.solve(a, b),
            xp.concat([a, a], axis=-1),
            xp.moveaxis(b, 0, -1),
        )

    x, y, full, lower, solution, joined, moved = f(tf.constant(A), tf.constant(STACK[:, :1]))
    same(x, np.broadcast_to(A, (2, 1, 3, 3)))
    same(y, STACK[:, :1])
    same(full, np.full((3, 3), 2.0))
    same(lower, np.tril(A))
    same(solution, np.linalg.solve(A, STACK[:, :1]))
    same(joined, np.concat([A, A], axis=-1))
    same(moved, np.moveaxis(STACK[:, :1], 0, -1))


def test_batches_that_do_not_broadcast():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        xp.broadcast_batches((tf.constant(STACK), tf.constant(reals(3, 3, 3))), (2, 2))


def test_tensors_are_left_alone():
    assert not hasattr(tf.constant(1.0), "astype")  # experimental_enable_numpy_behavior adds it


def test_what_is_missing_says_so():
    with pytest.raises(AttributeError, match=r"no 'einsum'.*_namespace\.py"):
        xp.einsum  # noqa: B018


def test_every_public_function_is_tested():
    public = {n for n, f in vars(xp).items() if inspect.isfunction(f) and not n.startswith("_")}
    source = inspect.getsource(inspect.getmodule(test_every_public_function_is_tested))
    assert not {n for n in public if f'"{n}"' not in source and f"xp.{n}(" not in source}
    linalg = {
        n
        for n, f in vars(xp.linalg).items()
        if inspect.isfunction(f) and n[0] != "_" and f.__module__ == xp.linalg.__name__
    }
    assert not {n for n in linalg if f'"{n}"' not in source and f".{n}(" not in source}
