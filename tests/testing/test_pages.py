"""The pages of ``--html``, in a headless Chromium."""

import json
from pathlib import Path

import pytest

from gradrules import _pages
from gradrules.testing import Record, Report
from gradrules.testing._audit import Audit, Finding, Verdict

RULES, BACKENDS = ["det", "inv"], ["numpy", "torch"]
LAWS = ["primal", "jvp", "vjp", "edge"]
MANY = 10_000


def checked(count):
    """A report of that many records: one failure, one skip, and what passed."""
    records = [
        Record("det", "torch", "vjp", "fail", 1.0, 1e-14, "general n=3 float64", 0.5,
               "<gradient, direction 0>; input: x=[[1.0]] </script>", "gradrules check --case 'a b'"),
        Record("inv", "numpy", "vmap", "skip", None, None, "", 0.0, "numpy has no vmap"),
    ]  # fmt: skip
    records += [
        Record(RULES[i % 2], BACKENDS[i // 2 % 2], LAWS[i // 4 % 4], "pass",
               10.0 ** -(i % 17) * 1e-14, 1e-13, f"input {i}", 0.001 * (i % 7))
        for i in range(count - len(records))
    ]  # fmt: skip
    return Report(tuple(records))


def audited():
    ours = Verdict("right", 0.0, "1.0")

    def finding(case, native, backend="torch"):
        return Finding("det", backend, f"{case}, reverse", native, ours, f"{backend}.linalg.det",
                       case, "reverse", 1.0, 1e-14, "x = [[0.0]]", f"# {case}\nprint('<b>&')\n")  # fmt: skip

    return Audit(
        (
            finding("zero", Verdict("wrong", 1.0, "0.0")),
            finding("pole", Verdict("NaN", None, "nan")),
            finding("empty", Verdict("raises", message="ValueError: no <i>")),
            finding("ordinary", Verdict("right", 0.0, "1.0")),
            finding("ordinary", Verdict("missing", message="no vjp"), backend="autograd"),
        ),
        seed=0,
    )


def check_file(folder, count=40):
    file = folder / "check.html"
    page = _pages.check_page(
        checked(count), rules=RULES, backends=BACKENDS, seed=0, command="gradrules check"
    )
    file.write_text(page, encoding="utf-8")
    return file


def audit_file(folder):
    file = folder / "audit.html"
    file.write_text(_pages.audit_page(audited(), command="gradrules audit"), encoding="utf-8")
    return file


@pytest.fixture
def open_page(browser):
    """Open a file; at the end nothing has been said on the console, and nothing fetched."""
    contexts, complaints, requests = [], [], []

    def opened(file, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints
    assert all(url.startswith("file:") for url in requests)
    assert len(requests) == len(contexts)


def focus(page, locator):
    """Go there by the Tab key alone."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if locator.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError("the Tab key does not get there")


def test_the_check_page_shows_everything(tmp_path, open_page):
    page = open_page(check_file(tmp_path))
    assert page.get_by_role("heading", level=1).inner_text() == "1 failed"
    headings = page.get_by_role("heading", level=2).all_inner_texts()
    assert headings == ["Failures", "Rules and backends", "Laws", "Records", "Slowest cells",
                        "Skipped, and why", "Environment"]  # fmt: skip
    assert page.locator("#matrix .cell").count() == len(RULES) * len(BACKENDS)
    assert page.locator("#matrix .cell.bad").count() == 1
    failure = page.locator(".failure").inner_text()
    assert "x=[[1.0]] </script>" in failure
    assert "gradrules check --case 'a b'" in failure
    assert "numpy has no vmap" in page.locator("#skips").inner_text()
    assert page.locator("#laws svg.plot").count() == len(LAWS)
    assert page.locator("#laws tr[data-law=vjp] rect.beyond").count() == 1
    assert page.locator("#laws tr[data-law=jvp] rect.beyond").count() == 0
    assert "BLAS" in page.get_by_role("table").last.inner_text()


def test_a_cell_is_opened_by_keyboard(tmp_path, open_page):
    page = open_page(check_file(tmp_path))
    button = page.locator("#matrix .cell.bad")
    assert button.get_attribute("aria-expanded") == "false"
    assert page.locator(".panel").count() == 0
    focus(page, button)
    assert button.evaluate("node => getComputedStyle(node).outlineStyle") != "none"
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    panel = page.locator(f"#{button.get_attribute('aria-controls')}")
    assert "det on torch" in panel.get_by_role("heading").inner_text()
    law = panel.locator("tr", has_text="vjp").locator("button")
    focus(page, law)
    page.keyboard.press("Space")
    assert "general n=3 float64" in panel.inner_text()
    button.focus()
    page.keyboard.press("Enter")
    assert page.locator(".panel").count() == 0
    assert button.get_attribute("aria-expanded") == "false"


def test_words_and_states_filter_the_records(tmp_path, open_page):
    page = open_page(check_file(tmp_path))
    rows = page.locator("#records tbody tr")
    assert rows.count() == 40
    page.get_by_label("Words").fill("torch FAIL")
    assert rows.count() == 1
    page.get_by_label("Words").fill("")
    page.get_by_label("pass").uncheck()
    assert rows.count() == 2
    assert page.locator("#count").inner_text() == "2 of 40"
    rows.first.get_by_role("button").click()
    assert "</script>" in page.locator("#records .panel").inner_text()


def test_ten_thousand_records(tmp_path, open_page):
    page = open_page(check_file(tmp_path, MANY))
    rows = page.locator("#records tbody tr")
    assert rows.count() == 100
    assert page.locator("#count").inner_text() == "10,000 of 10,000"
    page.get_by_role("button", name="Show more").click()
    assert rows.count() == 200
    page.get_by_label("Words").fill("input 999")
    assert page.locator("#count").inner_text() == "17 of 10,000"
    assert rows.count() == 17
    assert page.get_by_role("button", name="Show more").is_hidden()
    # What is closed is not in the page.
    assert page.locator("*").count() < 1500


def test_a_script_is_copied(tmp_path, open_page):
    page = open_page(audit_file(tmp_path), permissions=["clipboard-read", "clipboard-write"])
    page.locator("#records .state.bad").click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()  # the clipboard takes its time
    assert page.evaluate("navigator.clipboard.readText()") == "# zero\nprint('<b>&')\n"


def test_the_audit_page_opens_to_a_script(tmp_path, open_page):
    page = open_page(audit_file(tmp_path))
    assert page.locator("#matrix .cell").count() == 2
    assert page.locator("#records tbody tr").count() == 3
    page.get_by_label("missing").check()
    assert page.locator("#records tbody tr").count() == 4
    cell = page.get_by_role("button", name="det on torch")
    focus(page, cell)
    page.keyboard.press("Enter")
    panel = page.locator(".panel")
    assert panel.locator(".state").all_inner_texts() != []
    chip = panel.locator(".state.halt")
    focus(page, chip)
    page.keyboard.press("Enter")
    detail = page.locator(".detail").inner_text()
    for words in ("x = [[0.0]]", "ValueError: no <i>", "# empty", "gradrules"):
        assert words in detail
    assert page.locator(".detail i, .detail b b").count() == 0  # data is text, never markup


@pytest.mark.parametrize("make", [check_file, audit_file])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_schemes_can_be_read_on_a_phone(tmp_path, open_page, make, scheme):
    size = {"width": 360, "height": 740}
    page = open_page(make(tmp_path), viewport=size, color_scheme=scheme)
    page.locator("#matrix .cell").first.click()
    page.locator(".panel .state").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    panel = page.locator(".panel .panel").bounding_box()
    assert panel["x"] >= 0
    assert panel["x"] + panel["width"] <= size["width"]
    for selector in ("body", ".note", ".cell", ".state", ".count"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page, selector):
    """WCAG's ratio between the colour of some text and what is behind it; 4.5 is enough."""
    colours = page.locator(selector).first.evaluate(
        """node => {
          const colour = getComputedStyle(node).color;
          for (let n = node; n; n = n.parentElement) {
            const behind = getComputedStyle(n).backgroundColor;
            if (!behind.startsWith("rgba(0, 0, 0, 0")) return [colour, behind];
          }
        }"""
    )
    luminances = []
    for colour in colours:
        parts = [int(x) / 255 for x in colour.removeprefix("rgb(").rstrip(")").split(",")]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        luminances.append(sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))
    bright, dim = sorted(luminances, reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("make", [check_file, audit_file])
def test_every_control_and_table_has_a_name(tmp_path, open_page, make):
    page = open_page(make(tmp_path))
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input")].filter(
             (node) => !(node.textContent.trim() || node.labels?.length || node.ariaLabel))"""
    )
    assert nameless == []
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("html[lang]").count() == 1


def test_the_files_hold_their_data_as_it_was(tmp_path):
    page = check_file(tmp_path).read_text(encoding="utf-8")
    text = page.partition('id="data">')[2].partition("</script>")[0]
    records = json.loads(text)["records"]
    assert len(records) == 40
    assert records[0][8]["message"].endswith("</script>")
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert Path(_pages.__file__).with_name("style.css").read_text() in page
