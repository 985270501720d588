"""A browser for the tests: Chromium, driven by Playwright, with nothing fetched from anywhere.

Playwright brings no browser here: it drives the Chromium of the machine, found by the environment variable
CHROMIUM or on PATH: rather the one without windows, which has the same engine, and for which a new page costs
a sixth of the time. Where either is missing, tests that need a browser are skipped and say so, unless the
environment variable SOFTLIT_BROWSER is "required", as in .ci/run.
"""

import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
# A test may run as root in a container, and Chromium is not to look for updates meanwhile.
# From npm, whose lock tests/package-lock.json is: what PyPI has of axe-core lags behind its rules.
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def give_up(sentence):
    required = os.environ.get("SOFTLIT_BROWSER") == "required"
    (pytest.fail if required else pytest.skip)(sentence)


@contextmanager
def chromium():
    """A running Chromium; skips the test where there is none."""
    try:
        import playwright.sync_api as playwright
    except ImportError:
        give_up("the package playwright is not installed")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not program:
        give_up("no Chromium on PATH; the environment variable CHROMIUM may name one")
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=program, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def visit(browser, address, home="file:", **options):
    """A page at an address; in the end, nothing may have failed and nothing been asked of another host.

    What is asked of another place than `home`, the start of this site's addresses, is refused and noted.
    `options` are those of Playwright's `new_context`, such as `viewport` or `color_scheme`.
    """
    problems = []

    def check_message(message):
        if message.type == "error":
            problems.append(f"console: {message.text}")

    def refuse(route):
        problems.append(f"request: {route.request.url}")
        route.abort()

    def is_foreign(url):
        return not url.startswith((home, "file:", "data:", "blob:"))

    def check_failure(request):
        if request.failure != "net::ERR_ABORTED":  # the page was left before it came
            problems.append(f"not loaded: {request.url}")

    context = browser.new_context(**options)
    page = context.new_page()
    page.on("console", check_message)
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.route(is_foreign, refuse)
    page.on("requestfailed", check_failure)
    try:
        page.goto(address)
        yield page
    finally:
        context.close()
    assert not problems, "\n".join([address, *problems])


LAYOUT = r"""() => {
  const faults = [];
  const extra = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (extra > 0) faults.push(`the page is ${extra} pixels wider than the window`);
  for (const formula of document.querySelectorAll(".math"))
    if (!formula.querySelector(".katex-html")) faults.push(`not typeset: ${formula.textContent}`);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement, data } = texts.currentNode;
    if (/\$[^$]+\$|\\\(|\\\[/.test(data) && !parentElement.closest("pre, code, script, style"))
      faults.push(`raw TeX: ${data.trim()}`);
  }
  return faults;
}"""


def layout_faults(page):
    """What is wider than the window, and formulas that were left as they were typed."""
    return page.evaluate(LAYOUT)


# axe-core takes half a minute for a chapter as it is. One span of each class is enough to see a colour of
# code, and a formula has the colour of the text around it: a box of its size stands for it. Texts of one
# colour, size and weight over the same backgrounds have the same contrast: it is measured where they come
# first, five times, since axe-core does not judge a text that something covers. A table that fits is kept
# from scrolling when it is full of such boxes, which do not break over lines as formulas do.
THIN = """() => {
  const classes = new Set();
  for (const span of document.querySelectorAll("pre span")) {
    if (classes.has(span.className)) span.replaceWith(...span.childNodes);
    else classes.add(span.className);
  }
  for (const box of document.querySelectorAll(".pst-scrollable-table-container")) {
    if (box.scrollWidth <= box.clientWidth) box.style.overflow = "clip";
  }
  const formulas = [...document.querySelectorAll(".katex")];
  const sizes = formulas.map((formula) => formula.getBoundingClientRect());
  formulas.forEach((formula, k) => {
    // As in the page: text for those who listen, which is clipped, and drawn text, which is hidden from them.
    formula.innerHTML = "<span class='katex-mathml'><math><mi>x</mi></math></span>"
      + "<span aria-hidden='true'>x</span>";
    formula.style = `display: inline-block; width: ${sizes[k].width}px; height: ${sizes[k].height}px`;
  });

  const seen = {};
  (function mark(element, below) {
    const style = getComputedStyle(element);
    const ground = `${style.backgroundColor} ${style.backgroundImage} ${style.opacity}`;
    const grounds = ground === "rgba(0, 0, 0, 0) none 1" ? below : `${below} ${ground}`;
    const look = `${grounds} ${style.color} ${style.textShadow} ${style.fontSize} ${style.fontWeight}`;
    const texts = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
    const written = texts.some(({ data }) => data.trim().length > 1);  // axe-core judges no single letter
    if (written && element.checkVisibility({ visibilityProperty: true })) {
      seen[look] = (seen[look] ?? 0) + 1;
      if (seen[look] <= 5) element.dataset.look = "";
    }
    if (element.matches("input, select, textarea")) element.dataset.look = "";
    for (const child of element.children) mark(child, grounds);
  })(document.body, "");
  axe.configure({ rules: [{ id: "color-contrast", selector: "[data-look]" }] });
}"""

# The theme measures boxes 0.3 s after a change of the window; meanwhile one that begins to scroll is out of
# the keyboard's reach. Where it stays so, axe-core tells. And colours that glide from one scheme to the other
# are to have arrived: one on its way has too little contrast.
WAIT_FOR_MEASURES = """async () => {
  for (const gliding of document.getAnimations())
    if (gliding.effect.getComputedTiming().iterations !== Infinity) gliding.finish();
  const boxes = [...document.querySelectorAll("pre, .pst-scrollable-table-container")];
  const isOutOfReach = (box) => box.tabIndex < 0 && box.scrollWidth > box.clientWidth;
  for (let tries = 0; tries < 50 && boxes.some(isOutOfReach); tries++)
    await new Promise((resume) => setTimeout(resume, 100));
}"""

# What depends on colours and sizes; all else is the same at every width and in either scheme.
VISUAL = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]


def axe_faults(page, rules=None):
    """What axe-core finds, by all its rules or by some; changes the page."""
    if not AXE.exists():
        give_up("axe-core is not installed; `make test` does it, and so does `npm ci` in the folder tests/")
    page.evaluate(WAIT_FOR_MEASURES)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.evaluate(THIN)
    options = {"preload": False, "resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


# What there is to see of a figure with sliders, and how one of these is called and what is told of its value:
# by its label, or by the handle in the picture. One look, since each question to the browser takes its time.
SEEN_OF_SLIDER = """([figure, slider]) => {
  const label = slider.labels[0];
  if (label && label.control !== slider) throw new Error("another label");
  return {
    name: label ? label.firstChild.data : slider.ariaLabel,
    value: slider.value,
    height: figure.getBoundingClientRect().height,
    drawings: [...figure.querySelectorAll("svg")].map((one) => one.innerHTML),
    told: figure.querySelector("output").innerText,
    shown: label ? label.innerText : slider.ariaValueText,
  };
}"""
REMEMBER = """() => {
  const figures = [...document.querySelectorAll(".moving-figure")];
  const before = figures.map((figure) => figure.innerHTML);
  window.changedFigures = () => figures.flatMap((one, k) => (one.innerHTML === before[k] ? [] : [k]));
}"""


def move_every_slider(page, most=None):
    """Move each slider of a page by its keys, or so many of each figure; its figure follows, and no other.

    Returns the number of sliders moved.
    """
    page.evaluate(REMEMBER)
    moved = 0
    for number, figure in enumerate(page.locator(".moving-figure").all()):
        whole, again = figure.element_handle(), figure.get_by_role("button", name="Back to the start")
        assert figure.get_by_role("status").count() == 1  # the output, for those who cannot see
        for slider in [one.element_handle() for one in figure.get_by_role("slider").all()][:most]:

            def look(pair=(whole, slider)):
                return page.evaluate(SEEN_OF_SLIDER, [*pair])

            start = last = look()
            name, ends = start["name"], [slider.get_attribute(end) for end in ("min", "max")]
            keys = ("ArrowLeft", "ArrowRight", "Home", "End")
            for key in keys if start["value"] != ends[1] else keys[::-1]:  # it ends elsewhere
                if last["value"] == ends[key in ("ArrowRight", "End")]:
                    continue  # it is at this end
                slider.press(key)
                last, before = look(), last
                assert last["value"] != before["value"], f"{name}: {key} does nothing"
                assert not re.search(r'="[^"]*NaN', "".join(last["drawings"])), name
                assert abs(last["height"] - start["height"]) < 1, "the page jumps"
            assert all(start[part] != last[part] for part in ("drawings", "told", "shown")), name
            changed = page.evaluate("changedFigures()")
            assert changed == [number], "a slider moves a figure that is not its own"
            again.click()
            assert page.evaluate("changedFigures()") == [], "not back at the start"
            moved += 1
    return moved
