"""A new chapter: a small one that runs from the first minute, with its places still to be filled.

    python -m literate.new 12 duality
    python -m literate.new 12 duality "IV Why this function"      (a part of the book, if there is a choice)

The chapter is made from chapter.txt, which shows how one is written; `TODO:` stands where its author has to
write, and a rule names each of these places. The chapter is entered in the table of contents, in the list of
changes, and among the wrong answers that its exercise refuses. All pages find it by themselves.

A cell of chapter.txt begins with `%% text` or `%% code`, and the id of a cell that would else be called after
words that will go.
"""

import keyword
import re
import sys
from pathlib import Path

import nbformat
import yaml

from literate import addresses, cell_ids, install_cell
from literate.chapters import ROOT, BookError, is_appendix, number_of, read_book, read_text
from literate.execute import METADATA, write
from literate.tangle import definitions, exported_cells

TOC = "_toc.yml"
TEMPLATE = Path(__file__).with_name("chapter.txt")
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OPEN = re.compile(r"TODO:? *(?P<what>.*?)(?:\.\s|\.?$)", re.M)
WRONG_ANSWERS = "tests/wrong_answers.yml"
TRIED = """\
ex-@SLUG@:
  - "lambda x: np.exp(softlit.entropy(softlit.softmax(x)))"
  - "lambda x: softlit.@NAME@(x)"
  - "lambda x: np.size(x)"
"""
ASK = "say which chapter, as in `make new CH=12 SLUG=duality`."


def problems(book):
    """One sentence for each place of a chapter where its author has still to write."""
    for chapter in book:
        for cell in chapter.cells:
            for place in OPEN.finditer(cell.text):
                yield f"{cell.where}: still to be written: {place['what']}."


def notebook(number, slug):
    """The chapter as `make new` writes it."""
    text = filled(TEMPLATE.read_text(encoding="utf-8"), number, slug)
    make = {"text": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    parts = re.split(r"^%% (text|code)(?: ([\w-]+))?\n", text, flags=re.M)[1:]
    cells = []
    for kind, name, source in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        cells.append(make[kind](source.strip(), **({"id": name} if name else {})))
    made = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    install_cell.place(made)
    cell_ids.give(made)
    return made


def filled(text, number, slug):
    words = {"@NUMBER@": number, "@SEED@": str(int(number[:2])), "@SLUG@": slug}
    words |= {"@NAME@": name_of(slug), "@TITLE@": title_of(slug)}
    return re.sub("|".join(words), lambda match: words[match[0]], text)


def name_of(slug):
    return slug.replace("-", "_")


def title_of(slug):
    return slug.replace("-", " ").capitalize()


def refusal(book, number, slug):
    """Why there can be no such chapter, as a sentence, or None."""
    if not re.fullmatch(r"\d\d[a-z]?", number) or not slug:
        return ASK
    if not SLUG.fullmatch(slug) or len(slug) > 40:
        return f"SLUG={slug}: at most 40 lower-case letters, digits and hyphens, as in SLUG=duality."
    for chapter in book:
        if number == chapter.slug.partition("-")[0] or slug == chapter.slug.partition("-")[2]:
            return f"there is {chapter.name} already; take another number and another SLUG."
    taken = {module.split(".")[0] for module in exported_cells(book)}
    taken |= {item.name for item in definitions(book)}
    if name_of(slug) in taken or keyword.iskeyword(name_of(slug)):
        return f"SLUG={slug}: {name_of(slug)} is a name of softlit or of Python; take another one."
    return None


def listed(toc, number, slug, part=""):
    """The table of contents with the chapter, and the part in which it is.

    Without a choice that is the part of the chapter before; for an appendix, 03a, of the appendix before. A
    part that is not there yet is made, if the chapters before and after the new one are in different parts.
    """
    chapters = [
        (entry["file"], one["caption"]) for one in yaml.safe_load(toc)["parts"] for entry in one["chapters"]
    ]
    numbered = [(file, home) for file, home in chapters if _like(file, number)]
    before = [item for item in numbered if item[0] < f"book/{number}-"]
    after = [item for item in numbered if item[0] > f"book/{number}-"]
    line = f"      - file: book/{number}-{slug}\n"
    if not before:
        raise BookError(f"{TOC}: no chapter comes before {number}; enter the new one by hand.")
    (last, home), (following, other) = before[-1], after[0] if after else ("", "")
    if part in ("", home, home.split()[0]):
        return _with_line(toc, last, line, behind=True), home
    if other and part in (other, other.split()[0]):
        return _with_line(toc, following, line, behind=False), other
    captions = {caption for _, caption in chapters}
    if home == other or part in captions or part in {caption.split()[0] for caption in captions}:
        raise BookError(
            f"PART={part}: chapter {number} comes after {last}, in the part '{home}'"
            + (f", and before {following}, in '{other}'." if following else ".")
        )
    if " " not in part:
        raise BookError(
            f"PART={part}: no part of the book; name a new one in full, PART='IV Why this function'."
        )
    head = f"  - caption: {part}\n    numbered: true\n    chapters:\n"
    return _with_line(toc, last, head + line, behind=True), part


def _like(file, number):
    """Whether a file is an appendix, for an appendix, and one of the other chapters for another."""
    return bool(number_of(file)) and is_appendix(file) == is_appendix(f"{number}-x")


def _with_line(toc, file, line, *, behind):
    """The table of contents with a line behind or before that of a file."""
    at = re.search(rf"^ *- file: {re.escape(file)}\n", toc, re.M)
    place = at.end() if behind else at.start()
    return toc[:place] + line + toc[place:]


def noted(changes, number, slug):
    """The list of changes with a line on the chapter, at the end of the version that is being written."""
    head, heading, rest = changes.partition("(unreleased)\n")
    section, end, older = rest.partition("\n## ")
    line = f"- Chapter {number}, {title_of(slug).lower()}: `{name_of(slug)}`."
    return f"{head}{heading}{section.rstrip()}\n{line}\n{end}{older}"


def write_chapter(number, slug, part="", root=ROOT):
    """Write a new chapter below `root`, whole or not at all; returns a sentence that says where.

    Raises
    ------
    BookError
        If there can be none; nothing is written then.
    """
    number = number.zfill(2 + number[-1:].isalpha())
    if problem := refusal(read_book(root), number, slug):
        raise BookError(problem)
    if not addresses.unreleased(root):
        raise BookError(
            f"{addresses.CHANGES}: begin the next version, '## X.Y.Z (unreleased)'; the last one is released."
        )
    texts = {name: read_text(root, name) for name in (TOC, addresses.CHANGES, WRONG_ANSWERS)}
    texts[TOC], home = listed(texts[TOC], number, slug, part)
    texts[addresses.CHANGES] = noted(texts[addresses.CHANGES], number, slug)
    texts[WRONG_ANSWERS] = f"{texts[WRONG_ANSWERS].rstrip()}\n{filled(TRIED, number, slug)}"
    path = root / "book" / f"{number}-{slug}.ipynb"
    write(notebook(number, slug), path)
    for name, text in texts.items():
        (root / name).write_text(text, encoding="utf-8")
    return (
        f"{path.relative_to(root)}, in the part '{home}' (PART='...' takes another). Write where it says "
        f"TODO; `make run CH={number}` runs it, and `make check` says what is missing."
    )


def main(number="", slug="", part=""):
    try:
        print("new:", write_chapter(number, slug, part))
    except BookError as error:
        sys.exit(f"new: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
