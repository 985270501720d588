"""What pages tell of the chapters: the names that they build, what they need, and their exercises.

Nothing of it is typed a second time, so a new chapter or module is there by itself.
"""

from pathlib import Path

from sphinx.util.docutils import SphinxDirective

from literate.chapters import read_book
from literate.exercises import exercises
from literate.tangle import definitions, exported_cells, reexported


class Contents(SphinxDirective):
    """``{contents-of} names``, ``modules``, ``needs`` or ``exercises``: see the functions below."""

    required_arguments = 1

    def run(self):
        book = read_book(Path(self.env.srcdir))
        for chapter in book:
            self.env.note_dependency(str(chapter.path))
        text = "\n".join(TEXTS[self.arguments[0]](book))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def names(book):
    """The names of `softlit` itself, below the chapter that builds them."""
    found = [item for item in definitions(book) if item.public and reexported(item.module)]
    for chapter in book:
        own = [item for item in found if item.cell.notebook == chapter.name]
        if own:
            entries = (f"   ~softlit.{item.module}.{item.name}" for item in own)
            yield from (f"{{doc}}`{chapter.slug}`", "", "```{eval-rst}")
            yield from (".. autosummary::", "   :nosignatures:", "", *entries, "```", "")


def modules(book):
    """Every public module with all that it holds: first those whose names are names of `softlit`."""
    public = [module for module in exported_cells(book) if "._" not in f".{module}"]
    for module in sorted(public, key=lambda module: (not reexported(module), "." in module)):
        yield from (
            f"## softlit.{module}",
            "",
            "```{eval-rst}",
            f".. automodule:: softlit.{module}",
            "```",
            "",
        )


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


TEXTS = {"names": names, "modules": modules, "needs": needs, "exercises": exercises_by_stars}


def setup(app):
    app.add_directive("contents-of", Contents)
    return {"parallel_read_safe": True}
