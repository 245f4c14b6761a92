"""What a run was made with."""

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

PACKAGES = (
    "gradrules", "numpy", "scipy", "array-api-strict", "jax", "torch", "tensorflow-cpu", "tensorflow",
    "autograd", "mpmath", "python-flint",
)  # fmt: skip


def environment() -> dict[str, str]:
    """Versions, BLAS and machine, by name."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found | {
        "BLAS of NumPy": _blas(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": platform.platform(),
    }


def _blas() -> str:
    built: dict[str, dict[str, dict[str, str]]] = np.show_config(mode="dicts")  # type: ignore[assignment]
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _processor() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        described = ""
    name = re.search(r"model name\s*:\s*(.+)", described)
    return name.group(1) if name else platform.processor() or platform.machine()
