"""How lines break beside formulas in the text.

A browser may break a line before and after each piece of a formula, and so put a full stop or a closing
parenthesis at the start of a line, or an opening one at the end. A Sphinx extension.
"""

import itertools
import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

# What a formula takes along: a bracket or a quotation mark before it, and after it all up to a blank, as
# in "i-th", where a line may break after the hyphen.
BEFORE = re.compile(r"[(\[{\u201c\u2018]+$")
AFTER = re.compile(r"[^\s\-\u2013\u2014/]+[\-\u2013\u2014/]?|[\-\u2013\u2014/]")
PIECE = re.compile(r'(?<!<wbr>)<span class="base">')  # of a formula, in KaTeX's markup


class Unbroken(nodes.inline):
    """A formula, or a piece of text that ends with one, and the signs that a line must not break off."""


class KeepSigns(SphinxPostTransform):
    """Put each formula of the text together with its signs."""

    default_priority = 900
    formats = ("html",)

    def run(self):
        for formula in list(self.document.findall(nodes.math)):
            keep_signs(formula)


def keep_signs(formula):
    last = outermost(formula, -1)
    if sign := take_sign(last, 1, AFTER):
        wrapped(last).append(sign)
    first = outermost(formula, 0)
    if sign := take_sign(first, -1, BEFORE):
        wrapped(first).insert(0, sign)


def outermost(node, side):
    """The largest element of the text that begins (side 0) or ends (side -1) with a node."""
    while isinstance(node.parent, nodes.Inline) and node.parent[side] is node:
        node = node.parent
    return node


def take_sign(node, step, pattern):
    """Cut from the text beside a node what matches; None if there is none."""
    parent = node.parent
    place = parent.index(node) + step
    if not 0 <= place < len(parent) or not isinstance(parent[place], nodes.Text):
        return None
    text = str(parent[place])
    match = pattern.match(text) if step > 0 else pattern.search(text)
    if match is None:
        return None
    parent[place] = nodes.Text(text[: match.start()] + text[match.end() :])
    return nodes.Text(match[0])


def wrapped(node):
    """The element that keeps a node with its signs, in its place."""
    if isinstance(node, Unbroken):
        return node
    whole = Unbroken()
    node.parent.replace(node, whole)
    whole += node
    return whole


def open_unbroken(translator, node):
    node["start"] = len(translator.body)
    translator.body.append('<span class="unbroken">')


def close_unbroken(translator, node):
    """Let lines break between the pieces of the formula: the style sheet forbids it around them."""
    inside = "".join(translator.body[node["start"] :])
    count = itertools.count()
    marked = PIECE.sub(lambda piece: ("<wbr>" if next(count) else "") + piece[0], inside)
    translator.body[node["start"] :] = [marked + "</span>"]


def setup(app):
    app.add_node(Unbroken, html=(open_unbroken, close_unbroken))
    app.add_post_transform(KeepSigns)
    return {"parallel_read_safe": True}
