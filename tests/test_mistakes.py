"""What goes wrong when somebody writes a first chapter: each mistake gets a sentence that says where it is.

Mistakes in cells are planted in the book as it was read; those of whole files in a copy.
"""

import dataclasses
import json
import re
import subprocess
import sys

import nbformat
import pytest
from conftest import edit_cell, replaced, with_cell, with_cells

from literate import pages, rules, style
from literate.chapters import ROOT, BookError, read_book

SHIFT = "book/02-shift-invariance.ipynb"
FUNCTION = (
    'def hinge_loss(x, y, axis=-1):\n    """The loss of logits x where y is right."""\n    return x - y'
)


def added(text):
    def change(cell):
        cell.source += f"\n\n{text}"

    return change


def becomes(text):
    def change(cell):
        cell.source = text

    return change


def statement(text, kind="prf:theorem", label="thm-new", fence="```"):
    return added(f"{fence}{{{kind}}} New\n:label: {label}\n\n{text}\n{fence}")


UNDERIVED = "no 'Derived in chapter NN, :prf:ref:`thm-...`' with a statement of that chapter"
LETTERS = "literate/letters/"
CASE = (
    f"If it is a case and not a claim, it goes into CASES of {LETTERS}, "
    "and a condition on which it rests into SETTINGS."
)

# The rule that is asked, the cell that is spoilt, how, and what is then said of that cell.
IN_CELLS = {
    # What the tests alone once knew
    "a function without a row in the contract": (
        pages.contract_rows,
        "build-shifted",
        becomes(f"#| export kernels\n{FUNCTION}"),
        "softlit.hinge_loss has no row in tests/contract.py; "
        "say there, in the table of its kind, how it is called.",
    ),
    "a function whose arguments nobody replaces": (
        pages.contract_rows,
        "build-shifted",
        becomes(f"#| export kernels\n{FUNCTION}"),
        "softlit.hinge_loss has no row in CALLS of tests/contract.py; say there which arguments are arrays.",
    ),
    "a letter without a meaning": (
        rules.formulas_true,
        "shift-question",
        statement(r"$\Lambda = 1$"),
        rf"nothing says what \Lambda means in '\Lambda = 1' of thm-new; say it in SETTINGS of {LETTERS}, "
        r'as "thm-new": lambda rng, at: {r"\Lambda": ...}.',
    ),
    "a condition that is read as a claim": (
        rules.formulas_true,
        "shift-question",
        statement(r"If $\sum_j y_j = 1$, then $\sum_j p_j = 1$."),
        rf"false as it is typed: '\sum_j y_j = 1' of thm-new. {CASE}",
    ),
    "a wrong formula in three backticks": (
        rules.formulas_true,
        "shift-question",
        statement(r"$S(x + c\mathbf{1}) = 2 S(x)$"),
        r"false as it is typed: 'S(x + c\mathbf{1}) = 2 S(x)' of thm-new. " + CASE,
    ),
    "a statement without a formula": (
        rules.formulas_true,
        "shift-question",
        statement("It is so."),
        f"thm-new asserts no formula; type what it says as one, or give the reason in UNREAD of {LETTERS}.",
    ),
    "a letter that is not in the notation": (
        rules.letters_explained,
        "shift-question",
        statement(r"$\Lambda(x) = 1$"),
        r"\Lambda of thm-new is not explained; say in book/notation.md what it means.",
    ),
    "a function that the changelog leaves out": (
        pages.changelog,
        "build-shifted",
        becomes(f"#| export kernels\n{FUNCTION}".replace("hinge_loss", "focal_loss")),
        "softlit.focal_loss is new; add a line on it to CHANGELOG.md, unreleased.",
    ),
    "a docstring without a DOI": (
        rules.docstrings_whole,
        "build-shifted",
        becomes(f"#| export kernels\n{FUNCTION}"),
        "the docstring of hinge_loss has no reference with a DOI, 'https://doi.org/...', that "
        "book/references.bib has too.",
    ),
    "a docstring that does not say where it is derived": (
        rules.docstrings_whole,
        "build-shifted",
        becomes(f"#| export kernels\n{FUNCTION}"),
        f"the docstring of hinge_loss has {UNDERIVED}.",
    ),
    "a public function without a docstring": (
        rules.tangled,
        "build-shifted",
        becomes("#| export kernels\ndef hinge_loss(x):\n    return x"),
        "'hinge_loss' is public and has no docstring.",
    ),
    "a citation that the bibliography has not": (
        pages.references,
        "shift-question",
        added("See {cite:p}`bridle1990, nobody1999`."),
        "{cite:p}`nobody1999` leads nowhere; there is no such work in book/references.bib.",
    ),
    "a reference to no statement": (
        pages.references,
        "shift-question",
        statement("By {prf:ref}`that theorem <thm-shift-invarianse>`."),
        "{prf:ref}`thm-shift-invarianse` leads nowhere; there is no such label.",
    ),
    "a reference to no chapter": (
        pages.references,
        "shift-question",
        added("See {doc}`2-shift-invariance`."),
        "{doc}`2-shift-invariance` leads nowhere; there is no such page.",
    ),
    # Exercises
    "an exercise in the form of sphinx-exercise": (
        rules.exercises_in_form,
        "exercises",
        replaced("{exercise-start}", "{exercise}"),
        "write {exercise-start} and {exercise-end} in place of {exercise}, "
        "so that cells can stand between them.",
    ),
    "an exercise without a label": (
        rules.exercises_in_form,
        "exercises",
        replaced(":label: ex-centre\n", ""),
        "an exercise without a label.",
    ),
    "an answer that does not call its specification": (
        rules.exercises_in_form,
        "ex-centre-answer",
        replaced("spec_centre(centre)", ""),
        "does not end with a call 'specification(answer)'.",
    ),
    "an empty answer": (
        rules.exercises_in_form,
        "ex-centre-answer",
        becomes("# to be written"),
        "does not end with a call 'specification(answer)'.",
    ),
    # Statements, heads, cells
    "a theorem without a label": (
        rules.ledger_complete,
        "shift-question",
        added("```{prf:theorem} New\n$p_i = p_i$\n```"),
        "a theorem without a label.",
    ),
    "a theorem that nothing derives": (
        rules.ledger_complete,
        "shift-question",
        statement("$p_i = p_i$"),
        "thm-new has no cell with '#| derive thm-new' at its head.",
    ),
    "one label for two equations": (
        rules.ids_kept,
        "breaks-explained",
        added("$$\nx = x\n$$ (eq-shift)"),
        f"the label eq-shift is already used in {SHIFT}, cell shift-question.",
    ),
    "a heading for the second time": (
        rules.ids_kept,
        "proved",
        added("### *Exercises*"),
        f"the heading '*Exercises*' has the address of the heading of {SHIFT}, cell exercises, #exercises.",
    ),
    "a heading with the address of a label": (
        rules.ids_kept,
        "breaks-explained",
        added("## Thm: pinning?"),
        "the heading 'Thm: pinning?' has the address of the label thm-pinning, #thm-pinning.",
    ),
    "a label in capitals": (
        rules.ids_kept,
        "breaks-explained",
        added("$$\nx = x\n$$ (eq-Shift)"),
        "the label eq-Shift is not of lower-case letters, digits and hyphens.",
    ),
    "a number of which the digits are cut off": (
        rules.decimals_from_cells,
        "breaks-explained",
        added("The share is 0.66."),  # 0.66524 is printed
        "the number 0.66 is in no cell and no output of the page.",
    ),
    "a number that only a caption has": (
        rules.decimals_from_cells,
        "figure-thresholds",
        replaced("fig-thresholds: Where", "fig-thresholds: At 3.217, where"),
        "the number 3.217 is in no cell and no output of the page.",
    ),
    "a number that begins another one": (
        rules.decimals_from_cells,
        "breaks-explained",
        added("The share is 88.7 or 8.7."),  # 88.72 is printed
        "the number 8.7 is in no cell and no output of the page.",
    ),
    "a syntax error": (
        rules.ledger_complete,
        "derive-shift",
        becomes("#| derive thm-shift-invariance\nx = = 1"),
        "syntax error, invalid syntax (line 2).",
    ),
    "a mistyped export": (
        rules.tangled,
        "build-shifted",
        replaced("#| export textbook", "#| exports textbook"),
        "'#| exports textbook' says nothing that is known; a line at the head of a cell begins with export, "
        "derive, check, source or figure, each of them once.",
    ),
    "options of a directive that cannot be read": (
        rules.ledger_complete,
        "shift-question",
        added('```{note}\n---\nclass: "open\n---\n```'),
        "unreadable options of a directive, found unexpected end of stream.",
    ),
    "a path of one's own machine": (
        rules.no_machine_named,
        "shift-question",
        added("The data is in /home/ann/data."),
        "/home/ann is a path of one machine.",
    ),
}


def said(rule, book, root=ROOT):
    """What `make check` hears from a rule."""
    return [*rules.asked(rule, book, root)] if rule in rules.ON_ROOT else [*rules.asked(rule, book)]


@pytest.mark.parametrize(("rule", "cell", "change", "sentence"), IN_CELLS.values(), ids=IN_CELLS)
def test_a_mistake_in_a_cell(book, rule, cell, change, sentence):
    assert f"{SHIFT}, cell {cell}: {sentence}" in said(rule, with_cell(book, SHIFT, cell, change))


def chapter_of(book):
    return next(chapter for chapter in book if chapter.name == SHIFT)


FIRST_EXERCISE = {f"ex-centre-{part}" for part in ("spec", "solution", "answer", "wrong", "refused")}


def without(wanted):
    """A change of a chapter: the cells that are not wanted are gone."""
    return lambda chapter: [cell for cell in chapter.cells if wanted(cell)]


def without_text(text):
    """A change of a chapter: a text of its Markdown is gone everywhere."""
    return lambda chapter: [
        dataclasses.replace(cell, text=cell.text.replace(text, "")) if cell.kind == "markdown" else cell
        for cell in chapter.cells
    ]


IN_CHAPTERS = {
    "no cell of code yet": (
        rules.runs_alone,
        without(lambda cell: cell.kind == "markdown"),
        f"{SHIFT}: no cell of code; a chapter derives and checks something.",
    ),
    "no note in the margin": (
        rules.counted,
        without_text(":class: margin"),
        f"{SHIFT}: a chapter has 2 to 4 notes in the margin, of the class margin; this one has 0.",
    ),
    "no equation to cite": (
        rules.counted,
        without_text("(eq-"),
        f"{SHIFT}: a chapter has 2 to 10 equations with a label, 'eq-...'; this one has 0.",
    ),
    "one exercise": (
        rules.counted,
        without(lambda cell: not cell.id.startswith("ex-") or cell.id in FIRST_EXERCISE),
        f"{SHIFT}, exercise ex-centre: {{solution-end}} is missing.",
    ),
    "no exercise": (
        rules.counted,
        without(lambda cell: not cell.id.startswith("ex")),
        f"{SHIFT}: a chapter has 3 to 5 exercises; this one has 0.",
    ),
    "the text of an exercise without its signature": (
        rules.exercises_in_form,
        without_text("`centre(x)`"),
        f"{SHIFT}, exercise ex-centre: its text does not show the signature of centre.",
    ),
    "an exercise that does not say how hard it is": (
        rules.exercises_graded,
        without_text(r"$\star$"),
        f"{SHIFT}, exercise ex-centre: its text begins with no name and stars, "
        r"as in '**A mean.** $\star$ '.",
    ),
    "an exercise without a specification": (
        rules.exercises_in_form,
        without(lambda cell: cell.id != "ex-centre-spec"),
        f"{SHIFT}, exercise ex-centre: no cell between its text and its solution specifies it.",
    ),
    "an exercise that refuses nothing": (
        rules.wrong_answers_refused,
        without(lambda cell: cell.id != "ex-centre-refused"),
        f"{SHIFT}, exercise ex-centre: its solution shows no wrong answer; "
        "end it with 'refused(spec, wrong)'.",
    ),
    "no box": (
        rules.chapter_anatomy,
        without(lambda cell: cell.id != "box"),
        f"{SHIFT}: no box of the class chapter-box.",
    ),
    "no table of what is proved": (
        rules.chapter_anatomy,
        without(lambda cell: cell.id != "proved"),
        f"{SHIFT}: no '## What is proved here'.",
    ),
    "no title": (
        rules.exercises_in_form,
        without(lambda cell: cell.id != "title"),
        f"{SHIFT}: no '# ' heading in any cell.",
    ),
}


@pytest.mark.parametrize(("rule", "change", "sentence"), IN_CHAPTERS.values(), ids=IN_CHAPTERS)
def test_a_mistake_in_a_chapter(book, rule, change, sentence):
    chapter = chapter_of(book)
    assert sentence in said(rule, with_cells(book, chapter, change(chapter)))


NEW = "book/12-duality.ipynb"
MISSED = [
    (
        pages.references,
        "book/course.md: {doc}`02-shift-invariance` leads nowhere; there is no such page.",
    ),
    (
        rules.docstrings_whole,
        f"{NEW}, cell build-shifted: the docstring of softmax_shifted has {UNDERIVED}.",
    ),
]


@pytest.mark.parametrize(("rule", "sentence"), MISSED)
def test_a_chapter_with_another_number_is_missed_by_what_names_it(book, rule, sentence):
    chapter = chapter_of(book)
    cells = [dataclasses.replace(cell, notebook=NEW) for cell in chapter.cells]
    moved = dataclasses.replace(chapter, name=NEW, cells=tuple(cells))
    assert sentence in said(rule, [moved if one is chapter else one for one in book])


def test_an_exercise_that_nobody_tried_to_answer_wrongly(book, project):
    (project / rules.WRONG_ANSWERS).write_text("ex-centre:\n  - lambda x: 1\nex-gone: []\n")
    found = said(rules.wrong_answers_refused, book, project)
    few = f"{SHIFT}, exercise ex-centre: fewer than three wrong answers in {rules.WRONG_ANSWERS}; add what"
    assert any(line.startswith(few) for line in found)
    assert f"{rules.WRONG_ANSWERS}: ex-gone is no exercise of the book." in found


# --- Files


def older(text):
    """A notebook as format 3 has it."""
    return nbformat.v3.nbjson.writes(nbformat.convert(nbformat.reads(text, as_version=4), 3))


def without_ids(text):
    """As Colab saves it: format 4.0."""
    notebook = json.loads(text) | {"nbformat_minor": 0}
    for cell in notebook["cells"]:
        del cell["id"]
    return json.dumps(notebook)


def exchanged(old, new):
    def change(text):
        assert old in text
        return text.replace(old, new, 1)

    return change


NOT_READABLE = f"{SHIFT}: not a readable notebook ("
NO_CONTENTS = "_toc.yml: not a table of contents ("
PINNING = "book/02-shift-invariance#thm-pinning\n"
# The rule that is asked, the file, what becomes of its text (it goes, for None), how the sentence begins.
IN_FILES = {
    "half a notebook": (rules.executed, SHIFT, lambda text: text[:1000], NOT_READABLE),
    "a merge": (rules.executed, SHIFT, lambda text: f"<<<<<<< HEAD\n{text}", NOT_READABLE),
    "a byte order mark": (rules.executed, SHIFT, lambda text: f"\ufeff{text}", NOT_READABLE),
    "an empty notebook": (rules.executed, SHIFT, lambda text: "", NOT_READABLE),
    "no notebook": (rules.executed, SHIFT, lambda text: "{}", NOT_READABLE),
    "a list": (rules.executed, SHIFT, lambda text: "[1]", NOT_READABLE),
    "no cells": (rules.executed, SHIFT, lambda text: '{"nbformat": 4, "nbformat_minor": 5}', NOT_READABLE),
    "an old notebook": (rules.cell_ids, SHIFT, older, f"{SHIFT}, the cell that begins '"),
    "no ids": (rules.cell_ids, SHIFT, without_ids, f"{SHIFT}, the cell that begins '"),
    "a tab": (
        rules.contents,
        "_toc.yml",
        exchanged("    chapters:", "\tchapters:"),
        "_toc.yml: not readable",
    ),
    "a chapter that is listed twice": (
        rules.contents,
        "_toc.yml",
        lambda text: re.sub(r"( *- file: book/02-.*\n)", r"\1\1", text),
        "_toc.yml: two chapters have the number 02.",
    ),
    "wrong answers below one label twice": (
        rules.wrong_answers_refused,
        rules.WRONG_ANSWERS,
        lambda text: f"{text}\nex-centre: [min, max, sum]\n",
        f"{rules.WRONG_ANSWERS}: not readable, a key is given twice, ex-centre",
    ),
    "a work that is listed twice": (
        pages.bibliography,
        "book/references.bib",
        lambda text: f"{text}\n@book{{goodfellow2016, title = {{Another}}}}\n",
        "book/references.bib: not readable, repeated bibliography entry: goodfellow2016",
    ),
    "no contents": (rules.contents, "_toc.yml", lambda text: "", NO_CONTENTS),
    "a page that is not there": (
        rules.contents,
        "_toc.yml",
        exchanged("book/api", "book/apy"),
        "_toc.yml: book/apy is neither a notebook (book/apy.ipynb) nor a page (book/apy.md).",
    ),
    "a chapter that is not listed": (
        rules.contents,
        "_toc.yml",
        exchanged("      - file: book/02-shift-invariance\n", ""),
        f"{SHIFT}: a notebook that _toc.yml does not list.",
    ),
    "an address that is lost": (
        rules.ids_kept,
        "book/ids.txt",
        exchanged(PINNING, PINNING.replace("pinning", "pinned")),
        "book/ids.txt: book/02-shift-invariance#thm-pinned is gone",
    ),
    "claims that cannot be read": (
        rules.ledger_complete,
        "book/claims.yml",
        lambda text: "- id:\t003-2\n\t x",
        "book/claims.yml: not readable",
    ),
    "a bibliography that cannot be read": (
        pages.bibliography,
        "book/references.bib",
        lambda text: f"{text}@article{{open,",
        "book/references.bib: not readable",
    ),
    "a DOI with its resolver": (
        pages.bibliography,
        "book/references.bib",
        exchanged("{10.1111/", "{https://doi.org/10.1111/"),
        "book/references.bib: aitchison1982 has 'https://doi.org/10.1111/j.2517-6161.1982.tb01195.x' as",
    ),
    "a work that nobody can find": (
        pages.bibliography,
        "book/references.bib",
        lambda text: f"{text}@misc{{a, title = {{B}}}}",
        "book/references.bib: a has neither DOI nor address nor publisher.",
    ),
    "a table that is no Python": (
        pages.contract_rows,
        "tests/contract.py",
        lambda text: f"{text}\n(",
        "tests/contract.py: syntax error, '(' was never closed (line ",
    ),
    "a row of nothing": (
        pages.contract_rows,
        "tests/contract.py",
        exchanged('"softmin":', '"softmini":'),
        "tests/contract.py: the row 'softmini' is of no public function.",
    ),
    "an exercise that is not there": (
        pages.references,
        "book/course.md",
        exchanged("{ref}`ex-centre`", "{ref}`ex-center`"),
        "book/course.md: {ref}`ex-center` leads nowhere; there is no such label.",
    ),
    "a notation without its parts": (
        rules.letters_explained,
        "book/notation.md",
        lambda text: text.replace("\n## ", "\n# "),
        "book/notation.md: not a table followed by two sections",
    ),
    "a page that is gone": (pages.changelog, "CHANGELOG.md", None, "CHANGELOG.md: not readable"),
    "no list of addresses": (rules.ids_kept, "book/ids.txt", None, "book/ids.txt: not readable"),
    "wrong answers of nothing": (
        rules.wrong_answers_refused,
        rules.WRONG_ANSWERS,
        lambda text: "- lambda x: 1",
        f"{rules.WRONG_ANSWERS}: not a list of answers below the label of each exercise.",
    ),
    "an exercise with an empty place": (
        rules.wrong_answers_refused,
        rules.WRONG_ANSWERS,
        lambda text: "ex-centre:\n",
        f"{SHIFT}, exercise ex-centre: fewer than three wrong answers in {rules.WRONG_ANSWERS}",
    ),
    "no wrong answers": (
        rules.wrong_answers_refused,
        rules.WRONG_ANSWERS,
        lambda text: "ex-centre: [",
        f"{rules.WRONG_ANSWERS}: not readable",
    ),
}


@pytest.mark.parametrize(("rule", "file", "change", "sentence"), IN_FILES.values(), ids=IN_FILES)
def test_a_mistake_in_a_file(project, rule, file, change, sentence):
    path = project / file
    if change:
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        path.unlink()
    try:
        found = said(rule, read_book(project), project)
    except BookError as error:
        found = [str(error)]
    assert any(line.startswith(sentence) for line in found), found


def test_a_chapter_without_its_number(project):
    (project / SHIFT).rename(project / "book/shift.ipynb")
    toc = project / "_toc.yml"
    toc.write_text(toc.read_text().replace("02-shift-invariance", "shift"))
    with pytest.raises(BookError, match=r"^book/shift.ipynb: a chapter begins with its number"):
        read_book(project)


def test_a_byte_order_mark_in_the_list_of_addresses_changes_nothing(book, project):
    path = project / "book/ids.txt"
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert said(rules.ids_kept, book, project) == []


def test_what_ruff_finds_is_told_by_the_cell(book, project):
    edit_cell(project / SHIFT, "derive-shift", added("import os\nmisplaced = ( 1 )\n"))
    (project / "softlit" / "shift.py").write_text("import os\n")
    found = said(style.problems, book, project)
    where = f"{SHIFT}, cell derive-shift"
    assert f"{where}: not formatted; `.venv/bin/ruff format` does it." in found
    assert any(
        line.startswith(where)
        and line.endswith(": `os` imported but unused (F401; `.venv/bin/ruff check --fix` mends it).")
        for line in found
    )
    assert (
        "softlit/shift.py, line 1: `os` imported but unused (F401; `.venv/bin/ruff check --fix` mends it)."
        in found
    )


def test_one_rule_that_cannot_go_on_leaves_the_others(first_chapters):
    """As the command prints it: a sentence a line, whatever else is wrong, and no traceback."""
    edit_cell(first_chapters / SHIFT, "derive-shift", becomes("x = = 1"))
    edit_cell(first_chapters / SHIFT, "exercises", replaced(":label: ex-centre\n", ""))
    (first_chapters / "CHANGELOG.md").unlink()
    script = (
        f"from pathlib import Path; from literate import rules; rules.main(Path({str(first_chapters)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    found = done.stdout.splitlines()
    assert done.returncode == 1 and done.stderr == "" and len(found) == len(set(found))
    for sentence in (
        f"{SHIFT}, cell derive-shift: syntax error, invalid syntax (line 1).",
        f"{SHIFT}, cell exercises: an exercise without a label.",
        "CHANGELOG.md: not readable (FileNotFoundError).",
    ):
        assert sentence in found
    assert not [line for line in found if "the rule is to be mended" in line or "cannot run" in line]


def test_a_hole_in_a_rule_is_told_and_hides_no_other(book):
    def hollow(book):
        yield "book/01-one.ipynb: this is wrong."
        raise IndexError("tuple index out of range")

    first, second = rules.asked(hollow, book)
    assert first == "book/01-one.ipynb: this is wrong."
    assert second.startswith("test_mistakes.hollow stops, test_mistakes.py line ")
    assert second.endswith(": IndexError, tuple index out of range; the rule is to be mended.")
