"""Numbers of statements and equations as the site gives them, and words for references to them."""

import re
from pathlib import PurePosixPath

from pybtex.database import parse_string
from pybtex.exceptions import PybtexError

from literate import addresses, ledger
from literate.chapters import ROOT, BookError, read_text

BIBLIOGRAPHY = "book/references.bib"
ROLE = re.compile(r"\{(?P<role>[a-z:]+)\}`(?P<target>[^`]+)`")


def numbered(chapter, count):
    """The number that the site gives to the count-th statement or exercise of a chapter."""
    return f"{chapter.number}.{count}"


def statement_names(book):
    """What the site calls each statement, such as "Theorem 5.2", by label; one sequence a chapter."""
    names, counts = {}, {}
    for label, statement in ledger.statements(book).items():
        chapter = statement.chapter
        counts[chapter.name] = counts.get(chapter.name, 0) + 1
        names[label] = f"{statement.kind.capitalize()} {numbered(chapter, counts[chapter.name])}"
    return names


def equation_numbers(book):
    """The number that the site gives to each labelled equation, by label; one sequence a chapter."""
    return {
        label: numbered(chapter, count)
        for chapter in book
        for count, label in enumerate(filter(addresses.is_equation, addresses.labels(chapter)), start=1)
    }


def works_of(root=ROOT):
    """The works of the bibliography, by their keys."""
    try:
        return parse_string(read_text(root, BIBLIOGRAPHY), "bibtex").entries
    except PybtexError as error:
        raise BookError(f"{BIBLIOGRAPHY}: not readable, {' '.join(str(error).split())}.") from None


def known_dois(root=ROOT):
    """The DOIs of these works; a preprint of arXiv has one by its number."""
    fields = [work.fields for work in works_of(root).values()]
    dois = {one["doi"].lower() for one in fields if "doi" in one}
    return dois | {f"10.48550/arxiv.{one['eprint']}" for one in fields if "eprint" in one}


class Words:
    """Readable words for the references that only the site resolves; links, if the site has an address."""

    def __init__(self, book, root=ROOT, site=""):
        self.site = site.rstrip("/")
        self.names = statement_names(book)
        self.equations = equation_numbers(book)
        self.homes = {label: chapter for chapter in book for label in addresses.labels(chapter)}
        self.statements = ledger.statements(book)
        self.chapters = {chapter.slug: chapter for chapter in book}
        self.works = works_of(root)

    def replace(self, text, where):
        """The text with every role resolved; refuses a role or a target that it does not know."""

        def words(match):
            known = {
                "prf:ref": self.statement,
                "eq": self.equation,
                "doc": self.chapter,
                "cite:p": self.work,
            }
            try:
                return known[match["role"]](match["target"])
            except KeyError:
                raise BookError(f"{where}: no words for {match[0]} in an exercise sheet.") from None

        return ROLE.sub(words, text)

    def link(self, words, address):
        return f"[{words}]({self.site}/{address})" if self.site else words

    def statement(self, label):
        statement = self.statements[label]
        page = PurePosixPath(statement.chapter.name).with_suffix(".html")
        return self.link(f"{self.names[label]} ({statement.title})", f"{page}#{label}")

    def equation(self, label):
        number = self.equations[label]
        page = PurePosixPath(self.homes[label].name).with_suffix(".html")
        return self.link(f"({number})", f"{page}#{addresses.anchor(label)}")

    def chapter(self, slug):
        chapter = self.chapters[slug]
        page = PurePosixPath(chapter.name).with_suffix(".html")
        return self.link(f"chapter {chapter.number}, *{chapter.title}*", page)

    def work(self, key):
        entry = self.works[key]
        first, *others = (" ".join(person.last_names) for person in entry.persons["author"])
        authors = f"{first} et al." if len(others) > 1 else " and ".join([first, *others])
        return f"({authors}, {entry.fields['year']})"
