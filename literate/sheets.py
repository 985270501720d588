"""Exercise sheets: for each chapter a notebook to fill in, and one with the solutions.

Nothing of them is stored. The site writes them into its folder `sheets/` while it is built, from the
exercises of the chapters, and links them below the heading of the exercises and on the page for lecturers.
A sheet runs alone: it repeats, of the chapter's earlier code, the statements that its cells need.
"""

import ast
import builtins
import html
import re
import shutil
import symtable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path, PurePosixPath

import nbformat
from docutils import nodes
from pybtex.database import parse_file
from sphinx.util.docutils import SphinxDirective

from literate import ids, ledger, running
from literate.chapters import ROOT, BookError, Cell, Chapter, read_book
from literate.directives import directives_of
from literate.run import METADATA

# What opens or closes the places of an exercise, in which order.
ORDER = {
    None: "exercise-start",
    "text": "exercise-end",
    "specification": "solution-start",
    "solution": "solution-end",
}
FOLLOWS = dict(zip(ORDER, [*[*ORDER][1:], None], strict=True))
ROLE = re.compile(r"\{(?P<role>[a-z:]+)\}`(?P<target>[^`]+)`")
FOLDER = "sheets"  # of the site
KINDS = {"blank": "", "solutions": "-solutions"}  # the two sheets of a chapter, and how their files end


@dataclass
class Exercise:
    """An exercise as it stands in a chapter: its text, its specification, its solution."""

    label: str
    number: str
    chapter: Chapter
    text: str = ""
    specification: list = field(default_factory=list)  # cells
    solution: list = field(default_factory=list)  # cells, and texts between them

    @property
    def where(self):
        return f"{self.chapter.name}, exercise {self.label}"

    @property
    def first_cell(self):
        """The cell with which its specification begins."""
        if not self.specification:
            raise BookError(f"{self.where}: no cell between its text and its solution specifies it.")
        return self.specification[0]

    @property
    def answer(self):
        """The cell that solves the exercise and calls the specification on its last line."""
        found = [part for part in self.solution if isinstance(part, Cell)]
        if not found:
            raise BookError(f"{self.where}: no cell solves it.")
        return found[0]

    @cached_property
    def call(self):
        """The last line of the answer: the name of the specification, and that of the answer."""
        match self.answer.tree.body[-1]:
            case ast.Expr(ast.Call(ast.Name(specification), [ast.Name(answer)], [])):
                return specification, answer
        raise BookError(f"{self.answer.where}: does not end with a call 'specification(answer)'.")

    @property
    def signature(self):
        """How the text writes the function that is asked for, such as ``centre(x)``."""
        match = re.search(rf"`({self.call[1]}\([^`]*\))`", self.text)
        if match is None:
            raise BookError(f"{self.where}: its text does not show the signature of {self.call[1]}.")
        return match[1]


def _gates(cell):
    """The directives that open and close the places of an exercise."""
    for directive in directives_of(cell):
        if (kind := directive.kind) in ("exercise", "solution"):
            raise BookError(
                f"{cell.where}: write {{{kind}-start}} and {{{kind}-end}} in place of {{{kind}}}, "
                "so that cells can stand between them."
            )
        if kind in ORDER.values():
            if directive.lines is None:
                raise BookError(f"{cell.where}: {{{kind}}} inside another directive.")
            yield directive


def exercises(chapter):
    """The exercises of a chapter, in order.

    Each is opened and closed by four directives in a fixed order: `exercise-start`, `exercise-end`, then the
    cells of the specification, `solution-start`, `solution-end`.
    """
    found, place = [], None
    for cell in chapter.cells:
        if cell.kind == "code":
            if place in ("specification", "solution"):
                getattr(found[-1], place).append(cell)
            continue
        lines, start = cell.text.splitlines(), 0
        for gate in [*_gates(cell), None]:
            text = "\n".join(lines[start : gate.lines[0] if gate else None]).strip()
            if place == "text":
                found[-1].text += text
            elif place == "solution" and text:
                found[-1].solution.append(text)
            if gate is None:
                break
            start = gate.lines[1]
            if gate.kind != ORDER[place]:
                raise BookError(f"{cell.where}: {{{gate.kind}}} where {{{ORDER[place]}}} should come.")
            if place is None:
                if gate.label is None:
                    raise BookError(f"{cell.where}: an exercise without a label.")
                found.append(Exercise(gate.label, numbered(chapter, len(found) + 1), chapter))
            place = FOLLOWS[place]
    if place is not None:
        raise BookError(f"{found[-1].where}: {{{ORDER[place]}}} is missing.")
    return found


# --- Numbers and words for references


def numbered(chapter, count):
    """The number that the site gives to the count-th statement or exercise of a chapter."""
    number = int(chapter.slug.split("-")[0])
    return f"{number}.{count}" if number else str(count)


def statement_names(book):
    """What the site calls each statement, such as "Theorem 5.2", by label; one sequence a chapter."""
    names, counts = {}, {}
    for label, statement in ledger.statements(book).items():
        chapter = statement.chapter
        counts[chapter.name] = counts.get(chapter.name, 0) + 1
        names[label] = f"{statement.kind.capitalize()} {numbered(chapter, counts[chapter.name])}"
    return names


def equation_numbers(book):
    """The number that the site gives to each labelled equation, by label; one sequence a chapter."""
    return {
        label: numbered(chapter, count)
        for chapter in book
        for count, label in enumerate(filter(ids.is_equation, ids.labels(chapter)), start=1)
    }


class Words:
    """Readable words for the references that only the site resolves; links, if the site has an address."""

    def __init__(self, book, root=ROOT, site=""):
        self.site = site.rstrip("/")
        self.names = statement_names(book)
        self.equations = equation_numbers(book)
        self.homes = {label: chapter for chapter in book for label in ids.labels(chapter)}
        self.statements = ledger.statements(book)
        self.chapters = {chapter.slug: chapter for chapter in book}
        self.works = parse_file(str(root / "book" / "references.bib")).entries

    def replace(self, text, where):
        """The text with every role resolved; refuses a role or a target that it does not know."""

        def words(match):
            known = {
                "prf:ref": self.statement,
                "eq": self.equation,
                "doc": self.chapter,
                "cite:p": self.work,
            }
            try:
                return known[match["role"]](match["target"])
            except KeyError:
                raise BookError(f"{where}: no words for {match[0]} in an exercise sheet.") from None

        return ROLE.sub(words, text)

    def link(self, words, address):
        return f"[{words}]({self.site}/{address})" if self.site else words

    def statement(self, label):
        statement = self.statements[label]
        page = PurePosixPath(statement.chapter.name).with_suffix(".html")
        return self.link(f"{self.names[label]} ({statement.title})", f"{page}#{label}")

    def equation(self, label):
        number = self.equations[label]
        page = PurePosixPath(self.homes[label].name).with_suffix(".html")
        return self.link(f"({number})", f"{page}#{ids.anchor(label)}")

    def chapter(self, slug):
        chapter = self.chapters[slug]
        page = PurePosixPath(chapter.name).with_suffix(".html")
        return self.link(f"chapter {slug.split('-')[0]}, *{chapter.title}*", page)

    def work(self, key):
        entry = self.works[key]
        first, *others = (" ".join(person.last_names) for person in entry.persons["author"])
        authors = f"{first} et al." if len(others) > 1 else " and ".join([first, *others])
        return f"({authors}, {entry.fields['year']})"


# --- What a sheet needs of the code before its exercises


@dataclass(frozen=True)
class Statement:
    """A top-level statement: its source, the names that it binds, and those that it reads."""

    source: str
    binds: frozenset
    reads: frozenset

    @classmethod
    @cache  # the two sheets of a chapter rest on the same statements
    def of(cls, source):
        table = symtable.symtable(source, "cell", "exec")
        binds = {name.get_name() for name in table.get_symbols() if name.is_assigned() or name.is_imported()}
        reads = {name.get_name() for name in table.get_symbols() if name.is_referenced()}
        reads |= set(_globals(table)) - binds  # a function may call itself
        return cls(source, frozenset(binds), frozenset(reads - vars(builtins).keys()))


def _globals(table):
    """The global names that the functions, classes and comprehensions in a table read."""
    for inner in table.get_children():
        yield from (name.get_name() for name in inner.get_symbols() if name.is_global())
        yield from _globals(inner)


def statements_of(cells):
    """The top-level statements of code cells: an import for each name, and no definition of the package's.

    What an exported cell defines is imported instead.
    """
    for cell in cells:
        lines = (cell.code if cell.module else cell.text).splitlines()
        for node in cell.tree.body:
            first = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", ()))])
            source = "\n".join(lines[first - 1 : node.end_lineno])
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    yield Statement.of(ast.unparse(_only(node, alias)))
            elif cell.module:
                yield from (
                    Statement.of(f"from softlit.{cell.module} import {name}")
                    for name in sorted(Statement.of(source).binds)
                )
            else:
                yield Statement.of(source)


def _only(node, alias):
    """An import statement with one of its names."""
    if isinstance(node, ast.Import):
        return ast.Import([alias])
    return ast.ImportFrom(node.module, [alias], node.level)


def before(wanted, statements):
    """The names that must be bound before some statements run, so that afterwards the `wanted` ones are.

    The last statement that binds a name is the one meant, as when a chapter is run from the top.
    """
    for statement in reversed([*statements]):
        wanted = (wanted - statement.binds) | statement.reads
    return wanted


def needed(wanted, statements):
    """The statements that bind the wanted names, with those on which they rest in turn; and what is left.

    What a statement changes without binding a name is not seen: the tests run every sheet.
    """
    chosen = []
    for statement in reversed([*statements]):
        if statement.binds & wanted:
            wanted = before(wanted, [statement])
            chosen.append(statement.source)
    return chosen[::-1], wanted


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


# --- The notebooks

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
    number = chapter.slug.split("-")[0]
    head = HEAD.format(number=number, title=chapter.title, how=HOW[kind])
    cells = [_text("title", head), *install(chapter), _code("setup", opening(chapter, kind))]
    for exercise in exercises(chapter):
        title = f"## Exercise {exercise.number}\n\n"
        text = title + words.replace(exercise.text, exercise.where)
        cells.append(_text(exercise.label, text))
        cells += [_code(cell.id, cell.text) for cell in exercise.specification]
        if kind == "blank":
            specification, answer = exercise.call
            source = BLANK.format(signature=exercise.signature, specification=specification, answer=answer)
            cells.append(_code(exercise.answer.id, source))
            continue
        for count, part in enumerate(exercise.solution):
            if isinstance(part, Cell):
                cells.append(_code(part.id, part.text))
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
    return [_code(cell.id, cell.text) for cell in chapter.code_cells[:1] if cell.id == running.CELL_ID]


def opening(chapter, kind):
    """The imports and definitions of the chapter on which the cells of its sheet rest."""
    found = exercises(chapter)
    start = found[0].first_cell.position
    earlier = statements_of(cell for cell in chapter.code_cells if cell.position < start)
    specifications = [cell for exercise in found for cell in exercise.specification]
    if kind == "blank":  # what the answers use is offered, but nothing that they define is there
        solutions = [exercise.answer for exercise in found]
    else:
        solutions = [cell for exercise in found for cell in exercise.solution if isinstance(cell, Cell)]
    in_order = sorted([*specifications, *solutions], key=lambda cell: cell.position)
    wanted = before(set(), statements_of(specifications)) | before(set(), statements_of(in_order))
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


# --- In the site


def write(app, error):
    """Put the sheets into the folder `sheets/` of a finished site."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    shutil.rmtree(folder, ignore_errors=True)  # a chapter may have got another name
    folder.mkdir()
    for name, notebook in sheets(read_book(app.srcdir), app.config.html_baseurl):
        (folder / name).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


class SheetList(SphinxDirective):
    """``{sheets}``: the sheets of all chapters as a list of links."""

    def run(self):
        items = ""
        for chapter in read_book(self.env.srcdir):
            name = f"Chapter {chapter.slug.split('-')[0]}, {html.escape(chapter.title)}"
            items += f"<li>{name}: {links(chapter.slug)}</li>"
        return [nodes.raw("", f"<ul>{items}</ul>", format="html")]


def offer(app, doctree):
    """Link the sheets of a chapter below the heading of its exercises."""
    slug = PurePosixPath(app.env.docname).name
    for section in list(doctree.findall(nodes.section)):
        if slug[0].isdigit() and section[0].astext() == "Exercises":
            section.insert(1, nodes.raw("", f"<p>As notebooks: {links(slug)}.</p>", format="html"))


def links(slug):
    """HTML links to the two sheets of a chapter, for pages in the folder of the chapters.

    HTML and no node: other formats have no folder of sheets, and a browser shows a notebook as text
    unless the link says that it is a download, which Sphinx says only of files that are there before.
    """
    return ", ".join(
        f'<a class="reference download internal" download href="../{FOLDER}/{slug}{ending}.ipynb">{words}</a>'
        for words, ending in zip(("to fill in", "with solutions"), KINDS.values(), strict=True)
    )


def setup(app):
    app.add_directive("sheets", SheetList)
    app.connect("doctree-read", offer)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}
