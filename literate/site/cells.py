"""Code cells: their anchors, and the notes above them that say what they become and what they prove.

The API page leads to the cell that defines a function, and `softlit.softmax` is a link wherever it stands.
"""

from pathlib import PurePosixPath

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError

from literate import ledger
from literate.chapters import BookError
from literate.names import public_names
from literate.site.book import book_of
from literate.tangle import definitions

BADGES = {"derive": "derives ", "check": "checks ", "source": "on "}


class Cells:
    """The cells of the book, as its pages need them."""

    def __init__(self, app):
        self.app = app
        book = book_of(app.srcdir)
        self.chapters = by_page(book)
        self.defining = {(f"softlit.{item.module}", item.name): item.cell for item in definitions(book)}
        self.homes = public_names(book)

    def annotate(self, app, doctree):
        """Give each code cell its anchor, and the note above it that tells what the cell is for."""
        chapter = self.chapters.get(app.env.docname)
        if chapter is None:
            return
        for node in list(doctree.findall(nodes.container)):
            if node.get("nb_element") != "cell_code":
                continue
            cell = chapter.cells[node["cell_index"]]
            node["ids"].append(anchor(cell))
            app.env.get_domain("std").anonlabels[label(cell)] = (app.env.docname, anchor(cell))
            if cell.module:
                node["classes"].append("exported")
            if cell.head:
                source = next(node.findall(nodes.literal_block))
                # Sphinx highlights a block only if its raw source is its text.
                source.rawsource = cell.code.strip()
                source[:] = [nodes.Text(source.rawsource)]
            if cell.module or cell.claims:
                # Above the cell, not in it: myst-nb takes a cell's first child for its source.
                node.parent.insert(node.parent.index(node), note(cell, app.env.docname))

    def offer_links(self, app, config):
        # A plain function: Sphinx leaves those out when it pickles the configuration.
        config.linkcode_resolve = lambda domain, info: self.source_link(domain, info)

    def source_link(self, domain, info):
        """Where sphinx.ext.linkcode finds the definition of an object of the API page."""
        cell = self.defining.get((info.get("module"), info.get("fullname", "").split(".")[0]))
        builder = self.app.builder
        if cell is None or builder.format != "html":
            return None
        return builder.get_relative_uri(self.app.env.docname, page_of(cell.notebook)) + "#" + anchor(cell)

    def resolve_public_name(self, app, env, node, text):
        """Link `softlit.softmax` to `softlit.kernels.softmax`, which the API page describes."""
        home = self.homes.get(node.get("reftarget"))
        if node.get("refdomain") != "py" or home is None:
            return None
        return env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, "obj", home, node, text)


def page_of(notebook):
    """The name by which Sphinx knows the page of a notebook."""
    return str(PurePosixPath(notebook).with_suffix(""))


def by_page(book):
    """The chapters by the names of their pages."""
    return {page_of(chapter.name): chapter for chapter in book}


def anchor(cell):
    return f"cell-{cell.id}"


def label(cell):
    """The name by which `{ref}` finds a cell from any page."""
    return f"{PurePosixPath(cell.notebook).stem}/{cell.id}".lower()


def note(cell, page):
    """The line above a cell: where its code goes, and which claims it proves."""
    line = nodes.paragraph(classes=["cell-note"])
    if cell.module:
        module = f"softlit.{cell.module}"
        file = nodes.literal("", module.replace(".", "/") + ".py")
        # A private module is not on the API page.
        goal = file if "._" in module else reference(page, "py", "mod", module, file)
        line += nodes.inline("", "Becomes part of ", goal, classes=["becomes"])
    for role, target in cell.claims:
        if role == "source":
            text = nodes.inline("", ledger.spoken(target))
            text = reference(page, "std", "ref", ledger.anchor(target), text)
        else:
            # sphinx-proof replaces a text that is the label by the statement's type and number.
            text = reference(page, "prf", "ref", target, nodes.inline("", target))
        line += [nodes.Text(" "), nodes.inline("", BADGES[role], text, classes=["claim", role])]
    return line


def reference(page, domain, kind, target, text):
    """A link that Sphinx resolves later; if it leads nowhere, Sphinx warns."""
    where = {"refdoc": page, "refdomain": domain, "reftype": kind, "reftarget": target}
    return addnodes.pending_xref("", text, **where, refexplicit=True, refwarn=True)


def setup(app):
    try:
        cells = Cells(app)
    except BookError as error:
        raise ExtensionError(str(error)) from None
    app.connect("config-inited", cells.offer_links)
    app.connect("doctree-read", cells.annotate)
    app.connect("missing-reference", cells.resolve_public_name)
    return {"parallel_read_safe": True}
