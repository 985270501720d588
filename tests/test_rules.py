"""Every rule of the book holds, and every rule can fail: a planted fault turns it red.

Faults of chapters are planted in the book as it was read, and the rule that is meant is asked.
"""

import dataclasses
import inspect
import os
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest
import yaml
from conftest import edit_cell, replaced, with_cell, with_cells

from literate import pages, rules
from literate.chapters import ROOT, BookError, read_book, read_notebook
from literate.execute import METADATA, choose, execute
from literate.exercises import exercises
from softlit import textbook

SHIFT = "book/02-shift-invariance.ipynb"


def test_every_rule_holds():
    assert list(rules.all_problems()) == []


def test_no_rule_is_left_out():
    own = [
        function
        for module in (rules, pages)
        for function in vars(module).values()
        if inspect.isgeneratorfunction(function) and function.__module__ == module.__name__
    ]
    takes_book = [function for function in own if "book" in inspect.signature(function).parameters]
    assert len(takes_book) > 20 and {*takes_book} <= {*rules.ON_BOOK, *rules.ON_ROOT}


def test_all_rules_are_asked_of_the_files(first_chapters):
    def forget(cell):
        cell.execution_count, cell.outputs = None, []

    edit_cell(first_chapters / SHIFT, "derive-shift", forget)
    (first_chapters / "softlit" / "extra.py").write_text("x = 1\n")
    found = list(rules.all_problems(first_chapters))
    assert f"{SHIFT}, cell derive-shift: saved without having run; use `make run`." in found
    assert any(line.startswith("softlit/extra.py") for line in found)


def plant(book, rule, change, cell="derive-shift", notebook=SHIFT):
    """Change one cell of the book, and return what a rule says of it."""
    return list(rule(with_cell(book, notebook, cell, change)))


def test_cells_run_out_of_order(book):
    found = plant(book, rules.executed, lambda cell: cell.update(execution_count=99))
    assert any("ran as number 99" in line for line in found)


NOT_TANGLED = "softlit/textbook.py: not what the chapters export; edit the chapter and run `make tangle`."


def test_a_hand_edited_module(book, project):
    module = project / "softlit" / "textbook.py"
    module.write_text(module.read_text().replace("np.exp(x)", "np.exp(-x)"))
    assert list(rules.tangled(book, project)) == [NOT_TANGLED]


def test_an_exported_cell_edited_without_tangling(book):
    def edit(cell):
        cell.source += "\n# edited"

    assert plant(book, rules.tangled, edit, cell="build-shifted") == [NOT_TANGLED]


def test_two_definitions_of_one_name(book):
    def define_again(cell):
        cell.source += '\n\n\ndef logsumexp_naive(x):\n    """Again."""\n    return x\n'

    with pytest.raises(
        BookError,
        match=f"{SHIFT}, cell build-shifted: 'logsumexp_naive' is already defined",
    ):
        plant(book, rules.tangled, define_again, cell="build-shifted")


@pytest.fixture(scope="module")
def claims():
    return yaml.safe_load((ROOT / "book" / "claims.yml").read_text(encoding="utf-8"))


def write_claims(project, rows):
    (project / "book" / "claims.yml").write_text(yaml.safe_dump(rows))


def test_a_claim_without_a_cell(book, claims, project):
    write_claims(project, [*claims, dict(claims[-1], id="003-999")])
    assert [*rules.ledger_complete(book, project), *rules.ids_kept(book, project)] == [
        "book/claims.yml: 003-999 has no cell with '#| source 003-999' at its head.",
    ]


def test_a_claim_that_vanishes(book, claims, project):
    write_claims(project, [row for row in claims if row["id"] != "003-17"])
    found = list(rules.ids_kept(book, project))
    assert any(line.startswith("book/ids.txt: book/errata#claim-003-17 is gone") for line in found)


@pytest.fixture
def plant_in_row(book, claims, project):
    """A function that changes the row of a claim, and returns what the ledger says."""

    def plant(claim, **values):
        write_claims(project, [row | values if row["id"] == claim else row for row in claims])
        return list(rules.ledger_complete(book, project))

    return plant


@pytest.mark.parametrize(
    "claim, values, sentence",
    [
        ("003-11", {"right": "Not for a constant vector."}, "a condition, 'If ...', begins what is right"),
        ("003-11", {"verdict": "wrong"}, "a condition, 'If ...', begins what is right"),
        ("003-2", {"verdict": "holds if"}, "a condition, 'If ...', begins what is right"),
        ("001-8", {"verdict": "wrong in our copy"}, "our copy of source 001 is no transcript"),
        ("003-2", {"id": "003-2b"}, "its source is '003'"),
    ],
)
def test_a_verdict_that_says_more_than_its_row(plant_in_row, claim, values, sentence):
    with pytest.raises(BookError, match=re.escape(sentence)):
        plant_in_row(claim, **values)


SIGN = "'Erratum: The softmax function, Property 4, proof, case $e = i$'"


@pytest.mark.parametrize(
    "verdict, sentence",
    [
        ("holds", f"the box {SIGN} names 003-15, which is holds."),
        ("no claim", f"the box {SIGN} names 003-15, which is no claim."),
        ("wrong", None),
    ],
)
def test_a_box_and_the_errata_agree(plant_in_row, verdict, sentence):
    found = plant_in_row("003-15", verdict=verdict)
    assert found == ([f"book/08-jacobian.ipynb, cell jacobian-sources: {sentence}"] if sentence else [])


def test_a_mistake_without_a_box(plant_in_row):
    found = plant_in_row("003-16", verdict="wrong")
    assert found == ["book/claims.yml: 003-16 is wrong, and no box of a chapter names it."]


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ("**In our copy**", "**Printed**", "does not say that it speaks of our copy."),
        ("claim-003-15", "claim-003-150", "names 003-150, which is not there."),
        ("claim-003-15", "thm-jacobian", "names no claim of the errata."),
        ("} Erratum:", "} Condition:", "names 003-15, which is wrong in our copy."),
        ("} Erratum:", "} Note:", "begins with none of Erratum, Errata, Condition, Conditions."),
        ("} Erratum:", "} *Erratum*:", "begins with none of Erratum, Errata, Condition, Conditions."),
        (":class: erratum", ":class: tip", "has not the class erratum."),
        (":class: erratum", ":name: box\n:class: wide erratum\n:open:", None),
    ],
)
def test_a_box_that_is_not_what_its_title_says(book, old, new, sentence):
    def change(cell):
        cell.source = cell.source.replace(old, new)

    found = plant(book, rules.ledger_complete, change, "jacobian-sources", "book/08-jacobian.ipynb")
    if sentence:
        assert any("jacobian-sources: the box" in line and line.endswith(sentence) for line in found), found
    else:
        assert not [line for line in found if "the box" in line]


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("- id: 003-2\n  id: 003-3\n", "not readable, .*a key is given twice"),
        ("- id:\t003-2\n\t x", "not readable"),
        ("rows", "not a list of rows"),
        ("- [1, 2]", "not a list of rows"),
    ],
)
def test_claims_that_cannot_be_read(book, project, text, sentence):
    (project / "book" / "claims.yml").write_text(text)
    with pytest.raises(BookError, match=f"^book/claims.yml: {sentence}"):
        list(rules.ledger_complete(book, project))


@pytest.mark.parametrize("tag", ["skip-execution", "remove-cell"])
def test_a_tag_that_hides_a_cell(book, tag):
    found = plant(book, rules.nothing_skipped, lambda cell: cell.metadata.update(tags=[tag]))
    assert any("takes the cell out of the comparison" in line for line in found)


def test_a_head_on_prose(book):
    def give_head(cell):
        cell.source = f"#| derive thm-shift-invariance\n{cell.source}"

    found = plant(book, rules.ledger_complete, give_head, "shift-question")
    assert f"{SHIFT}, cell shift-question: a '#|' line on a cell that is not code." in found


@pytest.mark.parametrize("cell", ["derive-shift", "shift-question"])
def test_a_tag_where_a_head_belongs(book, cell):
    found = plant(book, rules.ledger_complete, lambda cell: cell.metadata.update(tags=["check:thm-a"]), cell)
    sentence = "its tag check:thm-a says nothing; a line '#| ...' at the head of a cell does."
    assert found == [f"{SHIFT}, cell {cell}: {sentence}"]


@pytest.mark.parametrize(
    "field, value, sentence",
    [
        ("verdict", "maybe", "verdict 'maybe' is not one of"),
        ("source", "002", "its source is '002'"),
        ("right", " ", "right is not a text"),
        ("theorem", "", "theorem is neither a label nor null"),
        ("colour", "blue", "unknown field colour"),
    ],
)
def test_a_claim_with_a_bad_field(plant_in_row, field, value, sentence):
    with pytest.raises(BookError, match=f"row 003-2: {sentence}"):
        plant_in_row("003-2", **{field: value})


@pytest.mark.parametrize(
    "cell, words, sentence",
    [
        ("lse-use", 41, "a note in the margin has 41 words; 40 are enough."),
        ("ex-centre-solution", 40, "a note in the margin among the exercises."),
    ],
)
def test_a_note_in_the_margin_that_is_none(book, cell, words, sentence):
    def add_note(cell):
        cell.source += f"\n\n:::{{note}}\n:class: margin\n{'word ' * words}\n:::"

    found = plant(book, rules.side_notes_short, add_note, cell)
    assert found == [f"{SHIFT}, cell {cell}: {sentence}"]


def test_a_theorem_whose_derivation_lost_its_head(book):
    found = plant(book, rules.ledger_complete, replaced("#| derive thm-shift-invariance\n", ""))
    sentence = "thm-shift-invariance has no cell with '#| derive thm-shift-invariance' at its head."
    assert f"{SHIFT}, cell shift-question: {sentence}" in found


@pytest.mark.parametrize("line", ["derive thm-nowhere", "check def-nowhere"])
def test_a_head_that_points_nowhere(book, line):
    found = plant(book, rules.ledger_complete, replaced("#| derive thm-shift-invariance", f"#| {line}"))
    assert any(f"cell derive-shift: '#| {line}' points nowhere" in sentence for sentence in found)


EMPTY = [
    "x = 1",
    "assert True",
    "assert plain == plain",
    "print('derived')",
    "assert plain or True",
    "assert (plain, 'equal')",
    "assert f'{plain}'",
    "assert 1 < 2",
    "if False:\n    assert plain",
    "def unused():\n    assert plain",
    "try:\n    assert plain\nexcept AssertionError:\n    pass",
]


@pytest.mark.parametrize("source", EMPTY)
def test_a_proof_that_asserts_nothing(book, source):
    head = "#| derive thm-shift-invariance"
    found = plant(book, rules.ledger_complete, lambda cell: cell.update(source=f"{head}\n{source}"))
    sentence = f"'{head}', but the cell asserts nothing that can fail."
    assert f"{SHIFT}, cell derive-shift: {sentence}" in found


def test_a_label_used_twice(book):
    def repeat(cell):
        cell.source = cell.source.replace("thm-lse-equivariance", "thm-shift-invariance")

    with pytest.raises(BookError, match="label thm-shift-invariance is already used"):
        plant(book, rules.ledger_complete, repeat, cell="lse-question")


def test_a_theorem_missing_from_the_table(book):
    def empty(cell):
        cell.source = "## What is proved here"

    found = plant(book, rules.chapter_anatomy, empty, cell="proved")
    assert f"{SHIFT}: the table of what is proved leaves out thm-pinning." in found


def say(label, kind):
    """A change of the table of what is proved: what it says of the proof of a theorem."""
    row = re.compile(rf"^(\| {{prf:ref}}`{label}` \|.* \|) .+? \|$", re.M)

    def change(cell):
        cell.source, count = row.subn(lambda found: f"{found[1]} {kind} |" if kind else found[1], cell.source)
        assert count == 1

    return change


@pytest.mark.parametrize(
    "kind", ["", "yes", "by machine for every N", "by machine in part", "by machine in part; by argument: "]
)
def test_a_theorem_that_does_not_say_how_it_is_proved(book, kind):
    (found,) = plant(book, rules.ledger_complete, say("thm-pinning", kind), "proved")
    assert found.startswith(
        f"{SHIFT}: the table of what is proved does not say how thm-pinning is proved; its last column is"
    )


@pytest.mark.parametrize(
    "chapter, label, kind, sentence",
    [
        (
            "01-hard-and-soft",
            "thm-permutation",
            "by machine, for every $N$",
            "cell derive-permutation: takes a number for N",
        ),
        (
            "04-inverse",
            "thm-two-outputs",
            "by machine, for every $N$",
            "cell derive-two: takes a number for N",
        ),
        (
            "01-hard-and-soft",
            "thm-order",
            "by machine, for every $N$",
            "no cell that derives it asserts `same` or a `derivative`",
        ),
        ("02-shift-invariance", "thm-shift-invariance", "by machine", "which speaks of N"),
    ],
)
def test_a_theorem_that_claims_too_much_for_the_machine(book, chapter, label, kind, sentence):
    notebook = f"book/{chapter}.ipynb"
    found = plant(book, rules.ledger_complete, say(label, kind), "proved", notebook)
    assert any(sentence in line and label in line for line in found)


@pytest.mark.parametrize(
    "source, sentence",
    [
        ("assert same(shifted.subs(N, 3).doit(), plain.subs({N: 3}).doit())", "takes a number for N"),
        ("assert not same(shifted, 2 * plain)", "asserts `same`"),
        ("assert sp.simplify(shifted - plain) == 0", "asserts `same`"),
        ("if c:\n    assert same(shifted, plain)\nassert plain", "asserts `same`"),
    ],
)
def test_a_derivation_that_proves_less_than_the_table_says(book, source, sentence):
    head = "#| derive thm-shift-invariance\n#| source 003-2"
    found = plant(book, rules.ledger_complete, lambda cell: cell.update(source=f"{head}\n{source}"))
    assert len(found) == 1 and sentence in found[0] and "thm-shift-invariance" in found[0]


@pytest.mark.parametrize("alt", ["", "figure 1"])
def test_a_figure_without_alternative_text(book, alt):
    def strip(cell):
        cell.outputs[0].metadata["image/png"]["alt"] = alt

    assert f"{SHIFT}, cell figure-shift: the figure has no sentence of alt text." in plant(
        book, rules.figures_described, strip, "figure-shift"
    )


def test_a_figure_without_a_caption(book):
    def strip(cell):
        cell.source = "\n".join(line for line in cell.source.split("\n") if not line.startswith("#| "))

    found = plant(book, rules.figures_described, strip, "figure-shift")
    assert (
        f"{SHIFT}, cell figure-shift: the figure has no line '#| figure fig-NAME: CAPTION' at its head."
        in found
    )


@pytest.mark.parametrize("count", [0, 2])
def test_a_caption_without_its_picture(book, count):
    found = plant(
        book, rules.figures_described, lambda cell: cell.update(outputs=cell.outputs * count), "figure-shift"
    )
    assert found == [
        f"{SHIFT}, cell figure-shift: its caption is that of one picture; the cell shows {count}."
    ]


@pytest.mark.parametrize("mark", ["# NBVAL_SKIP", "# NBVAL_IGNORE_OUTPUT", "# PYTEST_VALIDATE_IGNORE_OUTPUT"])
def test_a_cell_that_asks_not_to_be_compared(book, mark):
    found = plant(book, rules.nothing_skipped, lambda cell: cell.update(source=mark + "\n" + cell.source))
    assert any("takes the cell out of the comparison" in line for line in found)


def test_a_warning_stored_in_a_notebook(book):
    warning = nbformat.v4.new_output("stream", name="stderr", text="RuntimeWarning")
    found = plant(book, rules.executed, lambda cell: cell.outputs.append(warning))
    assert f"{SHIFT}, cell derive-shift: wrote to standard error." in found


def test_a_tolerance_left_to_a_default(book):
    def leave_out(cell):
        cell.source = "assert np.allclose(plain, plain + 0, rtol=0)"

    found = plant(book, rules.tolerances_named, leave_out)
    assert f"{SHIFT}, cell derive-shift: allclose without both rtol= and atol=." in found


def test_a_number_that_nobody_ran(book):
    def mistype(cell):
        cell.source += " The threshold is 88.27."

    found = plant(book, rules.decimals_from_cells, mistype, cell="breaks-explained")
    assert (
        f"{SHIFT}, cell breaks-explained: the number 88.27 is in no cell and no output of the page." in found
    )


@pytest.mark.parametrize(
    ("number", "ran"),
    [("0.66524", True), ("0.665", True), ("0.7", True), ("0.66", False), ("1.57", False), ("0.6652", True)],
)
def test_a_number_may_be_rounded_but_not_cut_off(small_book, number, ran):
    (chapter,) = small_book(["print(0.66524, 11.57)"])
    text = dataclasses.replace(chapter.cells[0], kind="markdown", text=f"It is {number}.")
    found = list(rules.decimals_from_cells([dataclasses.replace(chapter, cells=(*chapter.cells, text))]))
    assert (found == []) == ran


def chapter_of(book):
    return next(chapter for chapter in book if chapter.name == SHIFT)


def test_a_chapter_without_code(book):
    chapter = chapter_of(book)
    planted = with_cells(book, chapter, [cell for cell in chapter.cells if cell.kind == "markdown"])
    found = list(rules.runs_alone(planted))
    assert found == [f"{SHIFT}: no cell of code; a chapter derives and checks something."]
    assert all(line.startswith(SHIFT) for line in rules.exercises_in_form(planted))


START = "```{exercise-start}\n:label: ex-centre\n```"


@pytest.mark.parametrize(
    ("cell", "old", "new", "sentence"),
    [
        ("exercises", "{exercise-start}", "{exercise}", "cell exercises: write {exercise-start} and"),
        ("exercises", ":label: ex-centre\n", "", "cell exercises: an exercise without a label."),
        ("exercises", "```{exercise-end}\n```", "", "{solution-start} where {exercise-end} should come."),
        ("exercises", START, "", "cell exercises: {exercise-end} where {exercise-start} should come."),
        ("ex-centre-end", "```{solution-end}\n```", "", "{exercise-start} where {solution-end} should come."),
        (
            "ex-first-overflow-end",
            "```{solution-end}\n```",
            "",
            "ex-first-overflow: {solution-end} is missing",
        ),
        ("exercises", "`centre(x)`", "it", "does not show the signature of centre."),
        ("ex-centre-solution", "```{solution-start}", "```{solution}", "in place of {solution}"),
    ],
)
def test_an_exercise_out_of_form(book, cell, old, new, sentence):
    def change(cell):
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    found = [line for line in plant(book, rules.exercises_in_form, change, cell=cell) if sentence in line]
    assert len(found) == 1 and found[0].startswith(SHIFT)


def test_an_exercise_without_cells(book):
    chapter = chapter_of(book)
    start = next(cell.position for cell in chapter.cells if cell.id == "exercises")
    end = max(cell.position for cell in chapter.cells if cell.id.startswith("ex-centre"))
    cells = [cell for cell in chapter.cells if cell.kind == "markdown" or not start <= cell.position < end]
    found = list(rules.exercises_in_form(with_cells(book, chapter, cells)))
    assert any("no cell" in line for line in found)


def test_two_equations_with_one_label(book):
    def label(cell):
        cell.source += "\n\n$$\nx = x\n$$ (eq-shift)\n"

    found = plant(book, rules.ids_kept, label, cell="breaks-explained")
    where = f"{SHIFT}, cell "
    assert f"{where}breaks-explained: the label eq-shift is already used in {where}shift-question." in found


def test_exercises_are_read_in_any_fence(book):
    chapter = chapter_of(book)
    longer = [dataclasses.replace(cell, text=cell.text.replace("```", ":::::")) for cell in chapter.cells]
    found = exercises(dataclasses.replace(chapter, cells=tuple(longer)))
    assert [exercise.label for exercise in found] == [item.label for item in exercises(chapter)] != []


def test_an_id_that_says_nothing(book):
    found = plant(book, rules.cell_ids, lambda cell: cell.update(id="5f0c9d1e"))
    began = f"{SHIFT}, the cell that begins '#| derive thm-shift-invariance'"
    assert f"{began}: has no id of words yet; `make run` gives it one." in found


def run_nbval(path):
    """Strict nbval on one notebook, as the suite runs it."""
    options = [
        "--nbval",
        "--nbval-current-env",
        f"--nbval-sanitize-with={ROOT / 'tests/nbval_sanitize.cfg'}",
    ]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        *options,
        str(path),
    ]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True)


def test_a_stale_output(tmp_path):
    def printing(number, stored):
        output = nbformat.v4.new_output("stream", name="stdout", text=f"{stored}\n")
        return nbformat.v4.new_code_cell(f"print({number})", execution_count=1, outputs=[output])

    cells = [printing(0.66524, 0.66524), printing(0.66524, 0.66525)]
    path = tmp_path / "stale.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=METADATA), path)
    result = run_nbval(path)
    assert result.returncode == 1 and "0.66525" in result.stdout
    assert "1 failed, 1 passed" in result.stdout


def test_a_wrong_sign_in_a_derivation(project):
    path = project / SHIFT
    edit_cell(
        path,
        "derive-shift",
        lambda cell: cell.update(source=cell.source.replace("x[j] + c, i", "x[j] + c * j, i")),
    )
    before = path.read_bytes()
    with pytest.raises(BookError, match=rf"{SHIFT}, cell derive-shift: stopped.*\n(.*\n)+.*AssertionError"):
        execute(path)
    assert path.read_bytes() == before  # a chapter that fails is left as it was


def test_a_wrong_sign_in_the_package_is_seen_by_a_check_cell(book, monkeypatch):
    names = {}
    for cell in chapter_of(book).code_cells:
        if cell.id == "check-shift":
            break
        exec(cell.code, names)
    exec(cell.code, names)
    monkeypatch.setattr(textbook, "softmax_naive", lambda x, axis=-1: x / x.sum(axis=-1, keepdims=True))
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        exec(cell.code, names)


def test_run_takes_a_notebook_as_other_programs_save_it(tmp_path):
    """Another kernel's name, an old format whose cells have no ids, line ends of Windows."""
    cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("x = 6\r\nprint(x * 7)")]
    other = {"kernelspec": {"name": "conda-env-mine-py", "display_name": "mine"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=other)
    notebook.nbformat_minor = 4
    for cell in notebook.cells:
        del cell["id"]
    path = tmp_path / "00-chapter.ipynb"
    nbformat.write(notebook, path)
    execute(path)
    stored = nbformat.read(path, as_version=4)
    assert (stored.nbformat_minor, stored.metadata.kernelspec.name) == (5, "python3")
    assert all(cell.id for cell in stored.cells)
    assert stored.cells[-1].source == "x = 6\nprint(x * 7)" and stored.cells[-1].outputs[0].text == "42\n"


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_inside_cells_change_nothing(project, book, end):
    path = project / SHIFT
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", end)
    nbformat.write(notebook, path)
    wanted = chapter_of(book)
    assert read_notebook(path, project, order=book.index(wanted)).cells == wanted.cells


def test_run_takes_a_number_with_or_without_its_zero(book):
    assert choose(book, ["2"]) == choose(book, ["02"]) != []


def test_run_refuses_a_chapter_that_is_not_there(book):
    with pytest.raises(BookError, match="no chapter has the number 77"):
        choose(book, ["77"])


def test_reading_twice_gives_the_same_book(book):
    assert [chapter.cells for chapter in read_book()] == [chapter.cells for chapter in book]
