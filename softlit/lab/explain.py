# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file.
# --- book/00-workbench.ipynb, cell build-grab-drawing
"""Explanations that one can take hold of, for several chapters; each is shown by one call."""

import json

import numpy as np

from softlit.lab import moving
from softlit.lab.figures import CLASSES

GRAB = """
const names = classes.map(([name]) => name);
const floor = -6; // the lowest place of a handle, which stands for minus infinity
const ends = { // the largest and the smallest logit whose exponential is neither infinite nor zero
  float16: { top: Math.log(65520), low: -25 * Math.LN2, above: 16, below: -23 },
  float32: { top: 128 * Math.LN2, low: -150 * Math.LN2, above: 130, below: -150 },
  float64: { top: 1024 * Math.LN2, low: -1075 * Math.LN2, above: 960, below: -1000 },
};

function stored(value, dtype) {  // rounded to the nearest number of the type, for a value of at least 0
  if (dtype === "float64") return value;
  if (dtype === "float32") return Math.fround(value);
  const unit = 2 ** (Math.max(Math.floor(Math.log2(value)), -14) - 10);
  const steps = Math.round(value / unit);
  const even = steps - (Math.abs(value / unit - steps) === 0.5 ? steps % 2 : 0);
  return value >= 65520 ? Infinity : even * unit;
}

function asPrinted(logits, dtype) {
  const weights = logits.map((logit) => stored(Math.exp(logit), dtype));
  const total = weights.reduce((before, weight) => stored(before + weight, dtype), 0);
  return { weights, total, shares: weights.map((weight) => stored(weight / total, dtype)) };
}

function results(values) {
  const x = names.map((name) => (values[name] > floor ? values[name] : -Infinity));
  const logits = x.map((value) => (value === -Infinity ? value : values.beta * value + values.c));
  const top = Math.max(...logits);
  const dtype = values.dtype ?? "float64";
  const shifted = logits.map((logit) => (top === -Infinity ? -Infinity : logit - top));
  return { logits, shifted, dtype, plain: asPrinted(logits, dtype), safe: asPrinted(shifted, dtype) };
}

function short(value) {
  if (value === 0 || !Number.isFinite(value)) return number(value, 0);
  if (value >= 0.0095 && value < 99995) return number(value, Math.max(0, 2 - Math.floor(Math.log10(value))));
  const tens = Math.floor(Math.log10(value));
  const raised = String(tens).replace(/./g, (sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻");
  return `10${raised}`;
}

const edge = walls ? 0 : 20; // the bracket stands there
const middle = [62, 112, 162].map((x) => x + edge); // of the columns of the logits

function logitsPanel(values, { logits }) {
  const centre = walls ? values.c : 0;
  const up = (logit) => 122 - 16.5 * Math.min(Math.max(logit - centre, floor), -floor);
  const base = up(values.c);
  const ticks = [-4, 0, 4].map((tick) => centre + tick);
  // Words stand at the free end of a bar, but neither in the title nor among the names.
  const below = (logit) => up(logit) < 36 || (logit < values.c && up(logit) < 205);
  const column = (logit, k) => [
    shape("rect", { x: middle[k] - 10, y: Math.min(base, up(logit)), width: 20,
      height: Math.abs(base - up(logit)), fill: classes[k][1], opacity: 0.85 }),
    grip(middle[k], up(logit), { fill: classes[k][1] }),
    words(middle[k], up(logit) + (below(logit) ? 24 : -14), number(logit, 2), { "font-size": 12 }),
    words(middle[k], 247, names[k]),
  ];
  const handle = (logit, k) => ({
    panel: 0, of: names[k], label: `logit of ${names[k]}`, x: middle[k], y: up(logit),
    says: logit === -Infinity ? "minus infinity, masked" : number(logit, 2),
    to: ({ y }) => {
      const place = centre + (122 - y) / 16.5;
      const masked = place <= centre + floor + 0.3;
      return { [names[k]]: masked ? floor : (place - values.c) / (values.beta || 1) };
    },
  });
  const handles = logits.map(handle);
  if (!walls) handles.push(bracket(0, 16, up, logits, values));
  return {
    handles,
    svg: panel(200 + edge, 252, words(2, 15, "logits", { "font-weight": 600, "text-anchor": "start" }),
      ...ticks.flatMap((tick) => [
        line([[36 + edge, up(tick)], [190 + edge, up(tick)]], { opacity: tick === centre ? 0.6 : 0.2 }),
        words(32 + edge, up(tick) + 4, number(tick, 0), { "font-size": 11, "text-anchor": "end" })]),
      ...(walls ? [] : bracketShapes(16, up, logits, values)),
      ...logits.flatMap(column)),
  };
}

function span(up, logits, values) {
  const finite = logits.filter((logit) => logit > -Infinity);
  const ends = finite.length ? [Math.max(...finite), Math.min(...finite)] : [values.c, values.c];
  const middle = (up(ends[0]) + up(ends[1])) / 2;
  const half = Math.max((up(ends[1]) - up(ends[0])) / 2, 10);
  return { middle, half };
}

function bracketShapes(x, up, logits, values) {
  const { middle, half } = span(up, logits, values);
  const [from, to] = [middle - half, middle + half];
  const corners = [[x + 12, from], [x, from], [x, to], [x + 12, to]];
  return [line(corners, { "stroke-width": 2 }), grip(x, middle)];
}

function bracket(panel, x, up, logits, values) {
  const { middle: y } = span(up, logits, values);
  const scale = up(0) - up(1);
  return { panel, x, y, of: "c", label: "shift of all logits", says: number(values.c, walls ? 0 : 2),
    to: (place) => ({ c: values.c + (y - place.y) / scale }) };
}

function exponentialsPanel(values, { logits, shifted, dtype, plain }) {
  const { top, low, above, below } = ends[dtype];
  const up = (logit) => 26 + (above - Math.min(Math.max(logit, below), above)) * 192 / (above - below);
  const small = { "font-size": 11 };
  const bar = (x, from, to, look) =>
    shape("rect", { x, y: Math.min(from, to), width: 18, height: Math.max(from - to, 0), ...look });
  const column = (logit, k) => {
    const x = 47 + 50 * k;
    const colour = classes[k][1];
    const head = plain.weights[k] === Infinity ? up(above) : up(logit); // it breaks through the wall
    return [
      bar(x, up(low), head, { fill: colour, opacity: 0.85 }),
      bar(x + 21, up(low), up(shifted[k]), { fill: "none", stroke: colour, "stroke-width": 2 }),
      words(x + 18, 234, short(plain.weights[k]), small),
    ];
  };
  const wall = (logit, from, to, text) => [
    hatched(34, from, 158, to - from),
    line([[34, up(logit)], [192, up(logit)]], { "stroke-width": 2 }),
    words(113, (from + to) / 2 + 4, text, small),
  ];
  return {
    handles: [bracket(1, 14, up, logits, values)],
    svg: panel(200, 252, words(112, 15, `exponentials, ${dtype}`, { "font-weight": 600 }),
      line([[34, up(0)], [192, up(0)]], { opacity: 0.4, "stroke-dasharray": "4 4" }),
      ...logits.flatMap(column),
      ...wall(top, up(above), up(top), `∞ from x = ${number(top, 1)}`),
      ...wall(low, up(low), up(below), `0 from x = ${number(low, 1)}`),
      ...bracketShapes(14, up, logits, values),
      words(113, 249, "filled: eˣ, outlined: eˣ⁻ᵐᵃˣ", small)),
  };
}

function spread(places, low, high) {  // of labels, from above to below, so that none touches the next
  const down = places.reduce((done, place, k) =>
    [...done, Math.max(place, k ? done[k - 1] + 15 : low)], []);
  return down.reduceRight((done, place) =>
    [Math.min(place, done.length ? done[0] - 15 : high), ...done], []);
}

function strip(x, side, shares, title, failed) {
  const [head, length] = [42, 198];
  const label = (y, text) => words(side < 0 ? x - 6 : x + 50, y, text,
    { "text-anchor": side < 0 ? "end" : "start", "font-size": 12 });
  const frame = (look) => shape("rect",
    { x, y: head, width: 44, height: length, fill: "none", stroke: "currentColor", ...look });
  const shapes = [words(x + 22, 34, title, { "font-size": 12 })];
  if (failed) {
    const at = (k) => head + length * (2 * k + 1) / 6;
    return [...shapes, frame({ "stroke-dasharray": "3 5" }),
      ...shares.map((share, k) => words(x + 22, at(k) + 4, number(share, 2), { "font-weight": 600 })),
      words(x + 22, at(1) + 20, failed, { "font-size": 10 })];
  }
  const tops = shares.map((_, k) => head + length * sum(shares.slice(0, k)));
  const middles = tops.map((top, k) => top + length * shares[k] / 2);
  const places = spread(middles, head + 6, head + length - 4);
  const parts = shares.flatMap((share, k) => [
    shape("rect", { x, y: tops[k], width: 44, height: length * share, fill: classes[k][1], opacity: 0.85 }),
    label(places[k] + 4, number(share, 2)),
  ]);
  return [...shapes, ...parts, frame({ opacity: 0.6 })];
}

function failure({ plain: { total, shares } }) {  // why the shares of the plain form do not sum to 1
  if (total === Infinity) return shares.some(Number.isNaN) ? "∞ by ∞" : "by ∞";
  return total > 0 ? "" : "0 by 0";
}

function sharesPanel(values, found) {
  const shapes = walls
    ? [...strip(46, -1, found.plain.shares, "plain", failure(found)),
      ...strip(112, 1, found.safe.shares, "shifted", failure({ plain: found.safe }))]
    : strip(64, 1, found.safe.shares, "", failure({ plain: found.safe }));
  const head = words(walls ? 101 : 86, 15, "shares", { "font-weight": 600 });
  return panel(walls ? 200 : 176, 252, head, ...shapes);
}

function listed(shares) {
  return `(${shares.map((share) => number(share, 2)).join(", ")})`;
}

function draw(values) {
  const found = results(values);
  const left = logitsPanel(values, found);
  const shares = sharesPanel(values, found);
  const told = `c = ${number(values.c, walls ? 0 : 2)}: the shares are ${listed(found.safe.shares)}`;
  if (!walls) return { panels: [left.svg, shares], handles: left.handles, says: `${told}.` };
  const between = exponentialsPanel(values, found);
  const why = failure(found);
  return {
    panels: [left.svg, between.svg, shares],
    handles: [...left.handles, ...between.handles],
    says: `${told}; the plain form, in ${found.dtype}, `
      + (why ? `gives ${listed(found.plain.shares)}, dividing ${why}.` : "agrees."),
  };
}

function seen(values) {  // for those who do not see it
  const found = results(values);
  const told = names.map((name, k) => `${name} ${number(found.logits[k], 2)}`).join(", ");
  const bars = `Three bars with handles for the logits: ${told}`;
  const strip = `A strip of length 1 is cut: the shares are ${listed(found.safe.shares)}.`;
  if (!walls) return `${bars}. ${strip}`;
  const plain = failure(found)
    ? `The strip of the plain form is broken: ${listed(found.plain.shares)}.`
    : "So is that of the plain form.";
  const walled = `their exponentials between two hatched walls, where ${found.dtype} ends`;
  return `${bars}; a bracket moves all. Beside them ${walled}. ${strip} ${plain}`;
}
"""


# --- book/00-workbench.ipynb, cell build-grab
_START = {
    "cat": 1.95,
    "dog": 0.69,
    "fox": 0,
    "c": 0,
    "beta": 1,
    "dtype": "float64",
}


def refuse_others(names, known):
    """Raise a TypeError if some of the names are not known to a figure.

    Examples
    --------
    >>> refuse_others(["beta"], {"beta": 1, "c": 0})
    """
    if unknown := set(names) - set(known):
        raise TypeError(f"the figure has no {', '.join(sorted(unknown))}")


def _grab(walls):
    return f"const walls = {json.dumps(walls)};\n{GRAB}"


def grab_the_logits(*, walls=True, presets=None, **start):
    """Show the logits of cat, dog and fox as bars to take hold of, and the shares that softmax gives them.

    A chapter shows it by one call in a cell of its own, below ``#| figure fig-NAME: A caption``:
    ``explain.grab_the_logits()`` is the whole figure, ``explain.grab_the_logits(c=710)`` begins where the
    plain form has lost the answer, ``explain.grab_the_logits(walls=False)`` is the small one, without the
    exponentials. A handle at the lowest place of its column masks the class.

    Parameters
    ----------
    walls : bool
        Whether the exponentials are drawn, between the ends of a floating-point type, and with them the
        shares of the formula as it is printed. Without them the shift goes from -4 to 4, with them from
        -800 to 800.
    presets : list, optional
        What `moving.preset` returns, in place of a tie, one far ahead and a mask.
    **start
        Where the figure begins: ``cat``, ``dog`` and ``fox`` from -6 (masked) to 6, the shift ``c``,
        ``beta`` from 0 to 3, and ``dtype``, one of ``"float16"``, ``"float32"`` and ``"float64"``.

    Raises
    ------
    TypeError
        If there is no such value.
    """
    refuse_others(start, _START)
    begins = _START | start
    steps = (1, 1) if walls else (0.01, 0.1)
    usual = [
        moving.preset("a tie", cat=1, dog=1, fox=0, c=0),
        moving.preset("far ahead", cat=6, dog=0, fox=0, c=0),
        moving.preset("a mask", fox=-6, c=0),
    ]
    controls = [
        *(
            moving.slider(name, name, -6, 6, begins[name], 0.01, 0.1)
            for name in CLASSES
        ),
        moving.slider(
            "c",
            "shift c",
            *((-800, 800) if walls else (-4, 4)),
            begins["c"],
            *steps,
        ),
        moving.slider("beta", "β, sharpness", 0, 3, begins["beta"]),
    ]
    if walls:
        dtypes = ["float16", "float32", "float64"]
        controls.append(
            moving.choice("dtype", "kept in", dtypes, begins["dtype"])
        )
    script = _grab(walls)
    moving.show_with_sliders(
        controls,
        script,
        alt=moving.calculate(f"seen({json.dumps(begins)})", script),
        presets=presets or usual,
    )


def grabbed(cases):
    """What `grab_the_logits` computes, for chapters and tests to compare.

    Parameters
    ----------
    cases : list of dict
        Where the sliders are, as ``start`` above.

    Returns
    -------
    ndarray of shape (len(cases), 2, 3)
        The shares of the formula as printed, and those after the shift by the maximum.

    Examples
    --------
    >>> grabbed([{"c": 710}]).round(2).tolist()
    [[[nan, nan, nan], [0.7, 0.2, 0.1]]]
    """
    places = json.dumps([_START | case for case in cases])
    shares = "({ plain, safe }) => [plain, safe].map(({ shares }) => shares.map(String))"
    return np.array(
        moving.calculate(f"{places}.map(results).map({shares})", _grab(True)),
        float,
    )


# --- book/05-superposition.ipynb, cell build-map-drawing
MAP = """
const corners = [[-0.5, -Math.sqrt(3) / 6], [0.5, -Math.sqrt(3) / 6], [0, Math.sqrt(3) / 3]];
const names = classes.map(([name]) => name);
const reach = 4.5; // of the window into the plane
const betas = Array.from({ length: 101 }, (_, k) => (k - 40) / 10);
const least = 0.004; // of the shares, for a place that was pointed at
const [wide, high] = [300, 290];
const centre = [150, 150];
const small = { "font-size": 12 };
const faint = { opacity: 0.25, "stroke-width": 1 };

// An orthonormal basis of the logits that sum to 0: Math.SQRT2 * corners, by columns.
const inPlane = (x) => [0, 1].map((axis) => Math.SQRT2 * sum(x.map((value, k) => value * corners[k][axis])));
const outOfPlane = (u) => corners.map(([a, b]) => Math.SQRT2 * (a * u[0] + b * u[1]));
const inTriangle = (p) => [0, 1].map((axis) => sum(p.map((share, k) => share * corners[k][axis])));
const shares = (u) => softmax(outOfPlane(u), 1);
const clip = (value, limit) => Math.min(Math.max(value, -limit), limit);

const inPicture = ([a, b]) => [centre[0] + 262 * a, 182 - 262 * b];
const polygon = (places, look) => shape("polygon", {
  points: places.map((place) => place.map((part) => part.toFixed(1)).join(",")).join(" "),
  stroke: "currentColor", ...look });

// Each map: where a point of the plane is drawn, and which point a place of the picture is.
const flat = {
  place: (u) => {
    const scale = 30 / Math.max(1, ...u.map((part) => Math.abs(part) / reach)); // no further than the edge
    return [centre[0] + scale * u[0], centre[1] - scale * u[1]];
  },
  from: ({ x, y }) => [clip((x - centre[0]) / 30, reach), clip((centre[1] - y) / 30, reach)],
};
const curved = {
  place: (u) => inPicture(inTriangle(shares(u))),
  from: ({ x, y }) => {
    const at = [(x - centre[0]) / 262, (182 - y) / 262];
    const raw = corners.map(([a, b]) => 1 / 3 + 2 * (a * at[0] + b * at[1]));
    const kept = raw.map((share) => Math.max(share, least));
    return inPlane(kept.map((share) => Math.log(share)));
  },
};

function stretch(from, to, pieces = 12) {  // points on the straight line between two points of the plane
  return Array.from({ length: pieces + 1 }, (_, k) =>
    [0, 1].map((axis) => from[axis] + (k / pieces) * (to[axis] - from[axis])));
}

function arrow(map, from, to, look) {  // the straight line in the plane, as this map shows it
  const places = stretch(from, to).map(map.place);
  const [end, before] = [places.at(-1), places.at(-2)];
  const length = Math.hypot(end[0] - before[0], end[1] - before[1]);
  if (length < 0.01) return line(places, look);
  const [dx, dy] = [0, 1].map((axis) => (6 * (end[axis] - before[axis])) / length);
  const barb = (side) => [end[0] - dx - (side * dy) / 2, end[1] - dy + (side * dx) / 2];
  return line(places, look) + line([barb(1), end, barb(-1)], { ...look, "stroke-dasharray": "none" });
}

function ground(map) {  // the grid, and the way to each class
  const far = map === flat ? reach : 2 * reach;
  const lines = Array.from({ length: 9 }, (_, k) => k - 4).flatMap((k) =>
    [[[-far, k], [far, k]], [[k, -far], [k, far]]]);
  const way = (name, k) => {
    const axis = corners[k].map((part) => part * Math.sqrt(3) * (map === flat ? 4.4 : 9));
    const [x, y] = map.place(axis);
    const beside = [-6, 6, 0][k];
    return [line([[0, 0], axis].map(map.place), { stroke: classes[k][1], "stroke-width": 1.5 }),
      words(x + beside, y + (k < 2 ? 18 : -6), name, { "font-weight": 600 })];
  };
  const edge = map === flat ? [] : [polygon(corners.map(inPicture), { fill: "none" })];
  return [...lines.map(([from, to]) => line(stretch(from, to, map === flat ? 1 : 26).map(map.place), faint)),
    ...edge, ...names.flatMap(way)];
}

const logits = (values) => names.map((name) => values[name]);
const evidence = (values) => names.map((name) => values[`for_${name}`]);
const dot = (map, u, look) => grip(...map.place(u), look);
const named = (u) => Object.fromEntries(outOfPlane(u).map((value, k) => [names[k], value]));
const listed = (p, digits = 2) => `(${p.map((share) => number(share, digits)).join(", ")})`;

function circle(u, radius) {
  return Array.from({ length: 37 }, (_, k) =>
    [u[0] + radius * Math.cos((k * Math.PI) / 18), u[1] + radius * Math.sin((k * Math.PI) / 18)]);
}

function stretches(p) {  // the Jacobian's eigenvalues beside 0, whose sum and product are known
  const half = (1 - sum(p.map((share) => share * share))) / 2;
  const root = Math.sqrt(Math.max(half * half - 3 * p[0] * p[1] * p[2], 0));
  return [half + root, (3 * p[0] * p[1] * p[2]) / (half + root)];
}

function descents(p, k) {  // minus the gradients of cross-entropy and of half the squared error
  const down = p.map((share, i) => (i === k) - share);
  const mean = sum(p.map((share, i) => share * down[i]));
  return { log: down, squared: p.map((share, i) => share * (down[i] - mean)) };
}

const norm = (x) => Math.hypot(...x);
const plus = (u, v) => u.map((value, axis) => value + v[axis]);

function draw(values) {
  const parts = Object.values(shown).map((part) => part(values));
  const u = inPlane(logits(values));
  const maps = [[flat, "logits, centred"], [curved, "shares"]];
  const handle = (panel) => ([v, to]) => {
    const [x, y] = maps[panel][0].place(v);
    return { panel, x, y, to };
  };
  return {
    panels: maps.map(([map, title]) => panel(wide, high, words(60, 18, title, { "font-weight": 600 }),
      ...ground(map), ...parts.flatMap((part) => part.shapes(map)), dot(map, u))),
    handles: maps.flatMap(([map], k) => [[u, (place) => named(map.from(place))],
      ...parts.flatMap((part) => part.handles(map))].map(handle(k)).reverse()),
    says: parts.map((part) => part.says).join(" "),
  };
}

function seen(values) {
  return "Left, a square grid in the plane of logits, with a point on it; right, the same grid, bent, and "
    + `the same point in the triangle of shares, at ${listed(shares(inPlane(logits(values))))}. `
    + Object.keys(shown).map((name) => shown[name](values).seen).join(" ");
}
"""


# What can be shown: shapes for a map, further handles for a map, and two sentences.
_SHOWN = {
    "evidence": """evidence(values) {
  const [u, e] = [inPlane(logits(values)), inPlane(evidence(values))];
  const feet = [-3, 0, 3].flatMap((a) => [-3, 0, 3].map((b) => [a, b]));
  const within = (v) => Math.max(...v.map(Math.abs)) <= reach;
  const moved = (map, place) => {
    const wanted = outOfPlane(plus(map.from(place), u.map((value) => -value)));
    return Object.fromEntries(wanted.map((value, k) => [`for_${names[k]}`, value]));
  };
  return {
    shapes: (map) => [
      ...feet.filter((foot) => within(plus(foot, e))).map((foot) =>
        arrow(map, foot, plus(foot, e), { opacity: 0.45, "stroke-width": 1.2 })),
      arrow(map, u, plus(u, e), { "stroke-width": 2.5 }),
      grip(...map.place(plus(u, e)), { fill: "var(--handle, #FCFCFA)", stroke: "currentColor" })],
    handles: (map) => [[plus(u, e), (place) => moved(map, place)]],
    says: `p = ${listed(shares(u))}; with the evidence ${listed(shares(plus(u, e)))}.`,
    seen: "An arrow leads from it to another point, and thin arrows show the same motion elsewhere: "
      + "all alike in the plane, bent and unequal in the triangle.",
  };
}""",
    "beta": """beta(values) {
  const x = inPlane(logits(values));
  const scaled = x.map((value) => values.beta * value);
  const size = Math.max(...x.map(Math.abs));
  const far = (map) => x.map((value) => (size > 0 ? ((map === flat ? 1 : 3) * reach * value) / size : 0));
  const nearest = (map, { x: a, y: b }) => {  // of the values of beta, the current one if nothing is nearer
    const off = betas.map((beta) => {
      const [c, d] = map.place(x.map((value) => beta * value));
      return Math.hypot(a - c, b - d) + 0.01 * Math.abs(beta - values.beta);
    });
    return betas[off.indexOf(Math.min(...off))];
  };
  return {
    shapes: (map) => [
      line(stretch(far(map).map((value) => -value), far(map), 60).map(map.place),
        { "stroke-dasharray": "5 3" }),
      shape("circle", { cx: map.place([0, 0])[0], cy: map.place([0, 0])[1], r: 3, fill: "currentColor" }),
      grip(...map.place(scaled), { fill: "var(--handle, #FCFCFA)", stroke: "currentColor" })],
    handles: (map) => [[scaled, (place) => ({ beta: nearest(map, place) })]],
    says: `β = ${number(values.beta, 1)}: p = ${listed(shares(scaled))}; `
      + `at β = 1 it is ${listed(shares(x))}.`,
    seen: "A dashed line through the centre, straight in the plane and bent in the triangle, holds "
      + "a second point.",
  };
}""",
    "gradient": """gradient(values) {
  const u = inPlane(logits(values));
  const { log, squared } = descents(shares(u), names.indexOf(values.truth));
  const to = (step) => plus(u, inPlane(step).map((value) => 3 * value));
  return {
    shapes: (map) => [
      arrow(map, u, to(log), { "stroke-width": 2.5 }),
      arrow(map, u, to(squared), { "stroke-width": 2.5, stroke: "var(--erratum, #a8322a)",
        "stroke-dasharray": "4 3" })],
    handles: () => [],
    says: `p = ${listed(shares(u))}: p \\u2212 y has the length ${number(norm(log))}, `
      + `the gradient of half the squared error ${number(norm(squared))}.`,
    seen: "A solid and a dashed arrow point from it towards the true class.",
  };
}""",
    "jacobian": """jacobian(values) {
  const u = inPlane(logits(values));
  const p = shares(u);
  return {
    shapes: (map) =>
      [polygon(circle(u, 0.9).map(map.place), { fill: "var(--accent, #0072B2)", opacity: 0.5 })],
    handles: () => [],
    says: `p = ${listed(p)}: the Jacobian stretches by `
      + `${stretches(p).map((one) => number(one, 3)).join(" and ")}.`,
    seen: "A circle around it in the plane is a small flattened oval in the triangle.",
  };
}""",
}


# --- book/05-superposition.ipynb, cell build-map
def change_of_map(*shows, **start):
    """Show one point in two maps, the plane of logits and the triangle of shares; it is dragged in either.

    ``explain.change_of_map("evidence")`` adds a vector of evidence, which moves all points alike;
    ``"beta"`` a second point, on the ray from the centre; ``"gradient"`` minus the gradients of two losses;
    ``"jacobian"`` a small circle and its image.

    Parameters
    ----------
    *shows : str
        What is shown beside the point: one or more of the four.
    **start
        Where the figure begins: the logits ``cat``, ``dog`` and ``fox``; the evidence ``for_cat``,
        ``for_dog`` and ``for_fox``; ``beta``; ``truth``, the name of a class.

    Raises
    ------
    TypeError
        If there is nothing of that name to show, or no such value.
    """
    controls = _map_controls()
    refuse_others(shows, controls)
    given = [
        dict(control) for name in ("", *shows) for control in controls[name]
    ]
    refuse_others(start, [control["name"] for control in given])
    for control in given:
        control["value"] = start.get(control["name"], control["value"])
    begins = {control["name"]: control["value"] for control in given}
    parts = ",\n".join(_SHOWN[name] for name in shows)
    script = f"{MAP}\nconst shown = {{\n{parts}\n}};\n"
    moving.show_with_sliders(
        given,
        script,
        alt=moving.calculate(f"seen({json.dumps(begins)})", script),
        presets=[
            moving.preset("the centre", cat=0, dog=0, fox=0),
            moving.preset("an edge", cat=2, dog=2, fox=-4),
            moving.preset("a corner", cat=4, dog=-2, fox=-2),
        ],
    )


def _map_controls():
    """What each thing that is shown adds to the sliders of the point, which have no name."""
    logit = {"cat": 1.95, "dog": 0.69, "fox": 0}
    evidence = {"cat": 0, "dog": 0, "fox": 2.08}
    ends = (-6, 6)
    return {
        "": [
            moving.slider(name, name, *ends, logit[name], 0.01, 0.1)
            for name in CLASSES
        ],
        "evidence": [
            moving.slider(
                f"for_{name}",
                f"evidence for {name}",
                *ends,
                evidence[name],
                0.01,
                0.1,
            )
            for name in CLASSES
        ],
        "beta": [moving.slider("beta", "β", -4, 6, 2)],
        "gradient": [
            moving.choice("truth", "true class", list(CLASSES), "cat")
        ],
        "jacobian": [],
    }


__all__ = [
    "GRAB",
    "MAP",
    "change_of_map",
    "grab_the_logits",
    "grabbed",
    "refuse_others",
]
