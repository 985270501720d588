"""The pages in a browser, wide and narrow, light and dark: whole, quiet, light, legible.

A planted fault stands beside each check. Where there is no Chromium, see tests/browser.py.
"""

import contextlib
import functools
import gzip
import re
import threading
from collections import Counter
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product

import browser
import pytest
from fontTools.ttLib import TTFont

from literate import build, ledger
from literate.chapters import toc_files
from literate.site.unused import slim_page, used_rules

SCHEMES, WIDTHS = ["light", "dark"], {"wide": 1280, "narrow": 390}
LIMIT, PACKED_LIMIT = 1280 * 1024, 250 * 1024  # bytes of a page and all that it loads, pictures aside
SEARCH = "search.html"  # which has the index of the whole book, and grows with it
SEARCH_LIMIT, SEARCH_PACKED_LIMIT = 2048 * 1024, 450 * 1024
PAGES = [f"{entry}.html" for entry in toc_files()] + [SEARCH]
KINDS = [
    "book/index.html",
    "book/06-sharpness.html",
    "book/api-softmax.html",
    "book/errata.html",
    "search.html",
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def copyfile(self, source, outputfile):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the page was left before it came
            super().copyfile(source, outputfile)


@pytest.fixture(scope="module")
def home(site):
    """The address of the built site on this machine, as a static host would serve it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=build.SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def look(page, scheme, width):
    """Show a page that is loaded in another colour scheme and width."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": WIDTHS[width], "height": 900})
    page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)


def faults(page):
    return [*browser.layout_faults(page), *browser.axe_faults(page)]


@pytest.fixture(scope="module")
def seen(home, chromium):
    """What is wrong with each page, and the files that it loads, by its name; each is opened once.

    axe-core takes most of the time: every page goes through it once, and one of each kind twice. These are
    opened again as a phone at night opens them.
    """
    assert set(KINDS) <= set(PAGES)
    wrong, files = {}, {}
    with browser.visit(chromium, f"{home}/search.html", home=home) as page:
        requests = []
        page.on("requestfinished", lambda request: requests.append(request))
        for name in PAGES:
            look(page, "light", "wide")
            page.goto("about:blank")
            requests.clear()
            page.goto(f"{home}/{name}")
            page.evaluate("document.fonts.ready")  # what the first screen needs of them
            files[name] = {request.url.partition("?")[0]: request.resource_type for request in requests}
            found = wrong[name] = []
            for scheme, width in product(SCHEMES, WIDTHS):
                look(page, scheme, width)
                found += browser.layout_faults(page)
            look(page, "light", "wide")
            found += browser.axe_faults(page)
        for name in KINDS:
            look(page, "dark", "narrow")
            page.goto(f"{home}/{name}")
            wrong[name] += [*browser.layout_faults(page), *browser.axe_faults(page, browser.VISUAL)]
    return wrong, files


def test_every_page_is_whole_quiet_and_accessible(seen):
    found, _ = seen
    assert not any(found.values()), "\n".join(f"{name}: {fault}" for name in found for fault in found[name])


def test_paper_is_light_and_has_nothing_to_click(home, chromium):
    address = f"{home}/book/06-sharpness.html"
    with browser.visit(chromium, address, home=home, color_scheme="dark") as page:
        for media, on_screen in (("screen", True), ("print", False)):
            page.emulate_media(media=media, color_scheme="dark")
            for part in (
                ".bd-sidebar-primary",
                ".bd-header-article",
                ".moving-figure [role=group]",
                ".backlinks",
            ):
                assert page.locator(part).first.is_visible() == on_screen, (media, part)
            code = page.locator("article.bd-article pre").first
            assert (code.evaluate("code => getComputedStyle(code).whiteSpace") == "pre") == on_screen
            ink = page.locator("article.bd-article").evaluate("text => getComputedStyle(text).color")
            assert (max(map(int, re.findall(r"\d+", ink))) > 128) == on_screen, (media, ink)


OUTSIDE = """() => [...document.querySelectorAll(".claim-card, .claim-card *")].filter((part) => {
  const { left, right, width, height } = part.getBoundingClientRect();
  const seen = width > 1 && height > 1 && !part.closest(".katex-mathml");
  return seen && (left < 0 || right > document.documentElement.clientWidth);
}).map((part) => part.outerHTML.slice(0, 100))"""
PLACES = "[...document.querySelectorAll('#claim-003-26 > div')].map(e => [e.offsetLeft, e.offsetTop])"


@pytest.mark.parametrize(
    "width", [390, 640, 1280]
)  # a phone, a window of 1280 at twice the size, and as it is
def test_the_claims_are_cards_with_nothing_off_screen(home, chromium, width):
    address = f"{home}/book/errata.html"
    with browser.visit(chromium, address, home=home, viewport={"width": width, "height": 900}) as page:
        assert page.evaluate(OUTSIDE) == []
        words = page.locator("#claim-003-26").text_content()  # also of what is not laid out yet
        assert all(text in words for text in ("003-26", "wrong in our copy", "minimum", "source-negative"))
        (left, top), (right, below) = page.evaluate(PLACES)
        assert (right > left and top == below) == (width >= 900), "what is printed beside what is right"
        assert (right == left and below > top) == (width < 900), "or above it"
        page.add_style_tag(content=".claim-card { min-width: 200vw !important }")
        page.locator(".claim-card").first.scroll_into_view_if_needed()  # before, it is not laid out
        assert page.evaluate(OUTSIDE) != [], "a card that is too wide is seen"


def chosen(page, button, part):
    """How many parts are seen after a click on a button."""
    page.locator(".choices label", has_text=button).click()
    return page.locator(f"{part}:visible").count()


@pytest.mark.parametrize("script", [True, False])
def test_the_claims_of_one_verdict_are_shown_alone(home, chromium, script):
    counts = Counter(row["verdict"] for row in ledger.read_claims())
    address, options = f"{home}/book/errata.html", {"java_script_enabled": script}
    with browser.visit(chromium, address, home=home, **options) as page:
        for verdict, count in [*counts.items(), ("all", counts.total())]:
            words = re.compile(f"^{verdict} {count}$")
            assert chosen(page, words, ".claim-card") == count, verdict
    with browser.visit(chromium, f"{address}#claim-003-15", home=home, **options) as page:
        assert chosen(page, re.compile("^no claim"), ".claim-card") == counts["no claim"] + 1
        assert page.locator("#claim-003-15").is_visible(), "to which the address leads"
        page.locator(".choices input").first.focus()
        page.keyboard.press("ArrowRight")
        assert page.locator(".choices input:checked").get_attribute("id") == "verdict-holds"


def test_the_theorems_of_one_chapter_are_shown_alone(home, chromium, book):
    with browser.visit(chromium, f"{home}/book/ledger.html", home=home) as page:
        proving = page.locator(".choices label").count() - 1
        assert chosen(page, re.compile("^8 The Jacobian"), "article section[id^='of-']") == 1
        assert page.locator("#of-08-jacobian").is_visible()
        assert chosen(page, re.compile("^all"), "article section[id^='of-']") == proving > 9


def test_a_badge_leads_to_its_claim_and_back(home, chromium):
    with browser.visit(chromium, f"{home}/book/08-jacobian.html", home=home) as page:
        page.locator(".claim.source a", has_text=re.compile("^the lecture notes, claim 15$")).click()
        page.wait_for_url("**/book/errata.html#claim-003-15")
        assert page.locator("#claim-003-15").evaluate("card => card.matches(':target')")
        page.locator("#claim-003-15 a", has_text="source-003-15").click()
        page.wait_for_url("**/book/08-jacobian.html#cell-source-003-15")


BESIDE = """() => [...document.querySelectorAll(".margin.admonition")].map((note) => {
  const own = note.getBoundingClientRect(), text = note.parentElement.getBoundingClientRect();
  if (own.left >= text.right) return "beside";
  return own.left === text.left && own.right === text.right ? "in" : "across";
})"""


@pytest.mark.parametrize(("width", "place"), [(1600, "beside"), (1280, "beside"), (1024, "in"), (390, "in")])
def test_notes_stand_beside_the_text_or_in_it(home, chromium, width, place):
    address = f"{home}/book/08-jacobian.html"
    with browser.visit(chromium, address, home=home, viewport={"width": width, "height": 900}) as page:
        assert set(page.evaluate(BESIDE)) == {place}
        page.add_style_tag(content=".margin.admonition { margin-right: 0 !important; width: 40% !important }")
        assert set(page.evaluate(BESIDE)) == {"across"}, "a planted width is seen"


PLANTED = {
    "<img src='_static/favicon.svg'>": "image-alt",
    "<p style='color: #999'>pale words</p>": "color-contrast",
    "<button></button>": "button-name",
    "<div style='width: 3000px'>wide</div>": "wider than the window",
    "<p>let $x$ be</p>": "raw TeX: let $x$ be",
    r"<p>let \(x\) be</p>": r"raw TeX: let \(x\) be",
    "<span class='math'>y</span>": "not typeset: y",
}


def test_planted_faults_of_a_page_are_seen(home, chromium):
    with browser.visit(chromium, f"{home}/search.html", home=home, color_scheme="light") as page:
        assert not faults(page)
        page.locator("article").first.evaluate(
            "(place, html) => place.insertAdjacentHTML('beforeend', html)", "".join(PLANTED)
        )
        found = faults(page)
        for planted, seen in PLANTED.items():
            assert any(seen in fault for fault in found), (planted, found)


def test_a_planted_request_to_another_host_and_a_planted_error_are_seen(home, chromium):
    for fault in ("fetch('https://example.org/x.js').catch(() => 0)", "console.error('fault')"):
        with (
            pytest.raises(AssertionError, match=r"example\.org|fault"),
            browser.visit(chromium, f"{home}/search.html", home=home) as page,
        ):
            page.evaluate(fault)


def test_a_page_with_all_that_it_loads_is_light(home, seen):
    too_heavy = []
    for name, loaded in seen[1].items():
        assert "stylesheet" in loaded.values() and f"{home}/{name}" in loaded
        own = [url.removeprefix(f"{home}/") for url, kind in loaded.items() if kind != "image"]
        sizes = [sizes_of(path) for path in own if not path.startswith("data:")]
        size, packed = map(sum, zip(*sizes, strict=True))
        limits = (SEARCH_LIMIT, SEARCH_PACKED_LIMIT) if name == SEARCH else (LIMIT, PACKED_LIMIT)
        if size > limits[0] or packed > limits[1]:
            too_heavy.append(f"{name}: {size} bytes, {packed} packed")
    assert not too_heavy, "\n".join(too_heavy)


@functools.cache
def sizes_of(path):
    """The bytes of a file of the site, and those of it when packed."""
    data = (build.SITE / path).read_bytes()
    return len(data), len(gzip.compress(data))


def test_slim_style_sheets_keep_what_a_page_uses():
    css = """@charset "u"; /* a } */ .a, .b:not(.c) > p { color: red } #d.a { x: "}" } .a.gone, .gone {y: z}
    @media print { .gone { x: y } .a { x: url(data:x;y) } } @font-face { src: url("f") } .a\\.b { x: y }"""
    kept = used_rules(css, {"a", "b", "d"})
    assert kept.splitlines() == [
        '@charset "u";',
        ".a,.b:not(.c) > p{color: red}",
        '#d.a{x: "}"}',
        "@media print{.a{x: url(data:x;y)}}",
        '@font-face { src: url("f") }',
    ]


def test_slim_fonts_keep_the_icons_of_the_style_sheets(site):
    """Icons are characters for private use, which a style sheet writes and no page does."""
    static = build.SITE / "_static"
    written = {
        character
        for path in static.rglob("*.css")
        for character in path.read_text(encoding="utf-8")
        if "\ue000" <= character <= "\uf8ff"
    }
    drawn = {chr(code) for path in static.rglob("*.woff2") for code in TTFont(path).getBestCmap()}
    assert "\uf002" in written, "the magnifier of the search"
    assert written <= drawn


def test_slim_pages_say_the_same():
    page = '<head></head><pre><span class="n">x</span></pre><span class="m" style="top:-1em;">y</span>'
    slim = slim_page(page)
    assert slim == (
        '<head><style>.katex .k0{top:-1em}</style>\n</head><pre>x</pre><span class="m k0">y</span>'
    )
    assert slim_page(slim) == slim
