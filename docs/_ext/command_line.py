"""The directive ``command-line``: every command and option, as the program itself declares them."""

from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from gradrules.cli import app as program


class CommandLine(SphinxDirective):
    """A section for each command: what it does, how it is called, its options."""

    def run(self) -> list[nodes.Node]:
        """Sections, as parsed Markdown."""
        group = typer.main.get_command(program)
        lines: list[str] = []
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            lines += [f"## `gradrules {name}`", "", command.help or "", ""]
            lines += _table([p for p in command.params if p.name != "help"])
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _table(parameters: list[Any]) -> list[str]:
    if not parameters:
        return []
    return ["| | |", "|---|---|", *map(_row, parameters), ""]


def _row(parameter: Any) -> str:
    """Names, what is said of it, and the default."""
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [parameter.name.upper()]
    elif not parameter.is_flag:
        names[0] += f" {parameter.name.removesuffix('_file').upper()}"
    default = "" if parameter.default in {None, False, ""} else f" Default `{parameter.default}`."
    said = getattr(parameter, "help", None) or "Its name."
    return f"| {' '.join(f'`{name}`' for name in names)} | {said}{default} |"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
