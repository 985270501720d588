"""How pages load: one style sheet, scripts and pictures that wait, and nothing far away laid out."""

import hashlib
import re

import browser
import pytest
from sphinx.errors import ExtensionError

from literate import build
from literate.site.page_load import (
    MEASURE_ALL,
    SHEET,
    joined,
    measure_what_is_seen,
    with_drawings_aside,
    with_one_sheet,
    with_sizes,
)

# --- The functions


def test_several_style_sheets_become_one_with_paths_from_its_own_folder(tmp_path):
    for path, css in {
        "_static/a/first.css": '@charset "UTF-8";@import "../base.css";\n.a{background:url(pictures/x.png)}',
        "_static/base.css": ".b{background:url('y.png')}",
        "_static/last.css": '.c{background:url("data:image/png;base64,x")}',
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(css, encoding="utf-8")
    assert joined(["_static/a/first.css", "_static/last.css"], tmp_path) == (
        '.b{background:url("y.png")}\n.a{background:url("a/pictures/x.png")}\n'
        '.c{background:url("data:image/png;base64,x")}'
    )


def test_a_page_links_one_style_sheet_however_often_it_is_done():
    sheets = ["_static/a.css", "_static/b.css"]
    links = '<link href="../_static/a.css?v=1" rel="stylesheet" />\n<link rel="icon" href="../x.svg"/>'
    page = f'<head>{links}<link rel="stylesheet" type="text/css" href="../_static/b.css"/></head>'
    once = with_one_sheet(page, sheets, "1")
    assert re.findall("<link[^>]*>", once) == [
        f'<link rel="stylesheet" href="../{SHEET}?v=1">',
        '<link rel="icon" href="../x.svg"/>',
    ]
    assert with_one_sheet(once, sheets, "2") == once.replace("v=1", "v=2")
    assert with_one_sheet("<head></head>", sheets, "1") == "<head></head>"


def test_a_style_sheet_of_one_page_alone_stops_the_build():
    page = '<link rel="stylesheet" href="_static/other.css" />'
    with pytest.raises(ExtensionError, match="other"):
        with_one_sheet(page, ["_static/a.css"], "1")


def test_another_script_of_the_theme_stops_the_build():
    assert "IntersectionObserver" in measure_what_is_seen(f"x.{MEASURE_ALL}")
    with pytest.raises(ExtensionError, match="pydata-sphinx-theme"):
        measure_what_is_seen("x.forEach(e => measure(e))")


def test_pictures_say_their_size_once_and_figures_the_width_that_they_are_drawn_for(tmp_path):
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="{}"></svg>'
    (tmp_path / "a b.svg").write_text(drawing.format(600, 300))
    page = '<img alt="x" src="a%20b.svg" />'
    sized = with_sizes(page, tmp_path)
    assert sized == '<img alt="x" src="a%20b.svg" width="600" height="300">'
    assert with_sizes(sized, tmp_path) == sized
    figure = '<img alt="x" src="a%20b.svg" style="width: 200px;" />'
    wanted = '<img alt="x" src="a%20b.svg" style="--drawn: 200px" width="200" height="100">'
    assert with_sizes(figure, tmp_path) == wanted
    inline = '<img src="data:image/png;base64,x" alt="">'
    assert with_sizes(inline, tmp_path) == inline
    with pytest.raises(ExtensionError, match="without a size"):
        with_sizes('<img src="gone.png">', tmp_path)


def test_an_inline_drawing_becomes_a_file_beside_the_page(tmp_path):
    (tmp_path / "_images").mkdir()
    (tmp_path / "book").mkdir()
    png = '<img src="data:image/png;base64,x">'
    page = f'<p><img alt="x" src="data:image/svg+xml,%3Csvg width=%22600%22/%3E">{png}'
    moved = with_drawings_aside(page, tmp_path / "book", tmp_path / "_images")
    (drawing,) = (tmp_path / "_images").iterdir()
    assert drawing.read_text() == '<svg width="600"/>'
    assert moved == f'<p><img loading="lazy" alt="x" src="../_images/{drawing.name}">{png}'
    assert with_drawings_aside(moved, tmp_path / "book", tmp_path / "_images") == moved


# --- The pages


@pytest.fixture(scope="module")
def chapters(site):
    return {name: page for name, page in site.items() if re.match(r"book/\d", name)}


def test_every_page_links_one_style_sheet_by_its_version(site):
    version = hashlib.sha256((build.SITE / SHEET).read_bytes()).hexdigest()[:8]
    for name, page in site.items():
        if name != "index.html":  # leads on to the book
            assert page.xpath("//link[@rel='stylesheet']/@href") == [
                f"{'../' * name.count('/')}{SHEET}?v={version}"
            ], name
    assert [path.name for path in build.SITE.rglob("*.css")] == ["book.css"]


def test_scripts_and_pictures_wait(chapters):
    for name, page in chapters.items():
        at_once = page.xpath("//script[@src and not(@defer)]/@src")
        assert [re.search(r"(\w+)\.js", address)[1] for address in at_once] == ["documentation_options"], name
        assert page.xpath("//main//img[not(@loading='lazy') and not(starts-with(@src, 'data:'))]") == [], name
    assert sum(len(page.xpath("//img[@loading='lazy']")) for page in chapters.values()) > 10


SEEN = "element => element.checkVisibility({contentVisibilityAuto: true})"
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def phone(chromium, chapters):
    """The longest chapter on a phone."""
    name = max(chapters, key=lambda name: len(chapters[name].xpath("//*")))
    size = {"width": 390, "height": 844}
    with browser.visit(chromium, (build.SITE / name).as_uri(), viewport=size) as page:
        yield page


def test_what_is_far_away_is_laid_out_when_it_comes_near_and_on_paper(phone):
    last = phone.locator(".bd-article section section > p > :is(.math, a, code)").last
    assert not last.evaluate(SEEN)
    last.scroll_into_view_if_needed()
    phone.evaluate(SETTLED)
    assert last.evaluate(SEEN)
    first = phone.locator(".bd-article section section > p > :is(.math, a, code)").first
    assert not first.evaluate(SEEN), "it is far away now"
    phone.emulate_media(media="print")
    assert first.evaluate(SEEN)


def test_a_link_to_a_statement_arrives_there(phone):
    goals = phone.locator(".bd-article .proof[id]")
    for goal in (goals.nth(goals.count() // 2), goals.last, goals.first):
        name = goal.get_attribute("id")
        phone.evaluate("name => { location.hash = name }", name)
        phone.wait_for_timeout(300)
        assert 0 <= goal.bounding_box()["y"] < 200, name


def test_the_keyboard_reaches_a_wide_box_once_it_is_in_sight(phone):
    boxes = phone.locator(".bd-article section section pre")
    is_wide = "box => box.scrollWidth > box.clientWidth"
    reached = {True: 0, False: 0}
    for box in boxes.all():
        if box.is_visible():
            box.scroll_into_view_if_needed()
            phone.evaluate(SETTLED)
            wide = box.evaluate(is_wide)
            assert box.evaluate("box => box.tabIndex") == (0 if wide else -1), box.inner_text()
            reached[wide] += 1
    assert all(reached.values()), reached
