"""What the site gains when the owner sets its addresses, and what it lacks until then: two small sites."""

import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
import yaml
from lxml import html

import softlit
from literate import addresses, install_cell
from literate.chapters import ROOT
from literate.execute import METADATA, kernel_environment

REPOSITORY, SITE = "https://github.com/OWNER/NAME", "https://site.example/softlit"
PAGE = "book/01-one.html"
OLD = "book/01-one#thm-old -> book/01-one#thm-new\nbook/01-one#thm-left -> book/02-two#thm-other\n"


def write_book(root, first, second):
    """A book of two chapters, with the settings of this one, and one cell of code in each."""
    for name in ("pyproject.toml", "_config.yml"):
        shutil.copy(ROOT / name, root)
    for name in ("book/web", "literate/site/templates"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "book/references.bib", root / "book")
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n- file: book/01-one\n- file: book/02-two\n"
    )
    (root / "book/index.md").write_text("# A book\n\nIt has two chapters.\n")
    (root / addresses.FILE).write_text(OLD)
    for name, label, code in (("01-one", "thm-new", first), ("02-two", "thm-other", second)):
        text = f"# The chapter\n\nIts first sentence.\n\n```{{prf:theorem}} A\n:label: {label}\nTrue.\n```\n"
        cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code, id="one")]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=nbformat.from_dict(METADATA))
        install_cell.place(notebook)
        nbformat.write(notebook, root / f"book/{name}.ipynb")


def run_build(root, first, second, **settings):
    """Build a small book with further settings, and execute it."""
    write_book(root, first, second)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    for name, more in settings.items():
        config[name] |= more
    (root / "_config.yml").write_text(yaml.safe_dump(config, sort_keys=False))
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "-W", "-n", "--keep-going"]
    return subprocess.run(
        [*command, "--quiet"], cwd=root, env=kernel_environment(), capture_output=True, text=True
    )


def build(root, **settings):
    """Build a small book without a warning; returns the folder of the site."""
    result = run_build(root, "6 * 7", "6 * 7", **settings)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    lines = [re.fullmatch(r"(book/\S+) +\d+\.\d s", line) for line in result.stderr.splitlines()]
    assert all(lines), f"something else than a line a page: {result.stderr}"
    assert [line[1] for line in lines] == ["book/01-one", "book/02-two", "book/index"]
    return root / "_build/html"


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    return build(tmp_path_factory.mktemp("private"), execute={"exclude_patterns": ["02-two.ipynb"]})


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    places = {"repository": {"url": REPOSITORY}, "html": {"baseurl": SITE}}
    unexecuted = {"exclude_patterns": ["*.ipynb"]}  # no test asks for the outputs
    return build(tmp_path_factory.mktemp("public"), execute=unexecuted, **places)


def page(site, name=PAGE):
    return html.parse(str(site / name)).getroot()


def tags(site, name=PAGE):
    """The tags in the head of a page, by name or property."""
    metas = page(site, name).xpath("//head/meta[@content]")
    return {meta.get("name") or meta.get("property"): meta.get("content") for meta in metas}


def launches(site):
    return page(site).xpath("//div[contains(@class, 'dropdown-launch-buttons')]//a/@href")


def test_nothing_leads_to_an_address_that_is_not_there(private):
    assert launches(private) == []
    assert not (private / "sitemap.xml").exists()
    assert "og:url" not in tags(private) and "citation_public_url" not in tags(private)
    assert not page(private).xpath("//link[@rel='canonical']")
    assert "url" not in page(private).get_element_by_id("cite").text_content()


def test_a_build_executes_the_chapters(private):
    (cell,) = page(private).xpath("//*[@id='cell-one']")
    assert cell.xpath(".//div[contains(@class, 'cell_output')]")[0].text_content().strip() == "42"


def test_a_build_warns_of_what_a_cell_warns_of_and_stops_at_an_error(tmp_path):
    """Every build turns warnings into errors."""
    result = run_build(tmp_path, "import sys; print('careful', file=sys.stderr)", "1 / 0")
    assert result.returncode and "ZeroDivisionError" in result.stderr
    assert re.search(r"01-one\.ipynb.*WARNING: stderr was found", result.stderr)


def test_launch_buttons_lead_to_the_chapter(public):
    chapter = "OWNER/NAME/main?urlpath=lab/tree/book/01-one.ipynb"
    assert launches(public) == [
        f"https://mybinder.org/v2/gh/{chapter}",
        "https://colab.research.google.com/github/OWNER/NAME/blob/main/book/01-one.ipynb",
    ]
    icons = page(public).xpath("//div[contains(@class, 'dropdown-launch-buttons')]//img/@src")
    assert icons and all((public / "book" / icon).exists() for icon in icons), "the pictures are served here"


def test_binder_finds_what_it_installs():
    folder = ROOT / ".binder"
    assert (folder / "requirements.txt").read_text().splitlines()[-1] == "-r ../requirements.txt"
    lowest = tuple(map(int, (folder / "runtime.txt").read_text().strip().removeprefix("python-").split(".")))
    assert lowest >= (3, 11)
    script = (folder / "postBuild").read_text()
    assert script.startswith("#!") and "pip install --no-deps --no-build-isolation -e ." in script
    assert os.name == "nt" or os.access(folder / "postBuild", os.X_OK)


def test_addresses_once_the_site_has_one(public):
    address = f"{SITE}/{PAGE}"
    seen = tags(public)
    assert seen["og:url"] == seen["citation_public_url"] == address
    assert page(public).xpath("//link[@rel='canonical']/@href") == [address]
    assert f"{{{address}}}" in page(public).get_element_by_id("cite").text_content()
    places = ElementTree.parse(public / "sitemap.xml").iterfind(".//{*}loc")
    names = ["book/01-one.html", "book/02-two.html", "book/index.html"]
    assert sorted(place.text for place in places) == [f"{SITE}/{name}" for name in names]


def test_what_is_shown_of_a_page_to_which_somebody_links(private):
    seen = tags(private)
    assert (seen["og:title"], seen["og:type"], seen["og:site_name"]) == ("The chapter", "article", "softlit")
    assert seen["og:description"] == seen["description"] == "Its first sentence."
    assert seen["og:image"] == "../_static/card.png", "of no use to some, until the site has an address"


def test_the_picture_of_a_shared_link_has_the_address_of_the_site(public):
    seen = tags(public)
    assert seen["og:image"] == f"{SITE}/_static/card.png"
    assert (seen["og:image:width"], seen["og:image:height"]) == ("1200", "630")
    picture = (public / "_static/card.png").read_bytes()
    assert struct.unpack(">II", picture[16:24]) == (1200, 630)


def relative_links(page):
    addresses = page.xpath("//@href | //@src | //@action | //html/@data-content_root")
    return [address for address in addresses if not re.match(r"#|[a-z]+:", address)]


def test_the_page_for_what_is_missing_is_whole_at_any_address(private, public):
    assert relative_links(page(public, "404.html")) == []
    assert f"{SITE}/book/index.html" in page(public, "404.html").xpath("//main//a/@href")
    assert f"{SITE}/search.html" in page(public, "404.html").xpath("//main//form/@action")
    assert "book/index.html" in relative_links(page(private, "404.html"))
    assert not (public / "downloads").exists(), "no package, nothing to take home"


def test_without_git_the_version_stands_alone(private):
    footer = page(private).xpath("//*[@class='extra_footer']")[0].text_content().strip()
    assert footer == f"softlit {softlit.__version__}"


def test_an_id_that_was_given_up_still_leads_to_its_successor(private):
    (old,) = page(private).xpath("//*[@id='thm-old']")
    assert old.getnext().get("id") == "thm-new"
    (moved,) = page(private).xpath("//*[@id='thm-left']/following::p[1]")
    assert moved.text_content() == "thm-left is now thm-other"
    assert moved.xpath(".//a/@href") == ["02-two.html#thm-other"]
