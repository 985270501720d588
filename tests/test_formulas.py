r"""The typed mathematics of the statements is read and evaluated, and what is wrong in it is noticed."""

import dataclasses

import pytest

from literate import letters
from literate.formulas import formulas


def test_every_formula_is_true_and_none_of_its_signs_can_be_turned_round(book):
    assert len(letters.asserted(book)) > 240
    assert [*letters.problems(book), *letters.stale(book)] == []


def test_a_turned_sign_is_noticed(book):
    """Nearly all of them: the exceptions are named with their reasons."""
    turned = [
        (formula, other) for formula in letters.asserted(book) for other in letters.turned_signs(formula)
    ]
    noticed = [pair for pair in turned if not letters.exceptions(*pair)]
    assert len(noticed) > 90
    assert not [pair for pair in noticed if letters.true_everywhere(*pair)]


def planted(chapter, text, label="thm-planted"):
    """A book of one cell with a theorem, or with a definition if its label says so."""
    kind = "definition" if label.startswith("def-") else "theorem"
    statement = f"```{{prf:{kind}}} Planted\n:label: {label}\n{text}\n```\n"
    cell = dataclasses.replace(chapter.cells[0], kind="markdown", text=statement)
    return [dataclasses.replace(chapter, cells=(cell,))]


@pytest.mark.parametrize(
    "text, sentence",
    [
        (
            r"$p_i = e^{\beta x_i} / Z$ at $\beta = 1$",
            r"false as it is typed: '\beta = 1' of thm-planted. If it is a",
        ),
        (r"$\sum_j p_j = 1$, $p_i = p_r$", "false as it is typed: 'p_i = p_r' of thm-planted"),
        (
            r"$\wp = 1$",
            r"nothing says what \wp means in '\wp = 1' of thm-planted; say it in SETTINGS of literate/",
        ),
        (r"$F(x) = 1$", "nothing says what F means in 'F(x) = 1' of thm-planted"),
        (
            r"$F(x, y) = 1$",  # no product has a comma: F is a function
            "nothing says what F means in 'F(x, y) = 1' of thm-planted; say it in SETTINGS of "
            'literate/letters/, as "thm-planted": lambda rng, at: {"F()": lambda at, below, x, y: ...}.',
        ),
        (r"$S(x)_i = \frac{e^{x_i}$", r"cannot read 'S(x)_i = \frac{e^{x_i}' of thm-planted ("),
        (r"$S(x)_i = e^{x_i} \\ 1$", "cannot read"),
        (r"$S(x) = \operatorname{diag}(\beta)$", "cannot evaluate"),
        (
            r"$x - c\mathbf{1} = x - c\mathbf{1}$ and $p_{c} = 1$",
            "cannot evaluate 'p_{c} = 1' of thm-planted",
        ),
        (
            r"$S(x + c\mathbf{1}) = S(x)$",
            "is as true with a sign turned round, 'S(x - c\\mathbf{1}) = S(x)'; mend it",
        ),
        (
            "nothing typed",
            "thm-planted asserts no formula; type what it says as one, or give the reason in UNREAD",
        ),
        (r"$S(x)$", "thm-planted asserts no formula"),
    ],
)
def test_a_planted_fault_gets_a_sentence_with_file_and_cell(small_book, text, sentence):
    (chapter,) = small_book(["x = 1"])
    found = list(letters.problems(planted(chapter, text)))
    assert len(found) == 1 and found[0].startswith("book/00-chapter.ipynb, cell cell-0: ")
    assert sentence in found[0]


def test_what_is_true_is_let_through(small_book):
    (chapter,) = small_book(["x = 1"])
    assert list(letters.problems(planted(chapter, r"$\sum_j p_j = 1$, $p_i = e^{\beta x_i} / Z$"))) == []


@pytest.mark.parametrize("table", ["SETTINGS", "CASES", "UNREAD", "STILL_TRUE"])
def test_a_meaning_that_no_statement_has_is_noticed(book, monkeypatch, table):
    values = {"SETTINGS": letters.nothing_else, "CASES": ["x = 1"], "UNREAD": "a reason", "STILL_TRUE": "why"}
    key = ("thm-gone", "x + 1") if table == "STILL_TRUE" else "thm-gone"
    monkeypatch.setitem(getattr(letters, table), key, values[table])
    (found,) = letters.stale(book)
    assert found.startswith(f"literate/letters/: {table} has 'thm-gone")


@pytest.mark.parametrize(
    "table, key, value",
    [
        ("UNREAD", "thm-jacobian", "its formulas are read"),
        ("CASES", "thm-jacobian", ["i = j"]),
        ("STILL_TRUE", ("thm-jacobian", "+ p_i"), "not typed"),
        ("STILL_TRUE", ("thm-jvp", "p"), "not true"),
    ],
)
def test_a_reason_for_nothing_is_noticed(book, monkeypatch, table, key, value):
    monkeypatch.setitem(getattr(letters, table), key, value)
    assert len(list(letters.stale(book))) == 1


@pytest.mark.parametrize("fence", ["```", ":::", "````", "::::", "``````", "~~~", "   ```"])
@pytest.mark.parametrize("options", [":label: thm-a", "---\nlabel: thm-a\n---", ":label:   thm-a\n:class: x"])
def test_a_statement_is_read_in_any_fence(small_book, fence, options):
    text = f"{fence}{{prf:theorem}} A\n{options}\n$x = 2$\n{fence}\n\n$x = 3$\n"
    (chapter,) = small_book(["x = 1"])
    cell = dataclasses.replace(chapter.cells[0], kind="markdown", text=text)
    (found,) = formulas([dataclasses.replace(chapter, cells=(cell,))])
    assert (found.label, found.typed) == ("thm-a", "x = 2")
