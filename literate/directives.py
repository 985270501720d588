"""The directives of the chapters' Markdown: theorems, exercises, boxes, labelled formulas; and the comments.

Markdown is parsed by markdown-it-py with the plugins that MyST uses, so that whatever MyST takes for a
directive is one here: any fence, any length of it, options line by line or as a block, one inside the other.
"""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from textwrap import dedent

from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_role import myst_role_plugin
from myst_parser.parsers.options import TokenizeError, options_to_items

from literate.chapters import BookError, Cell

HEAD = re.compile(r"\{(?P<kind>[\w:-]+)\}\s*(?P<argument>.*)", re.S)
COMMENT = re.compile(r"<!--(.*?)-->", re.S)
SEARCH = re.compile(r"\s*search:\s*(?P<words>\S.*)", re.S)
TARGET = re.compile(r"(?:.*<)?(?P<target>[^<>]*)>?", re.S)  # words <target>, or the target alone
MARKDOWN = (
    MarkdownIt("commonmark")
    .enable("table")
    .use(colon_fence_plugin)
    .use(dollarmath_plugin, allow_labels=True, double_inline=True)
    .use(amsmath_plugin)
    .use(myst_role_plugin)
)


@dataclass(frozen=True)
class Directive:
    """A directive of a cell, such as a theorem; a labelled formula between dollars is a `math` directive."""

    cell: Cell
    kind: str
    argument: str
    options: dict
    body: str
    lines: tuple[int, int] | None  # of the cell; None if it stands in another directive

    @property
    def label(self):
        return self.options.get("label") or self.options.get("name")

    @property
    def classes(self):
        return self.options.get("class", "").split()

    @property
    def formulas(self):
        """The mathematics typed in it, as LaTeX on one line each, in order."""
        return mathematics(self.body)


def mathematics(text):
    """The mathematics typed in some Markdown, as LaTeX on one line each, in order."""
    return tuple(" ".join(latex.split()) for latex in _mathematics(MARKDOWN.parse(text)))


def roles(text):
    """Every role in some Markdown, such as "prf:ref", with the target that it names."""
    yield from _roles(MARKDOWN.parse(text))


def _roles(tokens):
    for token in tokens:
        if token.type == "myst_role":
            yield token.meta["name"], TARGET.fullmatch(token.content)["target"].strip()
        elif token.type in ("fence", "colon_fence") and HEAD.fullmatch(token.info.strip()):
            yield from roles(_options(token.content)[1])
        yield from _roles(token.children or ())


def comments(text):
    """What the comments in some Markdown say, those in directives included."""
    yield from _comments(MARKDOWN.parse(text))


def _comments(tokens):
    for token in tokens:
        if token.type in ("html_block", "html_inline"):
            yield from COMMENT.findall(token.content)
        elif token.type in ("fence", "colon_fence") and HEAD.fullmatch(token.info.strip()):
            yield from comments(_options(token.content)[1])
        yield from _comments(token.children or ())


def words_for_search(comment):
    """The words of a comment `search: trick, overflow`; empty if it says something else."""
    match = SEARCH.fullmatch(comment)
    return " ".join(match["words"].split()) if match else ""


def table_rows(text):
    """The rows of the tables in some Markdown, heads included, each as the texts of its cells."""
    rows = []
    for before, token in pairwise(MARKDOWN.parse(text)):
        if token.type == "tr_open":
            rows.append([])
        elif before.type in ("th_open", "td_open"):
            rows[-1].append(token.content)
    return rows


def directives(*chapters):
    """Every directive of some chapters, in reading order; one that stands in another comes after it."""
    for chapter in chapters:
        for cell in chapter.cells:
            if cell.kind == "markdown":
                yield from directives_of(cell)


def directives_of(cell):
    """The directives of one cell of Markdown."""
    try:
        return [Directive(cell, *parts) for parts in _parts(cell.text)]
    except TokenizeError as error:
        raise BookError(f"{cell.where}: unreadable options of a directive, {error.problem}.") from None


def headings(cell):
    """The headings of a cell of Markdown, as they are typed."""
    for before, token in pairwise(MARKDOWN.parse(cell.text) if cell.kind == "markdown" else ()):
        if before.type == "heading_open":
            yield token.content


@cache
def _parts(text):
    return tuple(_find(MARKDOWN.parse(text)))


def _find(tokens):
    for token in tokens:
        if token.type in ("fence", "colon_fence"):
            if head := HEAD.fullmatch(token.info.strip()):
                options, body = _options(token.content)
                yield head["kind"], head["argument"].strip(), options, body, tuple(token.map)
                yield from ((*parts, None) for *parts, _ in _parts(body))
        elif token.type == "math_block_label":
            yield "math", "", {"label": token.info}, token.content, tuple(token.map)


def _options(content):
    """The options at the head of a directive's content, and the rest: lines `:key: value`, or a block."""
    if content.startswith("---"):
        block, _, body = content.partition("\n")[2].partition("\n---")
        block, body = dedent(block), body.partition("\n")[2]
    else:
        lines = content.splitlines()
        count = next((n for n, line in enumerate(lines) if not line.lstrip().startswith(":")), len(lines))
        block = "\n".join(line.lstrip()[1:] for line in lines[:count])
        body = "\n".join(lines[count:])
    return dict(options_to_items(block)[0]), body


def _mathematics(tokens):
    for token in tokens:
        if token.type in ("math_inline", "math_inline_double", "math_block", "math_block_label", "amsmath"):
            yield token.content
        yield from _mathematics(token.children or ())
