"""On paper: `pages` turns what only a web page can show into what paper can; `__main__` is `make pdf`.

All LaTeX code of the book's own is in softlit-book.sty.
"""


def setup(app):
    app.setup_extension("literate.paper.pages")
    return {"parallel_read_safe": True}
