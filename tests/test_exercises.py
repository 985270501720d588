"""The specifications of the exercises refuse wrong answers in a sentence, and take right ones in any form."""

from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
import yaml

import softlit
from literate import sheets
from literate.chapters import read_book
from literate.exercises import exercises
from literate.references import Words
from softlit import textbook
from softlit.lab.checks import examined, judge, refused

WRONG = yaml.safe_load(Path(__file__).with_name("wrong_answers.yml").read_text(encoding="utf-8"))
RIGHT = {
    "ex-centre": "lambda x: x - np.mean(x, -1)[..., None]",
    "ex-log-mean-exp": "lambda x: softlit.mellowmax(x)",
    "ex-log-add-exp": "lambda a, b: np.logaddexp(a, b)",
    "ex-causal-mask": "lambda s: softlit.softmax(np.where(np.tri(len(s)), s, -np.inf))",
    "ex-log-sigmoid": "lambda t: min(t, 0) - np.log1p(np.exp(-abs(t)))",
    "ex-one-against-rest": "lambda x, k: 1 / (1 + np.exp(softlit.logsumexp(np.delete(x, k)) - x[k]))",
    "ex-opinion-pool": "lambda rows: softlit.softmax(np.median(softlit.clr(rows), axis=0))",
    "ex-mirror": "lambda p: softlit.closure(1 / p)",
    "ex-entropy-from-maxima": "lambda upper, lower, beta: abs(beta * (upper - lower))",
    "ex-softmax-backward": "lambda p, g: np.array([(np.diag(a) - np.outer(a, a)) @ b for a, b in zip(p, g)])",
    "ex-wanted-change": "lambda p, d: np.linalg.pinv(np.diag(p) - np.outer(p, p)) @ d",
    "ex-longest-context": "lambda lead, share: np.floor(1 + np.exp(lead) * (1 - share) / share)",
}


@cache
def solved():
    """For each exercise its specification, the book's answer, and the names of its sheet."""
    book = read_book()
    words, found = Words(book), {}
    for chapter in filter(exercises, book):
        names = {"__name__": "__main__", "softlit": softlit, "textbook": textbook, "np": np, "sp": sp}
        with redirect_stdout(StringIO()):
            for cell in sheets.sheet(chapter, words, "solutions").cells:
                if cell.cell_type == "code":
                    exec(compile(cell.source, cell.id, "exec"), names)
        for exercise in exercises(chapter):
            check, answer = (names[name] for name in exercise.call)
            found[exercise.label] = check, answer, names
    return found


def assert_refused(check, answer):
    with np.errstate(all="ignore"), pytest.raises(AssertionError) as refusal:
        check(examined(answer))
    assert str(refusal.value), "refused without a word"


def test_every_exercise_has_wrong_answers():
    assert set(WRONG) == set(solved())
    assert all(len(wrong) >= 3 for wrong in WRONG.values())


@pytest.mark.parametrize(("label", "wrong"), [(label, wrong) for label in WRONG for wrong in WRONG[label]])
def test_a_wrong_answer_is_refused(label, wrong):
    check, _, names = solved()[label]
    assert_refused(check, eval(wrong, names))


@pytest.mark.parametrize("label", RIGHT)
def test_another_right_answer_passes(label):
    check, _, names = solved()[label]
    check(examined(eval(RIGHT[label], names)))


def each(change):
    """The change, made to every part of what is returned."""
    return lambda returned: tuple(map(change, returned)) if isinstance(returned, tuple) else change(returned)


# What a slip makes of a right result, whatever the exercise.
SLIPS = {
    "nothing": lambda returned: None,
    "a thousandth too large": each(lambda value: 1.001 * value),
    "the other sign": each(lambda value: -value),
    "not a number": each(lambda value: value * np.nan),
    "one axis too many": lambda returned: np.asarray(returned)[..., np.newaxis],
    "a list": lambda returned: [returned],
}


EXPRESSIONS = {"ex-open-sum", "ex-weighted-sum"}  # their answers are sympy's, and have no axes
SLIPPED = [
    (label, slip) for label in WRONG for slip in SLIPS if label not in EXPRESSIONS or "axis" not in slip
]


@pytest.mark.parametrize(("label", "slip"), SLIPPED)
def test_a_slip_is_refused(label, slip):
    check, right, _ = solved()[label]

    def answer(*given):
        return SLIPS[slip](right(*given))

    assert_refused(check, answer)


def overwriting(right):
    """The right answer, which spoils the first array that it is given; and whether there was one."""
    spoilt = []

    def answer(*given):
        returned = right(*given)
        for array in [part for part in given if isinstance(part, np.ndarray)][:1]:
            spoilt.append(array)
            array[...] = 7
        return returned

    return answer, spoilt


@pytest.mark.parametrize("label", WRONG)
def test_an_answer_that_overwrites_what_it_is_given_is_refused(label):
    check, right, _ = solved()[label]
    answer, spoilt = overwriting(right)
    try:
        check(examined(answer))
    except AssertionError as refusal:
        assert spoilt and "answer changes the array" in str(refusal)
    else:
        assert not spoilt


def test_arrays_are_watched_in_lists_and_tuples():
    def answer(pairs):
        pairs[1][0][0] = 5.0
        return 1

    with pytest.raises(AssertionError, match=r"changes the array \[1.0, nan\]"):
        examined(answer)([1, (np.array([1.0, np.nan]), 2)])


def test_a_forgotten_return_gets_one_line_and_no_traceback(capsys):
    def double(x):
        2 * x

    def spec_double(double):
        assert double(3) == 6, "not the double"

    judge(spec_double, double)
    refused(spec_double, double)
    assert capsys.readouterr().out.splitlines() == [
        "double is not right yet: double returns None: is a return missing?",
        "refused: double returns None: is a return missing?",
    ]
