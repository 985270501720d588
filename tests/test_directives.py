"""What MyST takes for a directive is read as one, and nothing else."""

import pytest
from docutils.nodes import make_id

from literate.addresses import anchor_of_heading
from literate.chapters import BookError, Cell
from literate.directives import directives, directives_of, headings, roles, table_rows


def read(text):
    return directives_of(Cell("book/01-one.ipynb", (0, 0), "words", "markdown", text, {}))


def test_kind_argument_options_and_body():
    (found,) = read("Text.\n\n````{prf:theorem} A title\n:label: thm-a\n:class: one two\n\nBody\n````\n")
    assert (found.kind, found.argument, found.label) == ("prf:theorem", "A title", "thm-a")
    assert (found.classes, found.body.strip(), found.lines) == (["one", "two"], "Body", (2, 8))


def test_what_stands_in_another_directive_comes_after_it():
    outer, inner = read("::::{prf:theorem} A\n:label: thm-a\n\n:::{note}\nText\n:::\n::::\n")
    assert (outer.kind, inner.kind, inner.lines) == ("prf:theorem", "note", None)


def test_a_labelled_formula_and_the_mathematics_of_a_statement():
    text = "```{prf:theorem}\n:label: thm-a\n$a = 1$ and `$no$`\n\n$$\nb\n= 2\n$$ (eq-b)\n```\n"
    theorem, formula = read(text)
    assert theorem.formulas == ("a = 1", "b = 2")
    assert (formula.kind, formula.label, formula.body.split()) == ("math", "eq-b", ["b", "=", "2"])


@pytest.mark.parametrize(
    "text", ["```python\nx = 1\n```", "`{prf:theorem}`", "{note}\n", "    ```{note}\n    ```"]
)
def test_other_text_is_no_directive(text):
    assert read(text) == []


def test_options_that_cannot_be_read_are_named():
    with pytest.raises(BookError, match="cell words: unreadable options of a directive"):
        read('```{note}\n---\nclass: "open\n---\n```')


def test_the_book_has_every_kind(book):
    kinds = {directive.kind for directive in directives(*book)}
    assert {"prf:theorem", "prf:definition", "math", "note", "exercise-start"} <= kinds


def test_roles_wherever_they_stand_and_what_they_name():
    text = "See {eq}`eq-a`, `{eq}`, $x$ {ref}`its words <ex-b>`.\n\n"
    text += "````{note}\n```{prf:theorem}\n{doc}`c`\n```\n````\n"
    assert [*roles(text)] == [("eq", "eq-a"), ("ref", "ex-b"), ("doc", "c")]


def test_the_rows_of_a_table():
    text = "| a | $b$ |\n| --- | --- |\n| {prf:ref}`thm-a` | by \\| hand |\n\nNo | row\n"
    assert table_rows(text) == [["a", "$b$"], ["{prf:ref}`thm-a`", "by | hand"]]


def test_headings_and_their_addresses(book):
    """Those of directives and of code are none; the addresses are those of docutils."""
    text = "# One *title*\n\n```python\n# no\n```\n\nTwo\n---\n\n```{note}\n# no\n```\n\n### $x_1$, again?"
    found = [*headings(Cell("book/01-one.ipynb", (0, 0), "words", "markdown", text, {}))]
    assert found == ["One *title*", "Two", "$x_1$, again?"]
    cells = [cell for chapter in book for cell in chapter.cells]
    of_book = [heading for cell in cells for heading in headings(cell)]
    assert len(of_book) > 100
    for heading in [*found, *of_book, "2 + 2 = 4?", "\u00c4ngste", "\u03b2", "-a--b-", "1"]:
        assert anchor_of_heading(heading) == make_id(heading)
