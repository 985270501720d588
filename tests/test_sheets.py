"""The exercise sheets: complete, able to run alone, unanswered as given out, and right with the solutions."""

import re
from contextlib import redirect_stdout
from io import StringIO

import nbformat
import pytest
from conftest import with_cell
from nbclient import NotebookClient

from literate import sheets
from literate.chapters import BookError, toc_files
from literate.execute import kernel_environment
from literate.exercises import exercises
from literate.names import Piece, needed, pieces_of
from literate.references import Words
from softlit.lab.checks import judge, refused

CHAPTERS = [entry.removeprefix("book/") for entry in toc_files() if re.match(r"book/\d", entry)]
every_chapter = pytest.mark.parametrize("slug", CHAPTERS)


@pytest.fixture(scope="module")
def words(book):
    return Words(book)


@pytest.fixture
def chapter(slug, book):
    return next(chapter for chapter in book if chapter.slug == slug)


def printed(notebook, replaced=None):
    """The lines that a sheet prints, run in this process; `replaced` names get another meaning in it."""
    names, output = {"__name__": "__main__"}, StringIO()
    with redirect_stdout(output):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, cell.id, "exec"), names)
                names |= {name: value for name, value in (replaced or {}).items() if name in names}
    return output.getvalue().splitlines()


def answered(notebook, chapter):
    """A sheet to fill in, filled in with the chapter's answers."""
    for exercise in exercises(chapter):
        cell = next(cell for cell in notebook.cells if cell.id == exercise.answer.id)
        judge = cell.source.splitlines()[-1]
        cell.source = f"{exercise.answer.text}\n{judge}"
    return notebook


def test_every_exercise_of_the_book_is_in_a_sheet(book):
    for chapter in book:
        text = "\n".join(cell.text for cell in chapter.cells)
        labels = re.findall(r"^```\{exercise[a-z-]*\}[^\n]*\n:label: (\S+)", text, re.M)
        assert labels and [exercise.label for exercise in exercises(chapter)] == labels


@every_chapter
def test_a_sheet_to_fill_in_says_that_nothing_is_answered(chapter, words):
    lines = printed(sheets.sheet(chapter, words, "blank"))
    names = [exercise.call[1] for exercise in exercises(chapter)]
    assert [line.partition(":")[0] for line in lines] == [f"{name} is not written yet" for name in names]


@every_chapter
def test_the_answers_of_the_book_are_right_on_the_sheet_to_fill_in(chapter, words):
    lines = printed(answered(sheets.sheet(chapter, words, "blank"), chapter))
    calls = [exercise.call for exercise in exercises(chapter)]
    assert lines == [f"{answer} is right: it passes {check}" for check, answer in calls]


def refused_and_judged(specification, answer):
    refused(specification, answer)
    judge(specification, answer)


@every_chapter
def test_a_sheet_with_solutions_passes_and_a_wrong_answer_for_each_exercise_is_told_why(chapter, words):
    """In the words of the book, and in those that a student reads who gives this answer."""
    lines = printed(sheets.sheet(chapter, words, "solutions"), {"refused": refused_and_judged})
    assert len(lines) == 2 * len(exercises(chapter))
    assert all(re.fullmatch(r"refused: \S.*", line) for line in lines[::2])
    assert all(re.search(r" is not right yet: \S", line) for line in lines[1::2])


@every_chapter
def test_the_text_of_a_sheet_reads_without_the_site(chapter, words):
    for kind in sheets.KINDS:
        for cell in sheets.sheet(chapter, words, kind).cells:
            if cell.cell_type == "markdown":
                text = re.sub(r"^```python\n.*?^```$", "", cell.source, flags=re.M | re.S)  # code to look at
                assert not re.search(r"\{[a-z:]+\}`|^```|^:::", text, re.M), cell.source


def test_sheets_run_in_a_kernel(book, words, tmp_path):
    chapter = next(chapter for chapter in book if chapter.slug.startswith("04"))
    shown = {}
    for kind in sheets.KINDS:
        notebook = sheets.sheet(chapter, words, kind)
        client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
        client.execute(env=kernel_environment())
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
        assert {output.name for output in outputs} == {"stdout"}
        shown[kind] = "".join(output.text for output in outputs)
    number = len(exercises(chapter))
    assert shown["blank"].count("is not written yet") == shown["solutions"].count("refused:") == number


def with_shift_changed(book, cell, change):
    """Chapter 02 after a function was applied to one of its cells."""
    name = "book/02-shift-invariance.ipynb"
    return next(chapter for chapter in with_cell(book, name, cell, change) if chapter.name == name)


def test_a_specification_that_accepts_anything_is_seen(book, words):
    def accept_anything(cell):
        cell.source = "def spec_centre(centre):\n    assert centre"

    chapter = with_shift_changed(book, "ex-centre-spec", accept_anything)
    with pytest.raises(AssertionError, match="spec_centre accepts a wrong candidate"):
        printed(sheets.sheet(chapter, words, "solutions"))
    assert "centre is right: it passes spec_centre" in printed(
        answered(sheets.sheet(chapter, words, "blank"), chapter)
    )


def test_two_runs_write_the_same_sheets(book):
    first, second = ([(name, nbformat.writes(sheet)) for name, sheet in sheets.sheets(book)] for _ in "12")
    assert first == second


def test_references_become_words_and_links_where_the_site_has_an_address(book):
    text = "By {eq}`eq-scaling` in {prf:ref}`thm-scaling` of {doc}`05-superposition` {cite:p}`kendall2017`"
    words = Words(book)
    theorem, equation = f"{words.names['thm-scaling']} (Scaling)", f"({words.equations['eq-scaling']})"
    assert re.fullmatch(r"Theorem 5\.\d+ \(Scaling\)", theorem) and re.fullmatch(r"\(5\.\d+\)", equation)
    assert words.replace(text, "here") == (
        f"By {equation} in {theorem} of chapter 5, *Superposition and scaling* (Kendall et al., 2017)"
    )
    linked = Words(book, site="https://example.org/").replace(text, "here")
    assert f"[{theorem}](https://example.org/book/05-superposition.html#thm-scaling)" in linked
    assert "](https://example.org/book/05-superposition.html)" in linked
    assert f"[{equation}](https://example.org/book/05-superposition.html#equation-eq-scaling)" in linked


@pytest.mark.parametrize(
    "text", ["{prf:ref}`thm-of-nobody`", "{eq}`eq-of-nobody`", "{numref}`fig-lines`", "{doc}`99-never`"]
)
def test_a_reference_without_words_is_refused(book, text):
    with pytest.raises(BookError, match="chapter 01: no words for"):
        Words(book).replace(text, "chapter 01")


CELLS = [
    "#| export kernels\nimport numpy as np\n\n\ndef double(x):\n    return 2 * x",
    "import sympy as sp, math\n\nold = 1\nunused = sp.Symbol('u')",
    "old = 2\n\n\ndef scale(x):\n    return [old * math.pi * double(y) for y in x]",
]


def test_a_sheet_repeats_what_its_cells_need_and_no_more(small_book):
    (chapter,) = small_book(CELLS)
    sources, missing = needed({"scale", "np", "nobody"}, pieces_of(chapter.code_cells))
    assert missing == {"nobody"}
    assert sheets.arranged(sources) == (
        "import math\n\nimport numpy as np\n\nfrom softlit.kernels import double\n\nold = 2\n\n\n"
        "def scale(x):\n    return [old * math.pi * double(y) for y in x]"
    ).replace("import math\n\nimport numpy", "import math\nimport numpy")


@pytest.mark.parametrize(
    "source, binds, reads",
    [
        ("a = [f(b) for b in c]", {"a"}, {"f", "c"}),  # Python 3.12 has b in the scope around
        ("a = {k: v for k, v in c if k}", {"a"}, {"c"}),
        ("for b in c:\n    a = [f(b) for d in b]", {"a", "b"}, {"b", "c", "f"}),
        ("def a(x):\n    return [a(b) + g for b in x]", {"a"}, {"g"}),
    ],
)
def test_what_a_statement_binds_and_reads(source, binds, reads):
    piece = Piece.of(source)
    assert (piece.binds, piece.reads) == (binds, reads)


def change_answer(cell):
    cell.source = cell.source.replace("spec_centre(centre)", "centre.__name__")


def change_text(cell):
    cell.source = cell.source.replace("`centre(x)`", "a function")


def change_specification(cell):
    cell.source = cell.source.replace("spread(", "nowhere_defined(")


@pytest.mark.parametrize(
    ("cell", "change", "message"),
    [
        ("ex-centre-answer", change_answer, "cell ex-centre-answer: does not end with a call"),
        ("exercises", change_text, "exercise ex-centre: its text does not show the signature of centre"),
        ("ex-centre-spec", change_specification, "the exercises use nowhere_defined from nowhere"),
    ],
)
def test_an_exercise_that_makes_no_sheet_is_refused(book, words, cell, change, message):
    with pytest.raises(BookError, match=message):
        sheets.sheet(with_shift_changed(book, cell, change), words, "blank")
