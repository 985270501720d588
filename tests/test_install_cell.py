"""A chapter runs alone: its first code cell installs softlit where it is missing, and is quiet elsewhere."""

import os
import subprocess
import sysconfig

import nbformat
import pytest
from conftest import with_cell

import softlit
from literate import install_cell, rules

CHAPTER = "book/02-shift-invariance.ipynb"
RELEASED = install_cell.install_cell(install_cell.requirement(True, "0.1.0", None), "0.1.0")


def test_what_is_installed_follows_from_the_settings_of_the_owner():
    repository, site = "https://github.com/OWNER/NAME", "https://site.example/softlit"
    file = f"{site}/downloads/softlit-1.2.3-py3-none-any.whl"
    assert install_cell.requirement(False, "1.2.3", None) is None
    for address in (site, f"{site}/"):
        assert install_cell.requirement(False, "1.2.3", None, address) == f"softlit[book] @ {file}"
    assert install_cell.requirement(False, "1.2.3", repository, site) == f"softlit[book] @ git+{repository}"
    assert install_cell.requirement(False, "1.2.3", repository) == f"softlit[book] @ git+{repository}"
    assert install_cell.requirement(True, "1.2.3", repository) == "softlit[book]==1.2.3"


def test_every_chapter_begins_with_the_cell_and_stores_nothing_below_it(book):
    for chapter in book:
        first = chapter.code_cells[0]
        assert install_cell.is_install_cell(first) and first.outputs == (), chapter.name


@pytest.mark.parametrize(
    "change",
    [
        {"source": "import sys"},
        {"source": install_cell.install_cell("softlit[book]==9.9", "9.9")},
        {"metadata": {"tags": []}},
        {"id": "other"},
    ],
)
def test_a_cell_that_is_not_the_common_one(book, change):
    planted = with_cell(
        book, CHAPTER, install_cell.CELL_ID, lambda cell: cell.update(nbformat.from_dict(change))
    )
    where = change.get("id", install_cell.CELL_ID)
    sentence = f"{CHAPTER}, cell {where}: not the cell that installs what is missing; use `make run`."
    assert sentence in rules.runs_alone(planted)


def test_the_cell_is_exempt_from_no_rule_once_it_is_changed(book):
    def change(cell):
        cell.source += "\nx = 1"

    (found,) = rules.nothing_skipped(with_cell(book, CHAPTER, install_cell.CELL_ID, change))
    assert f"cell {install_cell.CELL_ID}: 'remove-cell'" in found


def test_run_puts_the_cell_above_all_code_once():
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell("old", id=install_cell.CELL_ID),
        nbformat.v4.new_markdown_cell("text"),
        nbformat.v4.new_code_cell("x = 1"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    for _ in range(2):
        install_cell.place(notebook)
        sources = [cell.source for cell in notebook.cells]
        assert sources == ["# Title", "text", install_cell.current_cell(), "x = 1"]


def test_a_chapter_asks_for_what_it_imports_and_for_nothing_that_others_do(book):
    asked = {chapter.name: install_cell.NEEDED.search(chapter.code_cells[0].text)[1] for chapter in book}
    assert [name for name in asked if '"babel"' in asked[name]] == ["book/16-trusting-the-output.ipynb"]
    assert [name for name in asked if '"dask"' in asked[name]] == ["book/15a-states-and-files.ipynb"]

    def borrow(cell):
        cell.source += "\nimport babel"

    planted = with_cell(book, CHAPTER, "imports", borrow)
    assert any("not the cell that installs" in found for found in rules.runs_alone(planted))
    assert list(rules.runs_alone(book)) == []


@pytest.mark.parametrize(
    "source, found",
    [
        ("import babel.core as core, os, numpy as np", {"babel"}),
        ("from dask.array import stack\nfrom softlit import softmax", {"dask"}),
        ("#| export kernels\nimport torch", set()),
        ("def draw():\n    import torch", set()),
        ("import (", set()),
        ("from . import torch", set()),
    ],
)
def test_what_counts_as_an_import_of_the_chapter(source, found):
    assert install_cell.imports([source]) == found


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, distribution, bare_python):
    """A function that runs code in a new environment: nothing but pip, and a folder with softlit's wheel."""
    folder = tmp_path_factory.mktemp("elsewhere")
    wheel, _ = distribution
    # Packages other than softlit are not installed, so that no network is needed: the code may borrow them.
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "PIP_NO_DEPS": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}

    def run(code):
        return subprocess.run(
            [bare_python, "-c", code], cwd=folder, env=kept | settings, capture_output=True, text=True
        )

    return run


def test_the_cell_installs_the_package_and_the_chapter_goes_on(elsewhere, distribution, bare_python, book):
    refused = elsewhere(install_cell.install_cell(None, softlit.__version__))
    assert refused.returncode == 1
    # What the sentence tells is what works: the wheel beside the notebook.
    wheel, _ = distribution
    assert f"pip install './{wheel.name}[book]'" in refused.stderr

    chapter = next(chapter for chapter in book if chapter.name == CHAPTER)
    start = "\n\n".join(cell.text for cell in chapter.code_cells[1:4])
    borrow = f"import sys\nsys.path.append({sysconfig.get_path('purelib')!r})"
    report = "import softlit\nprint(softlit.__file__)"
    first = elsewhere("\n\n".join([RELEASED, borrow, start, report]))
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1].startswith(str(bare_python.parents[1])), "not the wheel's softlit"

    again = elsewhere("\n\n".join([borrow, RELEASED, "assert 'subprocess' not in sys.modules"]))
    assert (again.returncode, again.stdout, again.stderr) == (0, "", ""), "nothing to install, but not quiet"
