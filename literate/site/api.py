"""The Sphinx extension for the API page: code cells lead to it, and each of its entries back to the cells.

Public names of softlit in code cells are links to their entry. sphinx-codeautolink would do this, but fails
on the untitled sections of sphinx-proof, leaves out the pages that a listener of `env-get-outdated` adds,
and writes every page anew through an HTML parser.
"""

import ast
import re
from collections import defaultdict
from html import escape

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxRole

from literate.chapters import BookError
from literate.names import public_names, shown, uses
from literate.site.book import book_of
from literate.site.cells import by_page, label, reference
from literate.site.folds import fold_docstrings
from literate.tangle import definitions

TOKEN = re.compile(r"<[^>]*>|&[^;]+;|.", re.S)  # of highlighted code: a tag, or what shows as a character


class Names:
    """The public names that the chapters use."""

    def __init__(self, root):
        book = book_of(root)
        self.public = public_names(book)
        self.methods = {name: name for name in _methods(book)}
        self.chapters = by_page(book)
        self.by_cell, self.by_name = defaultdict(list), defaultdict(dict)
        for use in uses(book):
            self.by_cell[use.cell.position].append((use.start, use.end, use.name))
            if use.read:
                self.by_name[use.name].setdefault(use.cell.notebook, use.cell)

    def mark(self, app, doctree):
        """Write into each code cell's block which of its characters are public names."""
        chapter = self.chapters.get(app.env.docname)
        for node in doctree.findall(nodes.container) if chapter else ():
            if node.get("nb_element") == "cell_code":
                cell = chapter.cells[node["cell_index"]]
                block = next(node.findall(nodes.literal_block), None)
                if block is not None and block.astext().rstrip() == shown(cell):
                    block["uses"] = self.by_cell[cell.position]

    def add_chapters(self, app, what, name, obj, options, lines):
        """End an entry of the API page with the chapters that use the name, each a link to the first cell."""
        links = []
        for chapter in self.chapters.values():
            app.env.note_dependency(str(chapter.path))
            if cell := self.by_name[name].get(chapter.name):
                links.append(f":ref:`{_title(chapter)} <{label(cell)}>`")
        if links:
            lines += ["", ".. rubric:: Used in", "", f"The first cell of each: {', '.join(links)}", ""]


class NameRole(SphinxRole):
    """`softlit.softmax`, or `softmax`, in a docstring is a link; `x`, which is no public name, is not.

    Of several with one name, that of the docstring's own class is meant, and then that of its module.
    """

    def __init__(self, public):
        self.public = public

    def run(self):
        module, cls = map(self.env.ref_context.get, ("py:module", "py:class"))
        homes = ("", f"{module}.{cls}.", f"{module}.", "softlit.")
        name = next(filter(None, (self.public.get(home + self.text) for home in homes)), None)
        if name is None:
            return [nodes.emphasis(self.rawtext, self.text)], []
        text = nodes.literal(self.rawtext, self.text)
        return [reference(self.env.docname, "py", "obj", name, text)], []


def _methods(book):
    """The full names of the methods of public classes."""
    for item in definitions(book):
        for part in item.node.body if item.public and isinstance(item.node, ast.ClassDef) else ():
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                yield f"softlit.{item.module}.{item.name}.{part.name}"


def _title(chapter):
    """Such as "chapter 3", or "the workbench" for an appendix."""
    return chapter.title.lower() if chapter.is_appendix else f"chapter {chapter.number}"


def visit_literal_block(translator, node):
    """A block of code as the theme writes it, with links on public names, and docstrings folded."""
    try:
        type(translator).visit_literal_block(translator, node)
    finally:  # it skips the departure by an exception
        if places := node.get("uses"):
            translator.body[-1] = link_names(translator.body[-1], _addresses(translator, places))
        if places := node.get("docstrings"):
            translator.body[-1] = fold_docstrings(translator.body[-1], places)


def depart_literal_block(translator, node):
    type(translator).depart_literal_block(translator, node)


def _addresses(translator, places):
    """The places whose names the API page describes, each with the address of the entry."""
    builder = translator.builder
    entries = builder.env.domains["py"].objects
    for start, end, name in places:
        if entry := entries.get(name):
            page = builder.get_relative_uri(builder.current_docname, entry.docname)
            yield start, end, f"{page}#{entry.node_id}"


def link_names(block, links):
    """Highlighted code with links, given as triples: first character, last one and one more, address."""
    begins, ends = {}, set()
    for start, end, address in links:
        begins[start] = f'<a class="api-name" href="{escape(address)}">'
        ends.add(end)
    head, pre, code = block.partition("<pre>")
    written, place = [head, pre], 0
    for token in TOKEN.findall(code):
        if not token.startswith("</"):  # the end of a name's last span belongs into the link
            if place in ends:
                ends.remove(place)
                written.append("</a>")
            written.append(begins.pop(place, ""))
        written.append(token)
        place += not token.startswith("<")
    return "".join(written)


def setup(app):
    try:
        names = Names(app.srcdir)
    except BookError as error:
        raise ExtensionError(str(error)) from None
    app.add_role("name", NameRole(names.public | names.methods))
    app.connect("doctree-read", names.mark, priority=600)  # after literate.site, which sets the code
    app.connect("autodoc-process-docstring", names.add_chapters, priority=600)  # after numpydoc
    app.add_node(nodes.literal_block, override=True, html=(visit_literal_block, depart_literal_block))
    return {"parallel_read_safe": True}
