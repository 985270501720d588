"""The tangle writes exactly what the chapters export, and refuses the rest in one sentence."""

import ast

import pytest

from literate.chapters import ROOT, BookError, is_appendix, read_book
from literate.tangle import package_files, tangle, write

GOOD = '#| export shapes\n"""Shapes."""\n\n\ndef area(r):\n    """Area of a square."""\n    return r * r\n'
AREA_AGAIN = '#| export shapes\ndef area(r):\n    """Again."""\n    return r\n'


def test_tangling_into_an_empty_folder_gives_the_package(book, tmp_path):
    write(tangle(book), tmp_path / "softlit")
    assert package_files(tmp_path / "softlit") == package_files(ROOT / "softlit")


def test_second_run_changes_nothing(book, tmp_path):
    assert write(tangle(book), tmp_path / "softlit")
    assert write(tangle(book), tmp_path / "softlit") == ([], [])


def test_modules_grow_in_reading_order_and_name_their_cells(small_book):
    second = '#| export shapes\ndef perimeter(r):\n    """Perimeter."""\n    return 4 * r\n'
    files = tangle(small_book([GOOD], [second]))
    text = files["shapes.py"]
    assert (
        text.index("def area")
        < text.index("# --- book/01-chapter.ipynb, cell cell-0")
        < text.index("def perimeter")
    )
    assert '__all__ = [\n    "area",\n    "perimeter",\n]' in text
    assert "from softlit.shapes import (\n    area,\n    perimeter,\n)" in files["__init__.py"]


def test_subpackages_get_an_init_and_stay_out_of_the_top_level(small_book):
    files = tangle(small_book([GOOD.replace("export shapes", "export lab.shapes")]))
    assert set(files) == {"__init__.py", "lab/__init__.py", "lab/shapes.py"}
    assert "area" not in files["__init__.py"]


def test_modules_that_stay_out_of_the_top_level_may_repeat_its_names(small_book):
    files = tangle(small_book([GOOD, AREA_AGAIN.replace("export shapes", "export textbook")]))
    assert "def area" in files["shapes.py"] and "def area" in files["textbook.py"]
    assert files["__init__.py"].count("area,") == 1 and "textbook" not in files["__init__.py"]


REFUSED = {
    "a mistyped marker": (
        [["#| exprot shapes\nx = 1"]],
        "cell cell-0: '#| exprot shapes' says nothing that is known",
    ),
    "a target that is no module name": (
        [["#| export Shapes-2\nx = 1"]],
        "is not an export marker",
    ),
    "two definitions of one name": (
        [[GOOD], [AREA_AGAIN]],
        "01-chapter.ipynb, cell cell-0: 'area' is already defined",
    ),
    "one name in two modules": (
        [[GOOD], [AREA_AGAIN.replace("export shapes", "export others")]],
        "'area' is already defined in book/00-chapter.ipynb, cell cell-0",
    ),
    "a public function without a docstring": (
        [["#| export shapes\ndef area(r):\n    return r"]],
        "'area' is public and has no docstring",
    ),
    "a syntax error": ([["#| export shapes\ndef area(r:"]], "cell cell-0: syntax error"),
    "an import from a later chapter": (
        [["from softlit.shapes import area"], [GOOD]],
        "00-chapter.ipynb, cell cell-0: uses softlit.shapes.area, which is built later, in book/01",
    ),
    "a call of a later function": (
        [["import softlit", "softlit.area(2)"], [GOOD]],
        "uses softlit.area, which is built later",
    ),
    "a marker on a later line": ([["x = 1\n#| export shapes"]], "may stand only on the first line, once"),
    "a keyword as a module": ([["#| export class\nx = 1"]], "'class' cannot be the name of a module"),
    "the package's own init": ([["#| export __init__\nx = 1"]], "'__init__' cannot be the name of a module"),
    "a module that is also a package": (
        [["#| export lab\nx = 1", "#| export lab.ulp\ny = 1"]],
        "'lab' is a module here and a package elsewhere",
    ),
    "a definition in a branch": ([["#| export shapes\nif True:\n    x = 1"]], "line 1 is neither an import"),
    "a relative import": ([[GOOD, "from .shapes import area"]], "cell cell-1: a relative import"),
    "a later function by its alias": (
        [[GOOD, "from softlit import shapes", "shapes.volume(2)"]],
        "uses softlit.shapes.volume, which no chapter builds",
    ),
}


@pytest.mark.parametrize("chapters, sentence", REFUSED.values(), ids=REFUSED)
def test_refusals_name_file_and_cell(small_book, chapters, sentence):
    with pytest.raises(BookError) as refusal:
        tangle(small_book(*chapters))
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value) and str(refusal.value).startswith("book/")


def with_appendix(make, folder, number, *chapters):
    """A book whose last chapter is the appendix of that number."""
    last, name = f"book/{len(chapters) - 1:02}-chapter", f"book/{number}-chapter"
    make(*chapters)
    (folder / f"{last}.ipynb").rename(folder / f"{name}.ipynb")
    names = [name, *(f"book/{count:02}-chapter" for count in range(len(chapters) - 1))]
    entries = "".join(f"  - file: {one}\n" for one in sorted(sorted(names), key=is_appendix))
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: book/index\nchapters:\n{entries}")
    return read_book(folder)


def test_a_page_shows_what_its_own_appendix_builds(small_book, tmp_path):
    shows = ["import softlit", "softlit.area(2)"]
    assert "shapes.py" in tangle(with_appendix(small_book, tmp_path, "00a", shows, [GOOD]))


LATER = {
    "the appendix of another chapter": ("01a", ["import softlit", "softlit.area(2)"]),
    "an exported cell": ("00a", ["#| export others\nfrom softlit.shapes import area"]),
}


@pytest.mark.parametrize("number, cells", LATER.values(), ids=LATER)
def test_an_appendix_builds_nothing_for_others(small_book, tmp_path, number, cells):
    with pytest.raises(BookError, match=f"area, which is built later, in book/{number}-chapter"):
        tangle(with_appendix(small_book, tmp_path, number, cells, [GOOD]))


def private_names_of_neighbours(text, modules):
    """The names with an underscore that the text of a module takes from other modules of the package."""
    nodes, taken = list(ast.walk(ast.parse(text))), {}
    for node in nodes:
        if isinstance(node, ast.Import):
            taken |= {name.asname: name.name for name in node.names if name.asname}
            taken |= {"softlit": "softlit"}
        elif isinstance(node, ast.ImportFrom):
            taken |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    read = [
        ".".join([taken[root], *rest])
        for node in nodes
        if isinstance(node, ast.Attribute)
        for root, *rest in [ast.unparse(node).split(".")]
        if root in taken
    ]
    return sorted(
        name
        for name in {*taken.values(), *read} - modules
        if name.startswith("softlit.") and name.split(".")[-1].startswith("_") and not name.endswith("__")
    )


def names_of_modules(book):
    return {f"softlit.{name.removesuffix('.py').replace('/', '.')}" for name in tangle(book)}


def test_no_module_takes_a_private_name_of_its_neighbour(book):
    modules = names_of_modules(book)
    found = {name: private_names_of_neighbours(text, modules) for name, text in tangle(book).items()}
    assert {name: taken for name, taken in found.items() if taken} == {}


@pytest.mark.parametrize(
    "text",
    [
        "from softlit.shapes import _area",
        "from softlit.shapes import _area as area",
        "from softlit import shapes\nshapes._area(2)",
        "import softlit.shapes\nsoftlit.shapes._area(2)",
        "import softlit.shapes as forms\nforms._area(2)",
        "from softlit import _round\n_round._area(2)",
    ],
)
def test_a_private_name_of_a_neighbour_is_noticed(text):
    modules = {"softlit.shapes", "softlit._round"}
    assert private_names_of_neighbours(text, modules)
    assert not private_names_of_neighbours(text.replace("_area", "area"), modules)


def test_modules_that_nobody_exports_any_more_are_removed(small_book, tmp_path):
    folder = tmp_path / "softlit"
    write({"gone.py": "x = 1\n", "__init__.py": ""}, folder)
    changed, gone = write(tangle(small_book([GOOD])), folder)
    assert gone == ["gone.py"] and "gone.py" not in changed
    assert set(package_files(folder)) == {"__init__.py", "shapes.py"}


def test_a_notebook_outside_the_table_of_contents_is_refused(small_book, tmp_path):
    small_book([GOOD])
    (tmp_path / "book" / "09-stray.ipynb").write_text("{}")
    from literate.chapters import read_book

    with pytest.raises(BookError, match=r"09-stray\.ipynb: a notebook that _toc\.yml does not list"):
        read_book(tmp_path)


def test_a_broken_notebook_is_named(small_book, tmp_path):
    small_book([GOOD])
    (tmp_path / "book" / "00-chapter.ipynb").write_text("{ not json")
    from literate.chapters import read_book

    with pytest.raises(BookError, match=r"00-chapter\.ipynb: not a readable notebook"):
        read_book(tmp_path)
