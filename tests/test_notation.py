r"""One letter, one meaning: the page "Notation" is read, and the statements of the book are held to it."""

import re

import numpy as np
import pytest

from literate import letters
from literate.notation import Notation, names, problems, signs, statements

PAGE = Notation()
# Symbols that no formula defines by the others: what is given, types of floats, and what is not evaluated.
GIVEN = {"x", "T", r"\alpha", r"\beta", r"\tau", r"\rho", "u", r"\Omega", r"\hat", r"\mathsfT"}
GIVEN |= {"W", r"\succ", r"\Delta^\circ", r"\operatornameSA"}


@pytest.fixture(scope="module")
def typed(book):
    """The formulas of each statement, by its label."""
    return {statement.label: statement.formulas for statement in statements(book)}


def test_every_sign_of_a_statement_is_explained_and_means_what_the_page_says(book):
    assert list(problems(book)) == []


def test_a_letter_without_a_row_is_noticed():
    assert PAGE.unexplained([r"\frac{\Xi}{m} \le \operatorname{LSE}(x)", "M = F"]) == {r"\Xi", "F"}
    assert PAGE.unexplained([r"\operatorname{lse}(x) + \mathbf{2}"]) == {r"\operatornamelse", r"\mathbf2"}


def test_a_letter_that_the_page_leaves_out_gets_a_sentence(book, project):
    page = project / "book/notation.md"
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    rest = [line for line in lines if not line.startswith(r"| $\operatorname{mm}")]
    page.write_text("".join(rest), encoding="utf-8")
    assert (
        r"book/07-soft-maxima.ipynb, cell definition: \operatornamemm of def-soft-maxima is not explained; "
        "say in book/notation.md what it means."
    ) in problems(book, project)


def test_a_symbol_has_one_row_and_no_second_meaning():
    assert len(PAGE.rows) > 40 and all(len(row) == 4 for row in PAGE.rows)
    assert len(PAGE.symbols) == len(set(PAGE.symbols))
    assert not PAGE.locals.intersection(PAGE.symbols)


def test_a_row_leads_to_a_statement_that_has_its_symbol(typed):
    for sign, (_, _, where, _) in zip(PAGE.symbols, PAGE.rows, strict=True):
        label = re.fullmatch(r"\{prf:ref\}`([\w-]+)`", where)[1]
        assert sign in signs(*typed[label]), f"{sign} does not occur in {label}"


def test_local_letters_are_used(typed):
    used = set(signs(*(formula for formulas in typed.values() for formula in formulas)))
    assert not PAGE.locals - used


def test_every_symbol_has_a_value_by_code_or_is_given():
    assert {sign for sign in PAGE.symbols if not names(sign)} == GIVEN


@pytest.mark.parametrize(
    "setting, changed",
    [
        ({"M": 3.0}, {"M"}),
        ({r"\omega": lambda at: np.ptp(at["x"]) + 1}, {r"\omega"}),
        ({r"\odot()": np.multiply, "R": -1.0}, {r"\odot()", "R"}),
        ({"p": np.ones((3, 1))}, {"p"}),
        ({"M": lambda at: np.max(at["x"])}, set()),
    ],
)
def test_a_second_meaning_is_noticed(book, setting, changed, monkeypatch):
    formula = next(one for one in letters.asserted(book) if one.label == "thm-safe-shift")
    monkeypatch.setitem(letters.SETTINGS, formula.label, lambda rng, at: setting)
    assert PAGE.other_meanings(formula) == changed
