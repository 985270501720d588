"""A new chapter: what `make new` writes runs, its open places are named, and filled it keeps every rule."""

import re
from uuid import uuid4

import nbformat
import pytest

from literate import addresses, execute, letters, new, pages, rules, style, tangle
from literate.chapters import ROOT, BookError, Cell, is_word, read_book

SLUG = "two-draws"
CHAPTER = f"book/11-{SLUG}.ipynb"
# What an author writes in JupyterLab below the first theorem; the editor draws the ids.
SECOND = [
    r"""## Does an offset matter?

````{prf:theorem} An offset changes nothing
:label: thm-two-draws-offset
For every $x \in \mathbb{R}^N$ and every real $c$,

$$
\sum_{j=1}^{N} S(x + c\mathbf{1})_j^2 = \sum_{j=1}^{N} S(x)_j^2 .
$$
````""",
    """#| derive thm-two-draws-offset
c = sp.Symbol("c", real=True)
moved = total(lambda j: sp.exp(x[j] + c))
shifted = total(lambda j: (sp.exp(x[j] + c) / moved) ** 2)
assert same(shifted, agreement)
assert not same(total(lambda j: sp.exp(x[j] + c) / Z), 1)""",
    """#| check thm-two-draws-offset
x_rows = rng.normal(size=(50, 4))
tolerance = 100 * np.finfo(float).eps
for offset in (-3, 3):
    got = softlit.two_draws(x_rows + offset)
    assert np.allclose(got, softlit.two_draws(x_rows), rtol=tolerance, atol=0)
    one = x_rows + np.eye(4)[0] * offset
    assert not np.allclose(softlit.two_draws(one), softlit.two_draws(x_rows), rtol=0.01, atol=0)""",
    "More than one offset at a time is another matter.",
    """#| figure fig-two-draws-offset: Two logits and an offset that both of them share: the
#|   probability does not move.
fig, ax = figures.subplots(height=2.0)
offsets = np.arange(-3, 4)
flat = softlit.two_draws(np.stack([1.0 + offsets, offsets], axis=-1))
ax.plot(offsets, flat, color=figures.BLUE)
assert np.ptp(flat) < 1e-15
figures.show(fig, alt="A level line: the offset changes nothing in the probability to agree.")""",
]
ROW = "| {prf:ref}`thm-two-draws-offset` | $x + c$ agrees as $x$ does | by machine, for every $N$ |"


@pytest.fixture
def chapter(project, monkeypatch):
    """A new chapter in a copy of the project, in which kernels find the copy's package."""
    monkeypatch.setattr(execute, "ROOT", project)
    assert f"new: {new.write_chapter('11', SLUG, root=project)}".startswith(
        f"new: {CHAPTER}, in the part 'III"
    )
    return project / CHAPTER


def run(project, path):
    """What `make run` does."""
    execute.name_cells(path)
    tangle.write(tangle.tangle(read_book(project)), project / "softlit")
    execute.execute(path)
    return list(rules.all_problems(project))


# What the chapter asks for in other files, and how many exercises it has still to have.
ELSEWHERE = [
    "{}: a chapter has 3 to 5 exercises; this one has 1.",
    "{}, exercise ex-two-draws: fewer than three wrong answers in tests/wrong_answers.yml; "
    "add what people try.",
    "{}, cell build-two-draws: softlit.two_draws has no row in tests/contract.py; "
    "say there, in the table of its kind, how it is called.",
    "{}, cell build-two-draws: softlit.two_draws has no row in CALLS of tests/contract.py; "
    "say there which arguments are arrays.",
]


def fill_elsewhere(project, monkeypatch):
    reason = (f"thm-{SLUG}-offset", r"S(x - c\mathbf{1})")
    monkeypatch.setitem(letters.STILL_TRUE, reason, "a shift down is a shift")
    contract = project / pages.CONTRACT
    row, call = '"two_draws": softlit.two_draws,', '"two_draws": (softlit.two_draws, {"x": X}),'
    text = contract.read_text(encoding="utf-8")
    text = text.replace("SOFT_MAXIMA = {\n", f"SOFT_MAXIMA = {{\n    {row}\n")
    contract.write_text(text.replace("CALLS = {\n", f"CALLS = {{\n    {call}\n"), encoding="utf-8")
    with (project / rules.WRONG_ANSWERS).open("a", encoding="utf-8") as answers:
        for name in ("two-draws", "two", "three"):
            answers.write(f"ex-{name}:\n" + "".join(f'  - "lambda x: {number}"\n' for number in "123"))


def another_exercise(notebook, name):
    """The cells of the template's exercise once more, under another name."""
    ids = [cell.id for cell in notebook.cells]
    cells = notebook.cells[ids.index("exercises") : ids.index("ex-two-draws-end") + 1]
    for cell in cells:
        source = cell.source.replace("## Exercises\n\n", "").replace("ex-two-draws", f"ex-{name}")
        new_cell = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
        yield new_cell(re.sub(r"\bchoices\b|(?<=spec_)choices", f"{name}_choices", source), id=str(uuid4()))


def fill(path):
    """Fill the places as an author does: the text of the template is a chapter, once the notes are gone."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = re.sub(r"(# )?TODO: .*?(\. |\.?$)", "", cell.source, flags=re.M).strip()
    place = next(number for number, cell in enumerate(notebook.cells) if cell.id == "sources")
    make = {True: nbformat.v4.new_code_cell, False: nbformat.v4.new_markdown_cell}
    notebook.cells[place:place] = [make["#|" in text](text, id=str(uuid4())) for text in SECOND]
    notebook.cells[-1:-1] = [*another_exercise(notebook, "two"), *another_exercise(notebook, "three")]
    notebook.cells[-1].source += f"\n{ROW}"
    notebook.cells[-1].source = notebook.cells[-1].source.replace("here\n\n\n", "here\n\n")
    for cell in notebook.cells:
        if cell.id == "sources":
            cell.source += "\n\nNone of the four documents behind this book mentions it."
    nbformat.write(notebook, path)


def test_a_chapter_is_made_filled_and_run(project, chapter, monkeypatch):
    problems = run(project, chapter)
    open_places = [line for line in problems if ": still to be written: " in line]
    elsewhere = [line for line in problems if line not in open_places]
    assert elsewhere == [line.format(CHAPTER) for line in ELSEWHERE], "it runs, and keeps all other rules"
    template = new.TEMPLATE.read_text(encoding="utf-8")
    assert len(open_places) == template.count("TODO:") > 20
    assert {line.split(":")[0] for line in open_places} >= {
        f"{CHAPTER}, cell {name}"
        for name in ("title", "box", "derive-two-draws", "build-two-draws", "ex-two-draws-refused", "proved")
    }

    fill(chapter)
    fill_elsewhere(project, monkeypatch)
    unnamed = list(rules.cell_ids(read_book(project)))
    assert (
        len(unnamed) == len(SECOND) + 2 * 7
        and "the cell that begins '## Does an offset matter?'" in unnamed[0]
    )
    for words in (("check", "--fix"), ("format",)):
        style.ruff(project, *words, "--quiet")
    found = run(project, chapter)
    assert not found, "\n".join(found)
    stored = nbformat.read(chapter, as_version=4)
    begin = tuple(text[:25] for text in SECOND)
    named = [cell.id for cell in stored.cells if cell.source.startswith(begin)]
    assert named == [
        "does-an-offset-matter", "derive-two-draws-offset", "check-two-draws-offset",
        "more-than-one-offset-at", "figure-two-draws-offset",
    ]  # fmt: skip
    caption = stored.cells[[cell.id for cell in stored.cells].index(named[-1])].metadata.mystnb.figure.caption
    assert caption.endswith("share: the probability does not move.")
    assert f"{CHAPTER.removesuffix('.ipynb')}#thm-two-draws" not in addresses.read_frozen(project)
    assert "def two_draws(" in (project / "softlit/two_draws.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "number, slug", [("09", "a"), ("16", "the-longest-slug-that-a-chapter-may-have"[:40])]
)
def test_any_number_and_slug_make_a_notebook_that_can_be_read(number, slug):
    made = new.notebook(number, slug)
    nbformat.validate(made)
    for cell in execute.cells_of(made, "the notebook"):
        assert cell.kind == "markdown" or cell.tree
        assert "@" not in cell.text and is_word(cell.id)


def test_it_is_entered_in_three_places(project, chapter):
    toc = (project / "_toc.yml").read_text(encoding="utf-8")
    assert f"book/10-soft-arg-max\n      - file: {CHAPTER.removesuffix('.ipynb')}\n" in toc
    assert (
        (project / "CHANGELOG.md")
        .read_text(encoding="utf-8")
        .endswith("\n- Chapter 11: two draws, with `two_draws`.\n")
    )
    assert "Chapters 9 and 12 to 14, and with them" in (project / pages.LANDING).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "announced, number, left",
    [
        ("9 and 11 to 14", 9, "11 to 14"),
        ("9 and 11 to 14", 12, "9, 11 and 13 to 14"),
        ("9 and 11", 11, "9 and 11"),  # the sentence is its author's
        ("9 and 11 to 14", 16, "9 and 11 to 14"),
    ],
)
def test_a_promise_is_kept(announced, number, left):
    sentence = "Chapters {}, and with them part IV, are still to be written; their numbers are kept."
    assert pages.no_longer_announced(sentence.format(announced), number) == sentence.format(left)


@pytest.mark.parametrize(
    "words, sentence",
    [
        ((), "say which chapter, as in `make new CH=11 SLUG=cross-entropy`"),
        (("11",), "say which chapter"),
        (("eleven", "two-draws"), "say which chapter"),
        (("11", "Two Draws"), "SLUG=Two Draws: at most 40 lower-case letters"),
        (("11", "../two"), "SLUG=../two: at most 40 lower-case letters"),
        (("8", "two-draws"), "there is book/08-jacobian.ipynb already"),
        (("11", "jacobian"), "there is book/08-jacobian.ipynb already"),
        (("11", "softmax"), "softmax is a name of softlit or of Python"),
        (("11", "lambda"), "lambda is a name of softlit or of Python"),
        (
            ("11", "two-draws", "I"),
            "PART=I: chapter 11 comes after book/10-soft-arg-max, in the part 'III Calc",
        ),
        (("09", "two-draws", "IV Why"), "PART=IV Why: chapter 09 comes after book/08-jacobian"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_nothing_is_written(project, words, sentence):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    with pytest.raises(BookError, match=re.escape(sentence)):
        new.write_chapter(*[*words, "", ""][: max(2, len(words))], root=project)
    assert before == {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_after_a_release_the_next_version_is_begun_first(project):
    changes = project / addresses.CHANGES
    changes.write_text(changes.read_text(encoding="utf-8").replace("(unreleased)", "(2026-02-03)"))
    with pytest.raises(BookError, match="begin the next version"):
        new.write_chapter("11", SLUG, root=project)


@pytest.mark.parametrize(
    "number, part, neighbour, home",
    [
        ("09", "", "08-jacobian", "III Calculus"),
        ("11", "", "10-soft-arg-max", "III Calculus"),
        ("11", "III", "10-soft-arg-max", "III Calculus"),
        ("12", "V", "caption: V At scale\n    numbered: true\n    chapters:", "V At scale"),
        (
            "12",
            "IV Why this function",
            "caption: IV Why this function\n    numbered: true\n    chapters:",
            None,
        ),
        ("16", "", "15-streaming", "V At scale"),
    ],
)
def test_the_part_follows_from_the_number_or_is_chosen(number, part, neighbour, home):
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    made, where = new.listed(toc, number, "x", part)
    assert f"{neighbour}\n      - file: book/{number}-x\n" in made and where == (home or part)
    assert made.replace(f"      - file: book/{number}-x\n", "") == toc or home is None


# --- Ids of cells, and what a cell says at its head


def ids(*sources):
    """The ids that cells of code get; a text between quotes of Markdown begins with a `>`."""
    make = [nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell]
    cells = [make[not text.startswith(">")](text.removeprefix(">"), id=str(uuid4())) for text in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    execute.cell_ids.give(notebook)
    first = [cell.id for cell in notebook.cells]
    execute.cell_ids.give(notebook)
    assert first == [cell.id for cell in notebook.cells], "what has been given stays"
    return first


def test_a_cell_is_called_after_what_it_does():
    found = ids(
        "import numpy as np",
        "#| export losses\ndef _of(x):\n    pass\n\n\ndef cross_entropy(x):\n    'One.'",
        "#| derive thm-a-b",
        "#| check thm-a-b, thm-c\nassert a",
        "#| check thm-a-b\nassert b",
        "#| source 003-15\nassert a",
        "#| figure fig-a: A caption.\nassert a",
        "a = 1",
    )
    assert found == [
        "imports", "build-cross-entropy", "derive-a-b", "check-a-b", "check-a-b-2", "source-003-15",
        "figure-a", "show-code",
    ]  # fmt: skip


def test_a_text_is_called_after_its_heading_its_label_or_its_words():
    statement = "````{prf:theorem} A\n:label: thm-a\n$x$\n````"
    found = ids(
        "># A chapter",
        ">:::{note}\n:class: chapter-box\nx\n:::",
        ">## Is $x$ *large*, or not?\n\nText.",
        f">{statement}",
        ">So $x$ is 3.",
        ">3 is more.",
        ">",
        ">",
        ">## What is proved here\n",
    )
    assert found == [
        "title", "box", "is-large-or-not", "thm-a", "so-is-3", "text-3-is-more", "text", "text-2", "proved",
    ]  # fmt: skip


def test_the_cells_of_an_exercise_are_called_after_it():
    start = "```{exercise-start}\n:label: ex-a\n```\nText.\n```{exercise-end}\n```"
    found = ids(
        f">## Exercises\n\n{start}",
        "def spec(a): pass",
        ">```{solution-start} ex-a\n```",
        "spec(1)",
        ">Wrong:",
        "refused(2)",
        f">```{{solution-end}}\n```\n\n{start.replace('ex-a', 'ex-b')}",
        "def spec(b): pass",
        ">```{solution-start} ex-b\n```\n\n```{solution-end}\n```",
        "after = 1",
    )
    assert found == [
        "exercises", "ex-a-spec", "ex-a-solution", "ex-a-answer", "ex-a-wrong", "ex-a-refused", "ex-a-end",
        "ex-b-spec", "ex-b-solution", "show-exercises",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["shift", "facade", "ex-2", "source-003-15", "check-a-2"])
def test_words_stay(name):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("#| derive thm-a", id=name)])
    execute.cell_ids.give(notebook)
    assert notebook.cells[0].id == name


@pytest.mark.parametrize(
    "name", ["5f9dae76-b584-47ac-bda1-0bedf8db2f1e", "5f0c9d1e", "fEbd-_2", "W1sZmlsZQ", "number-3", "0" * 32]
)
def test_what_an_editor_drew_is_no_word(name):
    assert not is_word(name)


def test_a_cell_that_cannot_be_read_waits_for_its_name():
    first, second = ids("#| exprot losses\nx = 1", "x = (")
    assert not is_word(first) and not is_word(second)


@pytest.mark.parametrize(
    "head, sentence",
    [
        ("#| proves thm-a", "'#| proves thm-a' is not an export marker"),
        ("#| check", "is not an export marker"),
        ("#| check thm-a\n#| check thm-b", "is not an export marker"),
        ("#|   figure fig-a: A caption.", "is not an export marker"),
        ("#| figure A caption.", "write '#| figure fig-NAME: CAPTION'"),
        ("#| figure fig-a:", "write '#| figure fig-NAME: CAPTION'"),
    ],
)
def test_a_head_that_cannot_be_read(head, sentence):
    cell = Cell("book/11-x.ipynb", (0, 0), "check-a", "code", f"{head}\nx = 1", {})
    with pytest.raises(BookError, match=re.escape(sentence)):
        assert cell.said and cell.figure


def test_a_head_says_the_same_as_tags_and_is_not_shown():
    text = "#| derive thm-a\n#| check thm-a, thm-b\n#| figure fig-a: A long\n#|   caption.\nx = 1"
    cell = Cell("book/11-x.ipynb", (0, 0), "a", "code", text, {"tags": ["check:thm-a", "source:003-1"]})
    pairs = [("check", "thm-a"), ("source", "003-1"), ("derive", "thm-a"), ("check", "thm-b")]
    assert sorted(cell.claims) == sorted(pairs)
    assert cell.figure == {"name": "fig-a", "caption": "A long caption."} and cell.code == "x = 1"
    text = Cell("book/11-x.ipynb", (0, 1), "b", "markdown", "#| derive thm-a", {})
    assert text.claims == () and text.code == text.text
