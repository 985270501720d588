"""All that reaches into other packages: repairs of what they write, and functions put in place of theirs.

Each names the line of the package's file that makes it necessary: tests/test_repairs.py looks there, and
fails as soon as the package has mended it, so that none outlives its cause or stops working unseen. The
functions below that mend what is no piece of markup have a case each in that file. The edit of the theme's
script is in literate/site/page_load.py, which stops where it does not find what it edits.
"""

import copy
import functools
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from myst_nb.core import render as myst_nb_render
from myst_nb.core.render import NbElementRenderer
from sphinx import addnodes
from sphinx.domains.std import StandardDomain
from sphinx.environment.collectors.toctree import TocTreeCollector
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import solution_node
from sphinx_proof.domain import ProofDomain
from sphinx_proof.nodes import proof_node
from sphinxcontrib import katex as sphinxcontrib_katex

from literate.site import inventory, katex, numbers


@dataclass(frozen=True)
class Cause:
    """The line of a package's file that makes something here necessary, and one that would make it idle.

    `seen` is the release in which it was seen first here.
    """

    seen: str
    package: str
    file: str
    line: str
    mended: str | None = field(default=None, kw_only=True)

    @property
    def is_needed(self):
        """Whether the package's file still has the one line, and still lacks the other."""
        path = Path(find_spec(self.package).submodule_search_locations[0], self.file)
        text = path.read_text(encoding="utf-8")
        return self.line in text and not (self.mended and self.mended in text)


# --- Markup


@dataclass(frozen=True)
class Repair(Cause):
    """What a package writes into pages, and what is to stand there."""

    found: str
    better: str


REPAIRS = (
    # A list may not hold the links between its entries, and the role of an entry is deprecated:
    # https://github.com/w3c/dpub-aria/pull/22
    Repair(
        "docutils 0.21.2",
        "docutils",
        "writers/_html_base.py",
        'role="doc-biblioentry"',
        ' role="doc-biblioentry"',
        "",
    ),
    Repair(
        "docutils 0.21.2",
        "docutils",
        "writers/_html_base.py",
        '<div role="list" class="citation-list">',
        '<div role="list" class="citation-list">',
        '<div class="citation-list">',
    ),
    # The corner of a table heads nothing.
    Repair(
        "docutils 0.21.2",
        "docutils",
        "writers/_html_base.py",
        "tagname = 'th'",
        '<th class="head"><p></p></th>',
        "<td></td>",
    ),
    # The theme lets the keyboard reach what carries its class, as long as it is too wide for the page.
    Repair(
        "sphinxcontrib-katex 0.9.11",
        "sphinxcontrib",
        "katex.py",
        '"displayMode": True',
        '<span class="katex-display">',
        '<span class="katex-display pst-scrollable-table-container">',
    ),
    # A name that is not what one reads: whoever speaks to a computer says the words on the button.
    Repair(
        "myst-nb 1.4.0",
        "myst_nb",
        "sphinx_.py",
        '<summary aria-label="Toggle hidden content">',
        '<summary aria-label="Toggle hidden content">',
        "<summary>",
    ),
    Repair(
        "pydata-sphinx-theme 0.17.1",
        "pydata_sphinx_theme",
        "theme/pydata_sphinx_theme/components/search-button-field.html",
        'search-button__button pst-js-only" title="{{ _(\'Search\') }}" aria-label="{{ _(\'Search\') }}"',
        'search-button-field search-button__button pst-js-only" title="Search" aria-label="Search"',
        'search-button-field search-button__button pst-js-only" title="Search"',
    ),
    # Browsers open a notebook as a page of JSON unless the link says that it is a download:
    # https://github.com/executablebooks/sphinx-book-theme/issues/918
    Repair(
        "sphinx-book-theme 1.3.0",
        "sphinx_book_theme",
        "theme/sphinx_book_theme/macros/buttons.html",
        '<a href="{{ url }}" target="_blank"\n   class="btn btn-sm{% if label %} btn-{{ label }}',
        'target="_blank"\n   class="btn btn-sm btn-download-source-button',
        'download\n   class="btn btn-sm btn-download-source-button',
    ),
    # Sphinx writes this line for every page, and docutils once more.
    Repair(
        "docutils 0.21.2",
        "docutils",
        "writers/html5_polyglot/__init__.py",
        "self.meta.append('<meta name=\"viewport\" '",
        '<meta name="viewport" content="width=device-width, initial-scale=1" />',
        "",
    ),
)


def mended(page):
    """A page with every repair of markup; a page that has them already is left as it is."""
    for repair in REPAIRS:
        page = page.replace(repair.found, repair.better)
    return page


def mend_pages(app, error):
    if error or app.builder.name != "html":
        return
    folder = Path(app.outdir)
    for path in set(folder.rglob("*.html")) - set(folder.glob("_static/**/*")):
        path.write_text(mended(path.read_text(encoding="utf-8")), encoding="utf-8")


# --- Ids

REPEATED_IDS = {"proof", "proof-content", "exercise-content", "solution-content"}


def make_ids_unique(doctree):
    """Rename ids that stand twice: sphinx-proof and sphinx-exercise repeat some, and so do docstrings.

    Each docstring is parsed by itself, so that all of them count their citations from `id1`.
    """
    counted = itertools.count()
    for node in doctree.findall(nodes.Element):
        if REPEATED_IDS & set(node["ids"]):
            node["ids"] = [f"{node['ids'][0]}-{next(counted)}"]
    seen = set()
    for node in doctree.findall(addnodes.pending_xref):
        if node["refdomain"] == "citation" and seen & set(node["ids"]):
            node["ids"] = [f"cited-{next(counted)}"]  # nothing leads back to them
        seen.update(node["ids"])


# --- Words


def set_proof_in_italics(doctree):
    """As in print; sphinx-proof writes the word "Proof." into the text as it is."""
    for proof in doctree.findall(proof_node):
        text = next(proof.findall(nodes.Text))
        word, rest = text[:6], text[6:]
        text.parent.replace(text, [nodes.emphasis("", word), nodes.Text(rest)])


def shorten_citations(doctree):
    """Cite [1] where numpydoc made the label unique; it does so itself, but not in a Markdown page."""
    for link in doctree.findall(addnodes.pending_xref):
        if link["refdomain"] == "citation":
            for text in list(link.findall(nodes.Text)):
                text.parent.replace(text, nodes.Text(re.sub(r"^\[R[0-9a-f]+-", "[", text)))


def mend_tree(app, doctree):
    make_ids_unique(doctree)
    set_proof_in_italics(doctree)
    shorten_citations(doctree)


class SolutionTitles(SphinxPostTransform):
    """ "Solution to Exercise 1.1" with the blank before the link; sphinx-exercise underlines it."""

    default_priority = 100  # its own title is made at 21
    formats = ("html",)

    def run(self):
        for solution in self.document.findall(solution_node):
            for link in list(solution[0].findall(nodes.reference)):
                words = link.next_node(nodes.Text)
                link.parent.insert(link.parent.index(link), nodes.Text(" "))
                link.replace(words, nodes.Text(words.lstrip()))


def name_buttons(app, page, template, context, doctree):
    """Say in the menu of the page what its entries do; the theme names them ".ipynb" and ".pdf"."""
    names = {".ipynb": "Download notebook", ".md": "Download source", ".pdf": "Print"}
    for button in (entry for group in context["header_buttons"] for entry in group.get("buttons", ())):
        button["text"] = names.get(button["text"], button["text"])


# --- Functions that no event or setting reaches


def keep_alt_text(render_image):
    """Around myst-nb's function, which keeps the width that an output states but not its alt text."""

    @functools.wraps(render_image)
    def render(self, data):
        images = render_image(self, data)
        for image in images:
            if alt := data.output_metadata.get(data.mime_type, {}).get("alt"):
                image["alt"] = alt
        return images

    return render


def join_streams(outputs):
    """The outputs of a cell, with all that it printed in one piece.

    A kernel cuts what is printed at any place, which differs from run to run. myst-nb's function takes a
    cut for the end of a line: a build showed "exact" and its number on two lines.
    """
    joined, streams = [], {}
    for output in outputs or ():
        name = output.get("name") if output["output_type"] == "stream" else None
        if name in streams:
            streams[name]["text"] += output["text"]
            continue
        joined.append(copy.copy(output))
        if name:
            streams[name] = joined[-1]
    return joined


@dataclass(frozen=True)
class Replacement(Cause):
    """A function or table of a package, by its owner and name, and what makes another from it."""

    owner: object
    name: str
    around: Callable


REPLACEMENTS = (
    # A kernel cuts up what is printed at any place, and myst-nb takes a cut for the end of a line.
    Replacement(
        "myst-nb 1.4.0",
        "myst_nb",
        "core/utils.py",
        'out = output["text"].rstrip()',
        myst_nb_render,
        "coalesce_streams",
        lambda old: join_streams,
    ),
    # The text that describes a picture is lost.
    Replacement(
        "myst-nb 1.4.0",
        "myst_nb",
        "core/render.py",
        'if key in {"width", "height"}',
        NbElementRenderer,
        "render_image",
        keep_alt_text,
    ),
    # Sphinx counts chapters in the order of the contents, and statements and figures by them.
    Replacement(
        "sphinx 7.4.7",
        "sphinx",
        "environment/collectors/toctree.py",
        "def assign_figure_numbers(self",
        TocTreeCollector,
        "assign_figure_numbers",
        numbers.number_by_file_name,
    ),
    # A tenth of a build goes into reading the same pages again.
    Replacement(
        "sphinx 7.4.7",
        "sphinx",
        "domains/std/__init__.py",
        "target_node = env.get_doctree(docname).ids.get(labelid)",
        StandardDomain,
        "_resolve_numref_xref",
        numbers.read_each_page_once,
    ),
    # sphinx-proof gives Sphinx no objects, so that no inventory has the statements.
    *(
        Replacement(
            "sphinx-proof 0.4.0",
            "sphinx_proof",
            "domain.py",
            "class ProofDomain(Domain):",
            ProofDomain,
            name,
            lambda old, new=new: new,
            mended=name,
        )
        for name, new in inventory.OBJECTS.items()
    ),
    # The socket file of KaTeX's server is there a moment before the server listens to it.
    Replacement(
        "sphinxcontrib-katex 0.9.11",
        "sphinxcontrib",
        "katex.py",
        "while not socket_path.is_socket():",
        sphinxcontrib_katex,
        "socket",
        katex.patient,
    ),
)


def setup(app):
    for replacement in REPLACEMENTS:
        old = getattr(replacement.owner, replacement.name)
        setattr(replacement.owner, replacement.name, replacement.around(old))
    app.connect("doctree-read", mend_tree)
    app.add_post_transform(SolutionTitles)
    app.connect("html-page-context", name_buttons, priority=510)  # after the theme
    app.connect("build-finished", mend_pages, priority=800)  # before literate.site.unused
    return {"parallel_read_safe": True}
