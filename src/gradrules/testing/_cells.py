"""Rules, backends and laws as the parameters of one test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gradrules import Rule, adapters, registry
from gradrules._registry import of_arrays

from . import _backends
from ._check import assert_passed, check, refuse_unknown
from ._laws import LAWS

__all__ = ["Cell", "rules"]


@dataclass(frozen=True)
class Cell:
    """One law of one rule on one backend."""

    rule: Rule
    backend: str
    law: str
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.rule.name}-{self.backend}-{self.law}"

    def prove(self) -> None:
        """Try the law; skip the test, with the reason, where the law does not concern the cell.

        Raises
        ------
        LawError
            If it does not hold.
        """
        __tracebackhide__ = True
        import pytest  # noqa: PLC0415 (who writes no tests needs no pytest)

        report = check(self.rule, backends=[self.backend], laws=[self.law], **self.settings)
        if set(report.counts()) == {"skip"}:
            pytest.skip("; ".join(report.skipped()))
        assert_passed(report)


def rules(
    *chosen: str | Rule,
    backends: Sequence[str] | None = None,
    laws: Sequence[str] | None = None,
    **settings: Any,
) -> Any:
    """Decorate a test of pytest: run it for every rule, backend and law, as its parameter ``cell``.

    Parameters
    ----------
    *chosen
        Rules, or their names; by default all that are registered now, but for rules of functions.
    backends, laws
        Names; by default all that are installed, and all but ``agree``. A backend that is not
        installed is skipped.
    **settings
        ``dtypes``, ``seed``, ``examples``, ``quick``, ``budget``, ``sampler``: as for :func:`check`.

    Examples
    --------
    >>> @rules("det", "inv", backends=["numpy"], laws=["jvp", "vjp"])
    ... def test_rules(cell):
    ...     cell.prove()
    """
    import pytest  # noqa: PLC0415

    refuse_unknown("rule", [name for name in chosen if isinstance(name, str)], list(registry))
    made = [registry[r] if isinstance(r, str) else r for r in chosen] or list(
        map(registry.__getitem__, of_arrays())
    )
    installed = _backends.installed()
    known = [*installed, *(name for name in adapters.available() if name not in installed)]
    names = list(backends) if backends is not None else installed
    refuse_unknown("backend", names, known)
    refuse_unknown("law", list(laws or ()), tuple(LAWS))
    params = []
    for rule in made:
        for name in names:
            for law in laws or LAWS:
                marks = [pytest.mark.gradrules(rule=rule.name, backend=name, law=law)]
                if name not in installed:
                    marks.append(pytest.mark.skip(reason=f"{name} is not installed"))
                cell = Cell(rule, name, law, settings)
                params.append(pytest.param(cell, id=str(cell), marks=marks))
    return pytest.mark.parametrize("cell", params)
