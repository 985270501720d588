"""What several test files share: the chapters as read, copies to plant faults in, and small books."""

import copy
import dataclasses
import gc
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import venv
from contextlib import closing, contextmanager

import browser
import nbformat
import pytest
import yaml
from lxml import html

from literate import addresses, build, pages, rules
from literate.chapters import ROOT, is_appendix, read_book, read_yaml

# The tests read a site of their own: `make book` finds its own as it left it.
FOLDER = ROOT / "_build" / "tests"
build.SITE = FOLDER / "_build" / "html"


def pytest_configure(config):
    # Thousands of tests and all chapters stay in memory: to walk through them for garbage is in vain.
    gc.set_threshold(100_000, 50, 100)
    # Marks that SciPy's own tests carry for other array libraries than NumPy (see test_scipy_suite.py).
    for mark in ("skip_xp_backends", "xfail_xp_backends", "uses_xp_capabilities"):
        config.addinivalue_line("markers", f"{mark}: of SciPy's tests")


# The files that take longest come first, so that no core is left alone with one of them at the end. While the
# first of them builds the site, the other worker has no need of it.
LONG = ["pages", "pdf", "peers", "layout", "reliability", "worst_case", "published", "streaming"]


def pytest_collection_modifyitems(items):
    places = {f"test_{name}.py": place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))


def cells_of(page):
    """What a page shows of each cell, by its anchor: all in one walk, since a walk for each takes seconds."""
    found = page.xpath("//*[starts-with(@id, 'cell-')]")
    cells = {element.get("id").removeprefix("cell-"): element for element in found}
    assert len(cells) == len(found)
    return cells


@pytest.fixture(scope="session")
def book():
    return read_book()


@contextmanager
def made_once(tmp_path_factory, name):
    """A folder that the workers of a test run share, and whether this one is the first and has to fill it.

    The others wait, since they would be reading what is being written. SQLite's lock works on every system,
    and ends with its process; the number that it keeps for its users says that everything is there.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", os.getpid())
    folder = tmp_path_factory.getbasetemp().parent / f"{name}-{run}"
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / "lock", timeout=1800)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield folder, not database.execute("PRAGMA user_version").fetchone()[0]
        database.execute("PRAGMA user_version = 1")
        database.commit()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The pages by path; built as `make book` does, but from the outputs that the chapters store.

    nbval compares these with what every cell gives, so the chapters are executed once and not twice; the
    landing page is no notebook, and its cell runs here. That a build executes what it shows, and stops at an
    error, is tested on a small book in test_published.py.
    """
    with made_once(tmp_path_factory, "site") as (_, first):
        if first:
            assert build_from_stored_outputs() == 0, "the site does not build without warnings"
    return {
        path.relative_to(build.SITE).as_posix(): html.parse(str(path)).getroot()
        for path in build.SITE.rglob("*.html")
        if not path.relative_to(build.SITE).parts[0].startswith("_")
    }


def build_from_stored_outputs():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["exclude_patterns"] = ["*.ipynb"]  # the landing page stores no outputs
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    return build.build(FOLDER, FOLDER / "_config.yml")


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as running:
        yield running


@pytest.fixture(scope="session")
def distribution(tmp_path_factory):
    """The wheel and the source archive from which it was built; no network is used."""
    with made_once(tmp_path_factory, "distribution") as (folder, first):
        if first:
            command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr + done.stdout
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, archive


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory):
    """The interpreter of a new environment, with the pip that this Python ships and nothing else."""
    with made_once(tmp_path_factory, "python") as (folder, first):
        if first:
            venv.create(folder / "env", with_pip=True)
    return next(path for path in (folder / "env").glob("*/python*") if path.stem == "python")


@pytest.fixture
def project(tmp_path):
    """A copy of what the rules read, to plant faults in that are in no chapter; its next version is begun."""
    for name in ("book", "softlit"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    for name in ("_toc.yml", "pyproject.toml", "CHANGELOG.md", pages.CONTRACT, rules.WRONG_ANSWERS):
        shutil.copy(ROOT / name, tmp_path / name)
    if not addresses.unreleased(tmp_path):
        changes = tmp_path / addresses.CHANGES
        older = changes.read_text(encoding="utf-8")
        changes.write_text(older.replace("\n## ", "\n## 9.9.9 (unreleased)\n\n## ", 1), encoding="utf-8")
    return tmp_path


@pytest.fixture
def first_chapters(project):
    """The copy without its later chapters, for what asks every rule: of the whole book that takes long."""
    toc = read_yaml(project, "_toc.yml")
    for part in toc["parts"]:
        for entry in [*part["chapters"]]:
            if re.match(r"book/(0[3-9]|[1-9])", entry["file"]):
                part["chapters"].remove(entry)
                (project / f"{entry['file']}.ipynb").unlink()
    toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    (project / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    return project


@pytest.fixture
def small_book(tmp_path):
    """A function that writes chapters, given as lists of code cells, and reads them back as a book."""

    def make(*chapters):
        (tmp_path / "book").mkdir()
        names = [f"book/{number:02}-chapter" for number in range(len(chapters))]
        for name, cells in zip(names, chapters, strict=True):
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
            for count, cell in enumerate(notebook.cells):
                cell.id = f"cell-{count}"
            nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        entries = "".join(f"  - file: {name}\n" for name in sorted(names, key=is_appendix))
        (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: book/index\nchapters:\n{entries}")
        return read_book(tmp_path)

    return make


def edit_cell(path, cell_id, change):
    """Apply a function to one cell of a notebook on disk."""
    notebook = nbformat.read(path, as_version=4)
    change(next(cell for cell in notebook.cells if cell.id == cell_id))
    nbformat.write(notebook, path)


def with_cell(book, notebook, cell_id, change):
    """The book after a function was applied to one cell, given as nbformat has it; no file changes."""
    (chapter,) = (chapter for chapter in book if chapter.name == notebook)
    (cell,) = (cell for cell in chapter.cells if cell.id == cell_id)
    seen = nbformat.from_dict(
        {
            "id": cell.id,
            "source": cell.text,
            "metadata": copy.deepcopy(cell.metadata),
            "execution_count": cell.execution_count,
            "outputs": copy.deepcopy([*cell.outputs]),
        }
    )
    change(seen)
    new = dataclasses.replace(
        cell,
        id=seen.id,
        text=seen.source,
        metadata=seen.metadata,
        execution_count=seen.execution_count,
        outputs=tuple(seen.outputs),
    )
    return with_cells(book, chapter, [new if old is cell else old for old in chapter.cells])


def replaced(old, new):
    """A change of a cell: one text in place of another, which must be there."""

    def change(cell):
        assert old in cell.source, old
        cell.source = cell.source.replace(old, new)

    return change


def with_cells(book, chapter, cells):
    """The book in which a chapter has other cells."""
    new = dataclasses.replace(chapter, cells=tuple(cells))
    return tuple(new if old is chapter else old for old in book)
