"""The machinery of the book, in three wings. This is the map: what is where.

Reading, which knows nothing of Sphinx; each works from those above it:

    chapters      cells, chapters, the one error: what everything else reads
    directives    theorems, exercises, boxes and labels of a Markdown cell, by markdown-it-py
    cell_ids      ids of cells, from what they do
    ledger        which cells derive, check or settle which statement or claim, and how each is proved
    addresses     labels that stay from a release on, in book/ids.txt: `make ids`
    references    the numbers of statements and equations, and words for references to them
    formulas      typed mathematics, read and evaluated
    letters/      what its letters mean, in the book and statement by statement, and whether it is true
    notation      one letter, one meaning: the page of that name, and the statements
    tangle        the package from the chapters: `make tangle`
    names         what code cells use of the package; what they bind and read
    install_cell  the first code cell of every chapter
    folds         what of a cell is one line in the lesson form of a page
    stored        what a run stores of a code cell besides its outputs
    execute       the author's loop: `make run`
    exercises     text, specification and solution of an exercise
    sheets        a chapter's exercises as notebooks
    docstrings    what a public name tells the reader of the API page
    pages         what stands about a chapter elsewhere: references, changelog, contract, bibliography
    new           a new chapter with its places to be filled: `make new`
    style         what ruff finds
    rules         every rule of a chapter, each broken one a sentence: `make check`
    build         the site: `make book`

`site/` is one Sphinx extension, all that the pages show beyond what Jupyter Book makes of a notebook, and
`paper/` the book as PDF: `make pdf`. A new chapter needs no new module here.
"""
