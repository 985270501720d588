"""Docstrings of public names: what is there is seen, and what is missing gets its sentence."""

import pytest
from conftest import replaced, with_cell

from literate import docstrings

CHAPTER, CELL = "book/03a-engine-room.ipynb", "build-softmax"


def test_every_docstring_of_the_book_is_whole(book):
    assert len(list(docstrings.public(book))) > 40
    assert list(docstrings.problems(book)) == []


SPOILT = [
    (".. math:: S(", ".. maths:: S(", "no formula ('.. math::')"),
    ("    where : array_like of bool, optional\n", "", "no description of each argument under Parameters"),
    ("axis : int, tuple", "axes : int, tuple", "no description of each argument under Parameters"),
    ("Probabilities in the shape of", "Probabilities of the size of", "no word on shapes under Returns"),
    ("float64", "double", "no word on dtypes under Returns"),
    ("AxisError", "AnyError", "no TypeError under Raises, or no AxisError although there is an axis"),
    (
        "    TypeError\n",
        "    Error\n",
        "no TypeError under Raises, or no AxisError although there is an axis",
    ),
    ("softlit.softmax(", "softlit.softmin(", "no example that calls it"),
    ("    See Also\n    --------\n", "    Notes too\n", "no section See Also"),
    ("https://doi.org/", "https://dx.example/", "no reference with a DOI"),
    ("doi.org/10.1007", "doi.org/10.1008", "no reference with a DOI"),
    ("Derived in chapter 03", "Derived in chapter 02", "no 'Derived in chapter NN"),
    ("Derived in", "Found in", "no 'Derived in chapter NN"),
    (":prf:ref:`thm-sum-tells`", ":prf:ref:`thm-sum-told`", "no 'Derived in chapter NN"),
]


@pytest.mark.parametrize(("old", "new", "lacks"), SPOILT)
def test_what_a_docstring_lacks_is_said(book, old, new, lacks):
    def spoil(cell):
        start = cell.source.index("def softmax(")
        body = cell.source[start:]
        assert old in body
        cell.source = cell.source[:start] + body.replace(old, new)

    found = list(docstrings.problems(with_cell(book, CHAPTER, CELL, spoil)))
    sentence = f"{CHAPTER}, cell {CELL}: the docstring of softmax has {lacks}"
    assert found and all(line.startswith(sentence) for line in found), found


@pytest.mark.parametrize("section", ["Examples", "Remarks"])  # twice, and unknown
def test_a_docstring_that_numpydoc_does_not_read_is_named(book, section):
    change = replaced("    Notes\n    -----\n", f"    {section}\n    {'-' * len(section)}\n")
    found = list(docstrings.problems(with_cell(book, CHAPTER, CELL, change)))
    sentence = f"{CHAPTER}, cell {CELL}: the docstring of softmax is not in numpydoc's form ("
    assert [line for line in found if line.startswith(sentence)], found


STATE = "    def logsumexp(self):\n"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("(m, s)", "(n, s)", None),
        (".. math::", "", "the docstring of SoftmaxState has no formula"),
        (STATE, f"    def peak(self):\n        return 1\n\n{STATE}", "SoftmaxState.peak has no docstring"),
        ("block : array", "blocks : array", "SoftmaxState.update does not describe each of its arguments"),
    ],
)
def test_a_class_and_its_methods(book, old, new, sentence):
    planted = with_cell(book, "book/15a-states-and-files.ipynb", "build-state", replaced(old, new))
    found = list(docstrings.problems(planted))
    where = "book/15a-states-and-files.ipynb, cell build-state: "
    assert not found if sentence is None else any(line.startswith(where + sentence) for line in found), found
