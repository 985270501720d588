"""The pages of the package: each public name with all a reader needs, and links both ways with the cells."""

import ast
import copy
import re
from pathlib import PurePosixPath
from urllib.parse import urldefrag

import browser
import pytest
from conftest import cells_of
from lxml import html

import softlit
from literate import build, install_cell, ledger
from literate.chapters import ROOT, toc_files
from literate.names import public_names, shown, uses
from literate.site import api, api_pages
from literate.tangle import definitions, reexported

OVERVIEW = "book/api.html"
PAGES = [f"{entry}.html" for entry in toc_files() if entry.startswith("book/api")]
ENTRY = "dl[contains(@class, 'py')]"
LINK = "//a[@class='api-name']"


@pytest.fixture(scope="session")
def entries(site):
    """The entries of the pages by full name; those of methods are within that of their class."""
    found = [
        entry for page in PAGES for entry in site[page].xpath(f"//main//{ENTRY}[not(ancestor::{ENTRY})]")
    ]
    return {entry.xpath("./dt/@id")[0]: entry for entry in found}


@pytest.fixture(scope="session")
def homes(site):
    """The page of each entry, with its anchor: an address as other pages have it."""
    entries = {page: site[page].xpath(f"//main//{ENTRY}/dt/@id") for page in PAGES}
    return {name: f"{PurePosixPath(page).name}#{name}" for page, names in entries.items() for name in names}


@pytest.fixture(scope="session")
def statements(book):
    return ledger.statements(book)


# --- What an entry must have: each rule is a function of the entry that is false for one that lacks it


def field(entry, title):
    """The text of a field such as Returns, or of what follows a heading such as Notes."""
    for term in entry.xpath(".//dl[contains(@class, 'field-list')]/dt"):
        if term.text_content().strip(" :") == title:
            return term.getnext().text_content()
    headings = entry.xpath(f".//p[contains(@class, 'rubric')][normalize-space()='{title}']")
    return headings[0].getnext().text_content() if headings else ""


def links(entry, inside=""):
    return [link.get("href") for link in entry.xpath(f".{inside}//a[@href]")]


def formula(entry):
    """Typeset, above everything else."""
    return entry.xpath("./dd/div[contains(@class, 'math')]//*[local-name()='math']")


def parameters(entry):
    """Every argument of the signature is described."""
    described = {name for term in entry.xpath(".//dl/dt/strong/text()") for name in re.findall(r"\w+", term)}
    arguments = entry.xpath("./dt//em[@class='sig-param']/span[@class='n']")
    return {argument.text_content() for argument in arguments} <= described


def shapes(entry):
    return re.search(r"[Ss]hape|axes reduced|axes gone", field(entry, "Returns"))


def dtypes(entry):
    return re.search(r"float64|dtype|typed", field(entry, "Returns"))


def errors(entry):
    """Those that it can raise: of an axis, only if it has one."""
    raised = field(entry, "Raises")
    has_axis = "axis" in entry.xpath("string(./dt)")
    return "TypeError" in raised and ("AxisError" in raised or not has_axis)


def example(entry):
    """As a session, which the doctests run."""
    name = entry.xpath("./dt/@id")[0].rpartition(".")[2]
    return any(
        f"{name}(" in block.text_content() for block in entry.xpath(".//div[contains(@class, 'doctest')]")
    )


def see_also(entry):
    return links(entry, "//div[contains(@class, 'seealso')]")


def doi(entry):
    """A link to a work that is also in the bibliography."""
    known = (ROOT / "book" / "references.bib").read_text(encoding="utf-8").lower()
    found = [link.removeprefix("https://doi.org/") for link in links(entry) if "//doi.org/" in link]
    return found and all(one.lower().removeprefix("10.48550/arxiv.") in known for one in found)


def derivation(entry):
    """With the number of the chapter, and a link to a statement there."""
    number = re.search(r"Derived in chapter (\d\d[a-z]?)", entry.text_content())
    return number and any(
        PurePosixPath(link).name.startswith(f"{number[1]}-") and re.search("#(thm|def)-", link)
        for link in links(entry)
    )


def source(entry):
    return [link for link in links(entry, "/dt") if "#cell-" in link]


def used_in(entry):
    headings = entry.xpath(".//p[contains(@class, 'rubric')][normalize-space()='Used in']")
    return headings and [link for link in headings[0].getnext().xpath(".//a/@href") if "#cell-" in link]


WORKBENCH = (source, used_in)
TEXTBOOK = (formula, example, see_also, derivation, *WORKBENCH)
STATE = (doi, *TEXTBOOK)
PRODUCT = (parameters, shapes, dtypes, errors, *STATE)
DATA = (parameters, see_also, example, *WORKBENCH)  # of files and of dask


def lacking(entry, rules):
    return [rule.__name__ for rule in rules if not rule(entry)]


def rules_for(definition):
    if reexported(definition.module):
        return STATE if isinstance(definition.node, ast.ClassDef) else PRODUCT
    return {"textbook": TEXTBOOK, "files": DATA, "dask": DATA}.get(definition.module, WORKBENCH)


def test_every_public_name_has_all_that_a_reader_needs(entries, book):
    for item in definitions(book):
        name = f"softlit.{item.module}.{item.name}"
        named = isinstance(item.node, ast.FunctionDef | ast.ClassDef)
        if item.public and named and not item.module.startswith("_"):
            assert lacking(entries[name], rules_for(item)) == [], name


def test_every_method_describes_its_arguments(entries):
    methods = [method for entry in entries.values() for method in entry.xpath(f".//{ENTRY}")]
    assert {"update", "blocks"} <= {method.xpath("./dt/@id")[0].rpartition(".")[2] for method in methods}
    assert [method.xpath("./dt/@id") for method in methods if not parameters(method)] == []


def remove(path):
    def spoil(entry):
        found = entry.xpath(path)
        assert found, path
        for element in found:
            element.drop_tree()

    return spoil


def replace(old, new):
    def spoil(entry):
        assert any(old in (element.text or "") + (element.tail or "") for element in entry.iter())
        for element in entry.iter():
            element.text = element.text and element.text.replace(old, new)
            element.tail = element.tail and element.tail.replace(old, new)

    return spoil


def readdress(old, new):
    def spoil(entry):
        found = [link for link in entry.xpath(".//a[@href]") if old in link.get("href")]
        assert found, old
        for link in found:
            link.set("href", link.get("href").replace(old, new))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (remove("./dd/div[contains(@class, 'math')]//*[local-name()='math']"), "formula"),
        (remove(".//dl/dt[strong='where']"), "parameters"),
        (replace("shape", "size"), "shapes"),
        (replace("float64", "a float"), "dtypes"),
        (replace("AxisError", "Error"), "errors"),
        (replace("TypeError", "Error"), "errors"),
        (remove(".//div[contains(@class, 'doctest')]"), "example"),
        (remove(".//div[contains(@class, 'seealso')]"), "see_also"),
        (readdress("doi.org", "example.org"), "doi"),
        (readdress("doi.org/10.", "doi.org/10.9"), "doi"),
        (replace("Derived", "Found"), "derivation"),
        (readdress("03-computing", "02-computing"), "derivation"),
        (remove("./dt//a[contains(@href, '#cell-')]"), "source"),
        (replace("Used in", "Seen in"), "used_in"),
    ],
)
def test_an_entry_without_it_is_seen(entries, spoil, rule):
    entry = copy.deepcopy(entries["softlit.kernels.softmax"])
    assert lacking(entry, PRODUCT) == []
    spoil(entry)
    assert rule in lacking(entry, PRODUCT)


def test_the_overview_leads_to_every_function_and_class(site, entries, homes):
    overview = site[OVERVIEW].xpath("//section[@id='overview']//table//td[1]//a/@href")
    constants = {name for name in entries if name.rpartition(".")[2].isupper()}
    assert sorted(overview) == sorted(homes[name] for name in entries.keys() - constants)
    product = [name for name in entries if hasattr(softlit, name.rpartition(".")[2])]
    assert len(product) >= len(softlit.__all__)


def test_every_address_of_the_one_page_leads_on(site, book, homes):
    """Those of entries and methods, by either of their names, and those of modules."""
    kept = {one.get("id"): one for one in site[OVERVIEW].xpath("//section[@id='overview']//*[@id]")}
    goals = {anchor: place.xpath("ancestor::td//a/@href") for anchor, place in kept.items()}
    for name, goal in homes.items():
        if not name.rpartition(".")[2].isupper():
            (found,) = goals[name]
            assert goal == found or goal.startswith(f"{found}."), name
    for name in softlit.__all__:
        assert goals[f"softlit.{name}"][0].endswith(f".{name}"), name
    for item in definitions(book):
        if item.public and "._" not in f".{item.module}" and item.module != "lab.figures":
            (found,) = goals[f"module-softlit.{item.module}"]
            assert f"#softlit.{item.module}." in found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("softlit.softmax", "api-softmax.html#softlit.kernels.softmax"),
        ("softlit.jacobian.softmax_vjp", "api-derivatives.html#softlit.jacobian.softmax_vjp"),
        ("softlit.streaming.SoftmaxState.merge", "api-streaming.html#softlit.streaming.SoftmaxState"),
        ("module-softlit.lab.ulp", "api-lab.html#softlit.lab.ulp.exact"),
        ("overview", "api.html#overview"),
        ("nowhere", "api.html#nowhere"),
    ],
)
def test_a_browser_is_led_from_an_old_address_to_the_entry(site, old, new):
    with (
        browser.chromium() as chromium,
        browser.visit(chromium, (build.SITE / OVERVIEW).as_uri() + f"#{old}") as page,
    ):
        page.wait_for_url(f"**/book/{new}")


def test_examples_stand_before_parameters(entries):
    for name, entry in entries.items():
        text = entry.text_content()
        if "Examples" in text and "Parameters:" in text:
            assert text.index("Examples") < text.index("Parameters:"), name
    lines = ["Says.", "", ":Parameters:", "", "    x", "", ".. rubric:: References", "", "a", ""]
    api_pages.examples_first(None, None, None, None, None, lines)
    assert lines[2] == ":Parameters:", "without examples all stays"
    lines += [".. rubric:: Examples", "", ">>> 1", "", ".. rubric:: Notes"]
    api_pages.examples_first(None, None, None, None, None, lines)
    assert lines[2:6] == [".. rubric:: Examples", "", ">>> 1", ""] and lines[-1] == ".. rubric:: Notes"


def test_no_page_of_the_package_is_long(site):
    """The one page that they were had 13346 elements, and a phone was busy with it for seconds."""
    for page in PAGES:
        assert sum(1 for _ in site[page].find(".//main").iter()) < 5000, page


# --- Which names of a chapter are the package's


CELLS = [
    "#| export kernels\ndef softmax(x):\n    '''One.'''\n    return softmax(x) if x else x",
    "#| export lab.tools\ndef show(x):\n    '''Two.'''\n    return x",
]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("import softlit\nsoftlit.softmax(1)", ["softlit.softmax"]),
        ("import softlit as s\ny = 'é', s.softmax(s.softmax)", ["s.softmax", "s.softmax"]),
        ("from softlit import softmax as soft\nsoft(1)", ["softmax", "soft"]),
        ("from softlit.lab import tools\ntools.show(tools)", ["tools.show"]),
        ("softmax(1)", ["softmax"]),  # the function of the cell above
        ("import softlit\n(\n  softlit\n  .softmax(1)\n)", ["softlit\n  .softmax"]),
        ("import softlit\nsoftlit.softmax.__doc__", ["softlit.softmax"]),
        ("softmax = softmax(1)", ["softmax"]),  # read, and then bound to something else
        ("[softmax(x) for x in 'ab']", ["softmax"]),
        ("def f(x=softmax):\n    return lambda y: softmax(y)", ["softmax", "softmax"]),
        # And what is not the package's:
        ("softmax = 1\nsoftmax", []),
        ("def f(softmax):\n    return softmax(1)", []),
        ("lambda softmax: softmax", []),
        ("[softmax for softmax in range(3)]", []),
        ("def f():\n    softmax = 1\n    return softmax", []),
        ("def softmax(x):\n    return x\nsoftmax(1)", []),
        ("for softmax in range(3):\n    softmax", []),
        ("import scipy as softlit\nsoftlit.softmax", []),
        ("from scipy.special import softmax\nsoftmax(1)", []),
        ("import numpy as np\nnp.softmax", []),
        ("'softlit.softmax'  # softlit.softmax", []),
        ("class softmax:\n    pass\nsoftmax()", []),
        ("class Sum(softmax):\n    def softmax(self):\n        pass\nsoftmax(1)", ["softmax", "softmax"]),
    ],
)
def test_a_name_is_the_packages_only_if_nothing_else_has_taken_it(small_book, cell, found):
    book = small_book([*CELLS, cell])
    last = book[0].code_cells[-1]
    assert [shown(last)[use.start : use.end] for use in uses(book) if use.cell is last] == found


def test_a_definition_is_no_use_of_itself(small_book):
    first = [use for use in uses(small_book(CELLS)) if use.name == "softlit.kernels.softmax"]
    assert len(first) == 2 and not any(use.read for use in first)


def test_an_exported_class_is_linked_and_its_methods_are_its_own(small_book):
    state = "#| export kernels\nclass State:\n    'One.'\n    def softmax(self):\n        return State()"
    book = small_book([*CELLS, state, "State()\nsoftmax(1)"])
    found = [(use.name, use.read) for use in uses(book) if use.cell in book[0].code_cells[2:]]
    own = ("softlit.kernels.State", False)
    assert found == [own, own, ("softlit.kernels.State", True), ("softlit.kernels.softmax", True)]


def test_a_module_that_is_not_reexported_takes_no_name_of_the_package(small_book):
    """Like softlit.dask, whose softmax comes after that of softlit and is another one."""
    other = CELLS[0].replace("kernels", "dask")
    book = small_book([CELLS[0], other, "import softlit.dask\nsoftlit.softmax(softlit.dask.softmax)"])
    names = public_names(book)
    assert names["softlit.softmax"] == "softlit.kernels.softmax"
    assert names["softlit.dask.softmax"] == "softlit.dask.softmax"
    called = [use.name for use in uses(book) if use.cell is book[0].code_cells[-1]]
    assert called == ["softlit.kernels.softmax", "softlit.dask.softmax"]


# --- Links


def test_two_functions_of_one_name_have_each_its_own_links(site, entries):
    """In a docstring a bare name is that of the own class first, and then that of the own module."""
    state = entries["softlit.streaming.SoftmaxState"]
    own = {"update", "merge", "softmax", "logsumexp"}
    for name in own:
        (link,) = set(state.xpath(f".//a[.='{name}']/@href"))
        assert link == f"#softlit.streaming.SoftmaxState.{name}"
    entry = entries["softlit.dask.log_softmax"]
    assert entry.xpath(".//a[.='softmax']/@href") == ["#softlit.dask.softmax"]
    assert set(entry.xpath(".//a[.='softlit.dask.softmax']/@href")) == {"#softlit.dask.softmax"}
    other = "api-softmax.html#softlit.kernels.log_softmax"
    assert set(entry.xpath(".//a[.='softlit.log_softmax']/@href")) == {other}
    cell = site["book/15a-states-and-files.html"].xpath("//*[@id='cell-check-dask']")[0]
    assert set(cell.xpath(f".{LINK}[.='softlit.dask.softmax']/@href")) <= {
        "api-streaming.html#softlit.dask.softmax"
    }
    (defined,) = site["book/15a-states-and-files.html"].xpath(
        f"//*[@id='cell-build-dask']{LINK}[.='softmax'][preceding-sibling::*[1][.='def']]/@href"
    )
    assert defined == "api-streaming.html#softlit.dask.softmax"


def test_links_enclose_the_names_and_leave_the_code_as_it_is():
    code = '<span class="n">a</span> <span class="o">&lt;</span> <span class="n">b</span>\n'
    block = f"<div><pre><span></span>{code}</pre></div>"
    linked = html.fromstring(api.link_names(block, [(0, 1, "x?1&2"), (4, 5, "y#b")]))
    assert [(link.get("href"), link.text_content()) for link in linked.iter("a")] == [
        ("x?1&2", "a"),
        ("y#b", "b"),
    ]
    assert linked.text_content() == html.fromstring(block).text_content() == "a < b\n"


def test_names_in_code_cells_lead_to_their_entries(site, homes, book):
    wanted = [use for use in uses(book) if use.name in homes]
    assert len(wanted) > 1000
    found = 0
    for chapter in book:
        page = site[chapter.name.replace(".ipynb", ".html")]
        cells = cells_of(page)
        for cell in chapter.code_cells:
            places = [use for use in wanted if use.cell is cell]
            made = cells[cell.id].xpath(f".{LINK}") if cell.id in cells else []
            assert [link.get("href") for link in made] == [homes[use.name] for use in places], cell.where
            texts = [shown(cell)[use.start : use.end] for use in places]
            assert [link.text_content() for link in made] == texts, cell.where
            found += len(made)
        assert len(page.xpath(LINK)) == sum(use.cell.notebook == chapter.name for use in wanted)
    assert found == len(wanted)


def test_a_call_and_an_exported_definition_are_linked(site):
    call = site["book/06-sharpness.html"].xpath(f"{LINK}[.='softlit.softmax']/@href")
    assert set(call) == {"api-softmax.html#softlit.kernels.softmax"}
    definition = site["book/06-sharpness.html"].xpath(
        f"//*[@id='cell-build-softmin']{LINK}[.='softmin']/@href"
    )
    assert definition == ["api-softmax.html#softlit.temperature.softmin"]


def test_the_code_of_a_cell_is_copied_as_it_was_written(site, book):
    for chapter in book:
        cells = cells_of(site[chapter.name.replace(".ipynb", ".html")])
        for cell in chapter.code_cells:
            if install_cell.is_install_cell(cell):  # the page leaves it out
                continue
            (block,) = cells[cell.id].xpath(".//div[contains(@class, 'cell_input')]//pre")
            copied = "".join(block.xpath(".//text()[not(ancestor::summary)]"))  # _config.yml leaves those out
            assert copied.rstrip("\n") == shown(cell), cell.where


def test_each_entry_names_the_chapters_that_read_it_by_their_first_cell(entries, book):
    first = {}
    for use in uses(book):
        if use.read:
            first.setdefault(use.name, {}).setdefault(use.cell.notebook, f"cell-{use.cell.id}")
    for name, entry in entries.items():
        made = {urldefrag(link) for link in used_in(entry)}
        pages = {PurePosixPath(notebook).stem: anchor for notebook, anchor in first[name].items()}
        assert made == {(f"{page}.html", anchor) for page, anchor in pages.items()}, name
    assert set(entries) <= set(public_names(book).values())


def test_links_in_code_can_be_told_from_code_and_are_quiet(site):
    """Underlined, in the colour of the code; and the copy button gives plain code."""
    with (
        browser.chromium() as chromium,
        browser.visit(chromium, (build.SITE / "book/06-sharpness.html").as_uri()) as page,
    ):
        link = page.locator("a.api-name:visible").first
        style = link.evaluate(
            "a => { const s = getComputedStyle(a); return [s.textDecorationLine, s.textDecorationStyle] }"
        )
        assert style == ["underline", "dotted"]
        link.focus()
        assert link.evaluate("a => getComputedStyle(a).textDecorationStyle") == "solid"
        target = link.get_attribute("href").partition("#")[2]
        link.click()
        assert page.locator(f"[id='{target}']").evaluate("e => e.getBoundingClientRect().top < innerHeight")
