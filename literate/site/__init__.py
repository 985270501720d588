"""The Sphinx extension of the site: what its pages show beyond what Jupyter Book makes of a notebook.

Two modules have no line in the list: what `inventory` tells of the statements, `repairs` puts into another
package; `book` reads the chapters once for all of them.
"""

import gc

PARTS = (
    "progress",  # a line a page that was read, with its seconds
    "rebuild",  # which pages a build reads again
    "katex",  # formulas, typeset in the Node that pip installed
    "launch",  # no launch buttons while there is no repository
    "citation",  # how to cite a page; the sitemap; version and date
    "addresses",  # signs to copy the address of a statement; anchors that were given up
    "cells",  # anchors and notes of code cells, and the way to them from the API page
    "folds",  # the lesson: what proves and what serves is one line each
    "contents",  # what the chapters need and ask, on the landing page and that for lecturers
    "api_pages",  # the pages of the package
    "examples",  # without the blank line at the end
    "ledger",  # the tables of the ledger and the errata
    "numbers",  # chapters are numbered as their files are
    "repairs",  # all that reaches into other packages; statements in the inventory
    "lines",  # no line begins with the full stop after a formula
    "downloads",  # the wheel, the project and the PDF
    "sharing",  # what others show of a page to which somebody links
    "backlinks",  # at the foot of a statement: where it is used
    "api",  # names in code cells lead to the pages of the package, and their entries back
    "sheets",  # the exercise sheets, and the links to them
    "cards",  # what a link leads to, shown beside it
    "search",  # what the search finds, and its page
    "unused",  # leaves out what no page uses
    "missing",  # the page in place of one that is not there
    "page_load",  # one style sheet, scripts that wait, boxes measured when seen
)


def setup(app):
    # Sphinx keeps each page as a tree of many thousand nodes. To walk through all of them for garbage after
    # every 700 new ones, as Python does, took half the time of a build, and found nothing.
    gc.set_threshold(100_000, 50, 100)
    for part in PARTS:
        app.setup_extension(f"literate.site.{part}")
    return {"parallel_read_safe": True}
