"""Each statement names the places that use it, those that a later build adds included, and nothing else."""

import os
import subprocess
import sys

import pytest
from lxml import html

from literate.chapters import ROOT
from literate.references import statement_names

PAGES = {
    "conf.py": "extensions = ['sphinx_proof', 'literate.site.backlinks']\n"
    "numfig = True\nhtml_theme = 'basic'\n",
    "index.rst": "Book\n====\n\n.. toctree::\n   :numbered:\n\n   one\n   two\n",
    "one.rst": """\
One
===

First
-----

.. prf:theorem:: Used
   :label: thm-used

   It refers to itself: :prf:ref:`thm-used`, also by its equation, :eq:`eq-inside`.

   .. math:: a = b
      :label: eq-inside

Its own section says so, too: :prf:ref:`thm-used`.

.. prf:theorem:: Lonely
   :label: thm-lonely

   By :prf:ref:`thm-used`.

.. math:: c = d
   :label: eq-alone

.. math:: e = f
   :label: eq-unused
""",
    "two.rst": """\
Two
===

Twice
-----

By :prf:ref:`thm-used`, and once more by :prf:ref:`thm-used`.

Thrice
------

From :eq:`eq-inside` and :eq:`eq-alone`.

What is proved here
-------------------

:prf:ref:`thm-used` and :prf:ref:`thm-lonely`
""",
}


@pytest.fixture(scope="module")
def small_site(tmp_path_factory):
    """A function that writes pages, builds the site with what is left of the last build, and reads it."""
    folder = tmp_path_factory.mktemp("small")

    def build(**changed):
        for name, text in (PAGES | {f"{page}.rst": text for page, text in changed.items()}).items():
            path = folder / name
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
        command = [sys.executable, "-m", "sphinx", "-qW", folder, folder / "out"]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=120)
        return html.parse(folder / "out" / "one.html").getroot()

    return build


def line(page, label):
    """The links at the foot of a statement: text and address."""
    links = page.get_element_by_id(label).xpath("./*[contains(@class, 'backlinks')]//a")
    return {link.text_content(): link.get("href") for link in links}


def test_places_are_named_once_and_what_nothing_uses_has_no_line(small_site):
    page = small_site()
    assert line(page, "thm-used") == {
        "Theorem 1.2": "#thm-lonely",
        "2.1 Twice": "two.html#twice",
        "2.2 Thrice": "two.html#thrice",
    }
    assert "Used in" not in page.get_element_by_id("thm-lonely").text_content()


def test_more_than_two_places_are_folded_and_counted(small_site):
    folded = "./details[contains(@class, 'backlinks')]"
    statement = small_site().get_element_by_id("thm-used")
    assert [fold.findtext("summary") for fold in statement.xpath(folded)] == ["Used in 3 places"]
    assert len(statement.xpath(f"{folded}//a")) == 3
    fewer = PAGES["two.rst"].replace("From :eq:`eq-inside` and", "From")
    statement = small_site(two=fewer).get_element_by_id("thm-used")
    assert not statement.xpath(folded)
    assert statement.xpath("./p[contains(@class, 'backlinks')]")[0].text == "Used in: "


def test_an_equation_that_stands_alone_has_a_line_of_its_own(small_site):
    page = small_site()
    alone, unused = (page.get_element_by_id(f"equation-eq-{name}") for name in ("alone", "unused"))
    assert alone.getnext().text_content().startswith("Used in: 2.2 Thrice")
    assert unused.getnext() is None
    planted = PAGES["two.rst"].replace(" and :eq:`eq-alone`", "")
    again = small_site(two=planted).get_element_by_id("equation-eq-alone")
    assert again.getnext() is not None and "Used in" not in again.getnext().text_content()


def test_a_reference_planted_on_another_page_appears_and_goes_again(small_site):
    small_site()
    planted = PAGES["two.rst"].replace("Twice\n", "Both\n").replace("once more", ":prf:ref:`thm-lonely`")
    page = small_site(two=planted.replace("-----\n\nBy", "----\n\nBy"))
    assert line(page, "thm-lonely") == {"2.1 Both": "two.html#both"}
    assert "2.1 Both" in line(page, "thm-used") and "2.1 Twice" not in line(page, "thm-used")
    assert line(small_site(), "thm-lonely") == {}


def test_the_lines_of_the_book(site, book):
    names = statement_names(book)
    page = site["book/01-hard-and-soft.html"]
    links = line(page, "def-hardmax")
    assert links[names["thm-sharp-limit"]].endswith("06-sharpness.html#thm-sharp-limit")
    assert links["hardmax()"].endswith("api-maxima.html#softlit.argmax.hardmax")
    used = line(page, "thm-one-hot-distance")
    assert any(text.startswith("Exercise 1.") and goal.startswith("#ex-") for text, goal in used.items())
    jacobian = line(site["book/08-jacobian.html"], "thm-jacobian")
    assert not any("finite differences" in name for name in jacobian), "the badges of a cell prove, not use"
    for name, page in site.items():
        for address in page.xpath("//*[contains(@class, 'backlinks')]//a/@href"):
            assert not address.startswith(("ledger", "errata", "course", "notation", "index")), name
            assert not address.endswith("#what-is-proved-here"), name
