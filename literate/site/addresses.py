"""Addresses of statements and exercises: a sign to copy them by, and anchors of those that were given up."""

import re
from pathlib import Path

from docutils import nodes

from literate.addresses import FILE, read_frozen

STATEMENT = re.compile(
    r'(<div class="(?:proof (?P<kind>\w+)|(?P<exercise>exercise)) admonition" id="(?P<id>[^"]+)">'
    r'\s*<p class="admonition-title"[^>]*>(?:(?!</p>).)*)</p>',
    re.S,
)


def show_addresses(app, page, template, context, doctree):
    """Give each statement and exercise the sign of a link that headings and figures have.

    In the markup, and not as a node of the title: the search would take the sign for a word of it.
    """

    def with_link(match):
        what = match["kind"] or match["exercise"]
        return f'{match[1]}<a class="headerlink" href="#{match["id"]}" title="Link to this {what}">#</a></p>'

    context["body"] = STATEMENT.sub(with_link, context.get("body", ""))


def keep_old_anchors(app, doctree):
    """Put an anchor for each address that was given up beside what has taken its place.

    What has gone to another page leaves a line that only those see who come by its address.
    """
    page = app.env.docname
    app.env.note_dependency(str(Path(app.srcdir) / FILE))
    for old, new in read_frozen(Path(app.srcdir)).items():
        if new is None or old.split("#")[0] != page:
            continue
        here = nodes.target("", "", ids=[old.split("#")[1]])
        home, goal = new.split("#")
        if home == page:
            node = next(node for node in doctree.findall(nodes.Element) if goal in node["ids"])
            node.parent.insert(node.parent.index(node), here)
        else:
            if app.builder.format != "html":  # on paper nobody comes by an address
                continue
            link = nodes.reference("", goal, refuri=app.builder.get_relative_uri(page, home) + f"#{goal}")
            words = nodes.literal("", here["ids"][0]), nodes.Text(" is now "), link
            doctree[-1] += [here, nodes.paragraph("", "", *words, classes=["moved"])]


def name_sections_by_labels(app, doctree):
    """Let the sign of a heading with a label copy the label: what is made of its words changes with them."""
    explicit = {doctree.nameids[name] for name, chosen in doctree.nametypes.items() if chosen}
    for section in doctree.findall(nodes.section):
        section["ids"].sort(key=lambda name: name not in explicit)


def setup(app):
    app.connect("doctree-read", name_sections_by_labels, priority=400)  # before the contents are collected
    app.connect("html-page-context", show_addresses)
    app.connect("doctree-read", keep_old_anchors)
    return {"parallel_read_safe": True}
