"""The chapters and their order: each builds on those before it, and appendices stand at the back."""

import shutil

import nbformat
import pytest

from literate.chapters import BookError, is_appendix, number_of, read_book, reading_order
from literate.execute import choose
from literate.references import numbered


def book_of(root, *names, parts=None):
    """A book of empty chapters, in the parts of its table of contents."""
    shutil.rmtree(root / "book", ignore_errors=True)
    (root / "book").mkdir()
    for name in names:
        nbformat.write(nbformat.v4.new_notebook(), root / "book" / f"{name}.ipynb")
    lines = "".join(f"  - file: book/{name}\n" for name in parts or names)
    (root / "_toc.yml").write_text(f"format: jb-book\nroot: book/index\nchapters:\n{lines}")
    return read_book(root)


@pytest.mark.parametrize(
    "page, number, appendix",
    [
        ("book/08-jacobian", "8", False),
        ("book/10-soft-arg-max.ipynb", "10", False),
        ("book/03a-engine-room", "3a", True),
        ("00-workbench", "0", True),
        ("book/index", None, False),
        ("book/8-jacobian", None, False),
        ("book/03ab-two", None, False),
        ("book/08", None, False),
    ],
)
def test_a_page_goes_by_the_number_of_its_file(page, number, appendix):
    assert (number_of(page), is_appendix(page)) == (number, appendix)


def test_an_appendix_builds_on_its_chapter_and_stands_at_the_back(tmp_path):
    book = book_of(tmp_path, "01-a", "03-b", "04-c", "00-d", "03a-e")
    assert [chapter.slug for chapter in book] == ["00-d", "01-a", "03-b", "03a-e", "04-c"]
    assert [chapter.slug for chapter in reading_order(book)] == ["01-a", "03-b", "04-c", "00-d", "03a-e"]
    assert [numbered(chapter, 2) for chapter in book] == ["0.2", "1.2", "3.2", "3a.2", "4.2"]


@pytest.mark.parametrize(
    "order", [("03-b", "01-a"), ("01-a", "03a-e", "03-b"), ("00-d", "01-a"), ("03a-e", "00-d")]
)
def test_another_order_is_refused(tmp_path, order):
    with pytest.raises(BookError, match="not in the order of their numbers, with the appendices"):
        book_of(tmp_path, *order)


@pytest.mark.parametrize(
    "asked, found",
    [
        (["3"], ["03-b"]),
        (["03a"], ["03a-e"]),
        (["3a", "01"], ["01-a", "03a-e"]),
        ([], ["01-a", "03-b", "03a-e"]),
    ],
)
def test_a_chapter_is_chosen_by_its_number(tmp_path, asked, found):
    book = book_of(tmp_path, "01-a", "03-b", "03a-e")
    assert [chapter.slug for chapter in choose(book, asked)] == found


@pytest.mark.parametrize("asked", ["2", "03b"])
def test_a_number_that_no_chapter_has_is_named(tmp_path, asked):
    with pytest.raises(BookError, match=f"no chapter has the number {asked.lstrip('0')}"):
        choose(book_of(tmp_path, "01-a", "03-b", "03a-e"), [asked])
