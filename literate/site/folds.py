"""The lesson form of a page: what literate/folds.py chooses is one line, and opens without script."""

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform

from literate.chapters import BookError
from literate.folds import docstring_lines, fold_of
from literate.site.book import book_of
from literate.site.cells import by_page

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
        for cell, source in code_of_cells(self.document):
            if fold := cell.get("fold"):
                self.wrap(cell, source, fold)

    def wrap(self, cell, source, fold):
        """The note stays beside the line, not in it: what one presses to open a fold may hold no links."""
        line = FoldLine("", "", nodes.inline("", TICK.get(fold.kind, "") + fold.words, classes=["words"]))
        cell.remove(source)
        parts = [Fold("", line, source, kind=fold.kind)]
        if (note := note_above(cell)) is not None:
            cell.parent.remove(note)
            parts.insert(0, note)
        place = len(cell) if fold.kind == "figure" else 0  # below what it draws
        cell[place:place] = parts
        cell["classes"].append("folded")


class Choice:
    """What is folded, noted in the nodes of cells for the pages and for paper."""

    def __init__(self, root):
        self.chapters = by_page(book_of(root))

    def note(self, app, doctree):
        chapter = self.chapters.get(app.env.docname)
        for node, source in code_of_cells(doctree) if chapter else ():
            cell = chapter.cells[node["cell_index"]]
            node["fold"] = fold_of(cell)
            next(source.findall(nodes.literal_block))["docstrings"] = docstring_lines(cell)


def code_of_cells(tree):
    """The code cells whose code is on the page, each with the node of its code."""
    for cell in list(tree.findall(nodes.container)):
        if cell.get("nb_element") == "cell_code":
            for source in [part for part in cell if "cell_input" in part.get("classes", ())]:
                yield cell, source


def note_above(cell):
    """The line above a code cell that tells what it is for, or None."""
    place = cell.parent.index(cell)
    before = cell.parent[place - 1] if place else None
    is_note = isinstance(before, nodes.paragraph) and "cell-note" in before["classes"]
    return before if is_note else None


def fold_docstrings(block, places):
    """Highlighted code with each docstring, but for its first line, in a fold; places are pairs of lines.

    It stays one block, of which the button copies everything: _config.yml leaves the lines of folds out.
    """
    head, opening, code = block.partition("<pre>")
    lines = code.split("\n")
    for first, last in reversed(places):
        inside = "\n".join(lines[first + 1 : last + 1])
        words = f'<span class="words">… {last - first} lines of documentation</span>'
        fold = f'<details class="fold docstring"><summary>{words}</summary>{inside}\n</details>'
        lines[first : last + 1] = [f"{lines[first]}\n{fold}"]
    return head + opening + "\n".join(lines).replace("</details>\n", "</details>")


def setup(app):
    try:
        choice = Choice(app.srcdir)
    except BookError as error:
        raise ExtensionError(str(error)) from None
    app.add_node(Fold, html=(visit_fold, depart_fold))
    app.add_node(FoldLine, html=(visit_line, depart_line))
    app.add_post_transform(FoldCells)
    app.connect("doctree-read", choice.note, priority=600)  # after the code is set
    return {"parallel_read_safe": True}
