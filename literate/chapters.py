"""The one reader of the chapters; tangle, captions, ledger and rules all work from what it returns."""

import ast
import re
import warnings
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent

EXPORT = re.compile(r"#\| export (?P<module>[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*)")
EXTRA_MARKER = re.compile(r"^\s*#\s*\|\s*export\b", re.M)
HEAD_LINE = re.compile(r"#\| (?P<word>[a-z]+) (?P<said>\S.*)")
FIGURE = re.compile(r"(?P<name>fig-[a-z0-9-]+): (?P<caption>\S.*)")
# Ids that an editor drew; the last one stands for none.
RANDOM_ID = re.compile(r"(?=.*\d)[0-9a-f]{6,}|[a-f]{8,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|number-\d+")
WORDY_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
ROLES = ("derive", "check", "source")
WORDS = ("export", *ROLES, "figure")
# An appendix is 00, or bears a letter and builds on the chapter of its number, whose plumbing it holds.
NUMBERED = re.compile(r"(?P<digits>\d\d)(?P<letter>[a-z]?)-(?P<words>.+)")


class BookError(Exception):
    """A rule of the book is broken; the message is one sentence that names the file and the cell."""


@cache
def nodes_of(code):
    return tuple(ast.walk(ast.parse(code)))


def is_word(name):
    """Whether the id of a cell was chosen, by an author or by `make run`, rather than drawn."""
    return bool(WORDY_ID.fullmatch(name)) and not RANDOM_ID.fullmatch(name)


@dataclass(frozen=True)
class Cell:
    """One cell of a chapter. `position` orders all cells of the book: each may use those before it."""

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
        """The file and the id, or how the cell begins: no author knows an id that was drawn."""
        if is_word(self.id):
            return f"{self.notebook}, cell {self.id}"
        begin = self.text.strip().partition("\n")[0]
        return f"{self.notebook}, the cell that begins '{begin[:60]}'"

    @cached_property
    def head(self):
        """The `#|` lines with which a code cell begins, and by which it says what it is for."""
        lines = self.text.split("\n") if self.kind == "code" else []
        return tuple(takewhile(lambda line: line.startswith("#|"), lines))

    @cached_property
    def code(self):
        """The source without its head."""
        return "\n".join(self.text.split("\n")[len(self.head) :])

    @cached_property
    def said(self):
        """What the head says, by its words; a line whose text is indented goes on with the line before it."""
        found = {}
        lines = re.sub(r"\s*\n#\|\s{2,}", " ", "\n".join(self.head)).splitlines()
        for line in map(str.rstrip, lines):
            match = HEAD_LINE.fullmatch(line)
            if match is None or match["word"] not in WORDS or match["word"] in found:
                raise BookError(
                    f"{self.where}: '{line}' says nothing that is known; a line at the head of a cell begins "
                    f"with {', '.join(WORDS[:-1])} or {WORDS[-1]}, each of them once."
                )
            found[match["word"]] = match["said"]
        return found

    @cached_property
    def module(self):
        """The module this cell is exported to (`kernels`, `lab.ulp`), or None."""
        if self.kind == "code" and EXTRA_MARKER.search("\n".join(self.text.split("\n")[1:])):
            raise BookError(f"{self.where}: '#| export' may stand only on the first line, once.")
        if "export" not in self.said:
            return None
        match = EXPORT.fullmatch(self.head[0].rstrip())
        if match is None:
            raise BookError(
                f"{self.where}: '{self.head[0]}' is not an export marker; "
                "write '#| export MODULE' with a lower-case module name."
            )
        return match["module"]

    @cached_property
    def figure(self):
        """The name and the caption of the figure that the cell draws; empty if it draws none."""
        if "figure" not in self.said:
            return {}
        match = FIGURE.fullmatch(self.said["figure"])
        if match is None:
            raise BookError(f"{self.where}: write '#| figure fig-NAME: CAPTION', in lower case letters.")
        return match.groupdict()

    @property
    def tree(self):
        return self.nodes[0]

    @cached_property
    def nodes(self):
        """The syntax tree and all that is in it."""
        try:
            return nodes_of(self.code)
        except SyntaxError as error:
            line = error.lineno + len(self.head)
            raise BookError(f"{self.where}: syntax error, {error.msg} (line {line}).") from None

    @property
    def tags(self):
        return tuple(self.metadata.get("tags", ()))

    @property
    def claims(self):
        """What the cell proves, as pairs of a role and a target, such as ("derive", "thm-jacobian")."""
        pairs = [(role, name) for role in ROLES for name in re.findall(r"[^\s,]+", self.said.get(role, ""))]
        return tuple(dict.fromkeys(pairs))


def number_of(page):
    """The number by which a page goes, "8" or "3a", after the name of its file; None if it has none."""
    match = NUMBERED.fullmatch(PurePosixPath(page).stem)
    return match and short_number(match["digits"] + match["letter"])


def short_number(written):
    """The number of a chapter as pages show it: "3a" for 03a, "0" for 00."""
    return re.sub(r"^0+(?=\d)", "", written)


def is_appendix(page):
    """Whether a page stands at the back: it can be left out by those who read for the ideas."""
    number = number_of(page)
    return number is not None and (number == "0" or number[-1].isalpha())


@dataclass(frozen=True)
class Chapter:
    """A notebook of the book."""

    path: Path
    name: str
    cells: tuple[Cell, ...]

    @property
    def slug(self):
        return Path(self.name).stem

    @property
    def number(self):
        return number_of(self.name)

    @property
    def is_appendix(self):
        return is_appendix(self.name)

    @cached_property
    def title(self):
        for cell in self.cells:
            if match := re.search(r"^# (.+)$", cell.text if cell.kind == "markdown" else "", re.M):
                return match[1].strip()
        raise BookError(f"{self.name}: no '# ' heading in any cell.")

    @cached_property
    def needs(self):
        """What its box asks of a reader, after the words *You need*; empty if it does not say so."""
        texts = (cell.text for cell in self.cells if cell.kind == "markdown")
        found = (re.search(r"^\*\*You need\*\* (.+)$", text, re.M) for text in texts)
        return next((match[1] for match in found if match), "")

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


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which no key of a mapping is given twice; otherwise the last one would win in silence."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        if double := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(
                None, None, f"a key is given twice, {double[0]}", node.start_mark
            )
        return super().construct_mapping(node, deep)


def read_yaml(root, name):
    """What a file of YAML holds."""
    try:
        return yaml.load(read_text(root, name), Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        raise BookError(f"{name}: not readable, {' '.join(str(error).split())}.") from None


def read_notebook(path, root, order):
    name = path.relative_to(root).as_posix()
    try:
        with warnings.catch_warnings(action="error"):  # nbformat repairs double ids with a warning
            notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises several unrelated types for a broken file
        said = " ".join(str(error).split())[:80]
        raise BookError(f"{name}: not a readable notebook ({type(error).__name__}: {said}).") from error
    return Chapter(path=path, name=name, cells=cells_of(notebook, name, order))


def cells_of(notebook, name, order=0):
    """The cells of a notebook that has been read; `name` is that of its file."""
    return tuple(
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


def toc_files(root=ROOT):
    """Every file that `_toc.yml` names, without its suffix, in reading order."""
    first, parts = toc(root)
    return [first, *(file for _, files in parts for file in files)]


def toc(root=ROOT):
    """The first page that `_toc.yml` names, and its parts: for each what it is called, and its files."""
    read = read_yaml(root, "_toc.yml")
    try:
        return read["root"], [
            (part.get("caption", ""), [entry["file"] for entry in part["chapters"]])
            for part in read.get("parts", [read])
        ]
    except (AttributeError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())
        raise BookError(f"_toc.yml: not a table of contents ({type(error).__name__}: {said}).") from None


def read_book(root=ROOT):
    """The chapters that are notebooks, in the order of their numbers, in which each builds on those before.

    That is the order of the table of contents, but for appendices, which it has at the back.
    """
    root = Path(root)
    listed = [root / f"{entry}.ipynb" for entry in toc_files(root)]
    listed = [path for path in listed if path.exists()]
    present = {path for path in (root / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts}
    if unlisted := sorted(present - set(listed)):
        raise BookError(f"{unlisted[0].relative_to(root)}: a notebook that _toc.yml does not list.")
    if unnumbered := [path for path in listed if number_of(path.name) is None]:
        name = unnumbered[0].relative_to(root)
        raise BookError(f"{name}: a chapter begins with its number, 'NN-words.ipynb'.")
    numbers = [path.name.partition("-")[0] for path in listed]
    if double := [number for number in numbers if numbers.count(number) > 1]:
        raise BookError(f"_toc.yml: two chapters have the number {double[0]}.")
    in_order = sorted(listed, key=lambda path: path.name)
    if listed != sorted(in_order, key=lambda path: is_appendix(path.name)):
        raise BookError(
            "_toc.yml: the chapters are not in the order of their numbers, with the appendices (00, and "
            "those with a letter, 03a) after the others."
        )
    return tuple(read_notebook(path, root, order) for order, path in enumerate(in_order))


def reading_order(book):
    """The chapters as the table of contents has them, the appendices last."""
    return sorted(book, key=lambda chapter: chapter.is_appendix)
