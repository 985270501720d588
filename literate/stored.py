"""What `make run` writes into the metadata of a cell: the caption of its figure, whether its code is folded,
and a digest of what ran.

All follow from the source of the cell alone. The site reads the caption there, and JupyterLab what to fold.
The digest stands in each cell, not in the notebook, so that branches that change different cells merge
without a conflict.
"""

import ast
import io
import tokenize
from hashlib import sha256

from literate.chapters import BookError
from literate.folds import fold_of

RAN = "ran"
WRONG = {
    "figure": "the page has another caption than its head",
    "source_hidden": "JupyterLab folds what the page shows, or shows what it folds",
}
# What stands between the last part of the code and its end.
NOT_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.DEDENT, tokenize.ENDMARKER)


def digest(cell):
    """A few digits that change with what a cell does: its head, its comments and its layout do not count."""
    return sha256(f"{_spelled(cell.tree)} {_hides_value(cell.code)}".encode()).hexdigest()[:12]


def _spelled(node):
    """A syntax tree as text, the same in every Python: they differ in what is empty."""
    if isinstance(node, ast.JoinedStr):
        return f"JoinedStr{_spelled([part for part in node.values if part.value != ''])}"
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
        return f"{type(node).__name__}({', '.join(f'{name}={_spelled(value)}' for name, value in fields)})"
    if isinstance(node, list):
        return f"[{', '.join(map(_spelled, node))}]"
    return ascii(node)


def _hides_value(code):
    """Whether the code ends with a semicolon, for which a notebook does not show the value of a cell."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return [token.string for token in tokens if token.type not in NOT_CODE][-1:] == [";"]


def store(raw, cell):
    """Write into the metadata of a notebook's cell what follows from its source, and nothing older."""
    for reader, key, value in _told(cell):
        told = raw.metadata.pop(reader, {}) | {key: value}
        if told := {key: value for key, value in told.items() if value}:
            raw.metadata[reader] = told
    raw.metadata.pop(RAN, None)
    if cell.kind == "code":
        raw.metadata[RAN] = digest(cell)


def _told(cell):
    """What the site and JupyterLab are told of a cell: who, by which word, and what."""
    yield "mystnb", "figure", cell.figure
    yield "jupyter", "source_hidden", fold_of(cell) is not None


def problems(book):
    """One sentence for each chapter with an edited cell, and for each cell whose metadata are not its head's.

    A cell that was not edited can still show something else than before, if the package or a cell above it
    is another one: only running it tells, which `make test` does.
    """
    for chapter in book:
        number = chapter.slug.partition("-")[0]
        edited = [cell for cell in chapter.code_cells if cell.execution_count and not _as_it_ran(cell)]
        if edited:
            others = f", the first of {len(edited)} such cells" if edited[1:] else ""
            yield f"{edited[0].where}: not the code that `make run CH={number}` ran{others}; run it again."
        for cell in chapter.cells:
            for reader, key, value in _told(cell):
                if (cell.metadata.get(reader, {}).get(key) or None) != (value or None):
                    yield f"{cell.where}: {WRONG[key]}; use `make run CH={number}`."


def _as_it_ran(cell):
    try:
        return cell.metadata.get(RAN) == digest(cell)
    except (BookError, tokenize.TokenError):  # not Python, so it did not run
        return False
