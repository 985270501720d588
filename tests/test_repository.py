"""The files around the book: style, citation, changelog, lock, and what the documents promise."""

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpydoc.docscrape
import pytest
import yaml

import softlit
from literate import tangle
from literate.chapters import ROOT, toc_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def ruff(*options):
    return subprocess.run([sys.executable, "-m", "ruff", *options], cwd=ROOT, capture_output=True, text=True)


def test_ruff_check_over_modules_and_notebooks():
    result = ruff("check", "--no-cache", ".")
    assert result.returncode == 0, result.stdout
    assert ruff("check", "--no-cache", "--show-files", ".").stdout.count(".ipynb") == len(
        list(ROOT.glob("book/*.ipynb"))
    )


def test_ruff_format_over_modules_and_notebooks():
    result = ruff("format", "--no-cache", "--check", ".")
    assert result.returncode == 0, result.stdout


def test_citation_file():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["message"] and citation["title"]
    assert citation["version"] == PROJECT["version"] == softlit.__version__
    assert citation["authors"] == [{"name": author["name"]} for author in PROJECT["authors"]]
    assert " AND ".join(citation["license"]) == PROJECT["license"]


def test_changelog_has_the_version():
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_file_of_the_table_of_contents_exists():
    for entry in toc_files():
        assert any((ROOT / f"{entry}{suffix}").exists() for suffix in (".ipynb", ".md")), entry


def test_the_notebooks_import_this_package():
    """A kernel starts in book/ and knows nothing of pytest's path: a copied .venv would lead elsewhere."""
    command = [sys.executable, "-c", "import softlit; print(softlit.__file__)"]
    found = subprocess.run(command, cwd=ROOT / "book", capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).resolve() == ROOT / "softlit" / "__init__.py"


def test_nothing_depends_on_a_machine():
    """No absolute path in what is stored, prose and outputs alike."""
    for path in [
        *ROOT.glob("book/*.ipynb"),
        *ROOT.glob("book/*.md"),
        *ROOT.glob("*.md"),
        *ROOT.glob("softlit/**/*.py"),
    ]:
        found = re.search(r"(?<![\w.])/(home|root|Users|tmp|work)/\w+", path.read_text(encoding="utf-8"))
        assert not found, f"{path.relative_to(ROOT)}: {found[0]}"


def test_sanitize_rules_give_reasons_and_match_no_number_in_general():
    lines = (ROOT / "tests/nbval_sanitize.cfg").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if line.startswith("["):
            assert lines[number + 1].startswith("# "), f"{line}: no reason below it"
        if line.startswith("regex:"):
            pattern = re.compile(line.removeprefix("regex:").strip())
            for ordinary in ("0.66524", "-4.248354e-18", "[0.5 0.5]", "17", "e^{x_1}"):
                assert not pattern.search(ordinary), f"{line} matches {ordinary}"


FUNCTIONS = [name for name in softlit.__all__ if not isinstance(getattr(softlit, name), type)]


@pytest.mark.parametrize("function", [getattr(softlit, name) for name in FUNCTIONS], ids=FUNCTIONS)
def test_public_docstrings(function):
    """numpydoc: summary, formula, parameters, returns, errors, a tested example, where it is derived."""
    doc = numpydoc.docscrape.FunctionDoc(function)
    assert doc["Summary"] and doc["Parameters"] and doc["Returns"] and doc["Raises"] and doc["Examples"]
    assert ".. math::" in function.__doc__ and ">>> " in function.__doc__
    documented = [name for entry in doc["Parameters"] for name in entry.name.split(", ")]
    assert documented == list(inspect.signature(function).parameters)
    assert re.search(r"Derived in chapter \d\d, :prf:ref:`(thm|def)-[a-z0-9-]+`", function.__doc__)


@pytest.mark.parametrize("name", sorted(set(softlit.__all__) - set(FUNCTIONS)))
def test_public_classes(name):
    """Formula, attributes, a tested example, where it is derived; and a sentence for each method."""
    cls = getattr(softlit, name)
    doc = numpydoc.docscrape.ClassDoc(cls)
    assert doc["Summary"] and doc["Attributes"] and doc["Notes"] and doc["Examples"]
    assert ".. math::" in cls.__doc__
    assert re.search(r"Derived in chapter \d\d, :prf:ref:`(thm|def)-[a-z0-9-]+`", cls.__doc__)
    methods = [value for key, value in vars(cls).items() if not key.startswith("_")]
    assert methods and all(method.__doc__ for method in methods)


def test_docstrings_name_the_chapter_that_holds_the_label(book):
    from literate.ledger import statements

    labels = statements(book)
    for definition in tangle.definitions(book):
        text = definition.cell.code
        for chapter, label in re.findall(r"Derived in chapter (\d\d), :prf:ref:`([a-z0-9-]+)`", text):
            assert labels[label].chapter.slug.startswith(chapter), f"{definition.cell.where}: {label}"


def test_the_api_page_lists_every_public_module(book):
    page = (ROOT / "book/api.md").read_text(encoding="utf-8")
    modules = {d.module for d in tangle.definitions(book) if not d.module.startswith("_")}
    assert set(re.findall(r"automodule:: softlit\.(\S+)", page)) == modules


def test_readme_shows_the_two_commands_first():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^(make book|make test|jupyter-book build \.|pytest)\s", text, re.M)
    assert commands[:2] == ["make book", "make test"]
    assert {"jupyter-book build .", "pytest"} <= {*commands[2:]}, "the way without make"


def test_ci_calls_make_test():
    script = Path(ROOT / ".ci/run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("make test") and "pytest" not in script
    for part in ("PEERS", "BROWSER", "LATEX"):  # nothing may be skipped there
        assert f"export SOFTLIT_{part}=required" in script
