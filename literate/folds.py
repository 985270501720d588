"""What the lesson form of a page folds into one line: what proves and what serves, not what explains.

It follows from what a cell proves, exports and draws. An author overrules it with the tag `fold` or `show`.
Nothing else depends on it: every cell runs and is compared, folded or not.
"""

import ast
import re
from dataclasses import dataclass

from literate.chapters import BookError
from literate.install_cell import is_install_cell

DTYPES = ("float16", "float32", "float64", "longdouble")
DRAWS = re.compile(r"\bshow_with_sliders\(")


@dataclass(frozen=True)
class Fold:
    """`kind` is the name of its look on the page, `words` what its one line says of the code."""

    kind: str
    words: str


def fold_of(cell):
    """How the lesson form folds the code of a cell; None if it shows it."""
    if cell.kind != "code" or is_install_cell(cell) or "show" in cell.tags:
        return None
    roles = {role for role, _ in cell.claims}
    if cell.figure or DRAWS.search(cell.text):
        return Fold("figure", f"how this is drawn, {_lines(cell)}")
    if cell.module:
        names = [*_defined(cell)]
        private = all(name.startswith("_") for name in names) or "._" in f".{cell.module}"
        folded = private or "fold" in cell.tags
        return Fold("helper", f"{_some(names)}: {_lines(cell)}") if folded else None
    if cell.id.endswith("-spec"):
        return Fold("specification", f"what an answer must do, {_lines(cell)}")
    if _is_import(cell):
        return Fold("imports", "imports")
    if roles and "derive" not in roles:
        return Fold("check", ", ".join(filter(None, [_lines(cell), _dtypes(cell)])))
    return Fold("aside", f"code, {_lines(cell)}") if "fold" in cell.tags else None


def docstring_lines(cell):
    """For each docstring of an exported cell of more than one line: its first and last line, counted from 0.

    The lines are those of the code as the page shows it.
    """
    if not cell.module:
        return []
    places = []
    for node in ast.walk(ast.parse(cell.code.strip())):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            text = node.body[0]
            if text.end_lineno > text.lineno:
                places.append((text.lineno - 1, text.end_lineno - 1))
    return sorted(places)


def _some(names):
    """Names in a line; of many, the first two."""
    return ", ".join(names) if len(names) < 5 else f"{names[0]}, {names[1]} and {len(names) - 2} more"


def _lines(cell):
    count = len(cell.code.strip().splitlines())
    return f"{count} lines" if count > 1 else "1 line"


def _dtypes(cell):
    """The floating-point types that a cell names, such as "float32 and float64"."""
    named = [dtype for dtype in DTYPES if dtype in cell.text]
    return " and ".join(filter(None, [", ".join(named[:-1]), *named[-1:]]))


def _defined(cell):
    """The names that an exported cell defines, constants included."""
    for node in cell.tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (goal.id for goal in node.targets if isinstance(goal, ast.Name))


def _is_import(cell):
    """Whether a cell does nothing but import, and give names their values."""
    try:
        kinds = {type(node) for node in cell.tree.body}
    except BookError:  # not Python: other rules say so
        return False
    return bool(kinds & {ast.Import, ast.ImportFrom}) and kinds <= {ast.Import, ast.ImportFrom, ast.Assign}
