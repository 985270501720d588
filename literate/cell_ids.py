"""Ids of cells: words that say what a cell does. Error messages name cells by them, and pages link to them.

No editor asks for an id; a new cell gets a random one. `make run` puts words in its place: those by which the
cell is known, as what it derives, exports or draws, its heading, or its place in an exercise.
"""

import ast
import re
from itertools import count

from literate.chapters import BookError, cells_of, is_word
from literate.directives import directives_of

LONGEST = 60  # characters; the format of notebooks allows 64
KNOWN = {"What is proved here": "proved", "What the sources say": "sources"}  # as all chapters have them


def give(notebook):
    """Give each cell of a notebook that has a random id one of words; the others keep theirs.

    So does a cell that cannot be read: whoever reads it next says why.
    """
    cells = cells_of(notebook, "the notebook")
    taken = {cell.id for cell in cells if is_word(cell.id)}
    for raw, cell, name in zip(notebook.cells, cells, names(cells), strict=True):
        if name and not is_word(cell.id):
            raw["id"] = next(new for new in _numbered(name) if new not in taken)
            taken.add(raw["id"])


def _numbered(name):
    name = name[:LONGEST].rstrip("-")
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def names(cells):
    """What each cell of a chapter would be called, or None for one that cannot be read."""
    label, place, section = "", None, "code"  # label: of an exercise, place: in it
    for cell in cells:
        try:
            found = directives_of(cell) if cell.kind == "markdown" else []
            if cell.kind == "code":
                yield f"{label}-{place}" if place else _of_code(cell, section)
            else:
                yield _of_exercise(found, label, place) or _of_text(cell, found)
        except BookError:
            found = []
            yield None
        if cell.kind == "code":
            place = "refused" if place == "answer" else place
        elif heading := _heading(cell):
            section = words(heading)
        for item in found:
            if item.kind.startswith(("exercise-", "solution-")):
                label = item.label or item.argument or label
                place = {"exercise-end": "spec", "solution-start": "answer"}.get(item.kind)


def _of_exercise(found, label, place):
    """The name of a text in which a solution opens or ends, or that stands among its cells; else None."""
    opened = [item.argument for item in found if item.kind == "solution-start"]
    if opened:
        return f"{opened[0]}-solution"
    if place in ("answer", "refused"):
        return f"{label}-end" if any(item.kind == "solution-end" for item in found) else f"{label}-wrong"
    return None


def _of_code(cell, section):
    if cell.module:
        return words(f"build {_first_definition(cell) or cell.module}")
    if name := cell.figure.get("name"):
        return words(f"figure {name.removeprefix('fig-')}")
    if cell.claims:
        role, target = cell.claims[0]
        return words(f"{role} {target.removeprefix('thm-').removeprefix('def-')}")
    if all(isinstance(node, ast.Import | ast.ImportFrom) for node in cell.tree.body[:1]):
        return "imports"
    return f"show-{section}"


def _first_definition(cell):
    """The first public function or class that an exported cell defines, or else the first private one."""
    names = [node.name for node in cell.tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return min(names, key=lambda name: name.startswith("_"), default=None)


def _heading(cell):
    match = re.search(r"^#{2,} +(\S.*)$", cell.text, re.M)
    return match[1].strip() if match else ""


def _of_text(cell, found):
    if any("chapter-box" in item.classes for item in found):
        return "box"
    if re.search(r"^# ", cell.text, re.M):
        return "title"
    labels = [item.label for item in found if item.label]
    heading = _heading(cell)
    return KNOWN.get(heading) or words(heading or " ".join(labels[:1]) or cell.text)


def words(text):
    """The first words of a text as an id; formulas and the names of directives are no words."""
    text = re.sub(r"\$[^$]*\$|\{[\w:-]+\}", " ", text.lower())
    found = "-".join(re.findall(r"[a-z0-9]+", text)[:5])
    return found if is_word(found) else f"text-{found}".rstrip("-")
