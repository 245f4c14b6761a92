"""JAX's own functions that a rule can stand in for.

By default JAX reads the Hermitian part of a matrix, as our rules do; `lower` and `UPLO` change
nothing then.
"""

from collections.abc import Hashable, Mapping

from gradrules.adapters import Native

Options = Mapping[str, Hashable]


def _symmetrized(UPLO: str | None = None, symmetrize_input: bool = True) -> Options | None:  # noqa: ARG001, N803 (JAX's name)
    return {} if symmetrize_input else None


def _standard(
    b: object = None, eigvals_only: bool = False, eigvals: object = None, type: int = 1, **_: Hashable  # noqa: A002
) -> Options | None:  # fmt: skip
    return {} if b is None and eigvals is None and type == 1 and not eigvals_only else None


def _general(assume_a: str = "gen", **_: Hashable) -> Options | None:
    return {} if assume_a == "gen" else None


def _full(upper_triangular: bool = False, max_squarings: int = 16) -> Options | None:  # noqa: ARG001
    return None if upper_triangular else {}


def _pair(method: str | None = None, compute_expm: bool = True) -> Options | None:  # noqa: ARG001
    return {} if compute_expm else None


NATIVES = (
    Native("det", "jax.numpy.linalg.det", "a"),
    Native("det", "jax.scipy.linalg.det", "a overwrite_a check_finite"),
    Native("slogdet", "jax.numpy.linalg.slogdet", "a method"),
    Native("inv", "jax.numpy.linalg.inv", "a"),
    Native("inv", "jax.scipy.linalg.inv", "a overwrite_a check_finite"),
    Native("solve", "jax.numpy.linalg.solve", "a b"),
    Native(
        "solve",
        "jax.scipy.linalg.solve",
        "a b lower overwrite_a overwrite_b debug check_finite assume_a",
        _general,
    ),
    Native("eigh", "jax.numpy.linalg.eigh", "a UPLO symmetrize_input", _symmetrized),
    Native(
        "eigh",
        "jax.scipy.linalg.eigh",
        "a b lower eigvals_only overwrite_a overwrite_b turbo eigvals type check_finite",
        _standard,
    ),
    Native("eigvalsh", "jax.numpy.linalg.eigvalsh", "a UPLO symmetrize_input", _symmetrized),
    Native("expm", "jax.scipy.linalg.expm", "A upper_triangular max_squarings", _full),
    Native("expm_frechet", "jax.scipy.linalg.expm_frechet", "A E method compute_expm", _pair),
)
