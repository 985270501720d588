"""What `make book` tells while it works: a line a page that was read, with the seconds that it took.

Executing a chapter is part of reading it. Sphinx's own account of every file is left out (`--quiet`), so that
warnings are seen.
"""

import logging
import sys
import time

_started = {}


def start(app, page, source):
    _started[page] = time.perf_counter()


def report(app, doctree):
    page = app.env.docname
    seconds = time.perf_counter() - _started.pop(page)
    if app.builder.format == "html":  # for the PDF nothing is executed
        print(f"{page:<32}{seconds:6.1f} s", file=sys.stderr, flush=True)


def setup(app):
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it lists every glyph that it leaves out
    app.connect("source-read", start)
    app.connect("doctree-read", report)
    return {"parallel_read_safe": True}
