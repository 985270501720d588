"""Figures with sliders: their arithmetic is the package's, their output is fixed, and browsers move them."""

import ast
import base64
import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import browser
import numpy as np
import pytest
from lxml import html

import softlit
from literate.rules import SENTENCE
from softlit.lab import explain, moving

TOLERANCE = 1e-12  # numbers of size 10 at most, some tens of roundings each


@pytest.fixture(scope="module")
def stored(book):
    """The figures with sliders that the chapters show: pairs of a cell and its output."""
    return [
        (cell, output)
        for chapter in book
        for cell in chapter.code_cells
        for output in cell.outputs
        if "<script" in output.get("data", {}).get("text/html", "")
    ]


def controls(output):
    """The sliders and choices of a stored figure."""
    return json.loads(re.search(r"^const sliders = (.*);$", output.data["text/html"], re.MULTILINE)[1])


@pytest.fixture(scope="module")
def page_with(stored, tmp_path_factory):
    """A function: the address of a page with the figures of the given numbers."""
    folder = tmp_path_factory.mktemp("page")
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Figures</title>'

    def write(name, numbers):
        shown = ((number, stored[number][1].data["text/html"]) for number in numbers)
        outputs = "<hr>".join(f"<figure id='fig-{number}'>{figure}</figure>" for number, figure in shown)
        path = folder / f"{name}.html"
        path.write_text(f"<!doctype html><html lang='en'>{head}<body>{outputs}", encoding="utf-8")
        return path.as_uri()

    return write


@pytest.fixture(scope="module")
def all_figures(stored, page_with):
    """The address of one page with all of them."""
    return page_with("figures", range(len(stored)))


# --- The arithmetic


def of_package(x, beta):
    p = softlit.softmax(x, beta=beta)
    B = softlit.boltzmann_max(x, beta=beta)
    slopes = p * (1 + beta * (x - B))
    return [*p, softlit.entropy(p), B, *slopes, *softlit.softmax_jacobian(x, beta=beta).ravel()]


def in_node(points):
    values = """([x, beta]) => [
        ...softmax(x, beta), entropy(softmax(x, beta)), boltzmann(x, beta),
        ...x.map((_, r) => boltzmannSlope(x, beta, r)), ...jacobian(x, beta).flat(),
    ]"""
    given = json.dumps([[list(x), beta] for x, beta in points])
    return moving.calculate(f"{given}.map({values})")


def test_the_script_computes_what_the_package_computes():
    rng = np.random.default_rng(0)
    points = [(rng.uniform(-5, 5, size=n), rng.uniform(-8, 8)) for n in (2, 3, 4) for _ in range(200)]
    points += [(np.array(x, dtype=float), b) for x in ([1, 1, 1], [4, 4, -4], [-7, 0, 0]) for b in (0, 4, 12)]
    for (x, beta), found in zip(points, in_node(points), strict=True):
        np.testing.assert_allclose(found, of_package(x, beta), rtol=0, atol=TOLERANCE)
    (found,) = in_node([([1.0, 2.0, 4.0], 1 + 1e-9)])
    wanted = of_package(np.array([1.0, 2.0, 4.0]), 1)
    assert np.min(np.abs(np.subtract(found, wanted))) > TOLERANCE  # the control


def test_the_script_survives_logits_whose_exponentials_overflow():
    assert moving.calculate("softmax([1000, 1000, -1000], 1)") == [0.5, 0.5, 0]
    assert moving.calculate("entropy([1, 0])") == 0


def test_the_turning_point_of_the_dip_at_any_beta(book):
    (source,) = (
        ast.literal_eval(cell.tree.body[0].value)
        for chapter in book
        for cell in chapter.code_cells
        if cell.id == "drawing-dip"
    )
    for beta, turn in zip(
        (0.5, 1, 4), moving.calculate("[0.5, 1, 4].map(turningPoint)", source), strict=True
    ):
        B = softlit.boltzmann_max([turn, 0, 0], beta=beta)
        assert abs(turn - (B - 1 / beta)) < TOLERANCE
        assert abs(turn + 0.01 - (B - 1 / beta)) > TOLERANCE  # the control


def test_the_ray_of_beta_is_where_the_package_has_it():
    rng = np.random.default_rng(60)
    cases = [(rng.uniform(-2, 2, size=3), rng.uniform(-4, 6)) for _ in range(200)]
    given = [[x.tolist(), beta] for x, beta in cases]
    scaled = "([x, beta]) => shares(inPlane(x).map((part) => beta * part))"
    drawn = moving.calculate(f"{given}.map({scaled})", explain.MAP)
    for (x, beta), found in zip(cases, drawn, strict=True):
        assert np.max(np.abs(found - softlit.softmax(x, beta=beta))) < TOLERANCE
        assert np.max(np.abs(found - softlit.softmax(x, beta=-beta))) > TOLERANCE  # the control


def test_numbers_as_readers_expect_them():
    expected = {"1.005, 1": "1.0", "-0.001": "0.00", "-2.5, 1": "\u22122.5", "3": "3.00"}
    for given, text in expected.items():
        assert moving.calculate(f"number({given})") == text


def test_a_broken_script_is_refused():
    with pytest.raises(ValueError, match="ReferenceError: nowhere is not defined"):
        moving.calculate("nowhere")


# --- The output

EXAMPLE = """
const draw = ({ t }) => ({
  panels: [panel(100, 50,
    line([[0, 0], [100, t]], { "stroke-dasharray": "4 4" }),
    shape("polygon", { points: "0,0 10,0 0,10", fill: "#0072B2", opacity: 0.5 }),
    shape("rect", { x: 5, y: 5, width: 10, height: t, fill: "none", stroke: "currentColor" }),
    shape("circle", { cx: 50, cy: 20, r: 3, fill: "currentColor" }),
    words(50, 45, "t < 1 & more".replace(/[<&]/g, "")),
  ), panel(60, 50)],
  says: `t < ${number(t)} & "so on"`,
});
"""
ALT = 'A line, a triangle, a box, a dot and a few words stand for a "figure".'


def shown(monkeypatch, **changes):
    """What the example displays: the bundle and its metadata."""
    calls = []
    monkeypatch.setattr(moving, "display", lambda data, **options: calls.append((data, options["metadata"])))
    given = {"sliders": [moving.slider("t", "t", 0, 40, 20)], "draw": EXAMPLE, "alt": ALT} | changes
    moving.show_with_sliders(given["sliders"], given["draw"], alt=given["alt"])
    return calls[0]


def test_the_output_is_the_same_each_time(monkeypatch):
    assert shown(monkeypatch) == shown(monkeypatch)


def test_the_output_holds_a_still_picture_for_every_reader(monkeypatch):
    bundle, metadata = shown(monkeypatch)
    page = html.fromstring(bundle["text/html"])
    first, second = page.xpath("//img")
    assert first.get("alt") == ALT == metadata["image/png"]["alt"] and second.get("alt") == ""
    assert page.findtext(".//output") == bundle["text/plain"] == 't < 20.00 & "so on"'
    assert not page.xpath("//input") and not page.xpath("//*[@id]")
    for image in (first, second):
        kind, _, source = image.get("src").partition(",")
        assert kind == "data:image/svg+xml"
        assert ElementTree.fromstring(unquote(source)).tag == "{http://www.w3.org/2000/svg}svg"
    png = base64.b64decode(bundle["image/png"])
    assert metadata["image/png"]["width"] == 160
    assert int.from_bytes(png[16:20], "big") == 320  # at twice the density, both panels side by side


@pytest.mark.parametrize("alt", ["", "a moving figure", "It has words but lacks an end"])
def test_no_moving_figure_without_a_sentence(monkeypatch, alt):
    with pytest.raises(ValueError, match="must be a sentence"):
        shown(monkeypatch, alt=alt)


def test_what_an_explanation_does_not_have_is_refused():
    for show in (explain.grab_the_logits, explain.change_of_map):
        with pytest.raises(TypeError, match="no elephant"):
            show(elephant=1)
    with pytest.raises(TypeError, match="no elephant"):
        explain.change_of_map("elephant")
    with pytest.raises(TypeError, match="no beta"):
        explain.change_of_map("evidence", beta=1)


def test_a_shape_that_paper_cannot_show_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="the drawings use no ellipse"):
        shown(monkeypatch, draw=EXAMPLE.replace('shape("circle"', 'shape("ellipse"'))


def test_what_the_chapters_store(stored):
    assert {"figure-moving", "figure-moving-sharpness", "figure-moving-dip", "figure-moving-jacobian"} <= {
        cell.id for cell, _ in stored
    }
    for cell, output in stored:
        page = html.fromstring(output.data["text/html"])
        (script,) = page.xpath("//script/text()")
        assert len(script.encode()) <= 25_000, cell.where  # a third of that, compressed
        assert SENTENCE.fullmatch(page.xpath("//img/@alt")[0]), cell.where
        for part in (moving.MATHS, moving.DRAWING, moving.SLIDERS):
            assert moving.compact(part) in script, cell.where
        assert not page.xpath("//*[@id]"), f"{cell.where}: an id that a second view would repeat"
        assert set(re.findall(r"https?://[^\"]+", script)) == {"http://www.w3.org/2000/svg"}, cell.where
        assert output.data["text/plain"] == page.findtext(".//output"), cell.where


STATES = """(values) => {
  const { panels, handles = [], says } = draw(values);
  const dropped = handles.map(({ to, x, y, panel }, k) => {
    const after = draw({ ...values, ...to({ x, y }) }).handles[k];
    return { x, y, panel, moved: Math.hypot(after.x - x, after.y - y) };
  });
  return { panels, says, handles: dropped };
}"""


def test_every_state_can_be_drawn_and_a_handle_let_go_at_once_stays(stored):
    """At both ends of each slider, in the middle and at random; what is drawn has places, and words."""
    rng = np.random.default_rng(0)
    for cell, output in stored:
        script = html.fromstring(output.data["text/html"]).xpath("//script/text()")[0]
        drawing = script.partition(moving.compact(moving.DRAWING))[2].partition("\nconst sliders = ")[0]

        def place(one):
            if "options" in one:
                return str(rng.choice(one["options"]))
            part = rng.choice([0, 0.5, 1, rng.uniform()])
            return one["min"] + one["step"] * round(part * (one["max"] - one["min"]) / one["step"])

        states = [{one["name"]: place(one) for one in controls(output)} for _ in range(60)]
        drawn = moving.calculate(f"{json.dumps(states)}.map({STATES})", drawing)
        for state, seen in zip(states, drawn, strict=True):
            sizes = []
            for panel in seen["panels"]:
                tree = ElementTree.fromstring(panel)
                sizes.append([float(tree.get(side)) for side in ("width", "height")])
                for attribute in (value for part in tree.iter() for value in part.attrib.values()):
                    assert not re.search("NaN|Infinity|undefined", attribute), (cell.where, state)
                lengths = [part.get(side, "0") for part in tree.iter() for side in ("width", "height", "r")]
                assert not any(length.startswith("-") for length in lengths), (cell.where, state)
            assert len(seen["handles"]) == len(drawn[0]["handles"])
            for handle in seen["handles"]:
                width, height = sizes[handle["panel"]]
                assert 0 <= handle["x"] <= width and 0 <= handle["y"] <= height, (cell.where, state)
                assert handle["moved"] < 3, (cell.where, state)


# --- The browser


def test_each_slider_moves_its_figure_and_no_other_on_a_phone(chromium, all_figures, stored):
    """test_layout.py moves one of each figure in a wide window, on the pages."""
    width = 390
    with browser.visit(chromium, all_figures, viewport={"width": width, "height": 900}) as page:
        wanted = sum("step" in one for _, output in stored for one in controls(output))
        assert browser.move_every_slider(page) == wanted > 10
        assert page.evaluate("document.documentElement.scrollWidth") <= width


HANDLE = """box => {
  const { left, top, width, height } = box.getBoundingClientRect();
  return { x: left + width / 2, y: top + height / 2, place: [box.style.left, box.style.top] };
}"""


def drag_with_mouse(page, x, y, dx, dy):
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()


def drag_with_finger(page, x, y, dx, dy):
    tools = page.context.new_cdp_session(page)
    for kind, part in (("touchStart", 0), ("touchMove", 0.5), ("touchMove", 1), ("touchEnd", None)):
        points = [] if part is None else [{"x": x + part * dx, "y": y + part * dy}]
        tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    tools.detach()


@pytest.mark.parametrize(
    ("drag", "options"),
    [
        (drag_with_mouse, {"viewport": {"width": 1280, "height": 900}}),
        (drag_with_finger, {"viewport": {"width": 390, "height": 844}, "has_touch": True}),
    ],
    ids=["mouse", "finger"],
)
def test_each_handle_is_dragged_where_the_pointer_goes(chromium, all_figures, drag, options):
    with browser.visit(chromium, all_figures, **options) as page:
        handles = page.locator(".handle:visible").all()
        assert len(handles) > 3
        for handle in handles:
            handle.scroll_into_view_if_needed()
            before, scrolled = handle.evaluate(HANDLE), page.evaluate("scrollY")
            figure = handle.locator("xpath=ancestor::*[contains(@class, 'moving-figure')]")
            told = figure.get_by_role("status").inner_text()
            drag(page, before["x"] + 5, before["y"] - 5, 18, -30)
            after = handle.evaluate(HANDLE)
            moved = abs(after["x"] - before["x"]) + abs(after["y"] - before["y"])
            assert moved > 5 and page.evaluate("scrollY") == scrolled, told
            assert figure.get_by_role("status").inner_text() != told
            assert page.evaluate("location.hash").startswith("#fig-")
            figure.get_by_role("button", name="Back to the start").click()
            assert handle.evaluate(HANDLE)["place"] == before["place"]
            assert "?" not in page.evaluate("location.hash")


def test_what_a_finger_meets_is_large_enough(chromium, all_figures):
    with browser.visit(chromium, all_figures, viewport={"width": 390, "height": 844}, has_touch=True) as page:
        for target in page.locator(".moving-figure :is(button, .handle, label)").all():
            box = target.bounding_box()
            assert min(box["height"], box["width"]) >= 44, target.inner_text()


def test_a_handle_has_a_ring_when_the_keyboard_reaches_it(chromium, all_figures):
    with browser.visit(chromium, all_figures) as page:
        for handle in page.locator(".handle:has(input)").all():
            ring = "box => getComputedStyle(box).outlineStyle"
            assert handle.evaluate(ring) == "none"
            handle.locator("input").focus()
            page.keyboard.press("Shift")
            assert handle.evaluate(ring) == "solid"
            slider = handle.get_by_role("slider")
            said = slider.get_attribute("aria-valuetext")
            slider.press("ArrowDown")
            assert slider.get_attribute("aria-valuetext") != said
        assert handle.evaluate(ring) == "solid"


def sentences(page):
    return page.locator(".moving-figure output").all_inner_texts()


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_presets_and_choices_are_buttons(chromium, all_figures, page_with, stored, motion):
    """Each at once; of those that glide, one of two figures, since one script moves all of them."""
    with (
        browser.visit(chromium, all_figures, reduced_motion=motion) as page,
        browser.visit(chromium, "about:blank") as other,
    ):
        start = sentences(page)
        for number, (_, output) in enumerate(stored if motion == "reduce" else stored[:2]):
            figure = page.locator(".moving-figure").nth(number)
            alone = page_with(number, [number])
            presets = re.search(r"^const presets ?= ?(.*);$", output.data["text/html"], re.MULTILINE)
            texts = [one["label"] for one in json.loads(presets[1])]
            for one in controls(output):
                texts += [option for option in one.get("options", []) if option != one["value"]]
            for text in texts if motion == "reduce" else texts[:1]:
                figure.get_by_role("button", name=text, exact=True).click()
                if motion == "reduce":
                    assert sentences(page)[number] != start[number], text  # at once
                page.wait_for_function("() => location.hash.includes('?')")
                told = sentences(page)
                assert told[number] != start[number], text
                assert [*told[:number], *told[number + 1 :]] == [*start[:number], *start[number + 1 :]], text
                other.goto("about:blank")  # else the address would change on the same page
                other.goto(alone + page.evaluate("location.hash"))  # who gets the link sees the same
                assert sentences(other) == [told[number]]
                figure.get_by_role("button", name="Back to the start").click()
            assert sentences(page) == start


def test_a_link_gives_the_state_and_a_strange_one_does_no_harm(chromium, all_figures):
    with browser.visit(chromium, all_figures, permissions=["clipboard-read", "clipboard-write"]) as page:
        start = sentences(page)
        figure = page.locator(".moving-figure").last
        figure.get_by_role("slider").first.press("End")
        figure.get_by_role("button", name="Copy link").click()
        figure.get_by_role("button", name="Copied").wait_for()
        link = page.evaluate("navigator.clipboard.readText()")
        assert link == page.url and "?" in link
        told = sentences(page)
        page.goto("about:blank")
        page.goto(link)
        assert sentences(page) == told
        top = page.locator("figure").last.evaluate("one => one.getBoundingClientRect().top")
        assert 0 <= top < 900, "the last figure of a long page is in sight"
    for state in ("fig-0?t=nowhere&__proto__=1&other=2", "fig-0?", "%E0%A4%A", "nowhere?t=2"):
        with browser.visit(chromium, f"{all_figures}#{state}") as page:
            assert sentences(page) == start, state


def test_a_figure_is_named_for_those_who_cannot_see_it(chromium, all_figures, stored):
    with browser.visit(chromium, all_figures) as page:
        for figure, (_, output) in zip(page.locator(".moving-figure").all(), stored, strict=True):
            alt = output.metadata["image/png"]["alt"]
            assert figure.get_by_role("img", name=alt, exact=True).count() == 1
            assert figure.get_by_role("group", name="Sliders").count() == 1


def test_without_scripts_there_is_a_picture_and_no_dead_slider(chromium, all_figures, stored):
    with browser.visit(chromium, all_figures, java_script_enabled=False) as page:
        assert page.locator("input, button").count() == 0
        for _, output in stored:
            picture = page.get_by_role("img", name=output.metadata["image/png"]["alt"])
            box = picture.locator("xpath=..").bounding_box()  # all its panels
            assert box["width"] > 200 and box["height"] > 100


def test_a_page_saved_with_its_sliders_works_again(chromium, all_figures, tmp_path):
    with browser.visit(chromium, all_figures) as page:
        sliders = page.get_by_role("slider").count()
        (tmp_path / "saved.html").write_text(page.content(), encoding="utf-8")
    with browser.visit(chromium, (tmp_path / "saved.html").as_uri()) as page:
        assert page.get_by_role("slider").count() == sliders
        figures = page.locator(".moving-figure:has(input)").count()
        assert browser.move_every_slider(page, most=1) == figures > 10  # one script wakes all of a figure


def test_planted_faults_are_seen(chromium, tmp_path):
    """The visit fails on a script error, and on a request to another host."""
    faults = {"script: nowhere": "nowhere()", "request: http": 'fetch("http://127.0.0.1:9/x").catch(() => 0)'}
    for sentence, script in faults.items():
        path = tmp_path / "fault.html"
        path.write_text(f"<!doctype html><script>{script}</script>")
        with pytest.raises(AssertionError, match=sentence), browser.visit(chromium, path.as_uri()) as page:
            page.wait_for_timeout(200)
