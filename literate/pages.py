"""What stands about a chapter beside it: course page, changelog, bibliography, contract.

Each function yields a sentence for each thing that is missing there, or that points at nothing.
"""

import ast
import re

from literate import addresses
from literate.chapters import ROOT, BookError, read_text
from literate.docstrings import arguments, public
from literate.references import BIBLIOGRAPHY, works_of
from literate.tangle import reexported

CONTRACT = "tests/contract.py"
ARGUMENTS = "CALLS"  # the table there of arguments by name; the others say how a function is called
COURSE, CHANGES = "book/course.md", "CHANGELOG.md"


def own_names(book):
    """The public functions and classes of `softlit` itself, as their definitions."""
    return [definition for definition in public(book) if reexported(definition.module)]


def contract_rows(book, root=ROOT):
    """Every public function is called by the tests of the contract; a plain one they find by themselves."""
    called, with_arguments = _rows_of_contract(root)
    own = own_names(book)
    for item in own:
        if is_plain(item.node):
            continue
        where = f"{item.cell.where}: softlit.{item.name}"
        if item.name not in called:
            yield f"{where} has no row in {CONTRACT}; say there, in the table of its kind, how it is called."
        if item.name not in with_arguments and isinstance(item.node, ast.FunctionDef):
            yield f"{where} has no row in {ARGUMENTS} of {CONTRACT}; say there which arguments are arrays."
    for name in sorted((called | with_arguments) - {item.name for item in own}):
        if name.isidentifier():  # methods and variants have a dot or a comma
            yield f"{CONTRACT}: the row '{name}' is of no public function."


def is_plain(node):
    """Whether a function takes an array and an axis, and nothing else."""
    return isinstance(node, ast.FunctionDef) and arguments(node)[1:] == ["axis"]


def _rows_of_contract(root):
    """The names that the tables of calls have, and those of the table of arguments; nothing is run."""
    try:
        tree = ast.parse(read_text(root, CONTRACT))
    except SyntaxError as error:
        raise BookError(f"{CONTRACT}: syntax error, {error.msg} (line {error.lineno}).") from None
    called, with_arguments = set(), set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and not ast.unparse(node.targets[0]).startswith("_"):
            table = next(
                (part for part in ast.walk(node.value) if isinstance(part, ast.Dict)), ast.Dict([], [])
            )
            keys = {key.value for key in table.keys if isinstance(key, ast.Constant)}
            (with_arguments if ast.unparse(node.targets[0]) == ARGUMENTS else called).update(keys)
    return called, with_arguments


def course_names(book, root=ROOT):
    """The course page names no chapter and no label that is not there."""
    text, pages = read_text(root, COURSE), {path.stem for path in (root / "book").glob("*.md")}
    known = {chapter.slug for chapter in book} | pages
    labels = {label for chapter in book for label in addresses.labels(chapter)}
    labels |= set(re.findall(r"^\(([\w-]+)\)=$", text, re.M))
    for slug in dict.fromkeys(re.findall(r"\{doc\}`([^`<]+)`", text)):
        if slug not in known:
            yield f"{COURSE}: {slug} is no chapter of the book."
    for label in dict.fromkeys(re.findall(r"\{(?:prf:)?ref\}`([\w-]+)`", text)):
        if label not in labels:
            yield f"{COURSE}: {label} is no statement or exercise of the book."


def changelog(book, root=ROOT):
    """Every public name stands in the changelog, under the release that brought it."""
    named = set(re.findall(r"`(?:softlit\.)?(\w+)", read_text(root, CHANGES)))
    for item in own_names(book):
        if item.name not in named:
            yield f"{item.cell.where}: softlit.{item.name} is new; add a line on it to {CHANGES}, unreleased."


def bibliography(book, root=ROOT):
    """Every reference can be found: by a DOI in its form, an address, or where and when it was printed."""
    works = works_of(root)
    for key, work in works.items():
        doi = work.fields.get("doi")
        if doi is not None and not re.fullmatch(r"10\.\d{4,9}/\S+", doi):
            yield f"{BIBLIOGRAPHY}: {key} has '{doi}' as its DOI; write '10.NNNN/...' alone."
        if doi is None and not {"url", "eprint", "publisher", "journal"} & work.fields.keys():
            yield f"{BIBLIOGRAPHY}: {key} has neither DOI nor address nor publisher."
    for chapter in book:
        for cell in chapter.cells:
            for keys in re.findall(r"\{cite:\w+\}`([^`]+)`", cell.text if cell.kind == "markdown" else ""):
                for key in sorted(set(re.split(r",\s*", keys)) - works.keys()):
                    yield f"{cell.where}: cites {key}, which {BIBLIOGRAPHY} has not."
