"""What stands about a chapter beside it: references, changelog, bibliography, contract; words for the search.

Each function yields a sentence for each thing that is missing there, or that points at nothing.
"""

import ast
import re

from literate import addresses, directives
from literate.addresses import CHANGES
from literate.chapters import ROOT, BookError, read_text
from literate.docstrings import arguments, public
from literate.references import BIBLIOGRAPHY, works_of
from literate.tangle import reexported

CONTRACT = "tests/contract.py"
ARGUMENTS = "CALLS"  # the table there of arguments by name; the others say how a function is called


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


def references(book, root=ROOT):
    """Every reference of a chapter or a page leads to what is there."""
    texts = _texts(book, root)
    labels = {label for chapter in book for label in addresses.labels(chapter)}
    labels |= {address.partition("#")[2] for address in addresses.of_claims(root)}
    labels |= {name for text in texts.values() for name in re.findall(r"^\(([\w-]+)\)=$", text, re.M)}
    documents = {chapter.slug for chapter in book} | {page.stem for page in _pages(root)}
    works = works_of(root).keys()
    known = {"prf:ref": labels, "ref": labels, "eq": labels, "numref": labels, "doc": documents}
    known |= {"cite:p": works, "cite:t": works}
    for where, text in texts.items():
        for role, target in dict.fromkeys(directives.roles(text)):
            for one in re.split(r",\s*", target) if role in known else ():
                if one not in known[role]:
                    yield f"{where}: {{{role}}}`{one}` leads nowhere; there is no such {_what(role)}."


def comments(book, root=ROOT):
    """A comment names words for the search, in the one form that is read."""
    for where, text in _texts(book, root).items():
        for comment in directives.comments(text):
            if not directives.words_for_search(comment):
                said = " ".join(comment.split())[:60]
                yield f"{where}: nothing reads the comment '{said}'; write <!-- search: word, some words -->."


def _pages(root):
    """The pages that are no notebooks."""
    return sorted((root / "book").glob("*.md"))


def _texts(book, root):
    """Every text of the book, by its place."""
    texts = {cell.where: cell.text for chapter in book for cell in chapter.cells if cell.kind == "markdown"}
    return texts | {f"book/{page.name}": read_text(root, f"book/{page.name}") for page in _pages(root)}


def _what(role):
    return {"doc": "page", "cite:p": "work in " + BIBLIOGRAPHY, "cite:t": "work in " + BIBLIOGRAPHY}.get(
        role, "label"
    )


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
