"""The ledger and the errata: what is proved, chapter by chapter, and a card with an address for each claim.

Both pages have a row of choices, which hide the rest without a script.
"""

from collections import Counter
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from literate import ledger
from literate.site.book import book_of
from literate.site.cells import label
from literate.site.raw import html


class LedgerPart(SphinxDirective):
    """A part of the two pages.

    ``{ledger} theorems``, ``{ledger} verdicts`` for what they mean and how often each is given, ``{ledger}
    choices`` for a bar of their counts and the buttons, or ``{ledger} 003`` for the claims of source 003.
    """

    required_arguments = 1

    def run(self):
        root = Path(self.env.srcdir)
        book, claims = book_of(root), ledger.read_claims(root)
        for path in [root / "book" / "claims.yml", *(chapter.path for chapter in book)]:
            self.env.note_dependency(str(path))
        what = self.arguments[0]
        if what == "theorems":
            return self.theorems(book)
        if what == "verdicts":
            return self.parse(*verdict_table(claims))
        if what == "choices":
            return [verdict_filter(claims)]
        rows = ledger.in_order(row for row in claims if row["source"] == what)
        graph = ledger.tagged_cells(book)
        cards = (self.card(row, graph.get(("source", row["id"]), ())) for row in rows)
        return [*self.parse(tally(rows)), *cards]

    def parse(self, *lines):
        return self.parse_text_to_nodes("\n".join(lines))

    def theorems(self, book):
        """A section for each chapter that proves something."""
        graph, proofs = ledger.tagged_cells(book), ledger.proofs(book)
        stated = [one for one in ledger.statements(book).values() if one.needs_proof]
        by_chapter = ((chapter, [one for one in stated if one.chapter is chapter]) for chapter in book)
        proving = [
            (chapter, [*theorem_table(found, proofs, graph)]) for chapter, found in by_chapter if found
        ]
        found = [chapter_filter(proving)]
        for chapter, lines in proving:
            title = nodes.title("", numbered(chapter))
            found.append(nodes.section("", title, *self.parse(*lines), ids=[f"of-{chapter.slug}"]))
        return found

    def card(self, row, cells):
        """What is printed and what is right, with an id that is an address and that `{ref}` finds."""
        name, theorem = ledger.anchor(row["id"]), row["theorem"]
        self.env.get_domain("std").anonlabels[name] = (self.env.docname, name)
        link = f'<a class="headerlink" href="#{name}" title="Link to this claim">#</a>'
        head = self.parse(f"**{row['verdict']}** `{row['id']}` {row['place']}")
        head[0] += html(link)
        head[0]["classes"].append("claim-head")
        right = row["right"] + (f" {{prf:ref}}`{theorem}`" if theorem else "")
        return nodes.container(
            "",
            *head,
            nodes.container("", field("Printed"), *self.parse(row["claim"]), classes=["printed"]),
            nodes.container("", field("Right, or remark"), *self.parse(right), classes=["right"]),
            *self.parse(f"Settled in {cell_links(cells)}"),
            classes=["claim-card", verdict_class(row["verdict"])],
            ids=[name],
        )


def field(words):
    return nodes.paragraph("", words, classes=["field"])


def verdict_class(verdict):
    return verdict.replace(" ", "-")


def cell_links(cells):
    """Markdown links to cells, by the labels that `Cells.annotate` gives them."""
    return ", ".join(f"{{ref}}`{cell.id} <{label(cell)}>`" for cell in cells)


def theorem_table(theorems, proofs, graph):
    """What each theorem says, how it is proved and where it is checked."""
    yield from ("| statement | derived | checked |", "| --- " * 3 + "|")
    for statement in theorems:
        says, kind = (part.replace("|", "\\|") for part in proofs[statement.label])
        derived, checked = (
            cell_links(graph.get((role, statement.label), ())) for role in ("derive", "check")
        )
        title = f"{{prf:ref}}`{statement.label}`: {statement.title}"
        yield f"| {title} <br>{says} | ✓ {kind} <br>{derived} | ✓ {checked} |"


def numbered(chapter):
    """Such as "2 Shift invariance"."""
    return f"{chapter.number} {chapter.title}"


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


# --- Choices

EVERYTHING = ".all"


def verdict_filter(claims):
    counts = Counter(row["verdict"] for row in claims)
    given = {
        f".{verdict_class(verdict)}": (verdict, counts[verdict])
        for verdict in ledger.VERDICTS
        if counts[verdict]
    }
    spans = (
        f'<span class="{one[1:]}" style="flex-grow: {count}"></span>' for one, (_, count) in given.items()
    )
    bar = f'<div class="bar" aria-hidden="true">{"".join(spans)}</div>'  # the buttons say the numbers
    return html(bar + choices("verdict", ".claim-card", given, len(claims)))


def chapter_filter(tables):
    given = {
        f"#of-{chapter.slug}": (numbered(chapter), len(lines) - 2)  # a head has two lines
        for chapter, lines in tables
    }
    return html(choices("chapter", "section[id^='of-']", given, sum(count for _, count in given.values())))


def choices(name, part, given, total):
    """A row of radio buttons, each with its count: one hides the parts that are not its own.

    `given` has the words and the count of each selector, a class or an id. A part to which a link led is
    always shown.
    """
    rules = "".join(
        f"html:has(#{name}-{one[1:]}:checked) .bd-article {part}:not({one}, :target, :has(:target))"
        "{display:none}"
        for one in given
    )
    buttons = "".join(
        f'<label class="{one[1:]}">'
        f'<input type="radio" name="{name}" id="{name}-{one[1:]}"{" checked" * (one == EVERYTHING)}>'
        f"<span>{escape(words)} <b>{count}</b></span></label>"
        for one, (words, count) in ({EVERYTHING: ("all", total)} | given).items()
    )
    row = f'<fieldset class="choices"><legend>Show</legend>{buttons}</fieldset>'
    return f"<style>{rules}</style>{row}"


def setup(app):
    app.add_directive("ledger", LedgerPart)
    return {"parallel_read_safe": True}
