"""The files around the book: style, citation, changelog, lock, and what the documents promise."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

import softlit
from literate import rules, style
from literate.chapters import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_ruff_looks_into_every_chapter():
    """What it finds is a rule of the book (literate/style.py)."""
    seen = style.ruff(ROOT, "check", "--no-cache", "--show-files")
    assert seen.count(".ipynb") == len([*ROOT.glob("book/*.ipynb")])


def test_citation_file():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["message"] and citation["title"]
    assert citation["version"] == PROJECT["version"] == softlit.__version__
    assert citation["authors"] == [{"name": author["name"]} for author in PROJECT["authors"]]
    assert " AND ".join(citation["license"]) == PROJECT["license"]


def test_the_changelog_has_the_version_and_the_date_of_its_release():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    (written,) = re.findall(rf"^## {re.escape(PROJECT['version'])} \((.+)\)$", changes, re.M)
    assert written == str(citation.get("date-released", "unreleased"))


def test_the_notebooks_import_this_package():
    """A kernel starts in book/ and knows nothing of pytest's path: a copied .venv would lead elsewhere."""
    command = [sys.executable, "-c", "import softlit; print(softlit.__file__)"]
    found = subprocess.run(command, cwd=ROOT / "book", capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).resolve() == ROOT / "softlit" / "__init__.py"


def test_nothing_depends_on_a_machine():
    """No absolute path, as no chapter has one."""
    for path in [
        *ROOT.glob("book/*.md"),
        *ROOT.glob("*.md"),
        *ROOT.glob("softlit/**/*.py"),
    ]:
        found = rules.PATH.search(path.read_text(encoding="utf-8"))
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
