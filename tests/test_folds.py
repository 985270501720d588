"""The two forms of a page: the lesson, in which what proves is folded into one line, and everything."""

import dataclasses
import re

import browser
import pytest
from conftest import cells_of

from literate import build
from literate.folds import docstring_lines, fold_of
from literate.site.folds import fold_docstrings

PAGE = "book/02-shift-invariance.html"
MANY_BADGES = "book/07-soft-maxima.html"


def cell_of(book, slug, name):
    return next(c for chapter in book if chapter.slug == slug for c in chapter.cells if c.id == name)


@pytest.mark.parametrize(
    "slug, name, kind",
    [
        ("02-shift-invariance", "check-shift", "check"),
        ("02-shift-invariance", "source-003-30", "check"),
        ("02-shift-invariance", "imports", "imports"),
        ("02-shift-invariance", "figure-shift", "figure"),  # which checks, too: what it draws is seen
        ("03a-engine-room", "build-exp", "helper"),
        ("02-shift-invariance", "ex-centre-spec", "specification"),
        ("02-shift-invariance", "derive-shift", None),  # a proof is what the page is for
        ("02-shift-invariance", "build-shifted", None),  # a public function
        ("02-shift-invariance", "control-shift", "aside"),  # by its tag
        ("02-shift-invariance", "naive-breaks", None),
        ("02-shift-invariance", "install", None),  # it is on no page
        ("02-shift-invariance", "title", None),
    ],
)
def test_what_proves_and_what_serves_is_folded(book, slug, name, kind):
    fold = fold_of(cell_of(book, slug, name))
    assert (fold and fold.kind) == kind


def test_the_line_of_a_check_tells_its_length_and_what_was_tried(book):
    assert re.fullmatch(
        r"\d+ lines, float32 and float64", fold_of(cell_of(book, "02-shift-invariance", "check-shift")).words
    )


def test_an_author_has_the_last_word(book):
    check, control = (cell_of(book, "02-shift-invariance", name) for name in ("check-shift", "naive-breaks"))

    def tagged(cell, tag):
        return dataclasses.replace(cell, metadata=dict(cell.metadata) | {"tags": [*cell.tags, tag]})

    assert fold_of(tagged(check, "show")) is None
    assert fold_of(tagged(control, "fold")).kind == "aside"
    build = cell_of(book, "02-shift-invariance", "build-shifted")
    assert fold_of(build) is None and fold_of(tagged(build, "fold")).kind == "helper"


def test_a_docstring_keeps_its_first_line(book):
    cell = cell_of(book, "02-shift-invariance", "build-shifted")
    lines = cell.code.strip().splitlines()
    for first, last in docstring_lines(cell):
        assert '"""' in lines[first] and lines[last].strip().endswith('"""') and last > first


def test_code_around_a_docstring_stays_code():
    code = 'def f():\n    """One.\n\n    Two.\n    """\n    return 1\n'
    code = f'<div class="highlight"><pre><span></span>{code}</pre></div>\n'
    folded = fold_docstrings(code, [(1, 4)])
    seen = re.sub(r"<details.*?</details>", "", folded, flags=re.S)
    assert "Two." in folded and "Two." not in seen
    assert "One." in seen and "return 1" in seen and "3 lines of documentation" in folded
    assert folded.count("<pre>") == folded.count("</pre>") == 1


def test_no_line_of_code_is_lost_on_the_pages(site, book):
    for chapter in book:
        cells = cells_of(site[f"book/{chapter.slug}.html"])
        for cell in chapter.code_cells[1:]:
            (shown,) = cells[cell.id].xpath(".//*[contains(@class, 'cell_input')]")
            words = set("".join(text for text in shown.itertext()).split())
            missing = [line for line in cell.code.split() if line not in words]
            assert not missing, (cell.where, missing[:5])


def test_the_line_of_a_fold_says_what_is_in_it(site, book):
    for chapter in book:
        cells = cells_of(site[f"book/{chapter.slug}.html"])
        for cell in chapter.code_cells[1:]:
            if fold := fold_of(cell):
                (line,) = cells[cell.id].xpath("./details/summary")
                tick = "✓ " if fold.kind == "check" else ""
                assert line.text_content().strip() == tick + fold.words, cell.where


def test_outputs_are_never_folded(site):
    for name, page in site.items():
        assert not page.xpath("//details[contains(@class, 'fold')]//*[contains(@class, 'cell_output')]"), name


def visit(chromium, query="", name=PAGE, **options):
    return browser.visit(chromium, (build.SITE / name).as_uri() + query, **options)


OPEN = "() => [...document.querySelectorAll('details.fold')].filter((fold) => fold.open).length"
ALL = "() => document.querySelectorAll('details.fold').length"


def test_a_page_is_a_lesson_until_everything_is_asked_for(site, chromium):
    with visit(chromium) as page:
        count = page.evaluate(ALL)
        assert count > 10 and page.evaluate(OPEN) == 0
        page.get_by_role("button", name="Show everything").click()
        assert page.evaluate(OPEN) == count
        page.reload()
        assert page.evaluate(OPEN) == count, "it is remembered"
        page.get_by_role("button", name="Show the lesson").click()
        assert page.evaluate(OPEN) == 0


@pytest.mark.parametrize("query, everything", [("?show=all", True), ("?show=lesson", False), ("", False)])
def test_the_form_is_in_the_address(site, chromium, query, everything):
    with visit(chromium, query) as page:
        assert page.evaluate(OPEN) == (page.evaluate(ALL) if everything else 0)


def test_a_fold_opens_by_itself_and_without_script(site, chromium):
    with visit(chromium, java_script_enabled=False) as page:
        fold = page.locator("details.fold.check").first
        code = fold.locator("pre").first
        assert not code.is_visible()
        fold.locator("summary").click(position={"x": 2, "y": 8})
        assert code.is_visible()


@pytest.mark.parametrize("query", ["", "?show=all"])
def test_what_is_read_stays_where_it_is_when_the_form_changes(site, chromium, query):
    with visit(chromium, query, viewport={"width": 1280, "height": 900}) as page:
        place = "document.querySelectorAll('article h2')[5].nextElementSibling"  # a paragraph far below
        page.evaluate(f"() => {place}.scrollIntoView({{ behavior: 'instant' }})")
        page.evaluate("() => scrollBy({ top: -120, behavior: 'instant' })")
        page.wait_for_timeout(500)
        where = f"() => {place}.getBoundingClientRect().top"
        before = page.evaluate(where)
        # Not by the mouse: Playwright scrolls to the place that a sticky bar has when nothing is scrolled.
        page.evaluate("() => document.querySelector('button.show-all').click()")
        page.wait_for_timeout(500)
        assert abs(page.evaluate(where) - before) < 2


SQUEEZED = """() => [...document.querySelectorAll('details.fold > summary')].filter((line) =>
  line.getClientRects().length && line.getBoundingClientRect().height > 50).map((line) => line.textContent)"""


def test_the_line_of_a_fold_has_room_on_a_phone(site, chromium):
    with visit(chromium, name=MANY_BADGES, viewport={"width": 390, "height": 800}) as page:
        page.add_style_tag(content="* { content-visibility: visible !important }")
        assert page.evaluate(SQUEEZED) == []
        page.add_style_tag(content="details.fold > summary { min-width: 0 !important }")
        assert page.evaluate(SQUEEZED) != [], "beside what a cell checks there is none"


def test_what_has_moved_is_told_to_those_who_look_for_it(site, chromium):
    for anchor, seen in (("", 0), ("#thm-tie-rates", 1)):
        with visit(chromium, anchor, name="book/07-soft-maxima.html") as page:
            lines = page.locator("p.moved")
            assert lines.count() > 3
            assert [line.is_visible() for line in lines.all()].count(True) == seen
            if seen:
                expected = "07a-rates-and-rounding.html#thm-tie-rates"
                assert lines.locator("visible=true").locator("a").get_attribute("href") == expected
