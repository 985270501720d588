"""What literate/site/repairs.py mends is still broken in the packages, and whole on the pages."""

import inspect
from importlib.metadata import version

import pytest
from docutils import nodes
from docutils.utils import new_document
from packaging.version import Version
from sphinx import addnodes
from sphinx_book_theme import header_buttons
from sphinx_exercise import post_transforms
from sphinx_proof import directive
from sphinx_proof.nodes import proof_node

from literate import build
from literate.site import numbers, repairs


@pytest.mark.parametrize(
    "cause", [*repairs.REPAIRS, *repairs.REPLACEMENTS], ids=lambda cause: f"{cause.package}-{cause.line[:30]}"
)
def test_the_package_still_does_what_is_mended(cause):
    assert cause.is_needed, f"{cause.seen} had {cause.line!r}, which is gone: what mends it can go, too"


@pytest.mark.parametrize(
    "repair", repairs.REPAIRS, ids=lambda repair: f"{repair.package}-{repair.found[:30]}"
)
def test_the_pages_show_every_repair_and_no_fault(site, repair):
    pages = [(build.SITE / name).read_text(encoding="utf-8") for name in site if name != "index.html"]
    assert any(repair.better in page for page in pages)
    assert not any(repair.found in page for page in pages)
    assert repairs.mended(repair.found) == repair.better != repair.found


def test_each_cause_names_a_release_that_is_no_newer_than_the_one_here():
    for cause in (*repairs.REPAIRS, *repairs.REPLACEMENTS):
        name, seen = cause.seen.split()
        assert Version(seen) <= Version(version(name)), cause.seen


def test_a_page_is_mended_once():
    page = "".join(repair.found for repair in repairs.REPAIRS)
    assert repairs.mended(repairs.mended(page)) == repairs.mended(page)


def test_a_repair_whose_cause_is_gone_is_seen():
    assert not repairs.Repair("", "sphinx", "__init__.py", "no such line", "a", "b").is_needed
    there = "__display_version__"
    assert repairs.Cause("", "sphinx", "__init__.py", there).is_needed
    assert not repairs.Cause("", "sphinx", "__init__.py", there, mended="__version__").is_needed


def tree(*children):
    document = new_document("page")
    document += children
    return document


def test_ids_that_packages_repeat_become_unique():
    assert 'ids=["proof-content"]' in inspect.getsource(directive), "sphinx-proof no longer repeats it"
    contents = [nodes.section(ids=["proof-content"]) for _ in range(2)]
    cited = [addnodes.pending_xref("", refdomain="citation", ids=["id1"]) for _ in range(3)]
    repairs.make_ids_unique(tree(*contents, *cited))
    found = [node["ids"][0] for node in (*contents, *cited)]
    assert len(set(found)) == 5 and found[2] == "id1", "the first keeps its name"


def test_no_page_has_an_id_twice(site):
    for name, page in site.items():
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids)), name


def test_a_proof_begins_in_italics_and_citations_are_short():
    proof = proof_node("", nodes.paragraph("", "Proof. By hand."))
    cited = addnodes.pending_xref("", nodes.inline("", "[R123abc-1]"), refdomain="citation", ids=[])
    document = tree(proof, cited)
    repairs.mend_tree(None, document)
    assert [type(node) for node in proof[0]] == [nodes.emphasis, nodes.Text]
    assert proof.astext() == "Proof. By hand." and cited.astext() == "[1]"


def test_a_page_is_read_once_for_all_links_to_its_numbers():
    class Environment:
        def get_doctree(self, name):
            read.append(name)
            return f"tree of {name}"

    read, env = [], Environment()
    resolve = numbers.read_each_page_once(lambda domain, env, name: env.get_doctree(name))
    pages = ["one", "two", "one", "one", "two"]
    assert [resolve(None, env, name) for name in pages] == [f"tree of {name}" for name in pages]
    assert read == ["one", "two"]
    assert resolve(None, Environment(), "one") and read[2:] == ["one"], "of another build"
    assert env.get_doctree("one") and read[3:] == ["one"], "others get a tree of their own"


def test_titles_of_solutions_link_the_exercise_without_the_blank(site):
    assert '" " + exercise_title' in inspect.getsource(post_transforms), "the blank is no longer in the link"
    count = 0
    for name, page in site.items():
        for title in page.xpath("//main//*[contains(@class, 'solution')]/p[@class='admonition-title']"):
            assert title.text == "Solution to " and title.find("a").text.startswith("Exercise "), name
            count += 1
    assert count > 30


def test_the_menu_of_a_page_says_what_its_entries_do(site):
    assert '"text": ".pdf"' in inspect.getsource(header_buttons), "the theme has other names now"
    for name, page in site.items():
        entries = [text.strip() for text in page.xpath("//*[@class='btn__text-container']/text()")]
        source = {"md": "Download source", "ipynb": "Download notebook"}
        suffix = page.xpath("//a[contains(@class, 'btn-download-source-button')]/@href")
        assert entries == ([source[suffix[0].rpartition(".")[2]], "Print"] if suffix else []), name
        assert len(page.xpath("//a[contains(@class, 'btn-download-source-button')][@download]")) == len(
            suffix
        )
