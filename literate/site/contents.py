"""What pages tell of the chapters: what they need, and their exercises.

Nothing of it is typed a second time, so a new chapter is there by itself.
"""

from itertools import groupby
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

from literate.chapters import read_book
from literate.exercises import exercises


class Contents(SphinxDirective):
    """``{contents-of} needs`` and so on: see the functions below."""

    required_arguments = 1

    def run(self):
        book = read_book(Path(self.env.srcdir))
        for chapter in book:
            self.env.note_dependency(str(chapter.path))
        text = "\n".join(TEXTS[self.arguments[0]](book))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def coming(book):
    """Which numbers the contents leave out."""
    present = {int(chapter.slug[:2]) for chapter in book}
    told, missing = [], [number for number in range(max(present)) if number not in present]
    for _, run in groupby(enumerate(missing), lambda pair: pair[1] - pair[0]):
        first, *_, last = [number for _, number in run] * 2  # also of a single one
        told += [f"{first} to {last}"] if last > first + 1 else map(str, range(first, last + 1))
    listed = " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]]))
    if len(missing) == 1:
        yield f"Chapter {listed} is still to be written; its number is kept for it."
    elif missing:
        yield f"Chapters {listed} are still to be written; their numbers are kept for them."


def needs(book):
    """What the chapters ask of a reader, as their boxes say it."""
    yield from ("| chapter | needs |", "| --- | --- |")
    for chapter in book:
        asked = chapter.needs.replace("|", "\\|")
        yield f"| {{doc}}`{chapter.slug}` | {asked} |"


def exercises_by_stars(book):
    """The exercises of the chapters: those for the class, and those for home."""
    yield from ("| chapter | in class | at home |", "| --- | --- | --- |")
    for chapter in book:
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
    "needs": needs,
    "exercises": exercises_by_stars,
}


def setup(app):
    app.add_directive("contents-of", Contents)
    return {"parallel_read_safe": True}
