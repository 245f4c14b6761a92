"""The pages that ``nox -s docs`` has built: links, what they fetch, and how they are used."""

import functools
import http.server
import re
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import gradrules

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
pytestmark = pytest.mark.skipif(
    not (SITE / "index.html").exists(), reason="the pages are not built; nox -s docs builds them"
)
FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("source", "src"),
    ("iframe", "src"),
}


class Page(HTMLParser):
    """What a page points to, and what can be pointed to in it."""

    def __init__(self, file):
        super().__init__()
        self.names, self.links, self.fetched = set(), [], []
        self.feed(file.read_text())

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.names |= {given[key] for key in ("id", "name") if given.get(key)}
        for key in ("href", "src"):
            if given.get(key):
                self.links.append(given[key])
                if (tag, key) in FETCHED and given.get("rel") not in {"canonical", "next", "prev"}:
                    self.fetched.append(given[key])


@functools.cache
def page(file):
    return Page(file)


def pages():
    return sorted(SITE.rglob("*.html"))


def target(file, link):
    """The file that a link of a page points to, and the place in it."""
    parts = urlsplit(link)
    path = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    return path / "index.html" if path.is_dir() else path, unquote(parts.fragment)


def is_local(link):
    parts = urlsplit(link)
    return not parts.scheme and not parts.netloc


def test_every_link_leads_somewhere():
    lost = set()
    for file in pages():
        for link in filter(is_local, page(file).links):
            there, place = target(file, link)
            if not there.exists() or (
                place and there.suffix == ".html" and place not in page(there).names
            ):
                lost.add((file.relative_to(SITE).as_posix(), link))
    assert not lost


def test_nothing_is_fetched_from_elsewhere():
    links = [(file, link) for file in pages() for link in page(file).fetched]
    assert len(links) > len(pages())
    assert [link for _, link in links if not is_local(link) and not link.startswith("data:")] == []
    for sheet in SITE.rglob("*.css"):
        for link in re.findall(r"url\(\s*[\"']?([^\"')]+)", sheet.read_text()):
            assert is_local(link) or link.startswith("data:"), (sheet, link)


def test_every_rule_has_a_page():
    assert {file.stem for file in (SITE / "rules").glob("*.html")} == {*gradrules.registry, "index"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def window(request, browser, address):
    """A window on the site; at the end nothing was said on the console, and nothing was missing."""
    width, height = request.param
    context = browser.new_context(
        viewport={"width": width, "height": height}, base_url=f"{address}/"
    )
    shown, complaints = context.new_page(), []
    shown.on("console", lambda said: complaints.append(said.text))
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on("response", lambda got: complaints.append(got.url) if got.status >= 400 else None)
    yield shown
    context.close()
    assert complaints == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("eigh nan gradient", "eigh"),
        ("Jacobi formula", "det"),
        ("Fréchet", "expm"),
        ("torch.linalg.det", "det"),
    ],
)
def test_search_finds_a_rule(window, words, found):
    window.goto(f"search.html?q={words}")
    window.wait_for_selector("ul.search > li > a")
    first = window.locator("ul.search > li > a").first
    assert first.text_content() == found
    first.click()
    assert window.locator("h1").text_content().startswith(found)


def test_tabs_remember_the_framework(window):
    window.goto("start.html")
    window.locator(".sd-tab-label:has-text('JAX')").first.click()
    window.goto("rules/det.html")
    chosen = window.locator(".sd-tab-set > input:checked + label")
    assert [text.strip() for text in chosen.all_text_contents()] == ["JAX"]


def test_the_index_is_filtered(window):
    window.goto("rules/index.html")
    window.locator("#rule-filter input").fill("frechet")
    rows = window.locator("table.rule-index tr:visible a")
    assert rows.all_text_contents() == ["expm", "expm_frechet"]


@pytest.mark.parametrize(
    "name", ["index", "start", "rules/eigh", "reference/transforms", "reference/api"]
)
def test_a_page_is_not_wider_than_the_window(window, name):
    window.goto(f"{name}.html")
    assert window.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
