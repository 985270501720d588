"""A new chapter: what `make new` writes runs, its open places are named, and filled it keeps every rule."""

import re
import subprocess
import sys
from uuid import uuid4

import nbformat
import pytest
import yaml

from literate import addresses, execute, new, rules, tangle
from literate.chapters import ROOT, BookError, Cell, is_word, read_book

SLUG = "two-draws"
NUMBER = "18"  # behind all chapters of the book
CHAPTER = f"book/{NUMBER}-{SLUG}.ipynb"
CONTENTS = """\
parts:
  - caption: III Calculus
    numbered: true
    chapters:
      - file: book/08-jacobian
      - file: book/11-cross-entropy
  - caption: V At scale
    numbered: true
    chapters:
      - file: book/15-streaming
"""
# What an author writes in JupyterLab below the first theorem; the editor draws the ids.
SECOND = [
    r"""## How often at most?

````{prf:theorem} Certainty is the bound
:label: thm-two-draws-bound
For every $x \in \mathbb{R}^N$,

$$
\sum_{j=1}^{N} S(x)_j^2 \le 1 .
$$
````""",
    """#| derive thm-two-draws-bound
assert same(total(lambda j: sp.exp(x[j]) / Z), 1)
assert not same(agreement, 1)""",
    """#| check thm-two-draws-bound
x_rows = rng.normal(scale=20, size=(50, 4))
most = softlit.two_draws(x_rows).max()
assert most <= 1 < 2 * most""",
    "The bound is a limit, and no softmax of finite logits attains it.",
    """#| figure fig-two-draws-scale: The probability to agree of the logits 0 and 1, scaled: it
#|   approaches one.
fig, ax = figures.subplots(height=2.0)
scales = np.arange(8)
risen = softlit.two_draws(np.stack([scales, 0 * scales], axis=-1))
ax.plot(scales, risen, color=figures.BLUE)
assert (np.diff(risen) > 0).all()
figures.show(fig, alt="A curve rises from one half and comes close to one.")""",
]
ROW = (
    "| {prf:ref}`thm-two-draws-bound` | it is at most 1 | "
    "by machine in part; by argument: no entry exceeds 1, so no square exceeds its entry |"
)
EXERCISE = [
    """```{exercise-start}
:label: ex-two-draws-NAME
```
**NAME.** $\\star\\star$ Write `NAME(x)`, the NAME of the entries.
```{exercise-end}
```""",
    """def spec_NAME(NAME):
    got = NAME(np.array([1.0, 2.0, 4.0]))
    assert abs(got - np.NAME([1.0, 2.0, 4.0])) < 1e-12, f"it makes {got:.3f}\"""",
    "```{solution-start} ex-two-draws-NAME\n:class: dropdown\n```",
    "def NAME(x):\n    return np.NAME(x)\n\n\nspec_NAME(NAME)",
    "The first entry is another number.",
    "refused(spec_NAME, lambda x: x[0])",
    "```{solution-end}\n```",
]


@pytest.fixture
def chapter(project, monkeypatch):
    """A new chapter in a copy of the project, in which kernels find the copy's package."""
    monkeypatch.setattr(execute, "ROOT", project)
    assert f"new: {new.write_chapter(NUMBER, SLUG, root=project)}".startswith(
        f"new: {CHAPTER}, in the part '"
    )
    return project / CHAPTER


def run(project, path):
    """What `make run` does."""
    execute.name_cells(path)
    tangle.write(tangle.tangle(read_book(project)), project / "softlit")
    execute.execute(path)
    return list(rules.all_problems(project))


def fill(path):
    """Fill the places as an author does: the text of the template is a chapter, once the notes are gone."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        code_only = re.sub(r"^# TODO: .*\n|  # TODO: .*$", "", cell.source, flags=re.M)
        cell.source = re.sub(r"TODO: .*?(\. |\.?$)", "In short: ", code_only, flags=re.M).replace(
            ": \n", ":\n"
        )
    place = next(number for number, cell in enumerate(notebook.cells) if cell.id == "sources")
    make = {True: nbformat.v4.new_code_cell, False: nbformat.v4.new_markdown_cell}
    more = [text.replace("NAME", name) for name in ("median", "std") for text in EXERCISE]
    for here, texts in ((-1, more), (place, SECOND)):
        code = [text.startswith(("#|", "def ", "refused")) for text in texts]
        new_cells = [make[is_code](text, id=str(uuid4())) for is_code, text in zip(code, texts, strict=True)]
        notebook.cells[here:here] = new_cells
    notebook.cells[-1].source += f"\n{ROW}"
    notebook.cells[-1].source = notebook.cells[-1].source.replace("here\n\n\n", "here\n\n")
    for cell in notebook.cells:
        if cell.id == "sources":
            cell.source += "\n\nNone of the four documents behind this book mentions it."
    nbformat.write(notebook, path)
    tried = path.parent.parent / new.WRONG_ANSWERS
    entries = (f"ex-two-draws-{name}: [min, max, np.sum]\n" for name in ("median", "std"))
    tried.write_text(tried.read_text(encoding="utf-8") + "".join(entries), encoding="utf-8")


def test_a_chapter_is_made_filled_and_run(project, chapter):
    problems = run(project, chapter)
    open_places = [line for line in problems if ": still to be written: " in line]
    few = f"{CHAPTER}: a chapter has 3 to 5 exercises; this one has 1."
    assert [line for line in problems if line not in open_places] == [few], (
        "it runs, and keeps every other rule"
    )
    template = new.TEMPLATE.read_text(encoding="utf-8")
    assert len(open_places) == template.count("TODO:") > 20
    assert {line.split(":")[0] for line in open_places} >= {
        f"{CHAPTER}, cell {name}"
        for name in ("title", "box", "derive-two-draws", "build-two-draws", "ex-two-draws-refused", "proved")
    }

    fill(chapter)
    unnamed = list(rules.cell_ids(read_book(project)))
    assert len(unnamed) == len(SECOND) + 2 * len(EXERCISE)
    assert "the cell that begins '## How often at most?'" in unnamed[0]
    assert run(project, chapter) == []
    stored = nbformat.read(chapter, as_version=4)
    named = [cell.id for cell in stored.cells if cell.source in SECOND]
    assert named == [
        "how-often-at-most", "derive-two-draws-bound", "check-two-draws-bound", "the-bound-is-a-limit",
        "figure-two-draws-scale",
    ]  # fmt: skip
    caption = stored.cells[[cell.id for cell in stored.cells].index(named[-1])].metadata.mystnb.figure.caption
    assert caption.endswith("scaled: it approaches one.")
    assert [cell.id for cell in stored.cells if cell.id.startswith("ex-two-draws-std")] == [
        "ex-two-draws-std", "ex-two-draws-std-spec", "ex-two-draws-std-solution", "ex-two-draws-std-answer",
        "ex-two-draws-std-wrong", "ex-two-draws-std-refused", "ex-two-draws-std-end",
    ]  # fmt: skip
    assert f"{CHAPTER.removesuffix('.ipynb')}#thm-two-draws" not in addresses.read_frozen(project)
    assert "def two_draws(" in (project / "softlit/two_draws.py").read_text(encoding="utf-8")


def test_what_is_written_is_in_ruffs_form(project, chapter):
    for command in ("check", "format --check"):
        config = f"--no-cache --config {ROOT / 'book/ruff.toml'}"
        options = "--ignore E402,B018,F811" if command == "check" else ""
        words = f"-m ruff {command} {config} {options} {chapter}".split()
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "number, slug", [("09", "a"), ("16", "the-longest-slug-that-a-chapter-may-have"[:40])]
)
def test_any_number_and_slug_make_a_notebook_that_can_be_read(number, slug):
    made = new.notebook(number, slug)
    nbformat.validate(made)
    for cell in execute.cells_of(made, "the notebook"):
        assert cell.kind == "markdown" or cell.tree
        assert not re.search("@[A-Z]+@", cell.text) and is_word(cell.id)


def test_it_is_entered_where_it_has_to_be(project, chapter):
    toc = (project / "_toc.yml").read_text(encoding="utf-8")
    assert re.search(rf"book/1\d-[a-z-]+\n      - file: {CHAPTER.removesuffix('.ipynb')}\n", toc)
    changes = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    _, newest, *_ = changes.split("\n## ")
    assert newest.rstrip().endswith(f"\n- Chapter {NUMBER}, two draws: `two_draws`.")
    tried = yaml.safe_load((project / new.WRONG_ANSWERS).read_text(encoding="utf-8"))
    assert len(tried["ex-two-draws"]) == 3


@pytest.mark.parametrize(
    "words, sentence",
    [
        ((), "say which chapter, as in `make new CH=12 SLUG=duality`"),
        ((NUMBER,), "say which chapter"),
        (("eleven", "two-draws"), "say which chapter"),
        ((NUMBER, "Two Draws"), "SLUG=Two Draws: at most 40 lower-case letters"),
        ((NUMBER, "../two"), "SLUG=../two: at most 40 lower-case letters"),
        (("8", "two-draws"), "there is book/08-jacobian.ipynb already"),
        ((NUMBER, "jacobian"), "there is book/08-jacobian.ipynb already"),
        ((NUMBER, "softmax"), "softmax is a name of softlit or of Python"),
        ((NUMBER, "lambda"), "lambda is a name of softlit or of Python"),
        (
            (NUMBER, "two-draws", "I"),
            f"PART=I: chapter {NUMBER} comes after book/",
        ),
        ((NUMBER, "lab"), "lab is a name of softlit or of Python"),
        ((NUMBER, "two-draws", "VII"), "PART=VII: no part of the book; name a new one in full"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence_and_nothing_is_written(project, words, sentence):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    with pytest.raises(BookError, match=re.escape(sentence)):
        new.write_chapter(*[*words, "", ""][: max(2, len(words))], root=project)
    assert before == {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_a_slug_may_end_as_another_does(book):
    assert new.refusal(book, NUMBER, "arg-max") is None  # there is 10-soft-arg-max


def test_after_a_release_the_next_version_is_begun_first(project):
    changes = project / addresses.CHANGES
    changes.write_text(changes.read_text(encoding="utf-8").replace("(unreleased)", "(2026-02-03)"))
    with pytest.raises(BookError, match="begin the next version"):
        new.write_chapter(NUMBER, SLUG, root=project)


@pytest.mark.parametrize(
    "number, part, neighbour, home",
    [
        ("09", "", "08-jacobian", "III Calculus"),
        ("12", "", "11-cross-entropy", "III Calculus"),
        ("12", "III", "11-cross-entropy", "III Calculus"),
        ("12", "V", "caption: V At scale\n    numbered: true\n    chapters:", "V At scale"),
        ("12", "IIIa Between", "caption: IIIa Between\n    numbered: true\n    chapters:", None),
        ("16", "", "15-streaming", "V At scale"),
    ],
)
def test_the_part_follows_from_the_number_or_is_chosen(number, part, neighbour, home):
    made, where = new.listed(CONTENTS, number, "x", part)
    assert f"{neighbour}\n      - file: book/{number}-x\n" in made and where == (home or part)
    assert made.replace(f"      - file: book/{number}-x\n", "") == CONTENTS or home is None


def test_no_chapter_is_put_into_a_part_where_its_neighbours_are_not():
    with pytest.raises(BookError, match="PART=V At: chapter 09 comes after book/08-jacobian"):
        new.listed(CONTENTS, "09", "x", "V At")


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
        ("#| proves thm-a", "'#| proves thm-a' says nothing that is known"),
        ("#| check", "says nothing that is known"),
        ("#| check thm-a\n#| check thm-b", "says nothing that is known"),
        ("#|   figure fig-a: A caption.", "says nothing that is known"),
        ("#| figure A caption.", "write '#| figure fig-NAME: CAPTION'"),
        ("#| figure fig-a:", "write '#| figure fig-NAME: CAPTION'"),
    ],
)
def test_a_head_that_cannot_be_read(head, sentence):
    cell = Cell("book/11-x.ipynb", (0, 0), "check-a", "code", f"{head}\nx = 1", {})
    with pytest.raises(BookError, match=re.escape(sentence)):
        assert cell.said and cell.figure


def test_a_head_alone_says_what_a_cell_is_for_and_is_no_code():
    text = "#| derive thm-a\n#| check thm-a, thm-b\n#| figure fig-a: A long\n#|   caption.\nx = 1"
    metadata = {"tags": ["source:003-1"], "mystnb": {"figure": {"name": "fig-old", "caption": "Old."}}}
    cell = Cell("book/11-x.ipynb", (0, 0), "a", "code", text, metadata)
    assert cell.claims == (("derive", "thm-a"), ("check", "thm-a"), ("check", "thm-b"))
    assert cell.figure == {"name": "fig-a", "caption": "A long caption."} and cell.code == "x = 1"
    assert Cell("book/11-x.ipynb", (0, 0), "a", "code", "x = 1", metadata).figure == {}
    text = Cell("book/11-x.ipynb", (0, 1), "b", "markdown", "#| derive thm-a", {})
    assert text.claims == () and text.code == text.text
