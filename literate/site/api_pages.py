"""The pages of the package: an overview, and one page a group of modules.

A page says which modules it has, ``{package} modules kernels temperature``; the overview shows those that no
page names, so that a new module is there by itself. Addresses of the time when the package was one page lead
to the overview, whose rows carry them, and from there to where the entry is now. In an entry the examples
come first: they are what most readers look for.
"""

import ast
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from literate.chapters import read_text, toc_files
from literate.docstrings import public
from literate.site.book import book_of
from literate.tangle import exported_cells, reexported

OVERVIEW = "book/api"
GROUPS = "book/api-"
MODULES = re.compile(r"^```\{package\} modules +(\S.*)$", re.M)
SCRIPT = "moved.js"  # from a row of the overview to the entry


def groups(root):
    """The modules of each page, by its name and in the order of the contents."""
    pages = [name for name in toc_files(root) if name.startswith(GROUPS)]
    return {page: MODULES.search(read_text(root, f"{page}.md"))[1].split() for page in pages}


def modules(book):
    """Every public module, first those whose names are names of `softlit`."""
    found = [module for module in exported_cells(book) if "._" not in f".{module}"]
    return sorted(found, key=lambda module: (not reexported(module), "." in module))


def pages_of(book, grouped):
    """The modules of each page and of the overview; those that no page names are the overview's."""
    named = {module for found in grouped.values() for module in found}
    return grouped | {OVERVIEW: [module for module in modules(book) if module not in named]}


class Package(SphinxDirective):
    """``{package} overview``, ``{package} modules kernels temperature``, or ``{package} modules`` alone."""

    required_arguments = 1
    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        root = Path(self.env.srcdir)
        book, grouped = book_of(root), groups(root)
        for path in [*(chapter.path for chapter in book), *(root / f"{page}.md" for page in grouped)]:
            self.env.note_dependency(str(path))
        pages = pages_of(book, grouped)
        lines = overview(book, pages) if self.arguments[0] == "overview" else entries(pages[self.env.docname])
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def overview(book, pages):
    """A table of names for each page, below a link to it."""
    found = list(public(book))
    for page, held in pages.items():
        names = [item for item in found if item.module in held]
        if names:
            link = f"{{doc}}`{page.removeprefix('book/')}`" if page != OVERVIEW else "Below, on this page"
            rows = (f"   {'~' * reexported(item.module)}softlit.{item.module}.{item.name}" for item in names)
            yield from (link, "", "```{eval-rst}", ".. autosummary::", "   :nosignatures:", "")
            yield from (*rows, "```", "")


def entries(held):
    """Modules with all that they hold."""
    for module in held:
        directive = ("```{eval-rst}", f".. automodule:: softlit.{module}", "```")
        yield from (f"## softlit.{module}", "", *directive, "")


# --- Addresses of the time when the package was one page


def former_anchors(book):
    """What was an anchor of that page, by the full name of the entry: its other names, and its methods."""
    for item in public(book):
        name = f"softlit.{item.module}.{item.name}"
        methods = [
            f"{name}.{part.name}"
            for part in (item.node.body if isinstance(item.node, ast.ClassDef) else ())
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("_")
        ]
        yield name, [name, *([f"softlit.{item.name}"] if reexported(item.module) else []), *methods]


def keep_anchors(app, doctree):
    """Give the rows of the overview the anchors of entries, and the first of a module that of the module."""
    if app.env.docname != OVERVIEW:
        return
    root = Path(app.srcdir)
    book = book_of(root)
    own = pages_of(book, groups(root))[OVERVIEW]
    anchors, seen = dict(former_anchors(book)), set()
    for row in doctree.findall(nodes.row):
        link = next(row.findall(addnodes.pending_xref), None)
        if link is None or link["reftarget"] not in anchors:
            continue
        module = link["reftarget"].rpartition(".")[0]
        if module.removeprefix("softlit.") in own:
            continue  # the entry itself is on this page
        ids = anchors[link["reftarget"]] + ([] if module in seen else [f"module-{module}"])
        seen.add(module)
        link.parent.insert(0, [nodes.target("", "", ids=[one]) for one in ids])


def lead_on(app, page, template, context, doctree):
    if page == OVERVIEW:
        app.add_js_file(SCRIPT)


# --- Entries

BODY = re.compile(r":(?:Parameters|Attributes|Returns|Yields|Raises|Warns):|\.\. (?:seealso|rubric)::")
EXAMPLES = ".. rubric:: Examples"


def examples_first(app, what, name, obj, options, lines):
    """Put the examples below what is said of a name, before its parameters; numpydoc puts them last."""
    if EXAMPLES not in lines:
        return
    start = lines.index(EXAMPLES)
    end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith(".. rubric::")), len(lines))
    examples = [*lines[start:end], ""]
    del lines[start:end]
    place = next((n for n, line in enumerate(lines) if BODY.match(line)), len(lines))
    lines[place:place] = examples


def setup(app):
    app.add_directive("package", Package)
    app.connect("doctree-read", keep_anchors)
    app.connect("html-page-context", lead_on)
    app.connect("autodoc-process-docstring", examples_first, priority=550)  # after numpydoc
    return {"parallel_read_safe": True}
