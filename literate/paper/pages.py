"""The tree of the whole book as paper shows it: a Sphinx extension."""

from pathlib import Path, PurePosixPath

from docutils import nodes
from sphinx import addnodes
from sphinx.builders.latex.nodes import thebibliography
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import exercise_enumerable_node, solution_node
from sphinx_proof.nodes import NODE_TYPES

from literate.chapters import number_of, toc
from literate.site.folds import code_of_cells, note_above


class Wrapped(nodes.General, nodes.Element):
    """Nodes between two pieces of LaTeX."""

    def __init__(self, start="", end="", *children):
        super().__init__("", *children, start=start, end=end)


def visit_wrapped(writer, node):
    writer.body.append(node["start"])


def depart_wrapped(writer, node):
    writer.body.append(node["end"])


class Paper(SphinxPostTransform):
    """Change the tree of the whole book before LaTeX is written from it."""

    default_priority = 900  # when all references are resolved
    formats = ("latex",)

    def run(self):
        files = list(self.document.findall(addnodes.start_of_file))
        opened = {pages[0]: caption for caption, pages in toc(Path(self.app.srcdir))[1]}
        for file in files:
            number = rf"\bookchapter{{{number_of(file['docname']) or ''}}}" + "\n"
            part = rf"\bookpart{{{opened[file['docname']]}}}" + "\n" if file["docname"] in opened else ""
            file.insert(0, Wrapped(part + number))
        for cell, source in code_of_cells(self.document):
            fold_cell(cell, source)
        for kind, change in (
            (tuple(NODE_TYPES.values()), self.set_statement),
            (exercise_enumerable_node, set_exercise),
            (addnodes.number_reference, self.set_number),
            (nodes.container, set_anchors),
            (nodes.paragraph, set_note),
            (nodes.note, set_side_note),
            (nodes.math_block, fit_formula),
            (nodes.table, set_widths),
        ):
            for node in list(self.document.findall(lambda node, kind=kind: isinstance(node, kind))):
                change(node)
        place_works(self.document, files)
        move_solutions(files)

    def set_statement(self, node):
        """A theorem or definition, with the number that the site gives it."""
        page = page_of(node)
        number = self.env.toc_fignumbers[page][node["countertype"]][node["label"]]
        title, *content = node.children
        name = f"{node['realtype'].title()} {'.'.join(map(str, number))}"
        start = (
            rf"\phantomsection\label{{\detokenize{{{page}:{node['label']}}}}}\begin{{statement}}{{{name}}}"
        )
        head = Wrapped("{", "}", *title.children)
        node.replace_self(Wrapped("\n" + start, "\\end{statement}\n", head, *unwrapped(content)))

    def set_number(self, node):
        """A reference to an exercise: LaTeX does not count them, so the number is written out."""
        address = node.get("refuri") or f"%{page_of(node)}#{node['refid']}"  # elsewhere, or on its own page
        page, _, label = address.removeprefix("%").partition("#")
        number = self.env.toc_fignumbers.get(page, {}).get("exercise", {}).get(label)
        if number:
            words = f"Exercise {'.'.join(map(str, number))}"
            node.replace_self(nodes.reference("", words, internal=True, refuri=address))


def set_exercise(node):
    title, *content = node.children
    label = rf"\label{{\detokenize{{{page_of(node)}:{node['label']}}}}}"
    start = rf"\phantomsection{label}\begin{{exercise}}{{{title.astext()}}}"
    node.replace_self(Wrapped("\n" + start, "\\end{exercise}\n", *unwrapped(content)))


def set_anchors(node):
    """The goals of links to a cell or a claim, which LaTeX's writer leaves out."""
    for name in node["ids"]:
        node.insert(0, Wrapped(rf"\phantomsection\label{{\detokenize{{{page_of(node)}:{name}}}}}" + "\n"))


def fold_cell(cell, source):
    """The lesson form: where the site has the code that is folded, and the first line of a docstring."""
    block = next(source.findall(nodes.literal_block))
    if fold := cell.get("fold"):
        if (note := note_above(cell)) is None:
            note = nodes.paragraph(classes=["cell-note"])
            cell.parent.insert(cell.parent.index(cell), note)
        anchor = next(name for name in cell["ids"] if name.startswith("cell-"))
        address = f"{PurePosixPath(page_of(cell)).name}.html#{anchor}"
        note += [nodes.Text(f" ({fold.words}: "), nodes.literal("", address), nodes.Text(")")]
        cell.remove(source)
    elif places := block.get("docstrings"):
        lines = block.astext().split("\n")
        for first, last in reversed(places):
            lines[first : last + 1] = [lines[first] + ' …"""']
        block.rawsource = "\n".join(lines)
        block[:] = [nodes.Text(block.rawsource)]


def set_note(node):
    """The line above a cell that says what it becomes, or what it proves."""
    if "cell-note" in node["classes"]:
        node.replace_self(Wrapped("\n\\begin{cellnote}", "\\end{cellnote}\n", *node.children))


def set_side_note(node):
    """What the site has in its margin."""
    if "margin" in node["classes"]:
        node.replace_self(Wrapped("\n\\begin{sidenote}", "\\end{sidenote}\n", *node.children))


def fit_formula(node):
    """A result of sympy may be wider than the page."""
    if "text_latex" in node["classes"]:
        node.replace_self(Wrapped(rf"\fitted{{{node.astext()}}}" + "\n"))


def set_widths(table):
    """Let a wide table run over pages, in columns as wide as their texts ask for, and not off the page."""
    rows = [[entry.astext() for entry in row] for row in table.findall(nodes.row)]
    columns = list(zip(*rows, strict=True))
    longest = [max(map(len, column)) for column in columns]
    if sum(longest) < 60:
        return
    words = [max(len(word) for text in column for word in [*text.split(), ""]) for column in columns]
    table["classes"] = ["longtable", "colwidths-given"]
    for spec, text, word in zip(table.findall(nodes.colspec), longest, words, strict=True):
        spec["colwidth"] = max(min(text, 36), min(word, 24), 9)  # letters, within reason
    wide = Wrapped("\n\\begin{widetable}\n", "\\end{widetable}\n")
    table.replace_self(wide)
    wide += table


def place_works(document, files):
    """Put the list of works, which Sphinx moves to the end, back into the page of references."""
    page = next(file for file in files if file["docname"] == "book/references")
    for works in list(document.findall(thebibliography)):
        works.parent.remove(works)
        page.append(works)


def move_solutions(files):
    """Put the solutions, chapter by chapter, into a chapter of their own at the end of the book."""
    chapter = nodes.section("", nodes.title("", "Solutions"), ids=["solutions"])
    for file in files:
        section = nodes.section(ids=[f"solutions-{PurePosixPath(file['docname']).name}"])
        section += nodes.title("", *(child.deepcopy() for child in next(file.findall(nodes.title)).children))
        for solution in list(file.findall(solution_node)):
            for link in solution.findall(nodes.reference):
                if goal := link.attributes.pop("refid", None):  # on the page that the solution leaves
                    link["refuri"] = f"%{file['docname']}#{goal}"
            title, *content = solution.children
            solution.parent.remove(solution)
            section += [Wrapped("\n\\solution{", "}\n", *title.children), *unwrapped(content)]
        if len(section) > 1:
            chapter += section
    last = files[-1]
    end = addnodes.start_of_file("", Wrapped("\\bookchapter{}\n"), chapter, docname="solutions")
    last.parent.insert(last.parent.index(last) + 1, end)


def page_of(node):
    """The page on which a node of the whole book's tree stands."""
    while "docname" not in node:  # sections have it
        node = node.parent
    return node["docname"]


def unwrapped(content):
    """What stands in a box; extensions wrap it into a section, which would begin a section of the book."""
    for node in content:
        if isinstance(node, nodes.section):
            yield from node.children
        else:
            yield node


def setup(app):
    app.add_node(Wrapped, latex=(visit_wrapped, depart_wrapped))
    app.add_post_transform(Paper)
    return {"parallel_read_safe": True}
