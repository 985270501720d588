"""The lesson form of a page: what literate/folds.py chooses is one line, and opens without script."""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from literate.chapters import read_book
from literate.folds import docstring_lines, fold_of
from literate.site.cells import page_of

TICK = {"check": "✓ "}


class Fold(nodes.General, nodes.Element):
    """A part of a page that is closed at first; its first child is the line that is seen then."""


class FoldLine(nodes.General, nodes.TextElement):
    """The line of a fold."""


def visit_fold(translator, node):
    translator.body.append(f'<details class="fold {node["kind"]}">\n')


def depart_fold(translator, node):
    translator.body.append("</details>\n")


def visit_line(translator, node):
    translator.body.append("<summary>")


def depart_line(translator, node):
    translator.body.append("</summary>\n")


class FoldCells(SphinxPostTransform):
    """Put the code of a cell, and the note above it, into a fold; what the cell shows stays."""

    default_priority = 950  # when the references in notes are resolved
    formats = ("html",)

    def run(self):
        chapter = chapters_by_page(self.app.srcdir).get(self.env.docname)
        for node, cell in code_cells(self.document, chapter) if chapter else ():
            source = next((part for part in node if "cell_input" in part.get("classes", ())), None)
            if source is not None and (fold := fold_of(cell)):
                self.wrap(node, source, fold)

    def wrap(self, cell, source, fold):
        line = FoldLine("", nodes.Text(TICK.get(fold.kind, "")))
        if (note := note_above(cell)) is not None:
            cell.parent.remove(note)
            for part in note.children:
                line += part.deepcopy()
            line += nodes.Text(" ")
        line += nodes.inline("", fold.words, classes=["words"])
        cell.remove(source)
        box = Fold("", line, source, kind=fold.kind)
        cell.insert(len(cell) if fold.kind == "figure" else 0, box)  # below what it draws
        cell["classes"].append("folded")


def note_docstrings(app, doctree):
    """Write into each block of exported code which of its lines are docstrings."""
    chapter = chapters_by_page(app.srcdir).get(app.env.docname)
    for node, cell in code_cells(doctree, chapter) if chapter else ():
        block = next(node.findall(nodes.literal_block), None)
        if block is not None and (places := docstring_lines(cell)):
            block["docstrings"] = places


def chapters_by_page(root):
    return {page_of(chapter.name): chapter for chapter in read_book(root)}


def code_cells(tree, chapter):
    """The code cells below a node of a chapter's page, each with the cell that it shows."""
    for node in list(tree.findall(nodes.container)):
        if node.get("nb_element") == "cell_code":
            yield node, chapter.cells[node["cell_index"]]


def note_above(cell):
    """The line above a code cell that tells what it is for, or None."""
    place = cell.parent.index(cell)
    before = cell.parent[place - 1] if place else None
    is_note = isinstance(before, nodes.paragraph) and "cell-note" in before["classes"]
    return before if is_note else None


def fold_docstrings(block, places):
    """Highlighted code with each docstring, but for its first line, in a fold; places are pairs of lines."""
    head, opening, code = block.partition("<pre>")
    lines = code.split("\n")
    for first, last in reversed(places):
        inside = "\n".join(lines[first + 1 : last + 1])
        count = last - first
        lines[first : last + 1] = [
            f'{lines[first]}\n</pre><details class="fold docstring"><summary>'
            f'<span class="words">… {count} lines of documentation</span></summary>'
            f"<pre>{inside}\n</pre></details><pre>"
        ]
    text = "\n".join(lines).replace("</details><pre>\n", "</details><pre>")
    return head + opening + re.sub(r"<pre>\s*</pre>(?=</div>)", "", text)


def setup(app):
    app.add_node(Fold, html=(visit_fold, depart_fold))
    app.add_node(FoldLine, html=(visit_line, depart_line))
    app.add_post_transform(FoldCells)
    app.connect("doctree-read", note_docstrings, priority=600)  # after the code is set
    return {"parallel_read_safe": True}
