"""What the pages of the package and for lecturers take from the chapters is all there."""

import dataclasses
import re
from types import SimpleNamespace

from literate import rules
from literate.chapters import ROOT
from literate.exercises import exercises
from literate.site import api_pages, contents
from literate.tangle import definitions


def changed(book, slug, old, new):
    """The book with other words in one chapter."""
    (chapter,) = (chapter for chapter in book if chapter.slug == slug)
    assert any(old in cell.text for cell in chapter.cells)
    cells = tuple(dataclasses.replace(cell, text=cell.text.replace(old, new)) for cell in chapter.cells)
    changed = dataclasses.replace(chapter, cells=cells)
    return tuple(changed if one is chapter else one for one in book)


def test_the_numbers_that_are_left_out_are_announced(book):
    def said(*numbers):
        return " ".join(contents.coming([SimpleNamespace(slug=f"{number:02}-x") for number in numbers]))

    assert " ".join(contents.coming(book)) == said(*(int(chapter.slug[:2]) for chapter in book))
    assert said(0, 1, 2) == ""
    assert said(0, 2) == "Chapter 1 is still to be written; its number is kept for it."
    assert said(0, 1, 3, 4, 8, 11).startswith("Chapters 2, 5 to 7, 9 and 10 are still to be written; their")


def test_every_public_module_is_on_one_page_of_the_package(book):
    grouped = api_pages.groups(ROOT)
    held = [module for found in api_pages.pages_of(book, grouped).values() for module in found]
    modules = {item.module for item in definitions(book) if not item.module.startswith("_")}
    assert len(held) == len(modules) and set(held) == modules


def test_a_module_that_no_page_names_is_on_the_overview(book):
    grouped = api_pages.groups(ROOT)
    grouped.pop("book/api-textbook")
    grouped["book/api-lab"].remove("lab.ulp")
    pages = api_pages.pages_of(book, grouped)
    assert pages[api_pages.OVERVIEW] == ["textbook", "lab.ulp"], "first those that need no other package"
    text = "\n".join(api_pages.overview(book, pages))
    assert "Below, on this page" in text and "   softlit.textbook.softmax_naive" in text
    assert "   ~softlit.kernels.softmax" in text, "a name of softlit itself"


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
