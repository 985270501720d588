"""Names in code cells: each place that names a public function of softlit, and what a cell binds and reads.

The API page lists the chapters from here, and the names in code cells become links to it. A place counts
only if the name there is sure to mean the package: one that a chapter, a function or a comprehension has
bound to something else is left alone.
"""

import ast
import builtins
import symtable
from dataclasses import dataclass
from functools import cache

from literate.chapters import Cell
from literate.tangle import definitions, reexported


@dataclass(frozen=True)
class Use:
    """A public name in a cell. `start` and `end` count characters of the code that the page shows."""

    name: str
    cell: Cell
    start: int
    end: int
    read: bool  # rather than imported or defined there, or read by its own definition


def shown(cell):
    """The code of a cell as its page shows it."""
    return cell.code.strip()


def public_names(book):
    """The full name of every public definition, by each dotted name under which it can be reached."""
    names = {}
    for item in definitions(book):
        full = f"softlit.{item.module}.{item.name}"
        if item.public and "._" not in f".{item.module}":
            names[full] = full
            if reexported(item.module):
                names[f"softlit.{item.name}"] = full
    return names


def uses(book):
    """Every use of a public name, in reading order."""
    names = public_names(book)
    for chapter in book:
        reader = _Reader(names)
        for cell in chapter.code_cells:
            yield from reader.read(cell)


class _Reader(ast.NodeVisitor):
    """Reads the cells of one chapter one after the other, as its kernel does.

    A scope maps what is bound in it to a dotted name of the package, or to None if it is anything else.
    """

    def __init__(self, names):
        self.names = names
        self.scopes = [{}]
        self.defining = None  # the exported function or class that is being read

    def read(self, cell):
        self.cell, self.text, self.found = cell, shown(cell), []
        self.visit(ast.parse(self.text))
        return sorted(self.found, key=lambda use: use.start)

    def offset(self, line, column):
        """The number of characters before a place, which Python counts in bytes of a line."""
        lines = self.text.splitlines(keepends=True)
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())

    def note(self, dotted, start, end, *, read):
        """Keep a place if it stands for a public name; returns the full name, or None."""
        if full := self.names.get(dotted):
            self.found.append(Use(full, self.cell, start, end, read and full != self.defining))
        return full

    def note_read(self, node):
        start = self.offset(node.lineno, node.col_offset)
        end = self.offset(node.end_lineno, node.end_col_offset)
        # Python 3.11 may count wrongly within an f-string.
        right = self.text[start:end].endswith(node.id if isinstance(node, ast.Name) else node.attr)
        return right and self.note(self.dotted(node), start, end, read=True)

    def dotted(self, node):
        """What a name or a chain of attributes is called in full; None if it is not the package's."""
        if isinstance(node, ast.Name):
            return next((scope[node.id] for scope in reversed(self.scopes) if node.id in scope), None)
        base = self.dotted(node.value) if isinstance(node, ast.Attribute) else None
        return base and f"{base}.{node.attr}"

    def generic_visit(self, node):
        """Values before targets, since `softmax = softmax(x)` reads the name before it binds it."""
        for field in sorted(node._fields, key=lambda field: field not in ("value", "iter")):
            children = getattr(node, field)
            for child in children if isinstance(children, list) else [children]:
                if isinstance(child, ast.AST):
                    self.visit(child)

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            self.note_read(node)
        else:
            self.scopes[-1][node.id] = None

    def visit_Attribute(self, node):
        if not self.note_read(node):
            self.generic_visit(node)

    def visit_Import(self, node):
        for item in node.names:
            whole = item.name if item.asname else item.name.partition(".")[0]
            self.bind(item.asname or whole, whole)

    def visit_ImportFrom(self, node):
        for item in node.names:
            dotted = f"{node.module}.{item.name}"
            self.bind(item.asname or item.name, dotted)
            start = self.offset(item.lineno, item.col_offset)
            self.note(dotted, start, start + len(item.name), read=False)

    def bind(self, name, dotted):
        ours = dotted == "softlit" or dotted.startswith("softlit.")
        self.scopes[-1][name] = dotted if ours else None

    def visit_FunctionDef(self, node):
        self.define(node, "def ", [*node.args.defaults, *filter(None, node.args.kw_defaults)])

    def visit_ClassDef(self, node):
        self.define(node, "class ", [*node.bases, *node.keywords])

    def define(self, node, keyword, outside):
        """Bind the name of a function or a class, and read its body; `outside` is read before that."""
        exported = self.cell.module and len(self.scopes) == 1
        dotted = f"softlit.{self.cell.module}.{node.name}" if exported else None
        self.scopes[-1][node.name] = dotted
        start = self.offset(node.lineno, node.col_offset) + len(keyword)
        self.note(dotted, start, start + len(node.name), read=False)
        for part in (*node.decorator_list, *outside):
            self.visit(part)
        outer, self.defining = self.defining, dotted or self.defining
        self.visit_inside(node, node.body)
        self.defining = outer

    def visit_Lambda(self, node):
        self.visit_inside(node, [node.body])

    def visit_ListComp(self, node):
        self.visit_inside(node, [*node.generators, *_results(node)])

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def visit_inside(self, node, parts):
        """Visit parts of a node in a scope in which all that it binds anywhere is its own."""
        own = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
        names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
        own |= {name.id for name in names if not isinstance(name.ctx, ast.Load)}
        self.scopes.append(dict.fromkeys(own))
        for part in parts:
            self.visit(part)
        self.scopes.pop()


def _results(comprehension):
    """What a comprehension collects."""
    fields = ("elt", "key", "value")
    return [getattr(comprehension, field) for field in fields if hasattr(comprehension, field)]


# --- What code binds and reads


@dataclass(frozen=True)
class Piece:
    """A top-level statement: its source, the names that it binds, and those that it reads."""

    source: str
    binds: frozenset
    reads: frozenset

    @classmethod
    @cache  # the two sheets of a chapter rest on the same pieces
    def of(cls, source):
        table = symtable.symtable(source, "cell", "exec")
        binds = {name.get_name() for name in table.get_symbols() if name.is_assigned() or name.is_imported()}
        reads = {name.get_name() for name in table.get_symbols() if name.is_referenced()}
        reads |= set(_globals(table)) - binds  # a function may call itself
        own = _of_comprehensions(ast.parse(source))
        return cls(source, frozenset(binds - own), frozenset(reads - own - vars(builtins).keys()))


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _of_comprehensions(tree):
    """The names that comprehensions bind for themselves, and nothing else uses.

    From Python 3.12 on, `symtable` has them among those of the scope around.
    """
    comprehensions = [node for node in ast.walk(tree) if isinstance(node, COMPREHENSIONS)]
    inside = {part for node in comprehensions for part in ast.walk(node)}
    targets = [loop.target for node in comprehensions for loop in node.generators]
    own = {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return own - {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in inside}


def _globals(table):
    """The global names that the functions, classes and comprehensions in a table read."""
    for inner in table.get_children():
        yield from (name.get_name() for name in inner.get_symbols() if name.is_global())
        yield from _globals(inner)


def pieces_of(cells):
    """The top-level statements of code cells: an import for each name, and no definition of the package's.

    What an exported cell defines is imported instead.
    """
    for cell in cells:
        lines = cell.code.splitlines()
        for node in cell.tree.body:
            first = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", ()))])
            source = "\n".join(lines[first - 1 : node.end_lineno])
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    yield Piece.of(ast.unparse(_only(node, alias)))
            elif cell.module:
                yield from (
                    Piece.of(f"from softlit.{cell.module} import {name}")
                    for name in sorted(Piece.of(source).binds)
                )
            else:
                yield Piece.of(source)


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
