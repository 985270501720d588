"""The rules that every chapter keeps; each rule yields one sentence for each place that breaks it.

    python -m literate.rules

prints all of them. The tests call the same rules, and plant faults to see that each rule can fail.
"""

import ast
import re
import sys
import traceback
from collections import Counter
from decimal import Decimal
from pathlib import Path

from literate import (
    addresses,
    docstrings,
    execute,
    install_cell,
    ledger,
    letters,
    new,
    notation,
    pages,
    sheets,
    stored,
    style,
    tangle,
)
from literate.chapters import ROOT, BookError, Cell, is_word, read_book, read_yaml, toc_files
from literate.directives import directives
from literate.exercises import STARS, exercises
from literate.new import WRONG_ANSWERS

FORBIDDEN = re.compile(
    r"(?i)nbval[-_](skip|ignore[-_]output|check[-_]output|raises[-_]exception)"
    r"|pytest[-_]validate[-_]ignore[-_]output|raises-exception|skip-execution|remove-(cell|input|output)"
)
EXERCISES = re.compile(r"^## Exercises$", re.M)
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+")
PATH = re.compile(r"(?<![\w.])/(home|root|Users|tmp|work)/\w+")
SENTENCE = re.compile(r"[A-Z0-9](?:.*\b[a-z]{3,}\b){4}.*\.", re.S)  # four words at least


def executed(book):
    """Every code cell ran, once, from top to bottom, without an error or a warning."""
    yield from execute.problems(book)


def as_it_ran(book):
    """What is stored of a cell belongs to the code that stands there, and its caption is that of its head."""
    yield from stored.problems(book)


def nothing_skipped(book):
    """No cell asks nbval to look away."""
    for chapter in book:
        for cell in chapter.code_cells:
            if install_cell.is_install_cell(cell):  # off the page, but run and compared like any other
                continue
            if match := FORBIDDEN.search("\n".join([cell.text, *cell.tags])):
                yield f"{cell.where}: '{match[0]}' takes the cell out of the comparison."


def cell_ids(book):
    """Ids are anchors and names in error messages: unique in the notebook, and words rather than hashes."""
    for chapter in book:
        for key, count in Counter(cell.id for cell in chapter.cells).items():
            if count > 1:
                yield f"{chapter.name}: two cells have the id {key}."
        for cell in chapter.cells:
            if not is_word(cell.id):
                yield f"{cell.where}: has no id of words yet; `make run` gives it one."


def figures_described(book):
    """Every picture has a sentence of alt text and a caption, and every caption its picture."""
    for cell in (cell for chapter in book for cell in chapter.code_cells):
        pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        for picture in pictures:
            if not SENTENCE.fullmatch(picture.metadata.get("image/png", {}).get("alt", "").strip()):
                yield f"{cell.where}: the figure has no sentence of alt text."
        if pictures and not cell.figure:
            yield f"{cell.where}: the figure has no line '#| figure fig-NAME: CAPTION' at its head."
        elif cell.figure and cell.execution_count and len(pictures) != 1:
            yield f"{cell.where}: its caption is that of one picture; the cell shows {len(pictures)}."


def chapter_anatomy(book):
    """The box on top, the exercises, and the table of what is proved, which names every theorem."""
    labels = ledger.statements(book)
    for chapter in book:
        text = "\n".join(cell.text for cell in chapter.cells if cell.kind == "markdown")
        if not any("chapter-box" in directive.classes for directive in directives(chapter)):
            yield f"{chapter.name}: no box of the class chapter-box."
        for part in ("## Exercises", "## What is proved here"):
            if part not in text:
                yield f"{chapter.name}: no '{part}'."
        last = text.partition("## What is proved here")[2]
        for label, statement in labels.items():
            if statement.chapter is chapter and f"`{label}`" not in last:
                yield f"{chapter.name}: the table of what is proved leaves out {label}."


def side_notes(chapter):
    """The notes that stand in the margin."""
    return [item for item in directives(chapter) if item.kind == "note" and "margin" in item.classes]


def counted(book):
    """As many asides, numbered equations and exercises as a reader takes in, and no fewer."""
    for chapter in book:
        equations = [label for label in addresses.labels(chapter) if addresses.is_equation(label)]
        for what, found, (least, most) in (
            ("notes in the margin, of the class margin", side_notes(chapter), (2, 4)),
            ("equations with a label, 'eq-...'", equations, (2, 10)),
            ("exercises", exercises(chapter), (3, 5)),
        ):
            if not least <= len(found) <= most:
                yield f"{chapter.name}: a chapter has {least} to {most} {what}; this one has {len(found)}."


def side_notes_short(book):
    """A note in the margin is an aside, and no part of an exercise: the sheets have no margin."""
    for chapter in book:
        start = next((cell.position for cell in chapter.cells if EXERCISES.search(cell.text)), None)
        for note in side_notes(chapter):
            if (count := len(note.body.split())) > 40:
                yield f"{note.cell.where}: a note in the margin has {count} words; 40 are enough."
            if start and note.cell.position >= start:
                yield f"{note.cell.where}: a note in the margin among the exercises."


def tolerances_named(book):
    """A closeness names both tolerances: NumPy's silent defaults are 1e-5 and 1e-8."""
    for chapter in book:
        for cell in chapter.code_cells:
            for node in cell.nodes:
                if not isinstance(node, ast.Call):
                    continue
                function = ast.unparse(node.func).rpartition(".")[2]
                named = {keyword.arg for keyword in node.keywords}
                if function in ("allclose", "isclose", "assert_allclose") and not {"rtol", "atol"} <= named:
                    yield f"{cell.where}: {function} without both rtol= and atol=."
                elif function in ("assert_almost_equal", "assert_array_almost_equal"):
                    yield f"{cell.where}: {function} hides its tolerance; use assert_allclose."


def decimals_from_cells(book):
    """A decimal number in the prose, captions included, stands in code or in an output of its page.

    It may have fewer decimals than there, rounded.
    """
    for chapter in book:
        shown = {number for cell in chapter.code_cells for number in DECIMAL.findall(_shown(cell))}
        for cell in chapter.cells:
            prose = cell.text if cell.kind == "markdown" else cell.figure.get("caption", "")
            for number in DECIMAL.findall(prose):
                if number not in shown and not any(_rounds_to(number, longer) for longer in shown):
                    yield f"{cell.where}: the number {number} is in no cell and no output of the page."


def _rounds_to(number, longer):
    return len(longer) > len(number) and Decimal(longer).quantize(Decimal(number)) == Decimal(number)


def _shown(cell):
    """The code of a cell without its head, or its text, and what it printed, as one text."""
    texts = [cell.code]
    for output in cell.outputs:
        texts.append(output.get("text", ""))
        texts += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(texts)


def tangled(book, root=ROOT):
    """The package on disk is what the chapters tangle to."""
    yield from tangle.problems(book, root)


def no_machine_named(book):
    """No path of a machine in what is written or stored."""
    for chapter in book:
        for cell in chapter.cells:
            if found := PATH.search("\n".join([*cell.head, _shown(cell)])):
                yield f"{cell.where}: {found[0]} is a path of one machine."


def runs_alone(book):
    """Every chapter begins with the same cell, which installs what a reader lacks."""
    yield from install_cell.problems(book)


def ledger_complete(book, root=ROOT):
    """No claim without a proof that ran."""
    yield from ledger.problems(book, ledger.read_claims(root))


def exercises_in_form(book, root=ROOT):
    """The sheets are made of the exercises: each has its text with a signature, specification and answer."""
    yield from sheets.problems(book, root)


def exercises_graded(book):
    """Each exercise says how hard it is."""
    for exercise in (exercise for chapter in book for exercise in exercises(chapter)):
        if not STARS.match(exercise.text):
            yield rf"{exercise.where}: its text begins with no name and stars, as in '**A mean.** $\star$ '."


def wrong_answers_refused(book, root=ROOT):
    """Each exercise shows a typical wrong answer that is refused, and is tried on three others."""
    tried = read_yaml(root, WRONG_ANSWERS) or {}
    if not isinstance(tried, dict):
        raise BookError(f"{WRONG_ANSWERS}: not a list of answers below the label of each exercise.")
    found = {exercise.label: exercise for chapter in book for exercise in exercises(chapter)}
    for label, exercise in found.items():
        cells = [part for part in exercise.solution if isinstance(part, Cell)]
        if not any(cell.text.startswith("refused(") or "\nrefused(" in cell.text for cell in cells):
            yield f"{exercise.where}: its solution shows no wrong answer; end it with 'refused(spec, wrong)'."
        if len(tried.get(label) or ()) < 3:
            yield f"{exercise.where}: fewer than three wrong answers in {WRONG_ANSWERS}; add what people try."
    for label in tried.keys() - found.keys():
        yield f"{WRONG_ANSWERS}: {label} is no exercise of the book."


def written(book):
    """No place of a new chapter is left open."""
    yield from new.problems(book)


def box_complete(book):
    """The box says what a chapter rests on: the page for lecturers shows it."""
    for chapter in book:
        if not chapter.needs:
            yield f"{chapter.name}: its box has no line '**You need** ...', of what it rests on."


def ids_kept(book, root=ROOT):
    """No address that binds is lost, and a release writes down its own."""
    yield from addresses.problems(book, root)


def formulas_true(book):
    """Each typed formula of a statement holds at random values of its letters, and with no sign turned."""
    yield from letters.problems(book)
    yield from letters.stale(book)


def letters_explained(book, root=ROOT):
    """One letter, one meaning."""
    yield from notation.problems(book, root)


def docstrings_whole(book, root=ROOT):
    """A public name has all that a reader of the API page needs."""
    yield from docstrings.problems(book, root)


def contents(book, root=ROOT):
    """Every entry of the table of contents is a file."""
    for entry in toc_files(root):
        if not any((root / f"{entry}{suffix}").exists() for suffix in (".ipynb", ".md")):
            yield f"_toc.yml: {entry} is neither a notebook ({entry}.ipynb) nor a page ({entry}.md)."


ON_BOOK = (
    executed,
    as_it_ran,
    nothing_skipped,
    cell_ids,
    figures_described,
    chapter_anatomy,
    counted,
    side_notes_short,
    tolerances_named,
    decimals_from_cells,
    no_machine_named,
    runs_alone,
    exercises_graded,
    formulas_true,
    written,
    box_complete,
)
ON_ROOT = (
    contents,
    tangled,
    ledger_complete,
    exercises_in_form,
    wrong_answers_refused,
    ids_kept,
    letters_explained,
    docstrings_whole,
    pages.contract_rows,
    pages.references,
    pages.comments,
    pages.changelog,
    pages.bibliography,
    style.problems,
)


def asked(rule, *given):
    """What a rule says; where it cannot go on, the sentence that says why is its last."""
    try:
        yield from rule(*given)
    except BookError as error:
        yield str(error)
    except Exception as error:  # a chapter like no other found a hole in the rule: the others are still asked
        place = traceback.extract_tb(error.__traceback__)[-1]
        stopped = f"{rule.__module__}.{rule.__name__} stops, {Path(place.filename).name} line {place.lineno}"
        yield f"{stopped}: {type(error).__name__}, {error}; the rule is to be mended."


def all_problems(root=ROOT):
    """Every broken rule of the book below `root`, as sentences; what several rules meet is said once."""
    try:
        book = read_book(root)
    except BookError as error:
        return [str(error)]
    found = [sentence for rule in ON_BOOK for sentence in asked(rule, book)]
    found += [sentence for rule in ON_ROOT for sentence in asked(rule, book, root)]
    return [*dict.fromkeys(found)]


def main(root=ROOT):
    found = all_problems(root)
    print("\n".join(found) or "check: every rule holds")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
