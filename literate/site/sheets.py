"""The exercise sheets in the site: written when it is finished, linked below the heading of the exercises."""

import html
import shutil
from pathlib import Path, PurePosixPath

import nbformat
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from literate.sheets import FOLDER, KINDS, sheets
from literate.site.book import book_of


def write(app, error):
    """Put the sheets into the folder `sheets/` of a finished site."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)  # a chapter may have got another name
    folder.mkdir()
    for name, notebook in sheets(book_of(app.srcdir), app.config.html_baseurl):
        (folder / name).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


class SheetList(SphinxDirective):
    """``{sheets}``: the sheets of all chapters as a list of links."""

    def run(self):
        items = ""
        for chapter in book_of(self.env.srcdir):
            name = f"Chapter {chapter.slug.split('-')[0]}, {html.escape(chapter.title)}"
            items += f"<li>{name}: {links(chapter.slug)}</li>"
        return [nodes.raw("", f"<ul>{items}</ul>", format="html")]


def offer(app, doctree):
    """Link the sheets of a chapter below the heading of its exercises."""
    slug = PurePosixPath(app.env.docname).name
    for section in list(doctree.findall(nodes.section)):
        if slug[0].isdigit() and section[0].astext() == "Exercises":
            section.insert(1, nodes.raw("", f"<p>As notebooks: {links(slug)}.</p>", format="html"))


def links(slug):
    """HTML links to the two sheets of a chapter, for pages in the folder of the chapters.

    HTML and no node: other formats have no folder of sheets, and a browser shows a notebook as text
    unless the link says that it is a download, which Sphinx says only of files that are there before.
    """
    return ", ".join(
        f'<a class="reference download internal" download href="../{FOLDER}/{slug}{ending}.ipynb">{words}</a>'
        for words, ending in zip(("to fill in", "with solutions"), KINDS.values(), strict=True)
    )


def setup(app):
    app.add_directive("sheets", SheetList)
    app.connect("doctree-read", offer)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}
