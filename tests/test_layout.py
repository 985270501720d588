"""What meets the eye and the finger on every page, wide and narrow: places, lines, rings, drawers, sizes.

Each check has a planted fault beside it. Where there is no Chromium, see tests/browser.py.
"""

import io
import re

import browser
import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from literate import build

WIDTHS = [1280, 390]
SEEN = r"""() => {
  const found = { pictures: [], boxed: [], cut: [], lines: [], signs: [], small: [] };
  const say = (text) => text.textContent.trim().replace(/\s+/g, " ").slice(0, 80);

  for (const picture of document.querySelectorAll("img"))
    if (!(picture.getAttribute("width") > 0 && picture.getAttribute("height") > 0))
      found.pictures.push(picture.outerHTML.slice(0, 160));
  for (const picture of document.querySelectorAll("main figure img[style*='--drawn']")) {
    const { width } = picture.getBoundingClientRect();
    const drawn = Number(picture.getAttribute("width")); // its smallest words have 12 pixels there
    if (width < 0.7 * drawn) found.small.push(`${width} of ${drawn}: ${picture.alt.slice(0, 60)}`);
  }

  for (const box of document.querySelectorAll("div.math > .katex-display"))
    if (box.scrollWidth > box.clientWidth + 1) {
      const formula = box.querySelector("math").textContent.slice(0, 60);
      if (box.closest(".proof")) found.boxed.push(formula);
      if (!getComputedStyle(box).backgroundImage.includes("gradient")) found.cut.push(formula);
    }

  // A formula ends or begins what it is in: a link, words in italics.
  const beside = (node, step, inner) => {
    while (!node[step] && getComputedStyle(node.parentElement).display === "inline")
      node = node.parentElement;
    node = node[step];
    while (node && node.nodeType === Node.ELEMENT_NODE) node = node[inner];
    return node?.nodeType === Node.TEXT_NODE ? node : null;
  };
  const range = document.createRange();
  const place = (text, at) => {
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getClientRects()[0];
  };
  for (const formula of document.querySelectorAll("span.math")) {
    const pieces = [...formula.querySelectorAll(".base")].map((piece) => piece.getBoundingClientRect());
    if (!pieces.length || !pieces[0].width) continue;
    const after = beside(formula, "nextSibling", "firstChild");
    if (after && /^[^\s\-\u2013\u2014/]/.test(after.data)) {
      const sign = place(after, 0);
      if (sign && sign.left < pieces.at(-1).right - 3)
        found.lines.push(`${say(formula)} | ${after.data.slice(0, 20)}`);
    }
    const before = beside(formula, "previousSibling", "lastChild");
    if (before && /[(\[\u201c\u2018]$/.test(before.data)) {
      const sign = place(before, before.data.length - 1);
      if (sign && sign.left > pieces[0].left) found.lines.push(`${before.data.slice(-20)} | ${say(formula)}`);
    }
  }

  for (const link of document.querySelectorAll("main .headerlink")) {
    range.selectNodeContents(link.parentElement);
    range.setEndBefore(link);
    const lines = [...range.getClientRects()].filter(({ width }) => width);
    const bottom = Math.max(...lines.map((line) => line.bottom));
    const { top, width } = link.getBoundingClientRect();
    if (width && lines.length && top > bottom - 5) found.signs.push(say(link.parentElement));
  }
  return found;
}"""
# Far parts of a page are laid out when they come near: here, at once.
ALL = "* { content-visibility: visible !important }"


def visit(chromium, name, width, anchor="", **options):
    address = (build.SITE / name).as_uri() + anchor
    return browser.visit(chromium, address, viewport={"width": width, "height": 900}, **options)


def pages(site):
    return [name for name in sorted(site) if name != "index.html"]  # which leads on to the book


@pytest.fixture(scope="module")
def seen(site, chromium):
    """Of each kind of fault, the sentences, each with its page and width; no page logs an error.

    A page is opened once in each width, at its last figure if it has one, since opening takes long.
    """
    found = {}

    def note(kind, name, width, faults):
        found.setdefault(kind, []).extend((width, name, fault) for fault in faults)

    with browser.visit(chromium, "about:blank") as page:
        for name in pages(site):
            figures = site[name].xpath("//main//figure/@id")[::-1]
            for width in WIDTHS[::-1] if figures else WIDTHS[:1]:
                page.set_viewport_size({"width": width, "height": 900})
                page.goto("about:blank")  # else the address would change on the same page
                page.goto((build.SITE / name).as_uri() + (f"#{figures[0]}" if figures else ""))
                note("missed", name, width, missed(page, figures))
                note("sliders", name, width, slider_faults(page))
                if width == WIDTHS[0]:
                    page.keyboard.press("Tab")
                    note("rings", name, width, page.evaluate(WITHOUT_RING))
                    moved = browser.move_every_slider(page, most=1)  # test_interactive.py moves all
                    assert (moved > 0) == bool(site[name].find_class("moving-figure"))
            page.add_style_tag(content=ALL)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.evaluate("document.fonts.ready")
                for kind, faults in page.evaluate(SEEN).items():
                    note(kind, name, width, faults)
    return found


def test_every_picture_says_how_large_it_is(seen):
    assert seen["pictures"] == []


def test_a_picture_keeps_its_words_readable_on_a_phone(seen):
    assert seen["small"] == []


def test_no_formula_of_a_statement_is_cut_on_a_desktop(seen):
    assert [fault for fault in seen["boxed"] if fault[0] == 1280] == []


def test_a_formula_that_goes_on_shows_it(seen):
    assert seen["cut"] == []
    assert len(seen["boxed"]) > 20, "there are some, on a phone"


def test_no_line_breaks_between_a_formula_and_its_sign(seen):
    assert seen["lines"] == []


def test_the_sign_of_a_link_stays_beside_the_words(seen):
    assert seen["signs"] == []


# Too wide a formula; a piece of one; a sign of a link on a line of its own.
WIDE = (
    "<span class='katex-display' style='flex: none; width: 9px; {}'>"
    "<math>x</math><hr style='width: 99px'></span>"
)
PIECE = "<span class='math'><b class='base' style='display: inline-block; width: 20px'>x</b></span>"


PLANTED = [
    ("pictures", "<img src='../_static/favicon.svg' alt=''>"),
    ("small", "<figure><img style='--drawn: 9px; width: 90px' width='200' height='9' alt='x'></figure>"),
    ("boxed", f"<div class='proof'><div class='math'>{WIDE.format('')}</div></div>"),
    ("cut", f"<div class='math'>{WIDE.format('background: none')}</div>"),
    ("lines", f"<p style='width: 9px'>{PIECE}, and</p>"),
    ("lines", f"<p style='width: 30px'>aaa({PIECE}</p>"),
    ("signs", "<h5 style='width: 9px'>word<a class='headerlink' style='display: block'>#</a></h5>"),
]


def test_planted_faults_of_the_layout_are_seen(site, chromium):
    with visit(chromium, "book/index.html", 1280) as page:
        page.add_style_tag(content=ALL)
        article = page.locator("article")
        before = {kind: len(faults) for kind, faults in page.evaluate(SEEN).items()}
        for kind, planted in PLANTED:
            article.evaluate("(place, html) => place.insertAdjacentHTML('beforeend', html)", planted)
            assert len(page.evaluate(SEEN)[kind]) == before[kind] + 1, planted
            article.evaluate("place => place.lastElementChild.remove()")


# --- Where links lead

# Until the pictures have come that are on their way, since they are in sight or near it.
PICTURES_CAME = """() => [...document.querySelectorAll("main img")]
  .filter((picture) => Math.abs(picture.getBoundingClientRect().top) < 500)
  .every((picture) => picture.complete)"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
TOP = "name => document.getElementById(name).getBoundingClientRect().top"


def corner_and_ground(page, figure):
    """The colour of a picture near its corner, where it is paper, and that of the page."""
    picture = page.locator(f"#{figure} img")
    picture.scroll_into_view_if_needed()
    picture.evaluate("image => image.decode()")
    shot = Image.open(io.BytesIO(picture.screenshot(animations="disabled"))).convert("RGB")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return np.array(shot.getpixel((12, 12))), np.array([int(part) for part in re.findall(r"\d+", ground)[:3]])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_are_drawn_on_the_ground_of_the_page(site, chromium, scheme):
    with visit(chromium, "book/01-hard-and-soft.html", 1280, color_scheme=scheme) as page:
        corner, ground = corner_and_ground(page, "fig-axis")
        assert np.abs(corner - ground).max() < 12
        assert (ground.mean() > 128) == (scheme == "light")


def test_a_photograph_is_one_in_the_dark_too(site, chromium):
    with visit(chromium, "book/10-soft-arg-max.html", 1280, color_scheme="dark") as page:
        corner, ground = corner_and_ground(page, "fig-heat")
        assert (corner - ground).min() > 128


GOES_ON = """(box) => [box.scrollWidth > box.clientWidth, getComputedStyle(box, "::after").opacity]"""


def test_a_picture_that_goes_on_says_so(site, chromium):
    for width, figure, left, told in (
        (390, "fig-hard-soft", 0, [True, "1"]),
        (390, "fig-hard-soft", 1000, [True, "0"]),  # its other end
        (700, "fig-simplex", 0, [False, "0"]),
    ):
        with visit(chromium, "book/01-hard-and-soft.html", width) as page:
            box = page.locator(f"#{figure} a.image-reference")
            box.scroll_into_view_if_needed()
            box.evaluate("(box, left) => { box.scrollLeft = left }", left)
            page.evaluate(SETTLED)
            assert box.evaluate(GOES_ON) == told, figure


def missed(page, figures):
    """The figures to which a link does not lead once pictures have come, which must not push them away.

    The page is open at the first of them, its last, above which most can move; from there links lead up,
    where pictures have not yet come.
    """
    for place, figure in enumerate(figures):
        if place:
            page.evaluate("name => { location.hash = name }", figure)
        page.evaluate(SETTLED)
        page.wait_for_function(PICTURES_CAME)
        page.wait_for_timeout(100)
        if not 0 <= (top := page.evaluate(TOP, figure)) < 200:
            yield f"#{figure} at {top:.0f}"


def test_a_link_to_a_figure_lands_on_it(site, seen):
    assert sum(len(page.xpath("//main//figure/@id")) for page in site.values()) > 30
    assert seen["missed"] == []


def test_statements_and_exercises_show_their_addresses(site, book, chromium):
    wanted = 0
    for name, page in site.items():
        for title in page.xpath(
            "//main//div[contains(@class, 'proof ') or contains(@class, 'exercise ')][@id]"
            "/p[@class='admonition-title']"
        ):
            (link,) = title.find_class("headerlink")
            assert link.get("href") == f"#{title.getparent().get('id')}", name
            wanted += 1
    assert wanted > 100
    with visit(chromium, "book/07-soft-maxima.html", 1280, "#thm-worst-gap") as page:
        link = page.locator("#thm-worst-gap > .admonition-title > .headerlink")
        assert link.is_visible() and link.inner_text() == "#"
        colour = link.evaluate("link => getComputedStyle(link).color")
        assert colour == link.evaluate("link => getComputedStyle(link.parentElement).color")


def test_what_a_link_led_to_has_a_colour_of_the_book(site, chromium):
    for scheme in ("light", "dark"):
        anchor = "#is-a-soft-maximum-monotone"
        with visit(chromium, "book/07-soft-maxima.html", 1280, anchor, color_scheme=scheme) as page:
            heading = page.locator(f"{anchor} > h2")
            ground = heading.evaluate("heading => getComputedStyle(heading).backgroundColor")
            wanted = page.evaluate(
                "() => { const box = document.querySelector('.theorem.admonition');"
                "return getComputedStyle(box).backgroundColor }"
            )
            assert ground == wanted


# --- The keyboard

RING = """element => {
  // That of a choice is drawn around its words.
  const drawnAt = element.type === "radio" && element.labels[0] ? element.labels[0] : element;
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(drawnAt);
  const drawn = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return drawn && !/, 0\\)$|transparent/.test(outlineColor);
}"""
REACHED = """() => {
  const element = document.activeElement;
  return element === document.body ? null : element.outerHTML.slice(0, 150);
}"""
# Focus that follows a key has the ring, also where a script sets it. Of elements that are alike, with all
# that they are in, one is tried: a page has up to two thousand, and each focus costs a look at all styles.
WITHOUT_RING = f"""() => {{
  const tried = new Set();
  const isNew = (element) => {{
    const path = [];
    for (let part = element; part; part = part.parentElement)
      path.push(part.localName, part.className, part.getAttribute("style"), part.getAttribute("role"));
    const look = path.join(" ");
    return !tried.has(look) && tried.add(look);
  }};
  return [...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")]
    .filter((element) => element.checkVisibility({{ visibilityProperty: true }}) && isNew(element))
    .filter((element) => {{
      element.focus({{ preventScroll: true, focusVisible: true }});
      return document.activeElement === element && !({RING})(element);
    }}).map((element) => element.outerHTML.slice(0, 150));
}}"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["book/index.html", "book/07-soft-maxima.html", "search.html"])
def test_the_tab_key_shows_where_it_is(site, chromium, name, width):
    with visit(chromium, name, width) as page:
        reached, blind = [], []
        for _ in range(60):
            page.keyboard.press("Tab")
            element = page.evaluate(REACHED)
            if element is None:  # between the end of the page and its head
                continue
            reached.append(element)
            if not page.evaluate(f"() => ({RING})(document.activeElement)"):
                blind.append(element)
        assert not blind, "\n".join(blind)
        assert len(set(reached)) > (4 if name == "search.html" else 15)
        page.add_style_tag(content=":focus-visible { outline: none !important }" * 2)
        page.add_style_tag(content="html[data-theme] :focus-visible:focus-visible { outline: 0 !important }")
        page.keyboard.press("Shift+Tab")
        assert not page.evaluate(f"() => ({RING})(document.activeElement)"), "a planted fault is seen"


def test_nothing_on_any_page_takes_the_ring_off(seen):
    assert seen["rings"] == []


# --- Drawers, contents, search

PHONE = {"has_touch": True, "is_mobile": True}
DRAWERS = {"primary": "Toggle primary sidebar", "secondary": "Toggle secondary sidebar"}


@pytest.mark.parametrize("side", DRAWERS)
def test_a_drawer_has_a_button_that_closes_it(site, chromium, side):
    with visit(chromium, "book/07-soft-maxima.html", 390, **PHONE) as page:
        drawer = page.locator(f"#pst-{side}-sidebar-modal")
        close = drawer.get_by_role("button", name="Close")
        page.locator(f".{side}-toggle:visible").first.tap()
        assert drawer.get_attribute("open") is not None
        box = close.bounding_box()
        assert min(box["width"], box["height"]) >= 44 and box["x"] + box["width"] <= 390
        assert not page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).closest('a')", [box["x"] + 20, box["y"] + 20]
        )
        close.tap()
        assert drawer.get_attribute("open") is None


def test_the_contents_of_a_page_close_when_an_entry_is_chosen(site, chromium):
    with visit(chromium, "book/07-soft-maxima.html", 390, **PHONE) as page:
        page.locator(".secondary-toggle:visible").first.tap()
        drawer = page.locator("#pst-secondary-sidebar-modal")
        drawer.get_by_role("link", name="7.3. Is a soft maximum monotone?").tap()
        assert drawer.get_attribute("open") is None
        page.wait_for_timeout(300)
        assert -5 <= page.evaluate(TOP, "is-a-soft-maximum-monotone") < 200


@pytest.mark.parametrize(
    "name", ["book/03-computing-it-well.html", "book/api-streaming.html", "book/questions.html"]
)
def test_the_contents_follow_the_reader(site, chromium, name):
    with visit(chromium, name, 1280) as page:
        entries = page.locator("#pst-page-toc-nav a")
        for count in (entries.count() - 1, entries.count() // 2, 0):
            anchor = entries.nth(count).get_attribute("href")
            page.evaluate("name => document.getElementById(name.slice(1)).scrollIntoView()", anchor)
            page.wait_for_timeout(400)
            active = page.locator("#pst-page-toc-nav a.active")
            box = active.bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= 900, (anchor, box)


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_typed_into_a_search_box_is_beside_the_magnifier(site, chromium, width):
    for name, key in (("book/07-soft-maxima.html", "Control+k"), ("search.html", None)):
        with visit(chromium, name, width) as page:
            if key:
                page.keyboard.press(key)
            field = page.locator("input[name=q]:visible")
            words = field.evaluate(
                "field => field.getBoundingClientRect().left"
                " + parseFloat(getComputedStyle(field).paddingLeft)"
            )
            glass = page.locator("form.bd-search:visible .fa-magnifying-glass").bounding_box()
            assert words >= glass["x"] + glass["width"] + 4, name


# --- Figures with sliders


def slider_faults(page):
    for figure in page.locator(".moving-figure").all():
        figure.scroll_into_view_if_needed()
        page.evaluate(SETTLED)
        yield from figure.evaluate(MOVE)


def test_sliders_stay_under_the_finger_and_show_whole_numbers(site, seen):
    assert len([name for name, page in site.items() if page.find_class("moving-figure")]) >= 4
    assert seen["sliders"] == []


# Every slider through its whole range, in steps that are not those of the sentences that room was kept for.
MOVE = """figure => {
  const problems = new Set();
  const sliders = [...figure.querySelectorAll("input")];
  const rows = sliders.filter((slider) => !slider.closest(".handle")); // the others move with the picture
  const places = () => rows.map((slider) => slider.getBoundingClientRect().top);
  const start = String(places());
  for (const slider of sliders) {
    const old = slider.value;
    for (let part = 0; part <= 29; part += 1) {
      slider.value = Number(slider.min) + (slider.max - slider.min) * part / 29;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      if (String(places()) !== start) problems.add(`at ${slider.name} = ${slider.value} the sliders move`);
      for (const other of rows) {
        const value = other.parentElement.querySelector("span");
        if (value.scrollWidth > value.clientWidth) problems.add(`the value ${value.textContent} is cut`);
        const step = other.step.split(".")[1] ?? "";
        if ((value.textContent.split(".")[1] ?? "").length !== step.length)
          problems.add(`${value.textContent} for a step of ${other.step}`);
      }
      const texts = [...figure.querySelectorAll("svg text")].map((text) => text.getBoundingClientRect());
      for (const [k, a] of texts.entries())
        for (const b of texts.slice(k + 1))
          if (Math.abs(a.top - b.top) < 1 && a.left < b.right && b.left < a.right)
            problems.add(`at ${slider.name} = ${slider.value} two labels touch`);
      const name = figure.querySelector("[role=img]").getAttribute("aria-label");
      const moved = slider.valueAsNumber !== Number(old);
      if (moved && name !== figure.querySelector("output").textContent) problems.add(`still named ${name}`);
    }
    slider.value = old;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }
  return [...problems];
}"""


# --- Paper


def test_paper_shows_a_solution_below_its_heading(site, chromium, tmp_path):
    """As text, too, in the order in which a reader of the printed file hears or copies it."""
    with visit(chromium, "book/06-sharpness.html", 1280) as page:
        page.pdf(path=tmp_path / "page.pdf", format="A4")
        answers = page.evaluate(
            "() => [...document.querySelectorAll('.solution')].map((box) =>"
            " box.querySelector('pre').textContent.match(/def \\w+/)[0])"
        )
    pages_of_text = [page.extract_text() for page in PdfReader(tmp_path / "page.pdf").pages]
    printed = "\n".join(pages_of_text).split("Solution to Exercise")[1:]
    assert len(printed) == len(answers) > 3
    for text, answer in zip(printed, answers, strict=True):
        assert answer in text[:1500] and "#\n" not in text[:10]
