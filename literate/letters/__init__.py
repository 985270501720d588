r"""What the letters of typed formulas mean, and whether the formulas are then true.

A letter that means the same in the whole book, such as M or \omega, has its value in `everywhere`. One that
a single statement sets has it in the file of the statement's part of the book, in these tables:

    SETTINGS    by label, or by a formula as typed: a function of a random generator and of the letters so
                far, which returns the letters that mean something else there, or obey a condition
    CASES       by label: formulas that the statement does not assert, the cases that it tells apart
    UNREAD      by label: why no formula of the statement, or not each, is evaluated; its cells check it
    STILL_TRUE  by label and part of a formula: why it stays true when a sign in it is turned round

All other formulas are evaluated at random values of their letters. A part of the book that has no file yet
gets one, which `_tables` lists.
"""

import re
import zlib
from functools import cache

import numpy as np

from literate import ledger
from literate.formulas import MeaninglessError, UnreadError, formulas, holds, read
from literate.letters import calculus, chance, duality, function, relatives, scale, temperature
from literate.letters.everywhere import DERIVED, FUNCTIONS, column, softmax

FOLDER = "literate/letters/"
DRAWS = 12


def _tables(name):
    """A table of every part as one."""
    parts = (function, temperature, calculus, duality, chance, relatives, scale)
    return {key: value for part in parts for key, value in getattr(part, name, {}).items()}


SETTINGS, CASES, UNREAD, STILL_TRUE = map(_tables, ("SETTINGS", "CASES", "UNREAD", "STILL_TRUE"))


def nothing_else(rng, at):
    return {}


def drawn(formula, rng):
    """Values for the letters of a formula: any, unless its setting says otherwise."""
    size = 2 if formula.label == "thm-two-outputs" else rng.integers(3, 6)
    letters = {
        **DERIVED,
        **FUNCTIONS,
        **{name: column(1.5 * rng.normal(size=size)) for name in "xyvd"},
        **{name: rng.normal() for name in "abct"},
        **dict(zip("irk", rng.permutation(size) + 1, strict=False)),
        **{name: rng.uniform(0.3, 1.5) for name in (r"\beta", r"\varepsilon")},
        "q": softmax(column(rng.normal(size=size))),
    }
    setting = SETTINGS.get(formula.typed, SETTINGS.get(formula.label, nothing_else))
    return {**letters, **setting(rng, letters)}


@np.errstate(all="ignore")
def true_everywhere(formula, typed=None):
    """Whether a formula, or another in its place, holds at random values of its letters."""
    rng = np.random.default_rng(zlib.crc32(formula.typed.encode()))
    return all(holds(typed or formula.typed, drawn(formula, rng)) for _ in range(DRAWS))


def is_case(formula):
    """Whether a formula is one of the cases that its statement tells apart, and nothing that it asserts."""
    return formula.typed in CASES.get(formula.label, ())


def readable(formula):
    """Whether the reader of formulas knows all that is in it."""
    try:
        read(formula.typed)
    except UnreadError:
        return False
    return True


def asserted(book):
    """The formulas of the statements that are evaluated."""
    return [formula for formula in formulas(book) if not is_case(formula) and readable(formula)]


# --- Signs turned round: an evaluation that does not notice shows nothing


def turned_signs(formula):
    """The equations of a formula with one sign turned round, for each of their signs."""
    for equation in re.split(r",\s*\\qquad", formula.typed):
        if "=" in equation and not re.search(r"\\(le|ge|ne)\b|[<>]", equation):
            yield from _turned(equation)


def _turned(equation):
    for match in re.finditer(r"[+-]", equation):
        before, after = equation[: match.start()], equation[match.end() :]
        in_front = re.search(r"([({=,/]|\\le|\\log)\s*$|^$", before)  # a sign in front is dropped
        yield before + ("" if in_front else "-+"[match[0] == "-"]) + after


def exceptions(formula, turned):
    """The entries of STILL_TRUE that an equation with a turned sign falls under."""
    return [(label, part) for label, part in STILL_TRUE if formula.label == label and part in turned]


# --- Sentences


def problems(book):
    """One sentence for each formula that is false, cannot be evaluated, or is true with any sign."""
    found = [*formulas(book)]
    for formula in found:
        if not is_case(formula):
            yield from (f"{formula.where}: {sentence}" for sentence in _faults(formula))
    evaluated = {formula.label for formula in found if not is_case(formula)}
    for label, statement in ledger.statements(book).items():
        if label not in evaluated and label not in UNREAD:
            yield (
                f"{statement.cell.where}: {label} asserts no formula; type what it says as one, or give the "
                f"reason in UNREAD of {FOLDER}."
            )


@cache  # of a formula, wherever it stands: nothing else decides
def _faults(formula):
    return tuple(_found_in(formula))


def _found_in(formula):
    named = f"'{formula.typed}' of {formula.label}"
    try:
        if not true_everywhere(formula):
            yield (
                f"false as it is typed: {named}. If it is a case and not a claim, it goes into CASES of "
                f"{FOLDER}, and a condition on which it rests into SETTINGS."
            )
            return
        for turned in turned_signs(formula):
            if not exceptions(formula, turned) and true_everywhere(formula, turned):
                yield (
                    f"{named} is as true with a sign turned round, '{turned}'; mend it, or give the reason "
                    f"in STILL_TRUE of {FOLDER}."
                )
    except UnreadError as error:
        if formula.label not in UNREAD:
            yield (
                f"cannot read {named} ({error}); type it as other statements do, or give the reason in "
                f"UNREAD of {FOLDER}."
            )
    except MeaninglessError as error:
        yield (
            f"nothing says what {str(error).removesuffix('()')} means in {named}; say it in SETTINGS of "
            f"{FOLDER}, as {_entry(formula.label, str(error))}."
        )
    except Exception as error:  # whatever NumPy says of shapes that do not fit, in a formula like no other
        yield (
            f"cannot evaluate {named} ({type(error).__name__}: {error}); are its letters the numbers and "
            f"columns that `drawn` and SETTINGS of {FOLDER} make them?"
        )


def _entry(label, letter):
    """The line of SETTINGS that would say what a letter means, or what stands before brackets."""
    key = f'r"{letter}"' if "\\" in letter else f'"{letter}"'
    value = "lambda at, below, x, y: ..." if letter.endswith("()") else "..."
    return f'"{label}": lambda rng, at: {{{key}: {value}}}'


def stale(book):
    """One sentence for each entry of the tables that no statement of the book has any more."""
    found = [*formulas(book)]
    typed = {(formula.label, formula.typed) for formula in found}
    labels = ledger.statements(book).keys()
    tables = {
        "SETTINGS": SETTINGS.keys() - labels - {formula.typed for formula in found},
        "CASES": {
            f"{key}: {case}" for key, cases in CASES.items() for case in cases if (key, case) not in typed
        },
        "UNREAD": UNREAD.keys() - {label for label in labels if _has_unread(label, found)},
        "STILL_TRUE": {
            f"{label}: {part}" for label, part in STILL_TRUE if not _still_true(label, part, found)
        },
    }
    for table, left in tables.items():
        yield from (f"{FOLDER}: {table} has '{entry}', and the book no longer." for entry in sorted(left))


def _has_unread(label, found):
    """Whether a statement asserts something that is not evaluated."""
    own = [formula for formula in found if formula.label == label and not is_case(formula)]
    return not own or not all(map(readable, own))


def _still_true(label, part, found):
    own = [formula for formula in found if formula.label == label and readable(formula)]
    excepted = [(formula, turned) for formula in own for turned in turned_signs(formula) if part in turned]
    return excepted and all(true_everywhere(*pair) for pair in excepted)
