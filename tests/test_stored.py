"""What a run stores of each cell follows from its source: an edit is noticed, and mended by the next run."""

import nbformat
import pytest
from conftest import replaced, with_cell

from literate import rules, stored
from literate.chapters import Cell
from literate.execute import execute

SHIFT = "book/02-shift-invariance.ipynb"
FIGURE = f"{SHIFT}, cell figure-shift: the page has another caption than its head; use `make run CH=02`."


@pytest.fixture(scope="module")
def book(book):
    """The chapter alone in which faults are planted, since the rule asks each chapter by itself."""
    return tuple(chapter for chapter in book if chapter.name == SHIFT)


def edited(cell, others=""):
    return f"{SHIFT}, cell {cell}: not the code that `make run CH=02` ran{others}; run it again."


def digest(code):
    return stored.digest(Cell("book/11-x.ipynb", (0, 0), "a", "code", code, {}))


@pytest.mark.parametrize(
    "code",
    [
        "x = [1, 2]\nprint(x)  # another remark",
        "#| check thm-a\n# first\nx = [\n    1,\n    2,\n]\n\n\nprint((x))",
        "x = [0x1, 2,]; print(x)",
    ],
)
def test_what_a_cell_says_of_itself_and_its_layout_may_change(code):
    assert digest(code) == digest("x = [1, 2]\nprint(x)")


@pytest.mark.parametrize(
    "code, other",
    [
        ("x = 1", "x = 1.0"),
        ("x", "x;"),
        ("x", "x;  # hidden"),
        ("f'{x:.3f}'", "f'{x:.4f}'"),
        ("f'{x}'", "f'{x!r}'"),
        ("f('')", "f()"),
        ("f(None)", "f()"),
        ("f(a=1)", "f(b=1)"),
        ("f('#| check thm-a')", "f('#| check thm-b')"),
        ("def f():\n    '''One.'''", "def f():\n    '''Two.'''"),
        ("if a:\n    b\nc", "if a:\n    b\n    c"),
        ("a + b * c", "(a + b) * c"),
        ("a < b", "a > b"),
        ("{**a, b: c}", "{b: c, **a}"),
        ("def f(a, *, b): pass", "def f(a, b): pass"),
    ],
)
def test_what_a_cell_does_may_not(code, other):
    assert digest(code) != digest(other)


def test_every_python_makes_the_same_digest():
    """Written down, since their syntax trees differ: the next Python has to find this one."""
    code = (
        "def f(a, /, b=1, *c, d=None, **e) -> int:\n    '''é\\U0001fae8'''\n"
        "    return f'{a!r:>{b}}' 'c' f'{d=}' f'{e:%H:%M}'\n\n\n"
        "match f(0, *[1], **{}):\n    case [1, *_] | {'a': -1.5e300, **rest}:\n        x: int = 1j\n"
        "class A(B, metaclass=C):\n    async def g(self):\n        yield [await y async for y in self if y]\n"
    )
    assert digest(code) == "b3989ceabcf4"


@pytest.mark.parametrize(
    "cell, change",
    [
        ("derive-shift", replaced("x[j] + c, i", "x[j] + 2 * c, i")),
        ("check-shift", replaced("default_rng(2)", "default_rng(3)")),
        ("build-shifted", replaced("logsumexp_naive(x - m", "logsumexp_naive(m - x")),
        ("figure-shift", lambda cell: cell.metadata.pop("ran")),
        ("derive-shift", lambda cell: cell.update(source="%matplotlib inline")),
    ],
)
def test_a_cell_that_was_edited_and_not_run(book, cell, change):
    assert list(rules.as_it_ran(with_cell(book, SHIFT, cell, change))) == [edited(cell)]


def test_of_several_edited_cells_the_first_is_named(book):
    for cell in ("check-shift", "derive-shift", "check-lse"):
        book = with_cell(book, SHIFT, cell, lambda cell: cell.update(source=f"{cell.source}\nx = 1"))
    assert list(rules.as_it_ran(book)) == [edited("derive-shift", ", the first of 3 such cells")]


@pytest.mark.parametrize(
    "change",
    [
        replaced("raised together", "lifted together"),
        replaced("fig-shift:", "fig-raised:"),
        lambda cell: cell.update(source=cell.source.replace("#| figure", "# figure")),
        lambda cell: cell.metadata.pop("mystnb"),
        lambda cell: cell.metadata.mystnb.update(figure={"name": "fig-shift"}),
    ],
)
def test_a_caption_that_the_page_does_not_have(book, change):
    assert list(rules.as_it_ran(with_cell(book, SHIFT, "figure-shift", change))) == [FIGURE]


@pytest.mark.parametrize(
    "cell, change",
    [
        ("check-shift", lambda cell: cell.metadata.pop("jupyter")),
        ("check-shift", lambda cell: cell.metadata.jupyter.update(source_hidden=False)),
        ("check-shift", lambda cell: cell.metadata.update(tags=["show"])),
        ("derive-shift", lambda cell: cell.metadata.update(jupyter={"source_hidden": True})),
        ("derive-shift", lambda cell: cell.metadata.update(tags=["fold"])),
    ],
)
def test_jupyterlab_folds_what_the_page_folds(book, cell, change):
    (said,) = rules.as_it_ran(with_cell(book, SHIFT, cell, change))
    assert said == f"{SHIFT}, cell {cell}: {stored.WRONG['source_hidden']}; use `make run CH=02`."


def test_a_run_stores_what_the_source_says_and_nothing_older(tmp_path):
    old = {
        "mystnb": {"figure": {"name": "fig-old", "caption": "Old."}, "image": {"width": "50%"}},
        "jupyter": {"source_hidden": True},
        "ran": "0",
    }
    head = "#| figure fig-a: A long\n#|   caption.\n"
    sources = ("x = 1", f"{head}x = 2", "# Title")
    cells = [nbformat.v4.new_code_cell(source, metadata=old) for source in sources[:2]]
    cells.append(nbformat.v4.new_markdown_cell(sources[2], metadata=old))
    path = tmp_path / "00-chapter.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    execute(path)
    image = {"image": {"width": "50%"}}
    assert [cell.metadata for cell in nbformat.read(path, as_version=4).cells[1:]] == [
        {"mystnb": image, "ran": digest("x = 1")},
        {
            "mystnb": image | {"figure": {"name": "fig-a", "caption": "A long caption."}},
            "jupyter": {"source_hidden": True},
            "ran": digest("x = 2"),
        },
        {"mystnb": image},
    ]
