"""What pages tell of the chapters: what they say, how long they take, what they need, their exercises.

Nothing of it is typed a second time, so a new chapter is there by itself.
"""

import re
from collections import Counter
from itertools import groupby
from pathlib import Path

import numpy as np
from sphinx.util.docutils import SphinxDirective

import softlit
from literate import ledger
from literate.chapters import reading_order, toc
from literate.exercises import exercises
from literate.site.book import book_of


class Contents(SphinxDirective):
    """``{contents-of} needs`` and so on: see the functions below."""

    required_arguments = 1

    def run(self):
        book = book_of(Path(self.env.srcdir))
        for chapter in book:
            self.env.note_dependency(str(chapter.path))
        text = "\n".join(TEXTS[self.arguments[0]](book))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def coming(book):
    """Which numbers the contents leave out."""
    present = {int(chapter.slug[:2]) for chapter in book}
    told, missing = [], [number for number in range(1, max(present)) if number not in present]
    for _, run in groupby(enumerate(missing), lambda pair: pair[1] - pair[0]):
        first, *_, last = [number for _, number in run] * 2  # also of a single one
        told += [f"{first} to {last}"] if last > first + 1 else map(str, range(first, last + 1))
    listed = " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]]))
    if len(missing) == 1:
        yield f"Chapter {listed} is in preparation; its number is kept for it."
    elif missing:
        yield f"Chapters {listed} are in preparation; their numbers are kept for them."


# --- The landing page

WORDS, LINES = 150, 15  # that one reads in a minute: of prose with formulas, and of code
AFTERNOON = ("01", "02", "04", "05", "08")
PROMISE = re.compile(r"^# .+\n+(?:<!--.*-->\n+)?(?:(?:At the end of|After) this \w+ )?(?P<said>.+)$", re.M)
TIME = re.compile(r"^\*\*[^*]+\*\* (\d+) minutes", re.M)


def chapters(book):
    """The chapters below their parts: the number, the time, and what one can do afterwards."""
    by_file = {f"book/{chapter.slug}": chapter for chapter in book}
    for caption, files in toc(_root(book))[1]:
        found = [by_file[file] for file in files if file in by_file]
        if found:
            yield from (f"**{caption}**", "")
        for chapter in found:
            yield f"- {{doc}}`{chapter.number} {chapter.title} <{chapter.slug}>`"
            yield f"  [{minutes(chapter)} min]{{.minutes}}"
            yield f"  {promise(chapter)}"
        yield ""


def promise(chapter):
    """What the first sentence says that a reader can do, as a sentence of its own."""
    said = PROMISE.search("\n".join(cell.text for cell in chapter.cells if cell.kind == "markdown"))["said"]
    return said[0].upper() + said[1:]


def minutes(chapter):
    """How long a chapter takes, without its exercises: what its box says, or by its words and lines.

    Cells that prove something or go into the package are looked up rather than read.
    """
    lesson = []
    for cell in chapter.cells:
        if cell.kind == "markdown" and "## Exercises" in cell.text:
            break
        lesson.append(cell)
    prose = " ".join(cell.text for cell in lesson if cell.kind == "markdown")
    if said := TIME.search(prose):
        return int(said[1])
    read = [cell.code for cell in lesson if cell.kind == "code" and not cell.claims and not cell.module]
    lines = sum(len(code.splitlines()) for code in read)
    return 5 * max(1, round((len(prose.split()) / WORDS + lines / LINES) / 5))


def paths(book):
    """Two ways through the book, with the time that each takes."""
    by_number = {chapter.slug.partition("-")[0]: chapter for chapter in book}
    short = [by_number[number] for number in AFTERNOON if number in by_number]
    long = [chapter for chapter in book if not chapter.is_appendix]
    listed = ", ".join(f"{{doc}}`{chapter.number} <{chapter.slug}>`" for chapter in short)
    yield from (f"Start with {{doc}}`{long[0].slug}`, on either path:", "")
    yield f"- **An afternoon**, {_hours(short)}: {listed}."
    yield f"- **Complete**, {_hours(long)}: all chapters in the order of their numbers. Exercises are extra."


def _hours(chosen):
    total = sum(map(minutes, chosen))
    return f"about {round(total / 60)} hours"


def facts(book):
    """What was judged, what is proved, and a number that the usual formulas lose."""
    counts = Counter(row["verdict"] for row in ledger.read_claims(_root(book)))
    wrong = sum(counts[verdict] for verdict in ledger.MISTAKES)
    kinds = [kind for _, kind in ledger.proofs(book).values() if ledger.KIND_OF_PROOF.fullmatch(kind)]
    ours, usual = lost_digits()
    cards = {
        f"{counts.total()} claims judged": f"Of what four texts say about softmax, {wrong} sentences are "
        f"wrong, misprints included, and {counts['holds if']} hold under a condition that they leave out. "
        "{doc}`See which <errata>`.",
        f"{len(kinds)} theorems derived and checked": f"{kinds.count(ledger.EVERY_SIZE)} of them wholly by "
        "machine, for every $N$; each in cells that ran. {doc}`The ledger <ledger>` says which part of a "
        "proof is whose.",
        f"`{ours:.4g}`, not `{usual}`": "The first entry of `log_softmax([0, -40])`, right to the last digit "
        "where the usual formulas lose them all. {doc}`Why <03-computing-it-well>`.",
    }
    yield from ("::::{grid} 1 1 3 3", ":gutter: 2", ":class-container: facts", "")
    for title, text in cards.items():
        yield from (f":::{{grid-item-card}} {title}", text, ":::", "")
    yield "::::"


def lost_digits():
    """The first entry of log_softmax([0, -40]) by softlit, and by both of the usual formulas."""
    x = np.array([0.0, -40.0])
    usual = {float(np.log(softlit.softmax(x))[0]), float(x[0] - np.log(np.exp(x).sum()))}
    (lost,) = usual
    return float(softlit.log_softmax(x)[0]), lost


def _root(book):
    return book[0].path.parent.parent


# --- For lecturers


def needs(book):
    """What the chapters ask of a reader, as their boxes say it."""
    yield from ("| chapter | needs |", "| --- | --- |")
    for chapter in reading_order(book):
        asked = chapter.needs.replace("|", "\\|")
        yield f"| {{doc}}`{chapter.slug}` | {asked} |"


def exercises_by_stars(book):
    """The exercises of the chapters: those for the class, and those for home."""
    yield from ("| chapter | in class | at home |", "| --- | --- | --- |")
    for chapter in reading_order(book):
        found = exercises(chapter)
        columns = (_listed(found, lambda stars: stars == 1), _listed(found, lambda stars: stars > 1))
        yield f"| {{doc}}`{chapter.slug}` | {' | '.join(columns)} |"


def _listed(found, wanted):
    shown = {1: "", 2: "", 3: r" $\star\star\star$"}  # two are usual at home
    return ", ".join(
        f"{{ref}}`{exercise.label}`{shown[exercise.stars]}" for exercise in found if wanted(exercise.stars)
    )


TEXTS = {
    "coming": coming,
    "chapters": chapters,
    "paths": paths,
    "facts": facts,
    "needs": needs,
    "exercises": exercises_by_stars,
}


def setup(app):
    app.add_directive("contents-of", Contents)
    return {"parallel_read_safe": True}
