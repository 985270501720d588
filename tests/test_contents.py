"""What the pages of the package and for lecturers take from the chapters is all there."""

import dataclasses
import re

from literate import rules
from literate.exercises import exercises
from literate.site import contents


def changed(book, slug, old, new):
    """The book with other words in one chapter."""
    (chapter,) = (chapter for chapter in book if chapter.slug == slug)
    assert any(old in cell.text for cell in chapter.cells)
    cells = tuple(dataclasses.replace(cell, text=cell.text.replace(old, new)) for cell in chapter.cells)
    changed = dataclasses.replace(chapter, cells=cells)
    return tuple(changed if one is chapter else one for one in book)


def test_names_stand_below_the_chapter_that_builds_them(book):
    text = "\n".join(contents.names(book))
    sections = dict(re.findall(r"^\{doc\}`([\w-]+)`\n(.*?)^```\n", text, re.M | re.S))
    assert "softlit.argmax.hardmax" in sections["01-hard-and-soft"]
    assert "softlit.argmax.soft_argmax" in sections["10-soft-arg-max"]
    assert "softlit.argmax.soft_argmax" not in sections["01-hard-and-soft"]
    assert "00-workbench" not in sections, "it builds no name of softlit itself"


def test_modules_whose_names_are_those_of_softlit_come_first(book):
    headings = re.findall(r"^## softlit\.(\S+)$", "\n".join(contents.modules(book)), re.M)
    assert headings.index("kernels") < headings.index("textbook") < headings.index("lab.ulp")


def test_each_chapter_says_what_it_needs(book):
    rows = [*contents.needs(book)][2:]
    assert [row.split("`")[1] for row in rows] == [chapter.slug for chapter in book]
    assert "{doc}`02-shift-invariance`" in next(row for row in rows if "`08-jacobian`" in row)
    silent = changed(book, "08-jacobian", "**You need**", "You need")
    assert list(rules.box_complete(book)) == []
    assert list(rules.box_complete(silent)) == [
        "book/08-jacobian.ipynb: its box has no line '**You need** ...', of what it rests on."
    ]


def test_each_exercise_is_listed_by_its_stars(book):
    rows = [*contents.exercises_by_stars(book)][2:]
    labels = [exercise.label for chapter in book for exercise in exercises(chapter)]
    assert sorted(re.findall(r"\{ref\}`([\w-]+)`", "\n".join(rows))) == sorted(labels)
    harder = changed(book, "02-shift-invariance", r"**Centred logits.** $\star$", r"**C.** $\star\star\star$")
    for some, column, stars in ((book, 2, ""), (harder, 3, r" $\star\star\star$")):
        row = next(row for row in contents.exercises_by_stars(some) if "ex-centre" in row)
        assert f"{{ref}}`ex-centre`{stars}" in row.split(" | ")[column - 1]
