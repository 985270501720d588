"""What a lesson may ask of a reader: the idea on the first screens, little code in view, nothing cut off.

Measured in the lesson form, in a window of 1280 by 900 pixels. Without Chromium, see tests/browser.py.
"""

import browser
import pytest

from literate import build
from literate.chapters import read_book

SCREEN = 900
MEASURES = r"""() => {
  const style = document.createElement("style");
  style.textContent = "* { content-visibility: visible !important }";  // nothing has a guessed height
  document.head.append(style);
  const isSeen = (part) => part.checkVisibility();
  const top = (part) => part && Math.round(part.getBoundingClientRect().top + scrollY);
  const blocks = [...document.querySelectorAll("article .cell_input pre")].filter(isSeen);
  const heights = blocks.map((block) => block.getBoundingClientRect().height);
  const isCut = (box) => box.scrollWidth > box.clientWidth + 1;
  const longest = (block) => block.textContent.split("\n").reduce((a, b) => (b.length > a.length ? b : a));
  const page = document.documentElement.scrollHeight;
  return {
    screens: page / 900,
    code: heights.reduce((all, height) => all + height, 0) / page,
    figure: top([...document.querySelectorAll("article figure :is(img, svg)")].find(isSeen)),
    softmax: top(document.getElementById("def-softmax")),
    sideways: blocks.filter(isCut).map(longest),
    cut: [...document.querySelectorAll("article .admonition div.math > .katex-display")]
      .filter((box) => isSeen(box) && isCut(box)).map((box) => box.textContent.slice(0, 60)),
  };
}"""
every_chapter = pytest.mark.parametrize("slug", [one.slug for one in read_book() if not one.is_appendix])


@pytest.fixture(scope="module")
def measures(site, chromium):
    """What is measured on each page, once."""
    found = {}

    def of(slug):
        if slug not in found:
            address = (build.SITE / "book" / f"{slug}.html").as_uri()
            with browser.visit(chromium, address, viewport={"width": 1280, "height": SCREEN}) as page:
                found[slug] = page.evaluate(MEASURES)
        return found[slug]

    return of


@every_chapter
def test_less_than_a_third_of_what_is_seen_is_code(measures, slug):
    assert measures(slug)["code"] <= 0.3


@every_chapter
def test_a_picture_is_on_the_first_two_screens(measures, slug):
    assert 0 < measures(slug)["figure"] <= 2000


@every_chapter
def test_a_chapter_is_read_in_twenty_minutes(measures, slug):
    assert 5 < measures(slug)["screens"] <= 25


@every_chapter
def test_no_code_in_view_scrolls_sideways(measures, slug):
    assert measures(slug)["sideways"] == []


@every_chapter
def test_no_formula_in_a_box_is_cut_off(measures, slug):
    assert measures(slug)["cut"] == []


def test_softmax_is_defined_on_the_first_two_screens_of_chapter_1(measures):
    assert 0 < measures("01-hard-and-soft")["softmax"] <= 2000


def test_what_is_too_wide_or_too_late_is_seen(chromium, tmp_path):
    """The faults that the tests above look for, planted in a page without a style."""
    (tmp_path / "page.html").write_text(
        f"<article><div class='cell_input'><pre style='width: 90px; overflow: auto'>{'x' * 90}</pre></div>"
        "<details><div class='cell_input'><pre>hidden</pre></div></details>"
        "<div class='admonition'><div class='math'><span class='katex-display' style='display: block; "
        "width: 20px; overflow: auto'>a+b+c+d+e+f+g+h</span></div></div>"
        "<div style='height: 3000px'></div><figure><img width='1' height='1' alt=''></figure></article>"
    )
    with browser.visit(chromium, (tmp_path / "page.html").as_uri()) as page:
        found = page.evaluate(MEASURES)
    assert found["sideways"] == ["x" * 90] and found["cut"] == ["a+b+c+d+e+f+g+h"]
    assert found["figure"] > 3000 and found["softmax"] is None and 0 < found["code"] < 0.05
