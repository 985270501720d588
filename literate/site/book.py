"""The chapters, read once for all that a build asks of them: they do not change while it runs."""

from functools import cache

from literate.chapters import read_book

book_of = cache(read_book)
