"""The index of the search: one entry for each place of the site that can be opened by itself.

An entry is a section, a question, a statement, an exercise, a figure, a name of the package or a cited work,
with the prose that stands there and in no entry within it. It is read from the pages as they are served, so
that an excerpt says what a reader sees: numbers and references are settled, and formulas are the MathML of
KaTeX, which browsers set by themselves. Code is left out, and what leads elsewhere.

An author gives a place the words that people type and its text does not have, in a comment anywhere in it:

    <!-- search: trick, overflow -->

The index is a script, since a page that is opened from a folder may read no other file; book/web/search.js
loads it with the first use.
"""

import json
import re
import unicodedata
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from bs4 import BeautifulSoup, Comment

from literate.directives import words_for_search
from literate.site.backlinks import LISTS, PROVED
from literate.site.katex import without_spans

FILE = "search-index.js"
OF_SPHINX = [
    "searchindex.js",
    "_static/searchtools.js",
    "_static/language_data.js",
    "_static/sphinx_highlight.js",
]
QUESTIONS, PACKAGE = "book/questions", "book/api"
# What is a place of its own; what stands in one of them belongs to no other.
PLACES = (
    "section[id]:has(> h1, > h2, > h3, > h4), div.proof[id], div.exercise[id], figure[id], "
    "dl.py:has(> dt[id]), div.citation[id^=cite-]"
)
# What says nothing of its place, or what another one says.
SILENT = (
    ".headerlink, .backlinks, .cell-note, .eqno, .chapter-box, .solution, .field-list, .rubric, .cell, "
    ".claim-card, fieldset, nav, script, summary"
)
BLOCKS = ["p", "li", "dt", "dd", "td", "th", "div", "figcaption"]
CODE = re.compile(r"<pre\b.*?</pre>", re.S)
MATH = re.compile(r"<math\b[^>]*>(.*?)</math>", re.S)
BESIDE = re.compile(r"</?semantics>|<annotation\b.*?</annotation>", re.S)
DOUBLE_STRUCK = re.compile(r'<(m[ino]) mathvariant="double-struck">(\w)')
SENTENCES = re.compile(r"\S.*?\w\w\W?[.?!](?=\s|$)")  # an initial ends none


@dataclass
class Entry:
    """A place: `label` says what it is ("Theorem 8.1"), `words` are those of its author's comments.

    In titles and texts `$3$` stands for the fourth formula of the index.
    """

    address: str
    label: str
    title: str
    words: str
    text: str
    parent: "Entry | None" = None


# --- Pages


def read_page(html, name, formulas):
    """The entries of a page, in reading order; new formulas are added to a dictionary of their numbers."""
    lean = with_numbered_formulas(CODE.sub("", html), formulas)
    article = BeautifulSoup(lean, "html.parser").find("article")
    if article is None:
        return []
    tidy(article, name)
    places = {id(place): place for place in article.select(PLACES)}
    around = {
        key: next((id(p) for p in place.parents if id(p) in places), None) for key, place in places.items()
    }
    entries = {}
    for key, place in reversed(places.items()):  # each before the one around it, which is left with the rest
        entries[key] = entry_of(place, name)
        place.extract()
    for key, entry in entries.items():
        entry.parent = entries.get(around[key])
        if name == QUESTIONS and entry.label == "Section" and key not in around.values():
            entry.label = "Question"
    return [entry for entry in reversed(entries.values()) if not entry.address.endswith(f"#{PROVED}")]


def with_numbered_formulas(html, formulas):
    """A page with `$3$` for a formula, and without the spans that draw it."""
    lean, _ = without_spans(html, '<span class="katex-html"')
    return MATH.sub(lambda math: f"${formulas.setdefault(mathml(math[1]), len(formulas))}$", lean)


def rest_of_docstring(entry):
    """All but its first lines, and the entries of methods."""
    children = entry.find_all(True, recursive=False)
    lines = takewhile(lambda child: child.name == "p" or "math" in child.get("class", ()), children)
    return (child for child in children[len(list(lines)) :] if "py" not in child.get("class", ()))


def mathml(formula):
    """What stands within an element `math`, in letters that Chromium can draw."""
    return DOUBLE_STRUCK.sub(
        lambda letter: f"<{letter[1]}>{double_struck(letter[2])}", BESIDE.sub("", formula)
    )


def double_struck(letter):
    """The letter of the reals for R: a few of them are older than the alphabet that holds the others."""
    kind = unicodedata.name(letter).split()[-1]
    for name in (f"DOUBLE-STRUCK CAPITAL {kind}", f"MATHEMATICAL DOUBLE-STRUCK CAPITAL {kind}"):
        try:
            return unicodedata.lookup(name)
        except KeyError:
            pass
    return unicodedata.lookup(f"MATHEMATICAL DOUBLE-STRUCK DIGIT {kind}")


def tidy(article, name):
    """Leave what says something of its place, with blanks where blocks end."""
    for figure in article.select("figure[id]"):
        if cell := figure.find_parent(class_="cell"):
            cell.insert_after(figure.extract())
    for entry in article.select("dl.py > dd"):
        for element in list(rest_of_docstring(entry)):
            element.decompose()
    for element in article.select(SILENT):
        element.decompose()
    for element in article.find_all("table" if name in LISTS else "p"):
        if element.name == "table" or element.get_text().startswith("Asked at:"):
            element.decompose()
    for block in article.find_all(BLOCKS):
        block.append(" ")


# --- Places


def entry_of(place, name):
    comments = place.find_all(string=lambda text: isinstance(text, Comment))
    anchor = place.get("id") or place.find("dt", recursive=False)["id"]
    label, title = headline(place, name)
    return Entry(
        address=f"{name}.html#{anchor}",
        label=label,
        title=title,
        words=", ".join(filter(None, map(words_for_search, comments))),
        text=plain((place.figcaption or place).get_text()),
    )


def headline(place, name):
    """What a place is and what it is called; takes out what says so, but for a first sentence."""
    if place.name == "section":
        heading = place.find(["h1", "h2", "h3", "h4"], recursive=False).extract()
        number = taken(heading, ".section-number").rstrip(".")
        kind = "Section" if heading.name != "h1" else "Chapter" if re.match(r"book/\d", name) else "Page"
        kind = "Package" if name.startswith(PACKAGE) else kind
        return f"{kind} {number}".strip(), plain(heading.get_text())
    if place.name == "dl":
        signature = place.find("dt", recursive=False).extract()
        brackets = "()" if signature.find(class_="sig-paren") else ""
        return "Package", signature.find(class_="sig-name").get_text() + brackets
    if "citation" in place.get("class", ()):
        taken(place, ".label")
        return "Reference", sentence(place, 1)  # the first one names the authors
    number = taken(place, ".caption-number").replace("Fig.", "Figure")
    if place.name == "figure":
        return number, sentence(place.figcaption)
    title = taken(place, ".admonition-title").removeprefix("(").removesuffix(")")
    return number, title or taken(place, "strong").rstrip(".") or sentence(place)


def taken(place, selector):
    """The text of the first element within a place that a selector finds, which is taken out of it."""
    element = place.select_one(selector)
    return plain(element.extract().get_text()) if element else ""


def sentence(place, number=0):
    found = SENTENCES.findall(plain(place.get_text()))
    return found[number] if number < len(found) else plain(place.get_text())


def plain(text):
    return re.sub(r"\s+([,.;:?!)])", r"\1", " ".join(text.replace("\N{PILCROW SIGN}", "").split()))


# --- The site


def index(folder):
    """The index of a built site: its formulas, and its entries with the number of the entry around each."""
    formulas, entries = {}, []
    for path in sorted(folder.glob("book/**/*.html")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        entries += read_page(path.read_text(encoding="utf-8"), name, formulas)
    numbers = {id(entry): number for number, entry in enumerate(entries)}
    rows = [
        [entry.address, numbers.get(id(entry.parent), -1), entry.label, entry.title, entry.words, entry.text]
        for entry in entries
    ]
    return {"formulas": list(formulas), "entries": rows}


def write_index(app, error):
    if not error and app.builder.name == "html":
        folder = Path(app.outdir)
        said = json.dumps(index(folder), ensure_ascii=False, separators=(",", ":"))
        (folder / FILE).write_text(f"globalThis.softlitIndex={said};\n", encoding="utf-8")
        for name in OF_SPHINX:
            (folder / name).unlink(missing_ok=True)


def replace_search_of_sphinx(app):
    """Keep Sphinx from making an index and a page of its own, and from marking words where one arrives."""
    if app.builder.name == "html":
        app.builder.search = False
        app.builder._js_files = [
            script for script in app.builder._js_files if script.filename not in OF_SPHINX
        ]


def setup(app):
    app.connect("builder-inited", replace_search_of_sphinx)
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": True}
