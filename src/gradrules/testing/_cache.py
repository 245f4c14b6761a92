"""What stays from check to check: truths, and functions that XLA has compiled.

Both are kept under all that they depend on: truths by the input and the code of the oracle, compiled
functions, by JAX itself, by their operations and its version.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["kept_files"]

DAYS = 30


@contextlib.contextmanager
def kept_files() -> Iterator[dict[str, str]]:
    """Environment variables that name the folders; a temporary one if nothing can be kept.

    The place is ``GRADRULES_CACHE``, or the user's cache folder. Files of a month ago are removed.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("GRADRULES_CACHE") or home / "gradrules")
    with tempfile.TemporaryDirectory() as temporary:
        if not _usable(folder):
            folder = Path(temporary)
            _usable(folder)
        yield {
            "GRADRULES_TRUTH_CACHE": str(folder / "truths"),
            "JAX_COMPILATION_CACHE_DIR": str(folder / "xla"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }


def _usable(folder: Path) -> bool:
    """Make the folders, and remove what is old; whether files can be written there."""
    old = time.time() - DAYS * 24 * 3600
    try:
        for part in (folder / "truths", folder / "xla"):
            part.mkdir(parents=True, exist_ok=True)
            for file in part.iterdir():
                with contextlib.suppress(FileNotFoundError):  # another check removes it, too
                    if file.stat().st_mtime < old:
                        file.unlink()
            with tempfile.TemporaryFile(dir=part):
                pass
    except OSError:
        return False
    return True
