"""Cards beside links: each kind of address has one, for the pointer and the keyboard, from a folder too."""

import json
import re

import browser
import pytest
from lxml import html

from literate import addresses, build
from literate.chapters import ROOT
from literate.site import cards

CARD = "#hover-card"
PAGE = "book/08-jacobian.html"


def of_page(name):
    """The cards of a page, as its script hands them over."""
    text = (build.SITE / "cards" / f"{name}.js").read_text(encoding="utf-8")
    page, found = re.fullmatch(r'softlitCards\("([\w-]+)", (\{.*\})\);\n', text).groups()
    assert page == name
    return json.loads(found)


def test_every_statement_equation_figure_and_claim_has_a_card(site, book):
    exercises = re.compile("ex-")
    for address in addresses.of_chapters(book) | addresses.of_claims(ROOT):
        page, _, anchor = address.removeprefix("book/").partition("#")
        if not exercises.match(anchor):
            assert anchor in of_page(page), address


def test_every_link_of_a_card_leads_somewhere(site):
    for path in (build.SITE / "cards").glob("*.js"):
        for anchor, card in of_page(path.stem).items():
            for link in html.fromstring(card).xpath("//a/@href | //img/@src"):
                if not re.match("https?:|data:", link):
                    target = (build.SITE / "book" / link.partition("#")[0]).resolve()
                    assert target.is_file(), (path.name, anchor, link)


def test_a_card_has_no_ids_no_controls_and_no_signs():
    body = """<div><div class="proof" id="thm-one"><p>One<a class="headerlink" href="#thm-one">#</a></p>
      <div class="math" id="equation-eq-one"><a href="#thm-two">two</a></div>
      <input id="x"><button>b</button><p class="backlinks"><a href="#a">a</a></p></div>tail</div>"""
    found = cards.cards(body, "book/01-one")
    assert found.keys() == {"thm-one", "equation-eq-one"}
    assert found["equation-eq-one"] == '<div class="math"><a href="01-one.html#thm-two">two</a></div>'
    assert not re.search(r"\bid=|<input|<button|backlinks|headerlink|tail", found["thm-one"])


def test_a_page_pays_nothing_for_cards_that_are_not_asked_for(site):
    script = (ROOT / "book/web" / cards.SCRIPT).stat().st_size
    assert script < 5000
    for name, page in site.items():
        assert not [source for source in page.xpath("//script/@src") if "cards/" in source], name


@pytest.fixture(scope="module")
def page(site, chromium):
    window = {"width": 1280, "height": 900}
    with browser.visit(chromium, (build.SITE / PAGE).as_uri(), viewport=window) as opened:
        yield opened


def shown(page, anchor):
    """The card of the first link to an address, after a pointer has rested on it."""
    link = page.locator(f"article a[href*='#{anchor}']:not(.headerlink):visible").first
    link.scroll_into_view_if_needed()
    page.mouse.move(2, 2)
    page.locator(CARD).wait_for(state="hidden")
    link.hover()
    page.locator(CARD).wait_for(state="visible")
    return page.locator(CARD)


@pytest.mark.parametrize(
    ("anchor", "words"),
    [
        ("thm-jacobian", "The Jacobian (derivative) of softmax"),
        ("thm-shift-invariance", "Theorem 2.1"),  # of another page
        ("equation-eq-jacobian", "(8.1)"),
        ("claim-003-15", "003-15"),
        ("cite-martins2003", "complex-step derivative"),
    ],
)
def test_a_pointer_that_rests_on_a_link_shows_what_it_leads_to(page, anchor, words):
    card = shown(page, anchor)
    assert words in card.inner_text()
    box = card.bounding_box()
    assert box["x"] >= 0 and box["y"] >= 0
    assert box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 900
    page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)  # one may read it at leisure
    page.wait_for_timeout(500)
    assert card.is_visible()
    page.keyboard.press("Escape")
    assert not card.is_visible()


def test_the_keyboard_shows_a_card_and_takes_it_away(page):
    page.mouse.move(2, 2)
    link = page.locator("article a[href$='#thm-jacobian']:not(.headerlink)").first
    link.evaluate("link => { link.parentElement.tabIndex = -1; link.parentElement.focus() }")
    page.keyboard.press("Tab")
    page.locator(CARD).wait_for(state="visible")
    assert link.get_attribute("aria-describedby") == "hover-card"
    page.keyboard.press("Tab")
    assert link.get_attribute("aria-describedby") is None


def test_a_finger_follows_the_link_at_once(site, chromium):
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with browser.visit(chromium, (build.SITE / PAGE).as_uri(), **options) as opened:
        link = opened.locator("article a[href$='#thm-jacobian']:not(.headerlink):visible").first
        link.scroll_into_view_if_needed()
        link.tap()
        opened.wait_for_timeout(600)
        assert opened.url.endswith("#thm-jacobian") and not opened.locator(CARD).is_visible()
