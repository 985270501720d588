"""Chapters carry the number of their file name, and so do their sections, statements and figures.

`number_by_file_name` and `read_each_page_once` go around functions of Sphinx: see literate/site/repairs.py.
"""

import functools
from unittest.mock import patch

from docutils import nodes

from literate.chapters import is_appendix, number_of, toc_files


def number_by_file_name(assign_figure_numbers):
    """Number 08-jacobian 8, whichever chapters exist.

    Sphinx numbers the sections, and then statements, exercises, equations and figures by them: in
    between is the place to put in the chapter's own number.
    """

    @functools.wraps(assign_figure_numbers)
    def assign(self, env):
        for page, numbers in env.toc_secnumbers.items():
            if (chapter := number_of(page)) is None:
                continue
            # A number is kept in three places: by anchor, in the contents, and on the page's title.
            for section, number in numbers.items():
                if number:
                    numbers[section] = (chapter, *number[1:])
            for node in [*env.tocs[page].findall(nodes.reference), env.titles[page]]:
                if node.get("secnumber"):
                    node["secnumber"] = [chapter, *node["secnumber"][1:]]
        return assign_figure_numbers(self, env)

    return assign


def read_each_page_once(resolve_number):
    """Around Sphinx's function, which reads the stored tree of a page for every link to a number on it.

    Neighbours in a text link to the same pages: a few trees are kept.
    """
    tree = functools.lru_cache(maxsize=8)(lambda read, name: read(name))

    @functools.wraps(resolve_number)
    def resolve(self, env, *rest):
        with patch.object(env, "get_doctree", functools.partial(tree, env.get_doctree)):
            return resolve_number(self, env, *rest)

    return resolve


def lead_into_the_book(app, page, template, context, doctree):
    """Let "Next" on the first page lead to the first chapter, where that page says to start."""
    pages = toc_files(app.srcdir)
    first = next((name for name in pages if number_of(name) and not is_appendix(name)), None)
    if page == app.config.root_doc and first:
        title = app.builder.render_partial(app.env.titles[first])["title"]
        context["next"] = {"link": context["pathto"](first), "title": title}


def setup(app):
    app.connect("html-page-context", lead_into_the_book)
    return {"parallel_read_safe": True}
