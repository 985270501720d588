"""The ledger: how each theorem is proved, and which cells derive, check or settle theorems and claims.

It is built from the chapters (theorem directives, heads of cells, the tables "What is proved here") and from
`book/claims.yml`; nothing in it is typed twice. `problems` lists what is missing, points nowhere, or claims
more than is proved; `rules` and the ledger page both work from here.
"""

import ast
import math
import re
from collections import Counter
from dataclasses import dataclass

from literate.chapters import ROLES, ROOT, BookError, Cell, Chapter, read_yaml
from literate.directives import directives, table_rows

STATEMENTS = {f"prf:{kind}" for kind in ("theorem", "corollary", "proposition", "lemma", "definition")}
EVERY_SIZE, MACHINE = "by machine, for every $N$", "by machine"
IN_PART, ARGUMENT = "by machine in part; by argument: ", "by argument, checked numerically"
KIND_OF_PROOF = re.compile("|".join(map(re.escape, (EVERY_SIZE, MACHINE, ARGUMENT))) + rf"|{IN_PART}\S.*")
# What can be said of a claim, and what is meant by it: the errata page prints these words.
VERDICTS = {
    "holds": "Right as it is said, to the digits that are given.",
    "holds if": "Right under a condition that its document does not state; the condition is given.",
    "wrong": "Not right as it is printed, be it a slip of the pen or a mistake.",
    "wrong in our copy": "Not right in our copy, and the slip may be that of the transcript.",
    "not checkable": "Our copy lacks what the sentence speaks of, or cannot be read.",
    "no claim": "A name, a wish, a heading, the setting of an example: nothing that is true or false.",
}
MISTAKES = {"wrong", "wrong in our copy"}
# How the title of a box begins, its class, and the verdicts of the claims that it may name.
BOXES = {
    "Erratum": ("erratum", MISTAKES),
    "Errata": ("erratum", MISTAKES),
    "Condition": ("condition", {"holds if"}),
    "Conditions": ("condition", {"holds if"}),
}
NAMED = re.compile(r"\{ref\}`[^`<]*<claim-([^`>]+)>`")
FIELDS = {"id", "source", "place", "claim", "verdict", "right", "theorem"}
SOURCES = {  # and what the text above a cell calls them
    "000": "Cross Validated",
    "001": "Ahmad's post",
    "002": "Park's note",
    "003": "the lecture notes",
}
TRANSCRIBED = {"002", "003"}  # our copies of these were read from a picture of the page, by a machine


@dataclass(frozen=True)
class Statement:
    """A labelled theorem or definition and where it stands."""

    label: str
    kind: str
    title: str
    chapter: Chapter
    cell: Cell
    text: str

    @property
    def needs_proof(self):
        return self.kind != "definition"

    @property
    def has_a_size(self):
        """Whether the statement is about an unknown number of things: it names N, or sums."""
        return re.search(r"(?<![A-Za-z\\])N(?![A-Za-z])|\\sum", self.text) is not None


def statements(book):
    """Every theorem and definition of the book, keyed by its label."""
    found = {}
    for chapter in book:
        for directive in directives(chapter):
            if directive.kind not in STATEMENTS:
                continue
            kind, label, cell = directive.kind.removeprefix("prf:"), directive.label, directive.cell
            if label is None:
                raise BookError(f"{cell.where}: a {kind} without a label.")
            if label in found:
                raise BookError(f"{cell.where}: label {label} is already used in {found[label].cell.where}.")
            found[label] = Statement(label, kind, directive.argument, chapter, cell, directive.body)
    return found


def proofs(book):
    """What each statement says and how it is proved: the last two columns of "What is proved here"."""
    found = {}
    for chapter in book:
        for cell in chapter.cells:
            table = cell.text.partition("## What is proved here")[2] if cell.kind == "markdown" else ""
            for first, *others in table_rows(table):
                if named := re.fullmatch(r"\{prf:ref\}`([\w-]+)`", first):
                    found[named[1]] = (others[0], others[-1])
    return found


def kinds_of_proof(book):
    """How each statement is proved, by its label."""
    return {label: kind for label, (_, kind) in proofs(book).items()}


def read_claims(root=ROOT):
    """The rows of `book/claims.yml`, each checked for its fields."""
    rows = read_yaml(root, "book/claims.yml") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BookError("book/claims.yml: not a list of rows.")
    for row in rows:
        name = row.get("id", row)
        if missing := FIELDS - row.keys():
            raise BookError(f"book/claims.yml, row {name}: no field {', '.join(sorted(missing))}.")
        if extra := row.keys() - FIELDS:
            raise BookError(f"book/claims.yml, row {name}: unknown field {', '.join(sorted(extra))}.")
        for field in FIELDS - {"theorem"}:
            if not isinstance(row[field], str) or not row[field].strip():
                raise BookError(f"book/claims.yml, row {name}: {field} is not a text.")
        if not isinstance(row["theorem"], str | None) or row["theorem"] == "":
            raise BookError(f"book/claims.yml, row {name}: theorem is neither a label nor null.")
        if row["verdict"] not in VERDICTS:
            known = ", ".join(VERDICTS)
            raise BookError(f"book/claims.yml, row {name}: verdict '{row['verdict']}' is not one of {known}.")
        if row["source"] not in SOURCES or not re.fullmatch(row["source"] + r"-(\d+|missing)", name):
            raise BookError(f"book/claims.yml, row {name}: its source is '{row['source']}'.")
        if problem := _unfair(row):
            raise BookError(f"book/claims.yml, row {name}: {problem}.")
    if double := [key for key, count in Counter(row["id"] for row in rows).items() if count > 1]:
        raise BookError(f"book/claims.yml: two rows have the id {double[0]}.")
    return rows


def _unfair(row):
    """What a verdict claims beyond what the row says, or None."""
    conditional = row["verdict"] == "holds if"
    if conditional != row["right"].startswith("If "):
        return "a condition, 'If ...', begins what is right, for the verdict 'holds if' and for no other"
    if row["verdict"] == "wrong in our copy" and row["source"] not in TRANSCRIBED:
        return f"our copy of source {row['source']} is no transcript"
    return None


def anchor(claim):
    """The id that a claim has on the errata page."""
    return f"claim-{claim}"


def spoken(claim):
    """A claim in words, as `the lecture notes, claim 15`."""
    source, _, number = claim.partition("-")
    which = f"claim {number}" if number.isdigit() else "a claim left out"
    return f"{SOURCES.get(source, source)}, {which}"


def in_order(claims):
    """The rows as their source goes: by number, what has none at the end."""
    return sorted(claims, key=lambda row: (row["source"], _place(row["id"])))


def _place(claim):
    number = claim.partition("-")[2]
    return int(number) if number.isdigit() else math.inf


def tagged_cells(book):
    """The cells behind each (role, target), in reading order."""
    graph = {}
    for chapter in book:
        for cell in chapter.code_cells:
            for pair in cell.claims:
                graph.setdefault(pair, []).append(cell)
    return graph


def _asserts(cell):
    """Whether the cell surely reaches an assertion that can fail."""
    return any(
        _can_fail(node.test) if isinstance(node, ast.Assert) else _calls_assertion(node)
        for node in _reached(cell.tree.body)
    )


def _reached(body):
    """The statements that run: not those of functions, branches and try blocks."""
    for node in body:
        yield node
        if isinstance(node, ast.For | ast.With):
            yield from _reached(node.body)


def _calls_assertion(node):
    """Whether a statement is a call such as `np.testing.assert_array_equal(...)`."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    return ast.unparse(node.value.func).rpartition(".")[2].startswith("assert_")


def _can_fail(test):
    """Whether a condition may be false: no constant, no `a == a`, no `... or True`, no non-empty display."""
    if isinstance(test, ast.BoolOp):
        parts = [_can_fail(value) for value in test.values]
        return any(parts) if isinstance(test.op, ast.And) else all(parts)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _can_fail(test.operand)
    if (
        isinstance(test, ast.Compare)
        and len({ast.dump(side) for side in (test.left, *test.comparators)}) == 1
    ):
        return False
    displays = ast.Tuple | ast.List | ast.Dict | ast.Set | ast.Lambda | ast.JoinedStr | ast.NamedExpr
    return any(isinstance(part, ast.Name) for part in ast.walk(test)) and not isinstance(test, displays)


def problems(book, claims):
    """One sentence for each orphan, head that points nowhere, empty proof, or proof overstated."""
    labels, graph = statements(book), tagged_cells(book)
    kinds = kinds_of_proof(book)
    for label, statement in labels.items():
        if statement.needs_proof:
            yield from _kind_problems(statement, kinds.get(label, ""), graph.get(("derive", label), ()))
    ids = {row["id"] for row in claims}
    for label, statement in labels.items():
        prefix = "thm-" if statement.needs_proof else "def-"
        if not label.startswith(prefix):
            yield f"{statement.cell.where}: the label {label} does not begin with {prefix}."
        for role in ("derive", "check"):
            if statement.needs_proof and (role, label) not in graph:
                yield f"{statement.cell.where}: {label} has no cell with '#| {role} {label}' at its head."
    for row in claims:
        if ("source", row["id"]) not in graph:
            yield f"book/claims.yml: {row['id']} has no cell with '#| source {row['id']}' at its head."
        if row["theorem"] and row["theorem"] not in labels:
            yield f"book/claims.yml: {row['id']} names {row['theorem']}, which no chapter states."
    for (role, target), cells in graph.items():
        if target not in (ids if role == "source" else labels):
            yield f"{cells[0].where}: '#| {role} {target}' points nowhere; there is no such label."
    for chapter in book:
        for cell in chapter.cells:
            yield from _head_problems(cell)
    yield from _box_problems(book, {row["id"]: row["verdict"] for row in claims})


def _kind_problems(statement, kind, derivations):
    """What is wrong with the claim that a statement is proved in a certain way."""
    where = f"{statement.chapter.name}: the table of what is proved"
    if not KIND_OF_PROOF.fullmatch(kind):
        yield (
            f"{where} does not say how {statement.label} is proved; its last column is '{EVERY_SIZE}', "
            f"'{MACHINE}' (for a statement without N), '{IN_PART}...' or '{ARGUMENT}'."
        )
    elif kind == MACHINE and statement.has_a_size:
        yield f"{where} says '{MACHINE}' of {statement.label}, which speaks of N; does it hold for every N?"
    elif kind == EVERY_SIZE:
        if fixed := [cell for cell in derivations if _fixes_the_size(cell)]:
            yield f"{fixed[0].where}: takes a number for N, but {where} says '{kind}' of {statement.label}."
        if not any(_asserts_same(cell) for cell in derivations):
            yield (
                f"{where} says '{kind}' of {statement.label}, "
                "but no cell that derives it asserts `same` or a `derivative`."
            )


def _asserts_same(cell):
    """Whether an assertion of the cell rests on `same` or `derivative`, and not on their being false."""
    tests = [node.test for node in _reached(cell.tree.body) if isinstance(node, ast.Assert)]
    parts = [part for test in tests for part in (test.values if isinstance(test, ast.BoolOp) else [test])]
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func) in ("same", "derivative")
        for part in parts
        if not (isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.Not))
        for node in ast.walk(part)
    )


def _fixes_the_size(cell):
    """Whether the cell puts something for N, or names its unknowns one by one, as `symbols("x1:5")` does."""
    for node in cell.nodes:
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func).rpartition(".")[2]
        keys = [key for value in node.args[:1] for key in getattr(value, "keys", [value])]
        if function in ("subs", "xreplace") and any(ast.unparse(key) == "N" for key in keys if key):
            return True
        if function == "symbols" and re.search(r"\d:\d", ast.unparse(node.args[0])):
            return True
    return False


def _head_problems(cell):
    for tag in cell.tags:
        if tag.partition(":")[0] in ROLES:
            yield f"{cell.where}: its tag {tag} says nothing; a line '#| ...' at the head of a cell does."
    if cell.kind != "code":
        if cell.text.startswith("#| "):
            yield f"{cell.where}: a '#|' line on a cell that is not code."
        return
    if cell.claims and not _asserts(cell):
        yield f"{cell.where}: '#| {' '.join(cell.claims[0])}', but the cell asserts nothing that can fail."


def _box_problems(book, verdicts):
    """A box says of a claim what the errata say, and no mistake is without a box where it matters."""
    boxed = set()
    for box in directives(*book):
        if box.kind == "admonition":
            boxed.update(NAMED.findall(box.body))
            yield from (f"{box.cell.where}: {problem}" for problem in _faults_of_box(box, verdicts))
    for claim, verdict in verdicts.items():
        if verdict in MISTAKES and claim not in boxed:
            yield f"book/claims.yml: {claim} is {verdict}, and no box of a chapter names it."


def _faults_of_box(box, verdicts):
    word = box.argument.partition(":")[0]
    if word not in BOXES:
        if {"erratum", "condition"} & set(box.classes):
            yield f"the box '{box.argument}' begins with none of {', '.join(BOXES)}."
        return
    look, allowed = BOXES[word]
    if look not in box.classes:
        yield f"the box '{box.argument}' has not the class {look}."
    named = NAMED.findall(box.body)
    if not named:
        yield f"the box '{box.argument}' names no claim of the errata."
    for claim in named:
        if (verdict := verdicts.get(claim, "not there")) not in allowed:
            yield f"the box '{box.argument}' names {claim}, which is {verdict}."
    if any(verdicts.get(claim) == "wrong in our copy" for claim in named) and "our copy" not in box.body:
        yield f"the box '{box.argument}' does not say that it speaks of our copy."
