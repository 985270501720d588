"""What the pages of the package and for lecturers take from the chapters is all there."""

import dataclasses
import re
from types import SimpleNamespace

import mpmath

from literate import ledger, rules
from literate.chapters import ROOT, reading_order
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
    assert said(0, 2) == "Chapter 1 is in preparation; its number is kept for it."
    assert said(0, 1, 3, 4, 8, 11).startswith("Chapters 2, 5 to 7, 9 and 10 are in preparation; their")


def test_the_numbers_of_the_landing_page_are_those_of_the_book(book):
    text = "\n".join(contents.facts(book))
    verdicts = [row["verdict"] for row in ledger.read_claims()]
    wrong = sum(verdict.startswith("wrong") for verdict in verdicts)
    theorems = sum(one.needs_proof for one in ledger.statements(book).values())
    assert f"{len(verdicts)} claims judged" in text
    assert f"{wrong} sentences are wrong" in text and f"{verdicts.count('holds if')} hold under" in text
    assert f"{theorems} theorems derived" in text
    kinds = [*ledger.kinds_of_proof(book).values()]
    assert f"{kinds.count('by machine, for every $N$')} of them wholly by machine" in text
    mpmath.mp.dps = 40
    exact = -mpmath.log1p(mpmath.exp(-40))
    ours, usual = contents.lost_digits()
    assert ours == float(exact) and f"`{ours:.4g}`, not `0.0`" in text and usual == 0


def test_each_chapter_has_a_sentence_and_its_time(book):
    text = "\n".join(contents.chapters(book))
    for chapter in book:
        line = re.search(
            rf"- \{{doc\}}`{chapter.number} {re.escape(chapter.title)} <{chapter.slug}>`\n.*\n(.*)", text
        )
        assert re.fullmatch(r"  You (?:[^.]|\.\d)+\.", line[1]), chapter.slug
        assert 5 <= contents.minutes(chapter) <= 90, chapter.slug
    assert text.index("**I The function**") < text.index("1 Hard and soft") < text.index("**II ")


def test_the_time_of_a_chapter_grows_with_its_words_unless_its_box_says_it(book):
    silent = changed(book, "08-jacobian", "**It takes**", "")
    (chapter,) = (chapter for chapter in silent if chapter.slug == "08-jacobian")
    before = contents.minutes(chapter)
    first, *rest = chapter.cells
    longer = dataclasses.replace(first, text=first.text + " word" * 10 * contents.WORDS)
    assert contents.minutes(dataclasses.replace(chapter, cells=(longer, *rest))) == before + 10
    said = dataclasses.replace(first, text=f"{first.text}\n\n**Time** 7 minutes, without the exercises.")
    assert contents.minutes(dataclasses.replace(chapter, cells=(said, *rest))) == 7
    after = dataclasses.replace(rest[-1], text="## Exercises\n" + " word" * 10 * contents.WORDS)
    assert contents.minutes(dataclasses.replace(chapter, cells=(*chapter.cells, after))) == before


def test_the_paths_begin_with_chapter_1_and_lead_through_the_book(book):
    start, _, short, long = contents.paths(book)
    named = re.findall(r"<(\d\d)-", short)
    assert tuple(named) == contents.AFTERNOON and start.startswith("Start with {doc}`01-hard-and-soft`")
    times = [int(re.search(r"about (\d+) hours", line)[1]) for line in (short, long)]
    assert 1 <= times[0] <= 4 and times[0] < times[1]


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
    assert {"textbook", "lab.ulp"} <= {*pages[api_pages.OVERVIEW]}
    ordered = api_pages.modules(book)
    assert ordered.index("kernels") < ordered.index("textbook") < ordered.index("lab.ulp")
    text = "\n".join(api_pages.overview(book, pages))
    assert "Below, on this page" in text and "   softlit.textbook.softmax_naive" in text
    assert "   ~softlit.kernels.softmax" in text, "a name of softlit itself"


def test_each_chapter_says_what_it_needs(book):
    rows = [*contents.needs(book)][2:]
    assert [row.split("`")[1] for row in rows] == [chapter.slug for chapter in reading_order(book)]
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
