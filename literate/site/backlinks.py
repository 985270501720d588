"""At the foot of each theorem and definition: the places of the book that use it, each a link.

To refer to an equation in a statement is to use the statement; a labelled equation outside of statements has
a line of its own. A Sphinx extension. References are collected while pages are read and kept in Sphinx's
environment, so that a build which reads only one page knows those of the others; a page is also written anew
when a reference to something on it has come, gone or changed its name elsewhere. The PDF has no such lines.
"""

from collections import ChainMap, defaultdict
from dataclasses import dataclass

from docutils import nodes
from sphinx import addnodes
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import exercise_enumerable_node, solution_node
from sphinx_proof.nodes import NODE_TYPES

from literate.site.raw import html

# Pages and a section that list statements, and use none. Nor do the badges of code cells count: they prove.
LISTS = {"book/index", "book/course", "book/errata", "book/ledger", "book/notation"}
PROVED = "what-is-proved-here"
SHOWN = 2  # links that stand open; more are folded


@dataclass(frozen=True)
class Place:
    """Where a reference stands: in a statement, an exercise, an entry of the API page, or else a section."""

    page: str
    anchor: str
    section: str  # the anchor of the section around it
    title: str  # of a section or an entry; the others have numbers


class References(EnvironmentCollector):
    """Who refers to which statement.

    Of each page the environment keeps `statement_homes`, the place around each statement or free equation,
    `statement_owners`, the label under which uses of a label are listed, `statement_uses`, pairs of a label
    and the place of a reference to it, and `statement_links`, what the page shows.
    """

    KEPT = ("statement_homes", "statement_owners", "statement_uses", "statement_links")

    def clear_doc(self, app, env, page):
        for name in self.KEPT[:-1]:  # the last one stays, to be compared
            kept(env, name).pop(page, None)

    def merge_other(self, app, env, pages, other):
        for name in self.KEPT:
            read = kept(other, name)
            kept(env, name).update({page: read[page] for page in pages & read.keys()})

    def process_doc(self, app, doctree):
        env = app.env
        page = env.docname
        listed = [*statements(doctree), *free_equations(doctree)]
        kept(env, "statement_homes")[page] = {node["label"]: place_of(node.parent, page) for node in listed}
        kept(env, "statement_owners")[page] = {
            equation["label"]: node["label"] for node in statements(doctree) for equation in equations(node)
        }
        kept(env, "statement_uses")[page] = [
            (link["reftarget"], place_of(link.parent, page))
            for link in doctree.findall(addnodes.pending_xref)
            if link["refdomain"] in ("prf", "math")
            and page not in LISTS
            and "claim" not in link.parent["classes"]
        ]

    def get_updated_docs(self, app, env):
        """Settle what each page shows, now that all pages are read and numbered."""
        owners = ChainMap(*kept(env, "statement_owners").values())
        uses = defaultdict(list)
        for page in sorted(kept(env, "statement_uses")):
            for label, place in kept(env, "statement_uses")[page]:
                uses[owners.get(label, label)].append(place)
        changed = []
        shown = kept(env, "statement_links")
        for page, homes in kept(env, "statement_homes").items():
            links = {
                label: [(name_of(env, place), place) for place in worth_a_link(label, home, uses[label])]
                for label, home in homes.items()
            }
            if shown.get(page) != links:
                shown[page] = links
                changed.append(page)
        return changed


def kept(env, name):
    """A dictionary by page that is stored with the environment."""
    return env.__dict__.setdefault(name, {})


def statements(doctree):
    return doctree.findall(lambda node: isinstance(node, tuple(NODE_TYPES.values())))


def equations(tree):
    return (node for node in tree.findall(nodes.math_block) if node.get("label"))


def free_equations(doctree):
    """The labelled equations outside of statements."""
    inside = {id(equation) for node in statements(doctree) for equation in equations(node)}
    return (equation for equation in equations(doctree) if id(equation) not in inside)


def place_of(node, page):
    """The nearest place around a node."""
    anchor = title = None
    while not (isinstance(node, nodes.section) and isinstance(node[0], nodes.title)):
        if isinstance(node, solution_node):
            anchor = node["target_label"]
        elif isinstance(node, (*NODE_TYPES.values(), exercise_enumerable_node)):
            anchor = node["label"]
        elif isinstance(node, addnodes.desc):
            anchor, title = node[0]["ids"][0], f"{node[0]['fullname']}()"
        node = node.parent
    section = node["ids"][0]
    return Place(page, anchor or section, section, title or node[0].astext())


def worth_a_link(label, home, places):
    """Each place once; a section only if nothing in it is named, and it is not the one of the statement."""
    places = [place for place in dict.fromkeys(places) if place.anchor != label and place.section != PROVED]
    named = {(place.page, place.section) for place in [home, *(p for p in places if p.anchor != p.section)]}
    return [p for p in places if p.anchor != p.section or (p.page, p.section) not in named]


def name_of(env, place):
    """Such as "Theorem 7.2", "Exercise 5.3" or "8.1 How does each probability react to each logit?"."""
    numbers = env.toc_fignumbers.get(place.page, {})
    if statement := env.proof_list.get(place.anchor):
        return f"{statement['realtype'].title()} {dotted(numbers[statement['countertype']][place.anchor])}"
    if number := numbers.get("exercise", {}).get(place.anchor):
        return f"Exercise {dotted(number)}"
    number = env.toc_secnumbers.get(place.page, {}).get(f"#{place.anchor}")
    return f"{dotted(number)} {place.title}" if number else place.title


def dotted(number):
    return ".".join(map(str, number))


class BackLinks(SphinxPostTransform):
    """Write the lines."""

    default_priority = 900
    formats = ("html",)

    def run(self):
        shown = self.env.statement_links[self.env.docname]
        for statement in statements(self.document):
            if links := shown[statement["label"]]:
                statement += self.lines(links)
        for equation in list(free_equations(self.document)):
            if links := shown[equation["label"]]:
                equation.parent.insert(equation.parent.index(equation) + 1, self.lines(links))

    def lines(self, links):
        """The links as a paragraph, which folds into a line of its own if they are many."""
        page = self.env.docname
        listed = []
        for name, place in links:
            address = self.app.builder.get_relative_uri(page, place.page) + f"#{place.anchor}"
            listed += [nodes.Text(" · "), nodes.reference("", name, refuri=address, internal=True)]
        if len(links) <= SHOWN:
            return nodes.paragraph("", "Used in: ", *listed[1:], classes=["backlinks"])
        start = f'<details class="backlinks"><summary>Used in {len(links)} places</summary>'
        return [html(start), nodes.paragraph("", "", *listed[1:]), html("</details>")]


def setup(app):
    app.add_env_collector(References)
    app.add_post_transform(BackLinks)
    return {"parallel_read_safe": True, "env_version": 2}
