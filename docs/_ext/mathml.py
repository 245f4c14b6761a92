"""Formulas as MathML, made when the pages are built: browsers draw it, and no script is needed."""

from html import escape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)


def mathml(latex: str, *, display: str, where: nodes.Node | None = None) -> str:
    """A formula as MathML; what is not understood is a warning, and no page is built."""
    try:
        made: str = convert(latex, display=display)
    except Exception as error:
        logger.warning("the formula %r cannot be read: %s", latex, error, location=where)
        return escape(latex)
    if "\\" in made:
        logger.warning("not all of the formula %r is understood", latex, location=where)
    return made


def inline(self: Any, node: nodes.math) -> None:
    """A formula in a line."""
    self.body.append(mathml(node.astext(), display="inline", where=node))
    raise nodes.SkipNode


def block(self: Any, node: nodes.math_block) -> None:
    """A formula of its own."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    if node.get("number"):
        self.body.append(f'<span class="eqno">({node["number"]})</span>')
    self.body.append(mathml(node.astext(), display="block", where=node))
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
