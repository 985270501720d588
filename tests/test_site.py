"""The built site: complete, self-contained, with every link and anchor resolving and all formulas typeset."""

import copy
import os
import re
import shutil
import zipfile
from collections import Counter
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from docutils import nodes
from lxml import html
from myst_nb.core.utils import coalesce_streams
from pybtex.database import parse_string

import softlit
from literate import addresses, build, install_cell, ledger, references, rules, sheets
from literate.chapters import ROOT, number_of, toc_files
from literate.exercises import exercises
from literate.site import citation, downloads, repairs, sharing
from literate.tangle import definitions


@pytest.fixture(scope="module")
def chapters(site, book):
    return {chapter.slug: site[chapter.name.replace(".ipynb", ".html")] for chapter in book}


def test_every_entry_of_the_contents_is_a_page(site):
    for entry in toc_files():
        assert f"{entry}.html" in site
        assert site[f"{entry}.html"].findtext(".//title").strip()
    assert "url=book/index.html" in html.tostring(site["index.html"]).decode()


FETCHED = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "manifest"}


def requests(page):
    """The addresses that a browser fetches by itself: scripts, styles, pictures, fonts, frames."""
    for element in page.iter(
        "script", "img", "iframe", "source", "video", "audio", "embed", "object", "link"
    ):
        if element.tag == "link" and not FETCHED & set(element.get("rel", "").split()):
            continue
        yield element.get("src") or element.get("href") or element.get("data") or ""


def foreign(addresses):
    return sorted({address for address in addresses if urlsplit(address).netloc})


def test_no_page_fetches_anything_from_another_host(site):
    for name, page in site.items():
        assert foreign(requests(page)) == [], name
        for inline in page.xpath("//script[not(@src)]/text()"):
            assert not re.search(r"""(import|fetch|src\s*=)\s*\(?\s*["'`](https?:)?//""", inline), name


def test_no_style_sheet_fetches_anything_from_another_host():
    for path in build.SITE.rglob("*.css"):
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not re.search(r"""(url\(\s*|@import\s+)["']?(https?:)?//""", text), path.name


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example.org/x.css">',
        '<img src="http://example.org/x.png">',
    ],
)
def test_a_planted_outside_address_is_seen(tag):
    page = html.fromstring(
        f"<html><head></head><body>{tag}<a href='https://example.org'>a link is fine</a></body></html>"
    )
    assert len(foreign(requests(page))) == 1


def test_every_internal_link_and_anchor_resolves(site):
    anchors = {name: {*page.xpath("//@id"), *page.xpath("//a/@name")} for name, page in site.items()}
    for name, page in site.items():
        for link in page.xpath("//a/@href"):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not link:
                continue
            target = (build.SITE / name).parent / unquote(parts.path) if parts.path else build.SITE / name
            assert target.exists(), f"{name}: {link}"
            key = target.resolve().relative_to(build.SITE.resolve()).as_posix()
            if parts.fragment and key in anchors:
                assert unquote(parts.fragment) in anchors[key], f"{name}: {link}"


def test_all_formulas_are_typeset_while_building(chapters):
    for slug, page in chapters.items():
        formulas = page.xpath("//*[contains(concat(' ', @class, ' '), ' math ')]")
        typeset = [formula for formula in formulas if formula.xpath(".//*[contains(@class, 'katex')]")]
        assert formulas and len(typeset) == len(formulas), slug
        assert not page.xpath("//*[contains(@class, 'katex-error')]"), slug
        assert page.xpath("//*[local-name()='math']"), f"{slug}: no MathML for screen readers"


def test_every_exported_cell_says_where_it_goes(chapters, book):
    for chapter in book:
        page = chapters[chapter.slug]
        anchors = set(page.xpath("//@id"))
        for cell in chapter.code_cells[1:]:  # the first one installs what is missing: not for the page
            assert f"cell-{cell.id}" in anchors, cell.where
        captions = [element.text_content() for element in page.xpath("//*[contains(@class, 'becomes')]")]
        wanted = [f"softlit/{cell.module.replace('.', '/')}.py" for cell in chapter.code_cells if cell.module]
        assert [re.search(r"softlit/\S+\.py", caption)[0] for caption in captions] == wanted
        assert "#| export" not in page.text_content(), chapter.name


def test_every_picture_has_its_alternative_text_and_a_caption(chapters, book):
    for chapter in book:
        stored = [
            output.metadata["image/png"]["alt"]
            for cell in chapter.code_cells
            for output in cell.outputs
            if "image/png" in output.get("data", {})
        ]
        # A figure of several panels has its text on the first one.
        shown = [alt for alt in chapters[chapter.slug].xpath("//main//figure//img/@alt") if alt]
        assert shown == stored, chapter.name
        assert len(chapters[chapter.slug].xpath("//main//figcaption")) >= len(stored)


def test_chapters_carry_the_number_of_their_file(chapters):
    for slug, page in chapters.items():
        title = page.xpath("//main//section/h1")[0].text_content()
        assert title.startswith(f"{number_of(slug)}. "), title


def test_the_exercise_sheets_are_those_of_the_chapters_and_every_chapter_links_its_own(chapters, book):
    for name, notebook in sheets.sheets(book):
        assert nbformat.reads((build.SITE / "sheets" / name).read_text(encoding="utf-8"), 4) == notebook
    for slug, page in chapters.items():
        links = page.xpath("//main//a[@download and contains(@class, 'reference')]/@href")
        assert links == [f"../sheets/{slug}.ipynb", f"../sheets/{slug}-solutions.ipynb"]


def test_numbers_on_the_sheets_are_those_of_the_site(chapters, book):
    def title(chapter, label):
        text = chapters[chapter.slug].xpath(f"//*[@id='{label}']/p")[0].text_content()
        return re.split(r"[(#]", text)[0].strip()  # without its name and the sign of its address

    statements = ledger.statements(book)
    for label, name in references.statement_names(book).items():
        assert title(statements[label].chapter, label) == name
    for chapter in book:
        for exercise in exercises(chapter):
            assert title(chapter, exercise.label) == f"Exercise {exercise.number}"


def test_labelled_equations_have_their_number_and_a_link_to_cite(chapters, book):
    numbers = references.equation_numbers(book)
    for chapter in book:
        page = chapters[chapter.slug]
        labels = list(filter(addresses.is_equation, addresses.labels(chapter)))
        assert labels, chapter.name
        for label in labels:
            equation = page.get_element_by_id(addresses.anchor(label))
            (number,) = equation.find_class("eqno")
            assert number.text == f"({numbers[label]})"
            assert number.find("a").get("href") == f"#{addresses.anchor(label)}"
        assert len(page.find_class("eqno")) == len(labels), chapter.name


def test_references_to_equations_show_their_number(site, book):
    names = {addresses.anchor(label): number for label, number in references.equation_numbers(book).items()}
    referred = set()
    for name, page in site.items():
        for link in page.xpath("//main//a[contains(@href, '#equation-') and not(@class='headerlink')]"):
            anchor = link.get("href").rpartition("#")[2]
            if link.text_content() == anchor:  # in the line of an address that was given up
                continue
            assert link.text_content() == f"({names[anchor]})", name
            referred.add(anchor)
    assert len(referred) > 30


def test_every_chapter_uses_its_margin(chapters, book):
    for chapter in book:
        notes = chapters[chapter.slug].xpath("//main//div[contains(@class, 'margin admonition')]")
        assert len(notes) == len(rules.side_notes(chapter)), chapter.name


def test_the_ledger_and_the_errata_name_every_theorem_and_claim(site, book):
    text = site["book/ledger.html"].text_content()
    for statement in ledger.statements(book).values():
        assert statement.title in text or not statement.needs_proof
    settled = ledger.tagged_cells(book)
    cards = site["book/errata.html"].xpath("//main//div[contains(@class, 'claim-card')]")
    cards = {card.get("id"): card for card in cards}
    for claim in ledger.read_claims():
        card = cards.pop(f"claim-{claim['id']}")
        assert card.xpath(".//code")[0].text_content() == claim["id"]
        assert card.xpath("./p[1]/strong")[0].text_content() == claim["verdict"], claim["id"]
        assert claim["verdict"].replace(" ", "-") in card.get("class").split()
        anchors = {link.rpartition("#")[2] for link in card.xpath(".//a/@href")}
        assert f"claim-{claim['id']}" in anchors, "a sign to copy the address"
        assert {f"cell-{cell.id}" for cell in settled["source", claim["id"]]} <= anchors, claim["id"]
    assert not cards


def test_the_ledger_shows_each_theorem_with_what_it_says_and_both_ticks(site, book):
    proofs = ledger.proofs(book)
    rows = {
        link.rpartition("#")[2]: row
        for row in site["book/ledger.html"].xpath("//main//tbody/tr")
        for link in row.xpath("./td[1]//a[1]/@href")
    }
    wanted = [one for one in ledger.statements(book).values() if one.needs_proof]
    assert rows.keys() == {one.label for one in wanted}
    for statement in wanted:
        row, (says, _) = rows[statement.label], proofs[statement.label]
        assert len(row.xpath("./td[1]//*[contains(@class, 'math')]/*[@class='katex']")) >= says.count("$") / 2
        for column, role in ((2, "derive"), (3, "check")):
            cell = row.xpath(f"./td[{column}]")[0]
            assert cell.text_content().startswith("✓") and cell.xpath(".//a[contains(@href, '#cell-')]"), role


def test_a_badge_and_a_box_lead_to_their_claim_on_the_errata_page(site, chapters, book):
    for chapter in book:
        page = chapters[chapter.slug]
        wanted = {
            f"errata.html#claim-{target}"
            for cell in chapter.code_cells
            for role, target in cell.claims
            if role == "source"
        }
        assert set(page.xpath("//main//*[contains(@class, 'claim source')]//a/@href")) == wanted
        boxes = page.xpath("//div[contains(@class, 'admonition')]")
        for box in (box for box in boxes if {"erratum", "condition"} & set(box.get("class").split())):
            named = [link for link in box.xpath(".//a/@href") if link.startswith("errata.html#claim-")]
            assert named, box.text_content()
            for link in named:
                card = site["book/errata.html"].get_element_by_id(link.partition("#")[2])
                assert "claim-card" in card.get("class")


def test_the_errata_count_what_the_claims_say(site):
    counts = Counter(row["verdict"] for row in ledger.read_claims())
    (table,) = site["book/errata.html"].xpath("//main//table")
    shown = {row[0].text_content().strip(): int(row[2].text_content()) for row in table.xpath("./tbody/tr")}
    assert shown == {verdict: counts[verdict] for verdict in ledger.VERDICTS} | {"all": counts.total()}
    buttons = site["book/errata.html"].xpath("//fieldset//label")
    told = [re.fullmatch(r"(.+) (\d+)", button.text_content()).groups() for button in buttons]
    assert {words: int(count) for words, count in told} == {
        key: count for key, count in shown.items() if count
    }
    tallies = site["book/errata.html"].xpath("//main//p[contains(., ' entries: ')]")
    assert sum(int(tally.text_content().split()[0]) for tally in tallies) == counts.total()
    for verdict, count in counts.items():
        given = (re.search(rf"(\d+) {verdict}[,.]", tally.text_content()) for tally in tallies)
        assert sum(int(found[1]) for found in given if found) == count, verdict


def test_the_errata_lead_to_the_documents_and_name_them(site):
    page = site["book/errata.html"]
    titles = [head.text_content().rstrip("#") for head in page.xpath("//main//h2")]
    for words in ("Cross Validated", "Hashir Ahmad", "Heedong Park", "an appendix of lecture notes"):
        assert any(words in title for title in titles), words
    outside = {urlsplit(link).netloc for link in page.xpath("//main//article//a/@href")} - {""}
    assert outside == {"stats.stackexchange.com", "github.com"}
    for source in sorted(ledger.SOURCES):
        assert page.get_element_by_id(f"source-{source}") is not None


def test_every_chapter_is_offered_as_the_notebook_that_it_is(chapters, book):
    for chapter in book:
        page = chapters[chapter.slug]
        (link,) = page.xpath("//a[contains(@class, 'btn-download-source-button')]/@href")
        offered = (build.SITE / "book" / link).resolve()
        assert offered.suffix == ".ipynb" and offered.read_bytes() == chapter.path.read_bytes()
        assert not page.get_element_by_id(f"cell-{install_cell.CELL_ID}", False), (
            "nothing to install on a page"
        )


def test_no_page_leads_to_a_service_that_cannot_find_the_book(site):
    for name, page in site.items():
        assert not page.xpath("//*[contains(@class, 'launch-buttons')]"), name


def test_every_frozen_id_is_an_anchor_of_its_page(site):
    anchors = {name: set(page.xpath("//@id")) for name, page in site.items()}
    for address in addresses.read_frozen():
        page, _, anchor = address.partition("#")
        assert anchor in anchors[f"{page}.html"], address


def test_every_page_says_how_to_cite_it_and_of_which_version_it_is(site, book):
    version = ", ".join(filter(None, [softlit.__version__, citation.commit_date(ROOT)]))
    titles = {chapter.name.replace(".ipynb", ".html"): chapter.title for chapter in book}
    for name, page in site.items():
        if not name.startswith("book/"):
            continue
        ((key, entry),) = parse_string(
            page.get_element_by_id("cite").find(".//pre").text, "bibtex"
        ).entries.items()
        assert entry.fields["note"] == f"Version {version}", name
        assert page.xpath("//*[@class='extra_footer']")[0].text.strip() == f"softlit {version}"
        (cited,) = page.xpath("//meta[@name='citation_title']/@content")
        assert entry.fields["title"] == f"{{{cited}}}" and cited == titles.get(name, cited), name
        assert key == "softlit" or name in titles


def test_what_is_shown_of_a_shared_link_is_whole(site):
    for name, page in site.items():
        assert len(page.xpath("//meta[@name='viewport']")) == (name != "index.html"), name
        title = page.findtext(".//title")
        assert title.count("derived and checked") == 1, title
        if not name.startswith("book/"):
            continue
        (shown,) = page.xpath("//meta[@property='og:description']/@content")
        assert page.xpath("//meta[@name='description']/@content") == [shown], name
        assert len(shown) > 50 and re.fullmatch(r"[A-Z\w`].*[.?!]", shown), (name, shown)
        assert not re.search(r"[\\{}_^$]|\.\.\.$|\u2026$", shown), (name, shown)
        assert page.xpath("//meta[@property='og:image']/@content") == ["../_static/card.png"], name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (["One. Two! Three"], "One. Two!"),
        (["It has $N$ and $\\beta$ in it. But $e^x$ not. The end."], "It has N and β in it. The end."),
        (["It is a sum:", "of terms."], "It is a sum."),
        (["A long one " + "x" * 300 + ". Next."], "A long one " + "x" * 300 + "."),
        (["A. B" + "b" * 300 + ". C."], "A."),
    ],
)
def test_a_description_is_made_of_whole_sentences(text, said):
    section = nodes.section()
    for words in text:
        parts = re.split(r"\$(.*?)\$", words)
        paragraph = nodes.paragraph()
        paragraph += [nodes.math("", part) if k % 2 else nodes.Text(part) for k, part in enumerate(parts)]
        section += paragraph
    assert sharing.description(section) == said


def test_next_on_the_first_page_leads_where_that_page_says_to_start(site):
    page = site["book/index.html"]
    (start,) = page.xpath("//main//*[contains(text(), 'Start with')]//a[1]/@href")
    (following,) = page.xpath("//a[@class='right-next']/@href")
    assert start == following


# --- What one can take home


def test_the_wheel_and_the_project_are_there_to_download(site):
    for name in ("book/index.html", "book/api.html"):
        links = site[name].xpath("//main//ul[contains(@class, 'downloads')]//a/@href")
        files = [(build.SITE / name).parent / link for link in links]
        assert [file.suffix for file in files][:2] == [".whl", ".zip"] and all(
            file.exists() for file in files
        )
        assert f"pip install {files[0].name}" in site[name].text_content()
    assert files[0].name == install_cell.wheel(softlit.__version__)
    for number, file in enumerate(files[:2]):
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            names = set(archive.namelist())
        top = "" if number == 0 else f"{file.stem}/"
        assert f"{top}softlit/kernels.py" in names
        assert (f"{top}Makefile" in names) == (number == 1)
        assert not [name for name in names if re.search(r"_build|\.venv|__pycache__|\.git/", name)]


def small_project(root):
    """What stands for the project: a package that can be built, and a folder that was made."""
    for name in ("softlit", "benchmarks/results"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT", ".gitignore", "_config.yml"):
        shutil.copy(ROOT / name, root)
    for name in ("book", "literate", "_build", ".ci"):
        (root / name).mkdir()
    (root / ".ci/run").write_text("#!/bin/sh\n")
    (root / "_build/made").write_text("made")


def test_two_builds_give_the_same_bytes(tmp_path):
    made = []
    for count in (1, 2):
        root, out = tmp_path / f"copy-{count}", tmp_path / f"out-{count}"
        root.mkdir()
        out.mkdir()
        small_project(root)
        os.utime(root / "softlit" / "kernels.py", (1e9, 1e9 + count))  # each checkout has times of its own
        downloads.write_wheel(out, root, 1_700_000_000)
        downloads.write_zip(out / "softlit.zip", root, 1_700_000_000)
        made.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert made[0] == made[1] and len(made[0]) == 2
    with zipfile.ZipFile(out / "softlit.zip") as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
    assert entries["softlit/.ci/run"].external_attr >> 16 == 0o755
    assert entries["softlit/softlit/kernels.py"].date_time == (2023, 11, 14, 22, 13, 20)
    assert "softlit/_build/made" not in entries
    downloads.write_zip(out / "softlit.zip", root, 1_700_000_002)
    assert (out / "softlit.zip").read_bytes() != made[0]["softlit.zip"], "another commit, other bytes"


def test_the_pdf_is_offered_while_it_is_younger_than_the_chapters(tmp_path):
    small_project(tmp_path)
    assert "softlit.pdf" not in downloads.offered(tmp_path)
    pdf, chapter = tmp_path / downloads.PDF, tmp_path / "book/01-one.ipynb"
    pdf.write_bytes(b"%PDF")
    chapter.write_text("{}")
    os.utime(chapter, (1e9, 1e9))
    os.utime(tmp_path / "book", (1e9, 1e9))
    assert list(downloads.offered(tmp_path))[-1] == "softlit.pdf"
    os.utime(chapter, (4e9, 4e9))
    assert "softlit.pdf" not in downloads.offered(tmp_path), "it shows an older chapter"
    shutil.rmtree(tmp_path / "softlit")
    assert downloads.offered(tmp_path) == {}


def test_the_package_page_leads_back_to_the_cells(site, book):
    pages = [page for name, page in site.items() if name.startswith("book/api-")]
    links = {
        link.rpartition("#")[2]
        for page in pages
        for link in page.xpath("//a[contains(@class, 'reference')]/@href")
    }
    for definition in definitions(book):
        if definition.name in softlit.__all__:
            assert f"cell-{definition.cell.id}" in links, definition.name
            name = f"softlit.{definition.module}.{definition.name}"
            assert len([page for page in pages if page.xpath(f"//*[@id='{name}']")]) == 1, name


def test_printed_lines_are_those_of_the_cell_wherever_the_kernel_cut_them():
    def stream(text, name="stdout"):
        return nbformat.v4.new_output("stream", name=name, text=text)

    picture = nbformat.v4.new_output("display_data")
    cut = [stream("exact"), stream("   4.2\nlog"), stream("careful", "stderr"), picture, stream("  0\n")]
    given = copy.deepcopy(cut)
    wanted = [stream("exact   4.2\nlog  0\n"), stream("careful", "stderr"), picture]
    assert repairs.join_streams(cut) == wanted and cut == given
    assert repairs.join_streams([]) == repairs.join_streams(None) == []
    assert coalesce_streams(given)[0] != wanted[0], "myst-nb no longer breaks the line: use its own again"


def test_a_failed_build_is_not_green_the_second_time(tmp_path, monkeypatch):
    """The build forgets what it read when it fails; else Sphinx would skip the page and its warning."""
    memory = tmp_path / "_build" / ".doctrees"
    memory.mkdir(parents=True)
    monkeypatch.setattr(build, "ROOT", tmp_path)  # an empty folder: nothing to build
    assert build.build() != 0
    assert not memory.exists()
