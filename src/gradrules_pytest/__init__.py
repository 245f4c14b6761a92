"""gradrules in pytest: the marker of its tests, fixtures that run over all backends, and an option.

pytest imports this whenever it starts: what costs anything is imported when a test asks for it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gradrules.testing import Backend

MARKER = "gradrules"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--gradrules-backend``."""
    parser.getgroup("gradrules").addoption(
        "--gradrules-backend",
        action="append",
        metavar="NAME",
        help="run tests of this gradrules backend alone (repeatable); other tests run as ever",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(rule, backend, law): what a test of gradrules tries; "
        f"""select by -m "{MARKER}(law='vjp')" """,
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a backend on each that is installed."""
    if "gradrules_backend" in metafunc.fixturenames:
        from gradrules.testing import backends  # noqa: PLC0415

        params = [
            pytest.param(name, id=name, marks=pytest.mark.gradrules(backend=name))
            for name in backends()
        ]
        metafunc.parametrize("gradrules_backend", params, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the backends that the option does not name."""
    wanted = config.getoption("--gradrules-backend")
    if not wanted:
        return
    of = {item: item.get_closest_marker(MARKER) for item in items}
    left = [i for i, m in of.items() if m is not None and m.kwargs.get("backend") not in wanted]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture
def gradrules_backend(request: pytest.FixtureRequest) -> "Iterator[Backend]":
    """Each installed backend: ``array`` and ``numpy`` convert, ``xp`` is its array namespace.

    64-bit numbers are 64-bit numbers while the test runs.
    """
    from gradrules.testing import load_backend  # noqa: PLC0415

    backend = load_backend(request.param)
    with backend.precise():
        yield backend


@pytest.fixture
def gradrules_xp(gradrules_backend: "Backend") -> Any:
    """The array namespace of each installed backend."""
    return gradrules_backend.xp
