"""Make the example rules importable, by tests and by the processes they start."""

import os
import shutil
import sys
from pathlib import Path

import pytest

HELPERS = str(Path(__file__).parent / "core")
sys.path.insert(0, HELPERS)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [HELPERS, os.environ.get("PYTHONPATH")]))


@pytest.fixture
def x64(request):
    """JAX, where it is there, in double precision.

    Half of the time would go to XLA's optimizations; the tests of compiled code want them.
    """
    if "jax" not in sys.modules and "jax" not in request.node.name:
        yield
        return
    import jax

    jax.config.update("jax_disable_most_optimizations", "compiles" not in request.node.name)
    with jax.enable_x64(True):
        yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="module")
def browser():
    """Chromium."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium on this machine: install the distribution's package chromium")
    with driver.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()
