"""The tables of the ledger and of the errata, with an address for each claim."""

from collections import Counter
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from literate import ledger
from literate.chapters import read_book
from literate.site.cells import label


class LedgerTable(SphinxDirective):
    """A table of the ledger.

    ``{ledger} theorems``, ``{ledger} verdicts`` for what they mean and how often each is given, or
    ``{ledger} 003`` for the claims of source 003.
    """

    required_arguments = 1

    def run(self):
        root = Path(self.env.srcdir)
        book, claims = read_book(root), ledger.read_claims(root)
        for path in [root / "book" / "claims.yml", *(chapter.path for chapter in book)]:
            self.env.note_dependency(str(path))
        what = self.arguments[0]
        if what == "theorems":
            return self.parse_lines(theorem_table(book))
        if what == "verdicts":
            return self.parse_lines(verdict_table(claims))
        rows = ledger.in_order(row for row in claims if row["source"] == what)
        (table,) = self.parse_lines(claim_table(book, rows))
        table["classes"].append("cards")
        self.give_anchors(next(table.findall(nodes.tbody)), rows)
        return [*self.parse_lines([tally(rows)]), table]

    def parse_lines(self, lines):
        return self.parse_text_to_nodes("\n".join(lines))

    def give_anchors(self, body, rows):
        """An id for each row, by which it is an address, and by which `{ref}` finds it from any page."""
        for node, row in zip(body, rows, strict=True):
            name = ledger.anchor(row["id"])
            node["ids"].append(name)
            self.env.get_domain("std").anonlabels[name] = (self.env.docname, name)


def cell_links(cells):
    """Markdown links to cells, by the labels that `Cells.annotate` gives them."""
    return ", ".join(f"{{ref}}`{cell.id} <{label(cell)}>`" for cell in cells)


def theorem_table(book):
    graph, kinds = ledger.tagged_cells(book), ledger.kinds_of_proof(book)
    yield from ("| statement | proved | derived in | checked in |", "| --- " * 4 + "|")
    for name, statement in ledger.statements(book).items():
        if statement.needs_proof:
            cells = (cell_links(graph.get((role, name), ())) for role in ("derive", "check"))
            yield f"| {{prf:ref}}`{name}`: {statement.title} | {kinds[name]} | {' | '.join(cells)} |"


def verdict_table(claims):
    counts = Counter(row["verdict"] for row in claims)
    yield from ("| verdict | what it means | how many |", "| --- | --- | --: |")
    for verdict, meaning in ledger.VERDICTS.items():
        yield f"| **{verdict}** | {meaning} | {counts[verdict]} |"
    yield f"| all | Sentences, formulas and steps that were examined. | {len(claims)} |"


def tally(claims):
    """Such as "17 entries: 9 *holds*, 8 *holds if*"."""
    counts = Counter(row["verdict"] for row in claims)
    given = (f"{counts[verdict]} *{verdict}*" for verdict in ledger.VERDICTS if counts[verdict])
    return f"{len(claims)} entries: {', '.join(given)}."


def claim_table(book, claims):
    graph = ledger.tagged_cells(book)
    yield from ("| place | printed | verdict | right, or remark | settled in |", "| --- " * 5 + "|")
    for row in claims:
        theorem = f" {{prf:ref}}`{row['theorem']}`" if row["theorem"] else ""
        texts = (
            f"`{row['id']}` {row['place']}",
            row["claim"],
            f"**{row['verdict']}**",
            row["right"] + theorem,
        )
        escaped = (text.replace("|", "\\|") for text in texts)
        yield f"| {' | '.join(escaped)} | {cell_links(graph.get(('source', row['id']), ()))} |"


class FieldNames(SphinxPostTransform):
    """Write into each cell of a table of cards the head of its column: on a phone each row is a card."""

    default_priority = 900
    formats = ("html",)

    def run(self):
        for table in self.document.findall(nodes.table):
            if "cards" in table["classes"]:
                heads, *rows = table.findall(nodes.row)
                for row in rows:
                    for head, entry in zip(heads, row, strict=True):
                        entry.insert(0, nodes.paragraph("", head.astext(), classes=["field"]))


def setup(app):
    app.add_directive("ledger", LedgerTable)
    app.add_post_transform(FieldNames)
    return {"parallel_read_safe": True}
