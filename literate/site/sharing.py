"""What others show of a page to which somebody links: its title, a sentence or two, a picture.

sphinxext.opengraph writes the tags, but what it takes for a description is the source of formulas, cut off
after so many letters. A Sphinx extension.
"""

import re
from html import escape
from pathlib import Path
from urllib.parse import urljoin

from docutils import nodes
from matplotlib import rc_context
from matplotlib.figure import Figure

# --- The description

LONGEST = 200  # letters, which is what most places show; a first sentence may be longer
SENTENCE_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z“(])")
FORMULA = "\0"  # stands for what only a typesetter can show
LETTERS = "alpha beta gamma delta epsilon theta lambda mu pi sigma tau"
GREEK = dict(zip(LETTERS.split(), "αβγδεθλμπστ", strict=True))


def description(doctree):
    """The first sentences of a page: as many as fit, whole, and without those that need a typesetter."""
    said = ""
    for sentence in sentences(doctree):
        if said and sentence[0].islower():
            continue  # the rest of one that a formula interrupts
        if said and len(said) + len(sentence) >= LONGEST:
            break
        said = f"{said} {sentence}".strip()
    return said


def sentences(doctree):
    for paragraph in doctree.findall(nodes.paragraph):
        if _stands_free(paragraph) and "cell-note" not in paragraph["classes"]:
            for sentence in SENTENCE_END.split(" ".join(plain(paragraph).split())):
                if FORMULA not in sentence and sentence.endswith((".", "?", "!", ":")):
                    yield re.sub(":$", ".", sentence)  # what follows the colon is left out


def _stands_free(paragraph):
    """Whether a paragraph stands in no box; the content of a theorem is a section within its node."""
    section = paragraph.parent
    around = section.parent
    return isinstance(section, nodes.section) and isinstance(around, nodes.section | nodes.document | None)


def plain(node):
    """The text of a node; of its formulas those that can be read as a line."""
    if isinstance(node, nodes.math):
        tex = re.sub(r"\\([a-z]+) ?", lambda name: GREEK.get(name[1], FORMULA), node.astext())
        return FORMULA if re.search(r"[\\^_{}&]", tex) else tex
    if isinstance(node, nodes.Text):
        return str(node)
    return "".join(map(plain, node.children))


# --- The picture

CARD = "_static/card.png"
ALT = "The softmax function: e to the power of each logit, divided by the sum of all such powers."
PAPER, INK, QUIET = "#fcfcfa", "#23272e", "#56606c"
SHARES = {0.7: "#0072B2", 0.2: "#E69F00", 0.1: "#009E73"}


def draw_card(path):
    """The picture of every page, of the size that is asked for: 1200 by 630."""
    with rc_context({"font.family": "DejaVu Sans", "mathtext.fontset": "cm"}):  # both come with matplotlib
        card = Figure(figsize=(12, 6.3), dpi=100, facecolor=PAPER)
        card.text(0.07, 0.78, "softlit", size=64, weight="bold", color=INK)
        card.text(0.07, 0.68, "The softmax function, derived and checked", size=29, color=QUIET)
        card.text(0.07, 0.43, r"$S(x)_i = \frac{e^{x_i}}{\sum_{j} e^{x_j}}$", size=56, color=INK)
        axes = card.add_axes((0.07, 0.09, 0.86, 0.1), xlim=(0, 1), ylim=(0, 1))
        axes.axis("off")
        left = 0
        for share, colour in SHARES.items():
            axes.barh(0.5, share, left=left, height=1, color=colour, edgecolor=PAPER, linewidth=6)
            axes.text(left + share / 2, 0.5, str(share), size=24, color="white", ha="center", va="center")
            left += share
        card.savefig(path, metadata={"Software": None})


def write_card(app, error):
    if not error and app.builder.name == "html":
        draw_card(Path(app.outdir) / CARD)


# --- The tags


def say_what_to_show(app, page, template, context, doctree):
    """Hand the description and the picture to sphinxext.opengraph, by the names of its own fields."""
    if doctree is None:
        return
    # An address that is not whole is of use to some readers of these tags, and harms none.
    address = app.config.html_baseurl
    card = urljoin(address, CARD) if address else context["pathto"](CARD, resource=True)
    context["meta"] = (context["meta"] or {}) | {
        "og:description": description(doctree),
        "og:image": card,
        "og:image:alt": ALT,
        "og:image:width": "1200",
        "og:image:height": "630",
    }


def add_tags(app, page, template, context, doctree):
    if doctree is not None:
        said = escape(context["meta"]["og:description"])
        context["metatags"] += f'<meta name="description" content="{said}" />\n'
        context["metatags"] += '<meta name="twitter:card" content="summary_large_image" />\n'


def setup(app):
    app.connect("html-page-context", say_what_to_show, priority=490)  # 500: sphinxext.opengraph
    app.connect("html-page-context", add_tags, priority=505)
    app.connect("build-finished", write_card)
    return {"parallel_read_safe": True}
