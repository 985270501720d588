r"""One letter, one meaning: the page "Notation" is read, and the statements of the book are held to it.

That a letter stands in the table does not yet say that it is used as the table says. So meanings are compared
as values: a statement whose formulas are true only where M is something else than the maximum has to say so
in its setting in test_displayed.py, and is refused here.
"""

import re
import zlib

import numpy as np
import pytest
import test_displayed as displayed

from literate.chapters import ROOT, read_book
from literate.directives import directives, mathematics

PAGE = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
TABLE, LOCAL, USUAL = re.split(r"^## .*$", PAGE, flags=re.M)

# A sign is a letter or a command; these commands only set the type, or compare.
SIGN = re.compile(r"\\(?:operatorname|math(?:bf|bb|cal|sf)) *\{? *\w+|\\Delta\^\\circ|\\[A-Za-z]+|[A-Za-z]")
TYPE = SIGN.findall(
    r"\big\Big\bigl\Bigl\bigr\Bigr\left\right\lvert\rvert\quad\qquad\dots\cdots\cdot\frac\tfrac\sqrt\le\ge\ne\iff"
)


def signs(*formulas):
    """The signs of typed formulas, in order, each written in one way."""
    text = re.sub(r"\\(text|begin|end) *\{[^}]*\}", " ", " ".join(formulas))
    return [re.sub(r"[ {]", "", sign) for sign in SIGN.findall(text)]


def rows():
    """The rows of the table: symbol, meaning, where, code."""
    lines = [line.strip("|").split("|") for line in TABLE.splitlines() if line.startswith("| $")]
    return [[cell.strip() for cell in line] for line in lines]


STATEMENTS = {
    found.label: found.formulas
    for found in directives(*read_book())
    if found.kind.startswith("prf:") and found.label
}
SYMBOLS = [signs(symbol)[0] for symbol, *_ in rows()]  # what a row explains is the first sign of its symbol
LETTERS = {*signs(*(symbol for symbol, *_ in rows()))}
LOCALS = {*signs(*mathematics(LOCAL))} - {"x"}  # which the text there mentions
KNOWN = {*LETTERS, *LOCALS, *signs(*mathematics(USUAL)), *TYPE}


def unexplained(formulas):
    return set(signs(*formulas)) - KNOWN


@pytest.mark.parametrize("label", STATEMENTS)
def test_every_sign_of_a_statement_is_explained(label):
    assert not unexplained(STATEMENTS[label])


def test_a_letter_without_a_row_is_noticed():
    assert unexplained([r"\frac{\Xi}{m} \le \operatorname{LSE}(x)", "M = F"]) == {r"\Xi", "F"}
    assert unexplained([r"\operatorname{lse}(x) + \mathbf{2}"]) == {r"\operatornamelse", r"\mathbf2"}


def test_a_symbol_has_one_row_and_no_second_meaning():
    assert len(rows()) > 40 and all(len(row) == 4 for row in rows())
    assert len(SYMBOLS) == len(set(SYMBOLS))
    assert not LOCALS.intersection(SYMBOLS)


def test_a_row_leads_to_a_statement_that_has_its_symbol():
    for sign, (_, _, where, _) in zip(SYMBOLS, rows(), strict=True):
        label = re.fullmatch(r"\{prf:ref\}`([\w-]+)`", where)[1]
        assert sign in signs(*STATEMENTS[label]), f"{sign} does not occur in {label}"


def test_local_letters_are_used():
    used = set(signs(*(formula for formulas in STATEMENTS.values() for formula in formulas)))
    assert not LOCALS - used


# Names of the reader of formulas (literate/formulas.py) that are no sign of the page.
SPELLED = {
    r"\bar": [r"\barx", r"\bary", r"\barc"],
    r"\langle": ["inner_A()"],
    r"\mathbf1": [r"\ones"],
    r"\mathbfe": [r"\unit_"],
    r"\delta": [r"\delta_"],
}
# Symbols that no formula defines by the others: what is given, types of floats, and what is not evaluated.
GIVEN = {"x", r"\beta", r"\tau", r"\rho", "u", r"\Omega", r"\hat", r"\mathsfT"}
GIVEN |= {"W", r"\succ", r"\Delta^\circ", r"\operatornameSA"}


def names(sign):
    """The names under which test_displayed.py gives the meaning of a sign, as a letter or before brackets."""
    plain = re.sub(r"operatorname|mathcal", "", sign)
    candidates = SPELLED.get(sign, [plain, f"{plain}()"])
    return [name for name in candidates if name in displayed.DERIVED or name in displayed.FUNCTIONS]


def value(letters, name):
    return letters[name](letters) if callable(letters[name]) else letters[name]


def agree(name, found, meant):
    one_probability = name == "p" and np.ndim(found) == 0 and 0 < found < 1
    return one_probability or np.allclose(found, meant)


def other_meanings(formula):
    """The letters of the table that have another value in a formula's setting than everywhere else."""
    letters = displayed.drawn(formula, np.random.default_rng(zlib.crc32(formula.typed.encode())))
    everywhere = {**letters, **displayed.DERIVED, **displayed.FUNCTIONS}
    changed = {name for sign in SYMBOLS for name in names(sign) if letters[name] is not everywhere[name]}
    with_arguments = {*displayed.FUNCTIONS, *SPELLED[r"\delta"], *SPELLED[r"\mathbfe"]}
    return {
        name
        for name in changed
        if name in with_arguments or not agree(name, value(letters, name), value(everywhere, name))
    }


def test_every_symbol_has_a_value_by_code_or_is_given():
    assert {sign for sign in SYMBOLS if not names(sign)} == GIVEN


@pytest.mark.parametrize("formula", displayed.ASSERTED, ids=displayed.name)
def test_a_letter_means_the_same_in_every_statement(formula):
    assert not other_meanings(formula)


@pytest.mark.parametrize(
    "setting, letters",
    [
        ({"M": 3.0}, {"M"}),
        ({r"\omega": lambda at: np.ptp(at["x"]) + 1}, {r"\omega"}),
        ({r"\odot()": np.multiply, "R": -1.0}, {r"\odot()", "R"}),
        ({"p": np.ones((3, 1))}, {"p"}),
        ({"M": lambda at: np.max(at["x"])}, set()),
    ],
)
def test_a_second_meaning_is_noticed(setting, letters, monkeypatch):
    formula = next(one for one in displayed.ASSERTED if one.label == "thm-safe-shift")
    monkeypatch.setitem(displayed.SETTINGS, formula.label, lambda rng, at: setting)
    assert other_meanings(formula) == letters
