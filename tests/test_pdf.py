"""The book as PDF: complete, numbered as the site is, and readable on every page.

A machine without XeLaTeX skips the tests of the PDF with a sentence, unless the environment variable
SOFTLIT_LATEX is "required", as in .ci/run.
"""

import os
import re
import subprocess
import sys
import time
import unicodedata
from io import BytesIO

import pypdf
import pytest
import yaml

from literate import ledger, references, rules
from literate.chapters import ROOT
from literate.exercises import exercises
from literate.paper import __main__ as pdf
from literate.site import citation

LOG = pdf.FOLDER / "latex" / "softlit.log"


@pytest.fixture(scope="module")
def paper():
    """The PDF, set anew from the stored outputs."""
    if missing := pdf.missing_packages():
        required = os.environ.get("SOFTLIT_LATEX") == "required"
        (pytest.fail if required else pytest.skip)(f"XeLaTeX needs the packages {', '.join(missing)}")
    # In a process of its own: Sphinx changes what other tests rely on.
    assert subprocess.run([sys.executable, "-m", "literate.paper"], cwd=ROOT).returncode == 0
    return pypdf.PdfReader(pdf.RESULT)


@pytest.fixture(scope="module")
def pages(paper):
    """The text of each page, with single spaces and without ligatures."""
    return [" ".join(unicodedata.normalize("NFKC", page.extract_text()).split()) for page in paper.pages]


def bookmarks(reader, items=None, depth=0):
    """The depth, title and page number of each bookmark."""
    for item in reader.outline if items is None else items:
        if isinstance(item, list):
            yield from bookmarks(reader, item, depth + 1)
        else:
            yield depth, item.title, reader.get_destination_page_number(item)


def resources(page, kind):
    return {name: item.get_object() for name, item in page["/Resources"].get(kind, {}).items()}


def test_the_title_the_author_and_the_date_of_the_commit(paper, pages):
    assert paper.metadata.title == "softlit: the softmax function, derived and checked"
    assert paper.metadata.author == "The softlit authors"
    if epoch := os.environ.get("SOURCE_DATE_EPOCH") or citation.commit_date(ROOT, "%ct"):
        day = time.gmtime(int(epoch))
        assert paper.metadata["/CreationDate"].startswith(time.strftime("D:%Y%m%d%H%M%S", day))
        assert time.strftime("%b %d, %Y", day) in pages[0]


def test_bookmarks_are_the_parts_and_their_chapters(paper, book):
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    titles = {chapter.name.removesuffix(".ipynb"): chapter.title for chapter in book}
    wanted = []
    for part in toc["parts"]:
        wanted.append((0, part["caption"]))
        for entry in part["chapters"]:
            page = ROOT / f"{entry['file']}.md"
            title = titles.get(entry["file"]) or page.read_text(encoding="utf-8").splitlines()[0][2:]
            wanted.append((1, title))
    found = [(depth, title) for depth, title, _ in bookmarks(paper) if depth < 2]
    assert found == [*wanted, (1, "Solutions")]


def test_statements_have_the_numbers_of_the_site(pages, book):
    """test_site.py compares `statement_names` with the pages of the site."""
    text = " ".join(pages)
    statements = ledger.statements(book)
    for label, name in references.statement_names(book).items():
        assert f"{name} ({statements[label].title})" in text, label


def test_equations_have_the_numbers_of_the_site(pages, book):
    """LaTeX counts them itself; the label beside each is what the anchors of the site are made from."""
    auxiliary = LOG.with_suffix(".aux").read_text(encoding="utf-8")
    found = dict(re.findall(r"\\newlabel\{equation:book/[\w-]+:(eq-[\w-]+)\}\{\{([\da-z.]+)\}", auxiliary))
    assert found == references.equation_numbers(book)
    text = " ".join(pages)
    assert all(f"({number})" in text for number in found.values())


def letters(text):
    """What is left of a text whose lines, hyphens and quotation marks do not matter."""
    return re.sub(r"[^A-Za-z]", "", text)


def test_notes_of_the_margin_are_there(pages, book):
    text = letters("".join(pages))
    notes = [note.body for chapter in book for note in rules.side_notes(chapter)]
    assert len(notes) > 20
    for note in notes:
        for words in re.split(r"\$[^$]*\$|\{[\w:]+\}`[^`]*`|\]\([^)]*\)", note):  # an address is no text
            assert letters(words) in text, note


def test_every_exercise_is_solved_at_the_back(paper, pages, book):
    (start,) = (page for depth, title, page in bookmarks(paper) if (depth, title) == (1, "Solutions"))
    assert start > 0.9 * len(pages)
    body, back = " ".join(pages[:start]), " ".join(pages[start:])
    for chapter in book:
        for exercise in exercises(chapter):
            assert f"Exercise {exercise.number} " in body
            assert f"Solution to Exercise {exercise.number} " in back
            assert f"Solution to Exercise {exercise.number} " not in body


def test_every_figure_of_the_chapters_is_there(paper, book):
    """Each chapter begins on a page of its own, so that its pictures can be counted."""
    starts = [(title, page) for depth, title, page in bookmarks(paper) if depth == 1]
    ends = dict(zip([title for title, _ in starts], [page for _, page in starts[1:]] + [None], strict=True))
    for chapter in book:
        shown = paper.pages[dict(starts)[chapter.title] : ends[chapter.title]]
        pictures = sum(
            item.get("/Subtype") == "/Image"
            for page in shown
            for item in resources(page, "/XObject").values()
        )
        outputs = (output for cell in chapter.code_cells for output in cell.outputs)
        assert pictures == sum("image/png" in output.get("data", {}) for output in outputs), chapter.name


def empty(reader, texts):
    """The numbers of the pages that hold neither a picture nor more text than the running heads."""
    for number, (page, text) in enumerate(zip(reader.pages, texts, strict=True), start=1):
        if len(text.split()) < 15 and not resources(page, "/XObject"):
            yield number


def test_no_page_is_empty(paper, pages):
    assert list(empty(paper, pages)) == []


def test_an_empty_page_is_seen():
    writer, file = pypdf.PdfWriter(), BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(file)
    assert list(empty(pypdf.PdfReader(file), ["1.2. The running head of an empty page  17"])) == [1]


def test_all_fonts_are_embedded(paper):
    for page in paper.pages:
        for font in resources(page, "/Font").values():
            for inner in font.get("/DescendantFonts", [font]):
                descriptor = inner.get_object()["/FontDescriptor"].get_object()
                assert {"/FontFile", "/FontFile2", "/FontFile3"} & descriptor.keys(), font["/BaseFont"]


def test_links_lead_somewhere(paper):
    goals, inner = paper.named_destinations, 0
    for page in paper.pages:
        for link in page.get("/Annots", ()):
            action = link.get_object().get("/A", {})
            goal = action.get("/D", link.get_object().get("/Dest"))
            if goal is not None:
                assert not isinstance(goal, str) or goal in goals, goal
                inner += 1
            else:
                assert str(action["/URI"]).startswith("http"), action
    assert inner > 500


def problems(log, bound=12):
    """Characters without a glyph, references without a goal; lines and pages over `bound` points too long."""
    log = log.replace("\n", "")  # TeX breaks its lines anywhere
    yield from re.findall(
        r"Missing character: There is no \S+|[Rr]eference `[^']*' on page \d+ undefined", log
    )
    for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log):
        if float(width) > bound:
            yield f"a line is {width} pt too long"
    for height in re.findall(r"Overfull \\vbox \(([\d.]+)pt too high\)", log):
        if float(height) > bound:
            yield f"a page is {height} pt too long"


def test_the_log_tells_of_no_missing_glyph_no_open_reference_no_long_line_and_no_long_page(paper):
    assert list(problems(LOG.read_text(encoding="utf-8", errors="replace"))) == []


def test_what_the_log_tells_is_seen():
    log = (
        "Missing character: There is no ∮ (U+222E) in font\n"
        "Overfull \\hbox (11.0pt too wide) in paragr\naph\n"
        "LaTeX Warning: Hyper reference `thm-x' on page 3 undef\nined\nOverfull \\hbox (30.5pt too wide)\n"
        "Overfull \\vbox (7.6pt too high) detected at line 1\nOverfull \\vbox (170.9pt too high) has occurred"
    )
    assert list(problems(log)) == [
        "Missing character: There is no ∮",
        "reference `thm-x' on page 3 undefined",
        "a line is 30.5 pt too long",
        "a page is 170.9 pt too long",
    ]


def test_a_machine_without_latex_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(pdf.shutil, "which", lambda program: None)
    monkeypatch.setattr(pdf, "FOLDER", tmp_path / "pdf")
    monkeypatch.setattr(pdf, "RESULT", tmp_path / "softlit.pdf")
    with pytest.raises(SystemExit) as stop:
        pdf.main()
    for package in {*pdf.PROGRAMS.values(), *pdf.FILES.values()}:
        assert package in stop.value.code
    assert "apt-get install" in stop.value.code
    assert not list(tmp_path.iterdir())


def test_the_debian_packages_stand_in_one_place(capsys):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf.shutil, "which", lambda program: None)
        pdf.main(["--packages"])
    packages = {*pdf.PROGRAMS.values(), *pdf.FILES.values()}
    assert set(capsys.readouterr().out.split()) == packages
    for name in (".ci/run", ".github/workflows/release.yml"):
        script = (ROOT / name).read_text(encoding="utf-8")
        assert "literate.paper --packages" in script and not any(package in script for package in packages)
