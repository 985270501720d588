"""The ledger: which cells derive, check or settle each theorem and each claim of the sources.

It is built from the chapters (theorem directives, cell tags) and `book/claims.yml`; nothing in it is typed
twice. `problems` lists what is missing or points nowhere; `gates` and the ledger page both work from here.
"""

import ast
import re
from collections import Counter
from dataclasses import dataclass

import yaml

from literate.chapters import ROLES, ROOT, BookError, Cell, Chapter

STATEMENT = re.compile(
    r"^(?:`{3,}|:{3,})\{prf:(?P<kind>theorem|corollary|proposition|lemma|definition)\}(?P<title>[^\n]*)\n"
    r"(?P<options>(?::[a-z]+:[^\n]*\n)*)",
    re.M,
)
VERDICTS = ("holds", "holds if", "wrong", "not checkable")
FIELDS = {"id", "source", "place", "claim", "verdict", "right", "theorem"}
SOURCES = {"000", "001", "002", "003"}


@dataclass(frozen=True)
class Statement:
    """A labelled theorem or definition and where it stands."""

    label: str
    kind: str
    title: str
    chapter: Chapter
    cell: Cell

    @property
    def needs_proof(self):
        return self.kind != "definition"


def statements(book):
    """Every theorem and definition of the book, keyed by its label."""
    found = {}
    for chapter in book:
        for cell in chapter.cells:
            for match in STATEMENT.finditer(cell.text if cell.kind == "markdown" else ""):
                label = re.search(r"^:label:\s*(\S+)", match["options"], re.M)
                if label is None:
                    raise BookError(f"{cell.where}: a {match['kind']} without a label.")
                if label[1] in found:
                    raise BookError(
                        f"{cell.where}: label {label[1]} is already used in {found[label[1]].cell.where}."
                    )
                found[label[1]] = Statement(label[1], match["kind"], match["title"].strip(), chapter, cell)
    return found


def read_claims(root=ROOT):
    """The rows of `book/claims.yml`, each checked for its fields."""
    rows = yaml.safe_load((root / "book" / "claims.yml").read_text(encoding="utf-8")) or []
    for row in rows:
        name = row.get("id", row)
        if missing := FIELDS - row.keys():
            raise BookError(f"book/claims.yml, row {name}: no field {', '.join(sorted(missing))}.")
        if extra := row.keys() - FIELDS:
            raise BookError(f"book/claims.yml, row {name}: unknown field {', '.join(sorted(extra))}.")
        if row["verdict"] not in VERDICTS:
            raise BookError(
                f"book/claims.yml, row {name}: verdict '{row['verdict']}' is not one of {VERDICTS}."
            )
        if row["source"] not in SOURCES or not name.startswith(row["source"] + "-"):
            raise BookError(f"book/claims.yml, row {name}: its source is '{row['source']}'.")
    if double := [key for key, count in Counter(row["id"] for row in rows).items() if count > 1]:
        raise BookError(f"book/claims.yml: two rows have the id {double[0]}.")
    return rows


def tagged_cells(book):
    """The cells behind each (role, target), in reading order."""
    graph = {}
    for chapter in book:
        for cell in chapter.code_cells:
            for pair in cell.claims:
                graph.setdefault(pair, []).append(cell)
    return graph


def _asserts(cell):
    """Whether the cell holds an assertion that can fail: not a constant, not `a == a`."""
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            sides = [node.test.left, *node.test.comparators] if isinstance(node.test, ast.Compare) else []
            if len({ast.dump(side) for side in sides}) != 1:
                return True
        elif isinstance(node, ast.Call) and "assert_" in ast.unparse(node.func):
            return True
    return False


def problems(book, claims):
    """One sentence for each orphan, dangling tag or tagged cell that asserts nothing."""
    labels, graph = statements(book), tagged_cells(book)
    ids = {row["id"] for row in claims}
    for label, statement in labels.items():
        prefix = "thm-" if statement.needs_proof else "def-"
        if not label.startswith(prefix):
            yield f"{statement.cell.where}: the label {label} does not begin with {prefix}."
        for role in ("derive", "check"):
            if statement.needs_proof and (role, label) not in graph:
                yield f"{statement.cell.where}: {label} has no cell tagged {role}:{label}."
    for row in claims:
        if ("source", row["id"]) not in graph:
            yield f"book/claims.yml: {row['id']} has no cell tagged source:{row['id']}."
        if row["theorem"] and row["theorem"] not in labels:
            yield f"book/claims.yml: {row['id']} names {row['theorem']}, which no chapter states."
    for (role, target), cells in graph.items():
        if target not in (ids if role == "source" else labels):
            yield f"{cells[0].where}: the tag {role}:{target} points nowhere."
    for chapter in book:
        for cell in chapter.code_cells:
            yield from _tag_problems(cell)


def _tag_problems(cell):
    for tag in cell.tags:
        if ":" in tag and tag.split(":", 1)[0] not in ROLES:
            yield f"{cell.where}: the tag {tag} has none of the roles {', '.join(ROLES)}."
    if cell.claims and not _asserts(cell):
        tag = ":".join(cell.claims[0])
        yield f"{cell.where}: tagged {tag} but asserts nothing that can fail."
