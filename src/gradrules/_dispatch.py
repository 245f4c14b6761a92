"""From the arrays given to the backend that serves them."""

import numpy as np
from array_api_compat import array_namespace
from array_api_compat import numpy as numpy_namespace

from . import adapters
from ._dtypes import dtype_name
from ._typing import Array, Arrays
from .adapters import Adapter, Plain
from .errors import ArrayTypeError

__all__ = ["NUMPY", "backend_of"]

NUMPY = Plain("numpy", numpy_namespace)
# Filled as types are met; a type belongs to one backend for the life of the process.
_BACKENDS: dict[type, Adapter] = {np.ndarray: NUMPY, np.generic: NUMPY}


def backend_of(rule: str, names: tuple[str, ...], arrays: Arrays) -> Adapter:
    """The one backend that all `arrays` belong to.

    Raises
    ------
    ArrayTypeError
        If something is no array, or the arrays belong to different libraries.
    """
    backend = _BACKENDS.get(type(arrays[0])) if arrays else NUMPY
    if backend is not None and (
        len(arrays) == 1 or all(_BACKENDS.get(type(a)) is backend for a in arrays[1:])
    ):
        return backend
    found = [_lookup(rule, name, array) for name, array in zip(names, arrays, strict=True)]
    distinct = list(dict.fromkeys(found))
    for candidate in distinct:
        others = [a for a, b in zip(arrays, found, strict=True) if b is not candidate]
        if all(isinstance(a, candidate.companions) for a in others):
            return candidate
    msg = (
        f"{rule}: the arguments belong to different libraries "
        f"({_shapes_and_dtypes(names, arrays)}); convert them to one"
    )
    raise ArrayTypeError(msg)


def _lookup(rule: str, name: str, array: Array) -> Adapter:
    kind = type(array)
    backend = _BACKENDS.get(kind)
    if backend is None:
        backend = _BACKENDS[kind] = _search(rule, name, array)
    return backend


def _search(rule: str, name: str, array: Array) -> Adapter:
    kind = type(array)
    if issubclass(kind, np.generic):
        return NUMPY
    if issubclass(kind, np.ma.MaskedArray | np.matrix):
        msg = (
            f"{rule}: argument {name!r} is a numpy {kind.__name__}, whose operations mean something "
            f"else; pass numpy.asarray(...) of it"
        )
        raise ArrayTypeError(msg)
    adapter = _adapter_for(kind)
    if adapter is not None:
        return adapters.load(adapter)
    if issubclass(kind, np.ndarray):
        return NUMPY
    _, failures = adapters.imported()
    try:
        namespace = array_namespace(array)
    except TypeError:
        namespace = None
    if namespace is not None and not failures:
        return Plain(kind.__module__.partition(".")[0], namespace)
    what = (
        f"{kind.__module__}.{kind.__qualname__}"
        if kind.__module__ != "builtins"
        else (kind.__qualname__)
    )
    advice = (
        "; ".join(failures)
        if failures
        else "pass an array of NumPy, JAX, PyTorch, TensorFlow, autograd or an array-API library"
    )
    msg = f"{rule}: argument {name!r} is a {what}, not an array; {advice}"
    raise ArrayTypeError(msg)


def _adapter_for(kind: type) -> str | None:
    """The name of the adapter that handles `kind`, among those of imported frameworks."""
    known, _ = adapters.imported()
    return next((adapter.name for adapter in known if adapter.handles(kind)), None)


# What torch.compiler.assume_constant_result sets: the compiler calls this, and does not trace it.
_adapter_for._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _shapes_and_dtypes(names: tuple[str, ...], arrays: Arrays) -> str:
    """``'a' torch float64 (3, 3), ...`` for error messages."""
    return ", ".join(
        f"{name!r} {type(a).__module__.partition('.')[0]} {dtype_name(a.dtype)} {tuple(a.shape)}"
        for name, a in zip(names, arrays, strict=True)
    )
