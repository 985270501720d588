"""Examples in the text of a page: a doctest ends with a blank line, which nobody needs to see."""

from docutils import nodes


def end_with_text(app, doctree):
    for block in doctree.findall(nodes.literal_block):
        if block.astext().startswith(">>>"):
            block.rawsource = block.astext().rstrip("\n")
            block[:] = [nodes.Text(block.rawsource)]


def setup(app):
    app.connect("doctree-read", end_with_text)
    return {"parallel_read_safe": True}
