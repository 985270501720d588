r"""One letter, one meaning: the page "Notation" is read, and the statements of the book are held to it.

That a letter stands in the table does not yet say that it is used as the table says. So meanings are compared
as values: a statement whose formulas are true only where M is something else than the maximum has to say so
in its setting in literate/letters/, and is refused here.
"""

import re
import zlib

import numpy as np

from literate import ledger, letters
from literate.chapters import ROOT, BookError, read_text
from literate.directives import directives, mathematics, table_rows

PAGE = "book/notation.md"

# A sign is a letter or a command; these commands only set the type, or compare.
SIGN = re.compile(r"\\(?:operatorname|math(?:bf|bb|cal|sf)) *\{? *\w+|\\Delta\^\\circ|\\[A-Za-z]+|[A-Za-z]")
TYPE = SIGN.findall(
    r"\big\Big\bigl\Bigl\bigr\Bigr\left\right\lvert\rvert\quad\qquad\dots\cdots\cdot\frac\tfrac\sqrt\le\ge\ne\iff"
)
# Names of the reader of formulas (literate/formulas.py) that are no sign of the page.
SPELLED = {
    r"\bar": [r"\barx", r"\bary", r"\barc"],
    r"\langle": ["inner_A()"],
    r"\mathbf1": [r"\ones"],
    r"\mathbfe": [r"\unit_"],
    r"\delta": [r"\delta_"],
}


def signs(*formulas):
    """The signs of typed formulas, in order, each written in one way."""
    text = re.sub(r"\\(text|begin|end) *\{[^}]*\}", " ", " ".join(formulas))
    return [re.sub(r"[ {]", "", sign) for sign in SIGN.findall(text)]


class Notation:
    """The page: its table, the letters of single statements, and the usual signs."""

    def __init__(self, root=ROOT):
        parts = re.split(r"^## .*$", read_text(root, PAGE), flags=re.M)
        if len(parts) != 3:
            raise BookError(
                f"{PAGE}: not a table followed by two sections, of local letters and usual signs."
            )
        table, local, usual = parts
        self.rows = [
            row for row in table_rows(table) if row[0].startswith("$")
        ]  # symbol, meaning, where, code
        self.symbols = [signs(symbol)[0] for symbol, *_ in self.rows]  # what a row explains comes first in it
        self.locals = {*signs(*mathematics(local))} - {"x"}  # which the text there mentions
        letters_of_rows = signs(*(symbol for symbol, *_ in self.rows))
        self.known = {*letters_of_rows, *self.locals, *signs(*mathematics(usual)), *TYPE}

    def unexplained(self, formulas):
        return set(signs(*formulas)) - self.known

    def other_meanings(self, formula):
        """The letters of the table with another value in a formula's setting than everywhere else."""
        drawn = letters.drawn(formula, np.random.default_rng(zlib.crc32(formula.typed.encode())))
        everywhere = {**drawn, **letters.DERIVED, **letters.FUNCTIONS}
        changed = {
            name for sign in self.symbols for name in names(sign) if drawn[name] is not everywhere[name]
        }
        with_arguments = {*letters.FUNCTIONS, *SPELLED[r"\delta"], *SPELLED[r"\mathbfe"]}
        return {
            name
            for name in changed
            if name in with_arguments or not _agree(name, _value(drawn, name), _value(everywhere, name))
        }


def names(sign):
    """The names under which literate/letters/ gives the meaning of a sign, as a letter or before brackets."""
    plain = re.sub(r"operatorname|mathcal", "", sign)
    candidates = SPELLED.get(sign, [plain, f"{plain}()"])
    return [name for name in candidates if name in letters.DERIVED or name in letters.FUNCTIONS]


def _value(drawn, name):
    return drawn[name](drawn) if callable(drawn[name]) else drawn[name]


def _agree(name, found, meant):
    one_probability = name == "p" and np.ndim(found) == 0 and 0 < found < 1
    return one_probability or np.allclose(found, meant, rtol=1e-5, atol=1e-8)


def statements(book):
    """The labelled statements, as directives."""
    return [one for one in directives(*book) if one.kind in ledger.STATEMENTS and one.label]


def problems(book, root=ROOT):
    """One sentence for each letter of a statement that the page leaves out, or has with another meaning."""
    page = Notation(root)
    for statement in statements(book):
        for sign in sorted(page.unexplained(statement.formulas)):
            named = f"{statement.cell.where}: {sign} of {statement.label}"
            yield f"{named} is not explained; say in {PAGE} what it means."
    for formula in letters.asserted(book):
        for name in sorted(page.other_meanings(formula)):
            named = f"{formula.where}: {name} does not mean in {formula.label}"
            yield f"{named} what {PAGE} says; take another letter."
