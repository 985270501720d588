"""Exercise sheets: for each chapter a notebook to fill in, and one with the solutions.

Nothing of them is stored: literate/site/sheets.py writes them into the folder `sheets/` of the site. A sheet
runs alone: it repeats, of the chapter's earlier code, the statements that its cells need.
"""

import ast
import re

import nbformat

from literate import install_cell
from literate.chapters import ROOT, BookError, Cell
from literate.execute import METADATA
from literate.exercises import exercises
from literate.names import before, needed, pieces_of
from literate.references import Words

FOLDER = "sheets"  # of the site
KINDS = {"blank": "", "solutions": "-solutions"}  # the two sheets of a chapter, and how their files end

HEAD = """\
# Exercises for chapter {number}, *{title}*

From the book *softlit: the softmax function, derived and checked*, by the softlit authors (text: CC BY 4.0, \
code: BSD-3-Clause).

{how}

The sheet needs the package `softlit`. Where it is missing, the first cell installs it, or says how to."""
HOW = {
    "blank": "Each exercise has a text, a *specification* that says in code what an answer must do, and a "
    "cell for your answer. Run the cells from the top; then write your answer where `NotImplementedError` "
    "stands and run its cell. It prints whether the answer passes the specification, and if not, why.",
    "solutions": "Each exercise is followed by a solution that passes its specification, and by a typical "
    "wrong answer that the specification refuses.",
}
BLANK = """\
def {signature}:
    raise NotImplementedError


judge({specification}, {answer})"""


def sheet(chapter, words, kind):
    """The sheet of a chapter as a notebook: `blank`, or with the `solutions`."""
    head = HEAD.format(number=chapter.number, title=chapter.title, how=HOW[kind])
    cells = [_text("title", head), *install(chapter), _code("setup", opening(chapter, kind))]
    for exercise in exercises(chapter):
        title = f"## Exercise {exercise.number}\n\n"
        text = title + words.replace(exercise.text, exercise.where)
        cells.append(_text(exercise.label, text))
        cells += [_code(cell.id, cell.code) for cell in exercise.specification]
        if kind == "blank":
            specification, answer = exercise.call
            source = BLANK.format(signature=exercise.signature, specification=specification, answer=answer)
            cells.append(_code(exercise.answer.id, source))
            continue
        for count, part in enumerate(exercise.solution):
            if isinstance(part, Cell):
                cells.append(_code(part.id, part.code))
            else:
                cells.append(_text(f"{exercise.label}-text-{count}", words.replace(part, exercise.where)))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    nbformat.validate(notebook)
    return notebook


def _text(key, source):
    return nbformat.v4.new_markdown_cell(source, id=key)


def _code(key, source):
    return nbformat.v4.new_code_cell(source, id=key)


def install(chapter):
    """The chapter's first code cell, if it is the one that installs what is missing."""
    return [_code(cell.id, cell.text) for cell in chapter.code_cells[:1] if cell.id == install_cell.CELL_ID]


def opening(chapter, kind):
    """The imports and definitions of the chapter on which the cells of its sheet rest."""
    found = exercises(chapter)
    start = found[0].first_cell.position
    earlier = pieces_of(cell for cell in chapter.code_cells if cell.position < start)
    specifications = [cell for exercise in found for cell in exercise.specification]
    if kind == "blank":  # what the answers use is offered, but nothing that they define is there
        solutions = [exercise.answer for exercise in found]
    else:
        solutions = [cell for exercise in found for cell in exercise.solution if isinstance(cell, Cell)]
    in_order = sorted([*specifications, *solutions], key=lambda cell: cell.position)
    wanted = before(set(), pieces_of(specifications)) | before(set(), pieces_of(in_order))
    sources, missing = needed(wanted, earlier)
    if missing:
        raise BookError(f"{chapter.name}: the exercises use {', '.join(sorted(missing))} from nowhere.")
    judge = ["from softlit.lab.checks import judge"] if kind == "blank" else []
    return arranged([*sources, *judge])


def problems(book, root=ROOT):
    """One sentence for each chapter whose exercises give no sheet."""
    words = Words(book, root)
    for chapter in book:
        try:
            for kind in KINDS if exercises(chapter) else ():
                sheet(chapter, words, kind)
        except BookError as error:
            yield str(error)


def sheets(book, site=""):
    """Every sheet of the book, by the name of its file."""
    words = Words(book, site=site)
    for chapter in filter(exercises, book):
        for kind, ending in KINDS.items():
            yield f"{chapter.slug}{ending}.ipynb", sheet(chapter, words, kind)


def arranged(sources):
    """Statements as the text of one cell: imports first, of one module on one line, then the others."""
    whole, parts, others = set(), {}, []
    for source in sources:
        match ast.parse(source).body[0]:
            case ast.Import():
                whole.add(source)
            case ast.ImportFrom(module, [alias]):
                parts.setdefault(module, set()).add(ast.unparse(alias))
            case ast.FunctionDef() | ast.ClassDef():
                others += ["\n", source, "\n"]
            case _:
                others.append(source)
    lines = [*sorted(whole), ""]
    lines += [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(parts.items())]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join([*lines, "", *others])).strip()
