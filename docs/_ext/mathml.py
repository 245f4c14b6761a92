"""Formulas as MathML, made when the pages are built: browsers draw it, and no script is needed.

A browser needs a font that has tables for mathematics, and many systems have none: STIX Two Math, cut
down to what formulas use, lies beside the pages.
"""

import re
from html import escape
from pathlib import Path
from typing import Any

import ziamath
from docutils import nodes
from fontTools import subset
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
FONT = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"
# Latin, Greek, punctuation, letterlike, arrows, operators; italic Latin and Greek.
CHARACTERS = [
    *range(0x20, 0x250), *range(0x2B0, 0x400), *range(0x2010, 0x2070), *range(0x2100, 0x2200),
    *range(0x2200, 0x2300), *range(0x27E6, 0x27F0), *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C),
]  # fmt: skip
# A function's name is an operator here, and has an operator's wide spaces: none before a bracket is right.
NAME = re.compile(r"<mo>([A-Za-z]{2,})</mo>(<mo stretchy=\"false\">&#x00028;)?")


def mathml(latex: str, *, display: str, where: nodes.Node | None = None) -> str:
    """A formula as MathML; what is not understood is a warning, and no page is built."""
    try:
        made: str = NAME.sub(_named, convert(latex, display=display))
    except Exception as error:
        logger.warning("the formula %r cannot be read: %s", latex, error, location=where)
        return escape(latex)
    if "\\" in made:
        logger.warning("not all of the formula %r is understood", latex, location=where)
    return made


def _named(found: re.Match[str]) -> str:
    name, bracket = found.groups()
    after = "0" if bracket else "0.17em"
    return f'<mo lspace="0.17em" rspace="{after}">{name}</mo>{bracket or ""}'


def font(app: Sphinx, error: Exception | None) -> None:
    """Write the font beside the pages."""
    if error is None and app.builder.format == "html":
        options = subset.Options(flavor="woff", layout_features=["*"])
        whole = subset.load_font(FONT, options)
        cut = subset.Subsetter(options)
        cut.populate(unicodes=CHARACTERS)
        cut.subset(whole)
        subset.save_font(whole, Path(app.outdir) / "_static" / "math.woff", options)


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
    app.connect("build-finished", font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
