"""The permanent addresses of theorems, definitions, equations, figures, exercises and claims of the sources.

    python -m literate.addresses

An address binds from the first release that has it: at a release, this adds what is new to `book/ids.txt`.
What stands there stays valid for ever: a label may be renamed only if the line of the old one says where to
go, `OLD -> NEW`, and the site then keeps an anchor for the old one: see literate/site/addresses.py. A label
that is not in the file yet may be renamed or go as its author likes.
"""

import re
import sys
from unicodedata import normalize

from literate import ledger
from literate.chapters import ROOT, WORDY_ID, BookError, read_book, read_text
from literate.directives import directives_of, headings

FILE = "book/ids.txt"
HEADER = """\
# Every address that a release of the book has had for a theorem, definition, equation, figure or exercise,
# and for a claim of the sources.
# `make ids` adds those of a release. No line is ever removed; where an id is given up, its line says where
# to go: OLD -> NEW
"""
CHANGES = "CHANGELOG.md"


def labels(chapter):
    """The labels of a chapter, in the order of its cells."""
    for cell in chapter.cells:
        yield from labels_of(cell)


def labels_of(cell):
    if cell.kind == "markdown":
        yield from (directive.label for directive in directives_of(cell) if directive.label)
    elif name := cell.figure.get("name"):
        yield name


def of_chapters(book):
    """Page and anchor of everything that has a label, such as `book/08-jacobian#thm-jacobian`."""
    return {f"book/{chapter.slug}#{anchor(label)}" for chapter in book for label in labels(chapter)}


def of_claims(root=ROOT):
    """The same for the claims of the sources, such as `book/errata#claim-003-15`."""
    return {f"book/errata#{ledger.anchor(row['id'])}" for row in ledger.read_claims(root)}


def is_equation(label):
    return label.startswith("eq-")


def anchor(label):
    """The id that a label has in the page."""
    return f"equation-{label}" if is_equation(label) else label


def doubled(book):
    """One sentence for each label or heading that has the address of another, or an odd one."""
    first = {}
    for cell in (cell for chapter in book for cell in chapter.cells):
        for label in labels_of(cell):
            if not WORDY_ID.fullmatch(label):
                yield f"{cell.where}: the label {label} is not of lower-case letters, digits and hyphens."
            if label in first:
                yield f"{cell.where}: the label {label} is already used in {first[label].where}."
            first.setdefault(label, cell)
    for chapter in book:
        taken = {anchor(label): f"label {label}" for label in labels(chapter)}
        for cell in chapter.cells:
            for heading in headings(cell):
                if other := taken.get(address := anchor_of_heading(heading)):
                    yield f"{cell.where}: the heading '{heading}' has the address of the {other}, #{address}."
                elif address:
                    taken[address] = f"heading of {cell.where}"


def anchor_of_heading(heading):
    """The id that docutils gives a section; empty for one without a Latin letter, which it numbers."""
    plain = normalize("NFKD", heading.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"^[-0-9]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", plain))


def read_frozen(root=ROOT):
    """The addresses of the file, each with the one that has taken its place, or None."""
    frozen = {}
    for line in read_text(root, FILE).splitlines():
        if line.strip() and not line.startswith("#"):
            old, _, new = line.partition(" -> ")
            if old in frozen:
                raise BookError(f"{FILE}: {old} stands there twice.")
            frozen[old] = new or None
    return frozen


def unreleased(root=ROOT):
    """Whether the newest version in the list of changes is still being written."""
    changes = read_text(root, CHANGES)
    newest = next((line for line in changes.splitlines() if line.startswith("## ")), "")
    return newest.endswith("(unreleased)")


def problems(book, root=ROOT):
    """One sentence for each address that is lost, doubled or leads nowhere, or that a release forgot."""
    yield from doubled(book)
    present, frozen = of_chapters(book) | of_claims(root), read_frozen(root)
    for old, new in frozen.items():
        if new is None and old not in present:
            yield f"{FILE}: {old} is gone; keep it, or write '{old} -> NEW'."
        elif new is not None and old in present:
            yield f"{FILE}: {old} is in use, and redirected."
        elif new is not None and new not in present:
            yield f"{FILE}: {old} is redirected to {new}, which is not there."
    for new in () if unreleased(root) else sorted(present - frozen.keys()):
        yield (
            f"{FILE}: {new} is not in the file; `make ids` adds it. If it belongs to the next version, "
            f"begin that in {CHANGES}, as '(unreleased)'."
        )


def main(root=ROOT):
    try:
        frozen = read_frozen(root)
        new = sorted((of_chapters(read_book(root)) | of_claims(root)) - frozen.keys())
    except BookError as error:
        sys.exit(f"ids: {error}")
    if not new:
        print(f"ids: {FILE} is up to date")
    elif unreleased(root):
        print(
            f"ids: these bind from the release on, when {CHANGES} no longer says '(unreleased)':",
            *new,
            sep="\n",
        )
    else:
        lines = sorted(
            f"{old} -> {goal}" if goal else old for old, goal in (frozen | dict.fromkeys(new)).items()
        )
        (root / FILE).write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
        print("ids:", *new, sep="\n")


if __name__ == "__main__":
    main()
