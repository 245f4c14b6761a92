"""The bank: classical test matrices by name, and inputs at which published code was wrong.

An entry is an input with a true value and true derivatives. Where the outcome is another one, it is
declared by the rule itself (`Edge`), and the input stands there.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from math import comb
from typing import Any

import numpy as np

from gradrules import Rule

from ._cases import is_matrix
from ._matrices import is_complex, wide

REAL, COMPLEX = ("float64",), ("complex128",)


@dataclass(frozen=True)
class Entry:
    """A named input.

    Attributes
    ----------
    matrix
        The first matrix among the inputs; the others are filled with small whole numbers.
    rules
        Names of the rules that it is for; none means every rule whose signature it fits.
    source
        Where it is from: a book, or the thread in which somebody met it.
    """

    name: str
    matrix: Any
    source: str
    rules: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = REAL
    options: Mapping[str, Hashable] = field(default_factory=dict)

    def inputs(self, rule: Rule, dtype: str) -> tuple[Any, ...]:
        """The primals of a rule with this matrix."""
        given = np.asarray(self.matrix)
        if is_complex(dtype) and not np.iscomplexobj(given):
            given = _phased(given)
        batch, n = given.shape[:-2], given.shape[-1]
        primals, placed = [], False
        for core in rule.signature.inputs:
            if is_matrix(core) and not placed:
                primals.append(np.asarray(given, dtype=dtype))
                placed = True
            else:
                lengths = [2 if axis.startswith("k") and axis != core[0] else n for axis in core]
                primals.append(_pattern((*batch, *lengths), dtype))
        return tuple(primals)


def fitting(rule: Rule) -> Iterator[Entry]:
    """The entries that fit the signature and the declared structure of a rule."""
    if rule.declaration.sample is not None:
        return
    for name, core in zip(rule.inputs, rule.signature.inputs, strict=True):
        if is_matrix(core):
            structure = rule.declaration.structure.get(name, "general")
            break
    else:
        return
    for entry in (*CLASSICAL, *BUGS):
        if rule.name in entry.rules or (
            not entry.rules and structure in _MEMBERSHIP and _MEMBERSHIP[structure](entry.matrix)
        ):
            yield entry


_MEMBERSHIP: dict[str, Callable[[Any], bool]] = {
    "general": lambda a: True,  # noqa: ARG005
    "hermitian": lambda a: np.array_equal(a, np.conj(a.T)),
    "positive definite": lambda a: (
        np.array_equal(a, np.conj(a.T)) and bool(np.all(np.linalg.eigvalsh(a) > 0))
    ),
    "lower": lambda a: np.array_equal(a, np.tril(a)),
    "upper": lambda a: np.array_equal(a, np.triu(a)),
}


def _phased(a: Any) -> Any:
    """``D A D^H`` with ``D = diag(1, i, -1, -i, ...)``: complex, of the same spectrum, exactly."""
    turns = np.asarray([1, 1j, -1, -1j])[np.arange(a.shape[-1]) % 4]
    return turns[:, None] * a * np.conj(turns)


def _pattern(shape: tuple[int, ...], dtype: str) -> Any:
    """Small whole numbers without a symmetry."""
    count = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    out: Any = np.asarray((5 * count + 2) % 7 - 3, dtype=wide(dtype))
    if is_complex(dtype):
        out = out + 1j * ((3 * count + 1) % 5 - 2)
    return out.astype(dtype)


# -- classical matrices ----------------------------------------------------------------------------


def _indices(n: int) -> tuple[Any, Any]:
    return np.arange(1, n + 1)[:, None], np.arange(1, n + 1)[None, :]


def hilbert(n: int) -> Any:
    """``1 / (i + j - 1)``: ill-conditioned, positive definite."""
    i, j = _indices(n)
    return 1.0 / (i + j - 1)


def pascal(n: int) -> Any:
    """Binomial coefficients: positive definite, of determinant one."""
    return np.asarray([[float(comb(i + j, i)) for j in range(n)] for i in range(n)])


def frank(n: int) -> Any:
    """Upper Hessenberg, of determinant one, with ill-conditioned eigenvalues."""
    i, j = _indices(n)
    return np.where(j >= i - 1, n + 1.0 - np.maximum(i, j), 0.0)


def grcar(n: int) -> Any:
    """Toeplitz, very nonnormal, with complex eigenvalues."""
    return -np.eye(n, k=-1) + sum(np.eye(n, k=k) for k in range(4))


def kahan(n: int) -> Any:
    """Upper triangular, ill-conditioned with no small diagonal entry; here with sine 0.6."""
    return np.diag(0.6 ** np.arange(n)) @ (np.eye(n) - 0.8 * np.triu(np.ones((n, n)), 1))


def wilkinson(n: int) -> Any:
    """Symmetric and tridiagonal, with eigenvalues in close pairs."""
    return np.diag(np.abs(np.arange(n) - (n - 1) / 2)) + np.eye(n, k=1) + np.eye(n, k=-1)


def clement(n: int) -> Any:
    """Symmetric and tridiagonal, of zero diagonal: the spectrum is plus and minus the same numbers."""
    k = np.arange(1, n)
    side = np.diag(np.sqrt(k * (n - k)), 1)
    return side + side.T


def moler(n: int) -> Any:
    """Symmetric positive definite, with one small eigenvalue."""
    i, j = _indices(n)
    return np.where(i == j, i * 1.0, np.minimum(i, j) - 2.0)


def jordan(n: int) -> Any:
    """One Jordan block: defective."""
    return 2.0 * np.eye(n) + np.eye(n, k=1)


def rosser() -> Any:
    """A double eigenvalue, a pair that nearly is one, one that is zero, one that nearly is."""
    return np.asarray([
        [611, 196, -192, 407, -8, -52, -49, 29], [196, 899, 113, -192, -71, -43, -8, -44],
        [-192, 113, 899, 196, 61, 49, 8, 52], [407, -192, 196, 611, 8, 44, 59, -23],
        [-8, -71, 61, 8, 411, -599, 208, 208], [-52, -43, 49, 44, -599, 411, 208, 208],
        [-49, -8, 8, 59, 208, 208, 99, -911], [29, -44, 52, -23, 208, 208, -911, 99.0],
    ])  # fmt: skip


def ring(n: int) -> Any:
    """Laplacian of a cycle: nearly all eigenvalues are double."""
    return 2 * np.eye(n) - np.roll(np.eye(n), 1, axis=0) - np.roll(np.eye(n), -1, axis=0)


_GALLERY = "N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 28"
_DUBIOUS = "C. Moler and C. Van Loan, SIAM Review 45, 2003"
CLASSICAL = (
    Entry("Hilbert", hilbert(3), _GALLERY, dtypes=("float64", "complex128")),
    Entry("Pascal", pascal(5), _GALLERY),
    Entry("Frank", frank(5), _GALLERY),
    Entry("Grcar", grcar(5), _GALLERY, dtypes=COMPLEX),
    Entry("Kahan", kahan(5), _GALLERY),
    Entry("Wilkinson", wilkinson(5), _GALLERY, dtypes=("float64", "complex128")),
    Entry("Clement", clement(5), _GALLERY, dtypes=COMPLEX),
    Entry("Moler", moler(5), _GALLERY),
    Entry("Jordan", jordan(3), _GALLERY, dtypes=COMPLEX),
    Entry("second difference", 2 * np.eye(5) - np.eye(5, k=1) - np.eye(5, k=-1), _GALLERY),
    Entry("cyclic shift", np.roll(np.eye(3), 1, axis=0), _GALLERY),
    Entry("Moler-Van Loan", np.asarray([[-49.0, 24], [-64, 31]]), _DUBIOUS),
    Entry("Rosser", rosser(), _GALLERY, rules=("det",)),
)


# -- the bug bank ----------------------------------------------------------------------------------


def _rotation(*angles: float) -> Any:
    out = np.asarray([[[0.0, -t], [t, 0.0]] for t in angles])
    return out[0] if len(angles) == 1 else out


def _gap(distance: float) -> Any:
    c, s = 0.6, 0.8
    q = np.asarray([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.asarray(
        [[1, 0, 0], [0, c, -s], [0, s, c]]
    )
    a = (q * [1.0, 1.0 + distance, 3.0]) @ q.T
    return (a + a.T) / 2


_SINGULAR = np.asarray([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
_MIXED_NORMS = np.stack([_pattern((6, 6), "float64") * size for size in (1e-3, 0.1, 3.0)])
_HERMITIAN = np.asarray([[2, 1 - 2j], [1 + 2j, 3]])
_UNRELATED = np.asarray([[2, 100], [1 + 2j, 3]])
BUGS = (
    Entry("rank n-1, diagonal", np.diag([1.0, 2, 3, 0]), "torch 2.13 det: gradient 0", ("det",)),
    Entry("rank n-1, whole numbers", _SINGULAR, "tensorflow/tensorflow#119477", ("det",)),
    Entry("ones", np.ones((3, 3)), "tensorflow 2.21, autograd 1.9: det raises", ("det",)),
    Entry("identity", np.eye(3), "pytorch/pytorch#149694", ("det", "slogdet", "inv", "expm")),
    Entry("rows of 1e150 and 1e-150", np.asarray([[1e150, 2e150], [3e-150, -4e-150]]),
          "torch and JAX lstsq at such scales", ("det", "slogdet")),
    Entry("nested jvp of (t+2)(2t+3)-1", np.asarray([[2.0, 1], [1, 3]]),
          "pytorch/pytorch#192540, #196696", ("det", "solve", "inv")),
    Entry("logarithm of 3t+5", np.asarray([[5.0]]), "pytorch/pytorch#196697", ("slogdet",)),
    Entry("3+4i", np.asarray([[3 + 4j]]), "jax-ml/jax#9110", ("det", "slogdet", "inv"), COMPLEX),
    Entry("phase", np.asarray([[1 + 2j, 0.5], [0.3j, 2.0]]), "tensorflow 2.21: conjugate of det",
          ("det", "slogdet"), COMPLEX),
    Entry("off-diagonal factor two", np.asarray([[2.0, 1], [1, 3]]), "pytorch/pytorch#30578",
          ("eigh", "eigvalsh")),
    Entry("one triangle of a Hermitian matrix", _HERMITIAN, "jax-ml/jax#12795",
          ("eigh", "eigvalsh"), COMPLEX, {"lower": True}),
    Entry("one triangle, with another matrix above", _UNRELATED, "HIPS/autograd#527",
          ("eigh", "eigvalsh"), COMPLEX, {"lower": True}),
    Entry("gap of 1e-9", _gap(1e-9), "tensorflow 2.21: x / (x^2 + 1e-20)", ("eigh", "eigvalsh")),
    Entry("scale 1e-150", 1e-150 * _gap(1.0), "tensorflow 2.21: x / (x^2 + 1e-20)", ("eigvalsh",)),
    Entry("rotation by 0.5", _rotation(0.5), "pytorch/pytorch#196592", ("expm", "expm_frechet"),
          ("float32",)),
    Entry("rotation by 0.04, batched", _rotation(0.04, 0.5), "pytorch/pytorch#196592", ("expm",)),
    Entry("batch of mixed norms", _MIXED_NORMS, "scipy/scipy#25924", ("expm",)),
    Entry("heat kernel on a ring", -ring(6), "JAX 0.10.2 through eigh: 8 % off", ("expm",)),
    Entry("shifted far left", -1e6 * np.eye(2) + _pattern((2, 2), "float64"),
          "JAX 0.10.2: NaN, gradient 0", ("expm",)),
    *(Entry(f"norm {size:g}", size * np.asarray([[0.3, 0.7], [-0.4, 0.2]]), "jax-ml/jax#4331",
            ("expm",)) for size in (0.5, 4.0, 16.0, 64.0)),
)  # fmt: skip
