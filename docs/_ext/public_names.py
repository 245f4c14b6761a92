"""Every public name has a place in the reference, or the build warns, and fails."""

import importlib
import pkgutil

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)
MODULES = (
    "gradrules",
    "gradrules.adapters",
    "gradrules.errors",
    "gradrules.hooks",
    "gradrules.host",
    "gradrules.testing",
    "gradrules.testing.strategies",
    "gradrules_tensorflow",
)


def compare(app: Sphinx, env: BuildEnvironment) -> None:  # noqa: ARG001
    """Warn of public names that no page describes, under this name or another."""
    names = [n for n in env.domains.python_domain.objects if n.startswith("gradrules")]
    described = {id(found) for found in map(resolve, names) if found is not None}
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            if id(resolve(f"{module}.{name}")) not in described:
                logger.warning("no page describes %s.%s", module, name)


def resolve(path: str) -> object:
    """What a dotted name stands for; `None` for an attribute of instances."""
    try:
        return pkgutil.resolve_name(path)
    except (AttributeError, ImportError):
        return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Look when all pages are read."""
    app.connect("env-check-consistency", compare)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
