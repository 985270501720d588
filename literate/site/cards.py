"""What a link leads to, in a card beside it: statements, equations, figures, claims of the sources, works.

The build writes what a page has to show into a script of its own, `cards/PAGE.js`, and hovercards.js
(in book/web/) asks for it when a pointer rests on a link, or the keyboard comes to it. A script, and no JSON,
since a page that was opened from a folder may not fetch. Until then a page is as heavy as without cards.
"""

import copy
import json
import posixpath
import re
from pathlib import Path

from bs4 import BeautifulSoup

from literate.site.katex import without_spans
from literate.site.repairs import mended
from literate.site.search import CODE
from literate.site.unused import without_repetition

FOLDER = "cards"
SCRIPT = "hovercards.js"
ADDRESS = re.compile(r"(?:thm|def|equation-eq|fig|claim|cite)-[\w-]+")  # an id of which there is a card
# What a card leaves out: signs and lists of links, what one could press, and what runs.
LEFT_OUT = ".headerlink, .backlinks, script, input, button, label, output"

FORMULA = '<span class="katex">'
MARK = "\N{OBJECT REPLACEMENT CHARACTER}{}\N{OBJECT REPLACEMENT CHARACTER}"  # of a formula put aside


def cards(body, page):
    """The cards of a page by their ids, as HTML whose links count from the folder of the page."""
    # No card has code, which is most of the tags that a parser would meet.
    lean, formulas = without_spans(CODE.sub("", body), FORMULA, MARK)
    tree = BeautifulSoup(lean, "html.parser")
    shown = tree.find_all(id=lambda name: name and ADDRESS.fullmatch(name))
    found = {one["id"]: card(copy.copy(one), posixpath.basename(page) + ".html") for one in shown}
    return {name: finished(html, formulas) for name, html in found.items()}


def finished(html, formulas):
    """A card with its formulas, mended and slimmed as a page is."""
    whole = re.sub(MARK.format(r"(\d+)"), lambda mark: formulas[int(mark[1])], html)
    return without_repetition(mended(whole))


def card(element, page):
    for part in element.select(LEFT_OUT):
        part.decompose()
    for part in [element, *element.find_all(True)]:
        part.attrs.pop("id", None)  # the page may show the element itself
        if part.get("href", "").startswith("#"):
            part["href"] = page + part["href"]
    return str(element)


def write(app, page, template, context, doctree):
    """Write the script of a page that was built, while its formulas still carry their styles."""
    found = cards(context["body"], page) if doctree is not None else {}
    if not found:
        return
    name = posixpath.basename(page)
    path = Path(app.outdir, FOLDER, f"{name}.js")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"softlitCards({json.dumps(name)}, {json.dumps(found)});\n", encoding="utf-8")


def setup(app):
    app.add_js_file(SCRIPT)
    app.connect("html-page-context", write, priority=700)  # after all that changes the body
    return {"parallel_read_safe": True}
