"""The one reader of the chapters; tangle, captions, ledger and rules all work from what it returns."""

import ast
import re
import warnings
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent

EXPORT = re.compile(r"#\| export (?P<module>[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*)")
EXTRA_MARKER = re.compile(r"^\s*#\s*\|\s*export\b", re.M)
ROLES = ("derive", "check", "source")


class BookError(Exception):
    """A rule of the book is broken; the message is one sentence that names the file and the cell."""


@cache
def nodes_of(code):
    return tuple(ast.walk(ast.parse(code)))


@dataclass(frozen=True)
class Cell:
    """One cell of a chapter. `position` orders all cells of the book as a reader meets them."""

    notebook: str
    position: tuple[int, int]
    id: str
    kind: str
    text: str
    metadata: dict
    execution_count: int | None = None
    outputs: tuple = ()

    @property
    def where(self):
        return f"{self.notebook}, cell {self.id}"

    @cached_property
    def marker(self):
        """The first line when it is a `#|` marker, else the empty string."""
        first = self.text.split("\n", 1)[0]
        return first if self.kind == "code" and first.startswith("#|") else ""

    @cached_property
    def module(self):
        """The module this cell is exported to (`kernels`, `lab.ulp`), or None."""
        if self.kind == "code" and EXTRA_MARKER.search(self.code if self.marker else self.text):
            raise BookError(f"{self.where}: '#| export' may stand only on the first line, once.")
        if not self.marker:
            return None
        match = EXPORT.fullmatch(self.marker.rstrip())
        if match is None:
            raise BookError(
                f"{self.where}: '{self.marker}' is not an export marker; "
                "write '#| export MODULE' with a lower-case module name."
            )
        return match["module"]

    @cached_property
    def code(self):
        """The source without the marker line."""
        return self.text.split("\n", 1)[1] if self.marker and "\n" in self.text else self.text

    @property
    def tree(self):
        return self.nodes[0]

    @cached_property
    def nodes(self):
        """The syntax tree and all that is in it."""
        try:
            return nodes_of(self.code if self.module else self.text)
        except SyntaxError as error:
            raise BookError(f"{self.where}: syntax error, {error.msg} (line {error.lineno}).") from None

    @property
    def tags(self):
        return tuple(self.metadata.get("tags", ()))

    @property
    def claims(self):
        """The (role, target) pairs of the ledger tags, such as ("derive", "thm-jacobian")."""
        pairs = (tag.split(":", 1) for tag in self.tags if ":" in tag)
        return tuple((role, target) for role, target in pairs if role in ROLES)


@dataclass(frozen=True)
class Chapter:
    """A notebook of the book, in reading order."""

    path: Path
    name: str
    cells: tuple[Cell, ...]

    @property
    def slug(self):
        return Path(self.name).stem

    @cached_property
    def title(self):
        for cell in self.cells:
            if match := re.search(r"^# (.+)$", cell.text if cell.kind == "markdown" else "", re.M):
                return match[1].strip()
        raise BookError(f"{self.name}: no '# ' heading in any cell.")

    @property
    def code_cells(self):
        return tuple(cell for cell in self.cells if cell.kind == "code")


def plain_lines(text):
    """The text with lines that end in ``\\n``: some editors store the line ends of their system in a cell."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(root, name):
    """The text of a file of the project; a byte order mark, as Windows writes it, is none of it."""
    try:
        return (root / name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BookError(f"{name}: not readable ({type(error).__name__}).") from None


def read_notebook(path, root, order):
    name = path.relative_to(root).as_posix()
    try:
        with warnings.catch_warnings(action="error"):  # nbformat repairs double ids with a warning
            notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises several unrelated types for a broken file
        said = " ".join(str(error).split())[:80]
        raise BookError(f"{name}: not a readable notebook ({type(error).__name__}: {said}).") from error
    cells = tuple(
        Cell(
            notebook=name,
            position=(order, index),
            id=cell.get("id", f"number-{index}"),
            kind=cell.cell_type,
            text=plain_lines(cell.source),
            metadata=cell.metadata,
            execution_count=cell.get("execution_count"),
            outputs=tuple(cell.get("outputs", ())),
        )
        for index, cell in enumerate(notebook.cells)
    )
    return Chapter(path=path, name=name, cells=cells)


def toc_files(root=ROOT):
    """Every file that `_toc.yml` names, without its suffix, in reading order."""
    try:
        toc = yaml.safe_load(read_text(root, "_toc.yml"))
        chapters = [entry["file"] for part in toc.get("parts", [toc]) for entry in part["chapters"]]
        return [toc["root"], *chapters]
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())
        raise BookError(f"_toc.yml: not a table of contents ({type(error).__name__}: {said}).") from None


def read_book(root=ROOT):
    """The chapters that are notebooks, in the order of the table of contents."""
    root = Path(root)
    listed = [root / f"{entry}.ipynb" for entry in toc_files(root)]
    listed = [path for path in listed if path.exists()]
    present = {path for path in (root / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts}
    if unlisted := sorted(present - set(listed)):
        raise BookError(f"{unlisted[0].relative_to(root)}: a notebook that _toc.yml does not list.")
    if unnumbered := [path for path in listed if not re.match(r"\d\d-", path.name)]:
        name = unnumbered[0].relative_to(root)
        raise BookError(f"{name}: a chapter begins with its number, 'NN-words.ipynb'.")
    if listed != sorted(listed):
        raise BookError("_toc.yml: the chapters are not in the order of their numbers.")
    return tuple(read_notebook(path, root, order) for order, path in enumerate(listed))
