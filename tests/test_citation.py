"""What can be cited stays valid: entries that BibTeX reads, addresses that are kept, the citation file."""

import os
import re
import subprocess
from types import SimpleNamespace

import pytest
import yaml
from conftest import edit_cell
from docutils import nodes
from pybtex.database import parse_string
from pybtex.plugin import find_plugin

from literate import addresses, rules
from literate.chapters import ROOT, BookError, Cell, read_book
from literate.site import citation
from literate.site.addresses import keep_old_anchors

CONFIG = SimpleNamespace(
    author="The softlit authors",
    html_title="softlit: 50 % proof & 50 % check",
    release="1.2.3",
    commit_date="2026-02-03",
    copyright="2025",
)
CHAPTER = ("book/02-shift-invariance", "Shift invariance", "https://site.example/book/02.html")


# --- Entries


def test_an_entry_of_a_chapter_names_the_chapter_and_the_book():
    ((key, entry),) = parse_string(citation.bibtex(CONFIG, *CHAPTER), "bibtex").entries.items()
    assert (key, entry.type) == ("softlit-shift-invariance", "incollection")
    assert entry.fields["title"] == "{Shift invariance}" and entry.fields["chapter"] == "2"
    assert entry.fields["booktitle"] == r"{softlit: 50 \% proof \& 50 \% check}"
    assert entry.fields["note"] == "Version 1.2.3, 2026-02-03" and entry.fields["year"] == "2026"
    assert entry.fields["url"] == CHAPTER[2]
    (author,) = entry.persons["author"]
    assert author.last_names == ["{The softlit authors}"], "one name, not a first and a last one"


@pytest.mark.parametrize("page", ["book/index", "book/ledger"])
def test_any_other_page_cites_the_book(page):
    undated = SimpleNamespace(**vars(CONFIG) | {"commit_date": None})
    ((key, entry),) = parse_string(citation.bibtex(undated, page, "Title", None), "bibtex").entries.items()
    assert (key, entry.type, entry.fields["year"]) == ("softlit", "misc", "2025")
    assert entry.fields["note"] == "Version 1.2.3" and "url" not in entry.fields
    assert not {"booktitle", "chapter"} & set(entry.fields)


@pytest.mark.parametrize("page, number", [("book/00-workbench", "0"), ("book/03a-engine-room", "3a")])
def test_an_appendix_goes_by_its_number(page, number):
    entry = citation.bibtex(CONFIG, page, "A title", None)
    assert f"{{{number}}}" in next(line for line in entry.splitlines() if "chapter " in line)


@pytest.mark.parametrize("page", [CHAPTER, ("book/index", "softlit", None)])
def test_a_style_of_bibtex_formats_the_entry(page):
    entries = parse_string(citation.bibtex(CONFIG, *page), "bibtex")
    style = find_plugin("pybtex.style.formatting", "unsrt")()
    ((_, text, _),) = ((e.key, e.text.render_as("text"), e.label) for e in style.format_bibliography(entries))
    assert "The softlit authors" in text and "2026" in text


def test_tags_for_reference_managers():
    tags = list(citation.highwire(CONFIG, *CHAPTER))
    assert len(tags) == len(dict(tags)) and dict(tags) == {
        "citation_title": "Shift invariance",
        "citation_author": "The softlit authors",
        "citation_publication_date": "2026/02/03",
        "citation_book_title": CONFIG.html_title,
        "citation_inbook_title": CONFIG.html_title,
        "citation_language": "en",
        "citation_public_url": CHAPTER[2],
    }
    whole = dict(citation.highwire(CONFIG, "book/index", "Home", None))
    assert whole["citation_title"] == CONFIG.html_title
    assert not {"citation_book_title", "citation_public_url"} & set(whole)


def test_the_date_is_that_of_the_commit(tmp_path):
    assert citation.commit_date(tmp_path) is None, "a copy without git has no date, even inside a repository"

    def git(*words, date="2020-01-02T12:00:00+00:00"):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
        environment = {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": "2001-01-01T00:00:00+00:00"}
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, env=os.environ | environment)

    git("init", "--quiet")
    assert citation.commit_date(tmp_path) is None, "nothing is committed"
    git("commit", "--quiet", "--allow-empty", "-m", "first")
    assert citation.commit_date(tmp_path) == "2020-01-02"


# --- Addresses


RENAMED = "book/02-shift-invariance#thm-shift-invariance"


def of_ids(project):
    return list(rules.ids_kept(read_book(project), project))


@pytest.mark.parametrize(
    "old, new", [("thm-shift-invariance", "thm-common-offset"), ("eq-shift", "eq-offset")]
)
def test_a_renamed_id_is_seen(project, old, new):
    def rename(cell):
        cell.source = cell.source.replace(old, new)

    edit_cell(project / "book/02-shift-invariance.ipynb", "shift-question", rename)
    page = "book/02-shift-invariance"
    lost, found = f"{page}#{addresses.anchor(old)}", f"{page}#{addresses.anchor(new)}"
    gone = f"{addresses.FILE}: {lost} is gone; keep it, or write '{lost} -> NEW'."
    assert of_ids(project) == [gone], "the new one may still change"
    release(project)
    now, *later = of_ids(project)  # what else is new since the release is among the later ones
    asked = f"{addresses.FILE}: {found} is not in the file; `make ids` adds"
    assert now == gone and any(line.startswith(asked) for line in later)


def release(project):
    """Date the version that is being written, as the release does."""
    file = project / addresses.CHANGES
    text = file.read_text(encoding="utf-8")
    assert "(unreleased)" in text
    file.write_text(text.replace("(unreleased)", "(2026-02-03)"), encoding="utf-8")


def test_what_is_new_since_the_release_binds_with_the_next_one(project, capsys):
    file, changes = project / addresses.FILE, project / addresses.CHANGES

    def rename(old, new):
        def change(cell):
            cell.source = cell.source.replace(f":label: {old}", f":label: {new}")

        edit_cell(project / "book/02-shift-invariance.ipynb", "exercises", change)
        return list(addresses.problems(read_book(project), project))

    text = file.read_text(encoding="utf-8").replace("book/02-shift-invariance#ex-centre\n", "")
    file.write_text(text, encoding="utf-8")  # the exercise is as new as if it had been written today
    assert rename("ex-centre", "ex-middle") == [], "nothing to write down, and nothing that binds"
    addresses.main(project)
    assert "bind from the release on" in capsys.readouterr().out
    assert file.read_text(encoding="utf-8") == text, "`make ids` waits for the release"
    release(project)
    addresses.main(project)
    assert list(addresses.problems(read_book(project), project)) == []
    changes.write_text("## 0.2.0 (unreleased)\n\n" + changes.read_text(encoding="utf-8"), encoding="utf-8")
    (lost,) = rename("ex-middle", "ex-centre")
    assert "#ex-middle is gone" in lost, "what was released binds in the next version"


@pytest.mark.parametrize(
    "lines, sentence",
    [
        ("book/02-shift-invariance#thm-lost\n", "thm-lost is gone"),
        ("book/02-shift-invariance#thm-lost -> book/02-shift-invariance#thm-nowhere\n", "which is not there"),
        ("book/02-shift-invariance#thm-lost -> " + RENAMED + "\n", None),
    ],
)
def test_a_line_of_the_file_that_leads_nowhere(project, lines, sentence):
    file = project / addresses.FILE
    file.write_text(file.read_text(encoding="utf-8") + lines, encoding="utf-8")
    found = of_ids(project)
    assert [sentence in line for line in found] == [True] if sentence else found == []


def test_an_address_is_not_both_used_and_redirected(project):
    file = project / addresses.FILE
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(RENAMED + "\n", f"{RENAMED} -> book/08-jacobian#thm-jacobian\n"))
    assert of_ids(project) == [f"{addresses.FILE}: {RENAMED} is in use, and redirected."]
    file.write_text(text + RENAMED + "\n")
    with pytest.raises(BookError, match="stands there twice"):
        addresses.read_frozen(project)


def test_an_old_claim_is_found_beside_the_new_one(project):
    file = project / addresses.FILE
    file.write_text("book/errata#claim-003-0 -> book/errata#claim-003-1\n")
    card = nodes.container("", nodes.paragraph("", "003-1"), ids=["claim-003-1"])
    page = nodes.section("", card)
    env = SimpleNamespace(docname="book/errata", note_dependency=lambda path: None)
    keep_old_anchors(SimpleNamespace(env=env, srcdir=project), page)
    assert page[0]["ids"] == ["claim-003-0"] and page[1] is card


def test_every_kind_of_label_has_an_address():
    text = "```{prf:theorem} A\n:label: thm-a\n```\n\n```{math}\n:label: eq-b\nx\n```\n\n$$ x $$ (eq-c)\n"
    cells = [
        Cell("book/00-chapter.ipynb", (0, 0), "text", "markdown", text, {}),
        Cell("book/00-chapter.ipynb", (0, 1), "draws", "code", "#| figure fig-d: A caption.\nx", {}),
    ]
    chapter = SimpleNamespace(slug="00-chapter", cells=cells)
    anchors = {address.removeprefix("book/00-chapter#") for address in addresses.of_chapters([chapter])}
    assert anchors == {"thm-a", "equation-eq-b", "equation-eq-c", "fig-d"}


# --- The citation file, by the rules of the Citation File Format 1.2.0

REQUIRED = {"authors", "cff-version", "message", "title"}
ALLOWED = REQUIRED | {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license",
    "license-url", "preferred-citation", "references", "repository", "repository-artifact",
    "repository-code", "type", "url", "version",
}  # fmt: skip


def cff_problems(text):
    """What breaks the format, in the fields that this project uses or may come to use."""
    data = yaml.safe_load(text)
    yield from (f"no {name}" for name in REQUIRED - data.keys())
    yield from (f"unknown field {name}" for name in data.keys() - ALLOWED)
    for name in ("cff-version", "message", "title", "version", "abstract", "url", "repository-code"):
        if name in data and not (isinstance(data[name], str) and data[name]):
            yield f"{name} is not a text"
    if data.get("cff-version") != "1.2.0":
        yield "not of version 1.2.0"
    if data.get("type", "software") not in ("software", "dataset"):
        yield "type is neither software nor dataset"
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", str(data.get("date-released", "2000-01-01"))):
        yield "date-released is no date"
    for name in ("authors", "keywords", "license"):
        values = data.get(name, ["none"])
        if not isinstance(values, list) or not values or any(values.count(value) > 1 for value in values):
            yield f"{name} is not a list of different entries"
    for author in data.get("authors") or []:
        if not isinstance(author, dict) or not {"name", "family-names", "given-names"} & author.keys():
            yield "an author without a name"


def test_the_citation_file_keeps_to_its_format():
    assert list(cff_problems((ROOT / "CITATION.cff").read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "old, new, sentence",
    [
        ("message:", "mesage:", "no message"),
        ("1.2.0", "1.1.0", "not of version 1.2.0"),
        ("version: 0.1.0", "version: 0.1", "version is not a text"),
        ("type: software", "type: book", "type is neither software nor dataset"),
        ("date-released: ", "date-released: about ", "date-released is no date"),
        ("  - logsumexp", "  - softmax", "keywords is not a list of different entries"),
        ('name: "The softlit authors"', "alias: softlit", "an author without a name"),
    ],
)
def test_a_fault_in_the_citation_file_is_seen(old, new, sentence):
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert old in text and sentence in list(cff_problems(text.replace(old, new)))
