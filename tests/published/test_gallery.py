"""The gallery leaves out no figure that the articles print."""

import json
import re
from pathlib import Path

import pytest

SEEDS = json.loads((Path(__file__).parent / "seeds.json").read_text())
PAGES = Path(__file__).parents[2] / "docs" / "gallery"
# What a page starts from or cites, and no figure of its own.
PROSE = {"source", "note", "reads", "problem", "loss", "descent", "second_example", "variants", "f",
         "b", "Q", "grid", "failed_there", "size", "trap"}  # fmt: skip


@pytest.mark.parametrize("article", [name for name in SEEDS if name != "about"])
def test_every_figure_is_on_a_page(article):
    pages = [
        text
        for path in PAGES.glob("plot_*.py")
        if f'published("{article}")' in (text := path.read_text())
    ]
    assert len(pages) == 1
    named = set(re.findall(r'\["(\w+)"\]', pages[0]))
    assert not set(SEEDS[article]) - PROSE - named
