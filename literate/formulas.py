r"""Reading typed mathematics: the LaTeX of the statements, evaluated at concrete numbers.

`formulas` finds the relations that theorems and definitions state, `holds` evaluates one of them. Vectors
are columns, so a product of letters is what it is on paper: p^T v a number, p p^T a matrix; a product of two
columns is taken entry by entry. A derivative is a central difference.

Sympy's own two LaTeX readers were tried first. One stops without a word at the first thing that it does not
know and returns what it has read so far, and takes \operatorname{artanh} for a product of letters; the other
reads neither subscripts behind brackets nor the sign of a partial derivative. This grammar refuses what it
does not know.
"""

import re
from collections import ChainMap
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from lark import Lark
from lark.exceptions import LarkError
from lark.visitors import Interpreter

from literate.directives import directives

RELATION = re.compile(r"=|<|>|\\(le|ge|ne|iff)\b")

# What only sets the type goes; what is written in several ways gets one spelling.
SPELLINGS = (
    (r"\\begin\{aligned\}(.*?)\\end\{aligned\}", lambda rows: re.sub(r"\\\\(\[[\w.]+\])?|&", " ", rows[1])),
    (r"\\[bB]igg?[lr]?(?![a-z])|\\!", ""),
    (r"\\[,;]|\\q?quad\b|\s+", " "),
    (r"\\left *\|", r"\\leftbar "),
    (r"\\right *\|", r"\\rightbar "),
    (r"\\(left|right)(?![a-z])", ""),
    (r",? *[a-z](, [a-z])* = 1, *\\dots *, N", ""),
    (r"\\text\{if and only if\}", r"\\iff "),
    (r"\\(operatorname|mathcal) *\{(\w+)\}", r"\\\2 "),
    (r"\\(bar|hat) (\w)", r"\\\1\2 "),
    (r"\\mathbf *\{1\}", r"\\ones "),
    (r"\\mathbf *\{e\}", r"\\unit "),
    (r"(\w)\^\{\((\w)\)\}", r"\\vectors\1_{\2}"),
    (r"\\mathsf *(T|\{ *T *\})", "T"),
    (r"\\mathbb *\{R\} *\\ones", r"\\constants "),
    (r"\\\|", ","),
    (r"\|([^|]+)\|", r"\\leftbar \1\\rightbar "),
    (r"\\t?frac *(\d) *(\w)", r"\\frac{\1}{\2}"),
    (r"\\tfrac", r"\\frac"),
    (r"\\frac *\{ *d(?=[ }])", r"\\frac{\\partial"),
    (r"\} *\{ *d *\\beta *\}", r"}{\\partial \\beta}"),
    (r"\\partial *([^/{}]+?) */ *\\partial *(\w_\w)", r"\\frac{\\partial \1}{\\partial \2}"),
)

GRAMMAR = r"""
?start: claim ("," claim)* ["," | "."] -> all_of
?claim: chain | chain "\\iff" chain -> equivalent
chain: sum (RELATION sum)+

?sum: term | sum "+" term -> add | sum "-" term -> subtract
?term: product | "-" product -> negative
?product: factor | product factor -> times | product "\\cdot" factor -> times
    | product "/" factor -> over | product CIRCLED factor -> circled
?factor: operand | bracket | bracket scripts -> scripted
?operand: primary | primary scripts -> scripted | big
scripts: below | above | below above
below: "_" _script
above: "^" _script
_script: number | name | "{" sum "}" | "{" chain "}" | "{" extreme "}"
extreme: PREFIX
number: NUMBER
name: NAME

?primary: number | name
    | "[" sum "]"
    | (PREFIX | CALLED) [below] bracket -> call
    | "\\leftbar" sum "\\rightbar" -> absolute
    | "\\lVert" sum "\\rVert" "_" (number | name) -> norm
    | "\\langle" sum "," sum "\\rangle" "_" NAME -> inner
    | "\\frac" "{" sum "}" "{" sum "}" -> over
    | "\\sqrt" "{" sum "}" -> root
    | "\\frac" "{" "\\partial" sum "}" "{" "\\partial" operand "}" -> derivative
?big: BIG below [above] product -> accumulate
    | PREFIX [below] operand -> call
    | "\\frac" "{" "\\partial" "}" "{" "\\partial" operand "}" product -> derivative_in_front
    | "\\frac" "{" "\\partial" "^" "2" "}" "{" "\\partial" operand "\\partial" operand "}" product -> hessian
?bracket: "(" sum ")" | "(" sum ("," sum)+ ")" -> several

RELATION.3: /=|<|>|\\(le|ge|ne|in)(?![A-Za-z])/
CIRCLED.3: "\\odot" | "\\oplus" | "\\circ" | "\\sqcup"
BIG.3: "\\sum" | "\\prod"
PREFIX.2: /\\(log|max|min|sin|cos|tanh|artanh|logit|softplus|sigma)(?![A-Za-z])/
CALLED.2: /([BEHSW]|\\([A-Z][A-Za-z]*|clr|hardmax|mm|diag|det|ulp|phi|psi) ?)(?=(_(\\?[A-Za-z]+|\d))?\()/
    | /[A-Z](?=\([^()]*,)/
NAME: /\\(?!c?dots)[A-Za-z]+|\\cdots|[A-Za-z]/
NUMBER: /[0-9]+/
%ignore " "
"""


class UnreadError(Exception):
    """The grammar does not know something in a formula."""


class MeaninglessError(Exception):
    """Nothing says what a letter of a formula stands for; the message is the letter."""


@dataclass(frozen=True)
class Formula:
    """A relation that a statement displays, as it is typed."""

    label: str
    typed: str
    where: str


def formulas(book):
    """Every formula with a relation in the labelled statements of the book."""
    for directive in directives(*book):
        if directive.kind.startswith("prf:") and directive.label:
            for typed in filter(RELATION.search, directive.formulas):
                yield Formula(directive.label, typed, directive.cell.where)


@cache
def _parser():
    return Lark(GRAMMAR, parser="lalr")


@cache
def read(typed):
    """The syntax tree of a typed formula.

    Raises
    ------
    UnreadError
        If the grammar does not know something in it.
    """
    text = typed
    for pattern, spelling in SPELLINGS:
        text = re.sub(pattern, spelling, text)
    try:
        return _parser().parse(text.strip())
    except LarkError as error:
        raise UnreadError(str(error).splitlines()[0]) from None


def holds(typed, letters):
    """Whether every relation of a formula is true where the letters have these values.

    Parameters
    ----------
    typed : str
        The formula.
    letters : dict
        What each letter stands for: a number, a column, a list of columns, or a function of all letters that
        gives one. For what stands before brackets, under its name with "()": a function of all letters, of
        the subscript (or None) and of the arguments. For a letter that its subscripts define, under its name
        with "_": a function of all letters and of the subscripts.
    """
    return _Values(letters).visit(read(typed))


class _Values(Interpreter):
    """The value of each part of a syntax tree, by methods named after the rules of the grammar."""

    def __init__(self, letters):
        self.letters = letters

    def given(self, name, number):
        """The same with another value for one letter."""
        return _Values(ChainMap({name: number}, self.letters))

    def look_up(self, name):
        if name not in self.letters:
            raise MeaninglessError(name)
        return self.letters[name]

    def all_of(self, tree):
        return all(self.visit_children(tree))

    def equivalent(self, tree):
        left, right = self.visit_children(tree)
        return left == right

    def chain(self, tree):
        sides = [self.visit(side) for side in tree.children[::2]]
        return all(map(_related, *zip(*pairwise(sides), strict=True), tree.children[1::2]))

    def number(self, tree):
        return int(tree.children[0])

    def letter(self, name):
        found = self.look_up(name)
        return found(self.letters) if callable(found) else found

    def name(self, tree):
        return self.letter(str(tree.children[0]))

    def add(self, tree):
        left, right = self.visit_children(tree)
        return left + right

    def subtract(self, tree):
        left, right = self.visit_children(tree)
        return left - right

    def negative(self, tree):
        return -self.visit(tree.children[0])

    def times(self, tree):
        return _product(*self.visit_children(tree))

    def over(self, tree):
        left, right = self.visit_children(tree)
        return left / right

    def root(self, tree):
        return np.sqrt(self.visit(tree.children[0]))

    def circled(self, tree):
        left, operator, right = tree.children
        return self.look_up(f"{operator}()")(self.visit(left), self.visit(right))

    def several(self, tree):
        return np.vstack(self.visit_children(tree))

    def absolute(self, tree):
        return abs(self.visit(tree.children[0]))

    def norm(self, tree):
        inside, order = self.visit_children(tree)
        return np.linalg.norm(np.ravel(inside), order)

    def inner(self, tree):
        left, right, name = tree.children
        return self.look_up(f"inner_{name}()")(self.visit(left), self.visit(right))

    def call(self, tree):
        function, below, argument = tree.children
        if function in (r"\max", r"\min") and below:
            return (max if function == r"\max" else min)(self.over_index(below, argument))
        subscript = below and self.visit(below.children[0])
        arguments = argument.children if argument.data == "several" else [argument]
        return self.look_up(f"{function.strip()}()")(self.letters, subscript, *map(self.visit, arguments))

    def over_index(self, below, term):
        """The values of a term for each index that a subscript such as j, j = 1 or j \\ne k allows."""
        condition = below.children[0]
        index = next(str(name) for name in condition.scan_values(lambda token: token in set("ijkrn")))
        places = [self.given(index, j) for j in range(1, self.letter("N") + 1)]
        if condition.data == "chain" and condition.children[1] != "=":
            places = [place for place in places if place.visit(condition)]
        return [place.visit(term) for place in places]

    def accumulate(self, tree):
        operator, below, above, term = tree.children
        places = self if above is None else self.given("N", self.visit(above.children[0]))
        terms = places.over_index(below, term)
        return sum(terms) if operator == r"\sum" else np.prod(terms, axis=0)

    def scripted(self, tree):
        base, scripts = tree.children
        below = next(scripts.find_data("below"), None) if scripts.children[0].data == "below" else None
        result = self.visit(base) if below is None else self.entry(base, below.children[0])
        above = scripts.children[-1]
        if above.data == "above":
            exponent = above.children[0]
            transposed = exponent.data == "name" and exponent.children == ["T"]
            result = result.T if transposed else result ** self.visit(exponent)
        return result

    def entry(self, base, script):
        """One entry of a column or of a list, or a letter that its subscripts define."""
        function = self.letters.get(f"{base.children[0]}_") if base.data == "name" else None
        if function is not None:
            return function(
                self.letters, *map(self.visit, script.children if script.data == "times" else [script])
            )
        column = self.visit(base)
        place = self.visit(script)
        if isinstance(place, str):  # \max, the only word that stands below
            return np.max(column)
        return column[place - 1] if isinstance(column, list) else column[place - 1, 0]

    def extreme(self, tree):
        return str(tree.children[0])

    def derivative(self, tree):
        function, variable = tree.children
        return self.slope(lambda at: at.visit(function), variable)

    def slope(self, value, variable, step=1e-5):
        """The central difference of a value in a letter, or in one entry of a column."""
        if variable.data == "scripted":
            variable, scripts = variable.children
            place = self.visit(scripts.children[0].children[0]) - 1
        name = str(variable.children[0])
        here = self.look_up(name)
        direction = step if np.ndim(here) == 0 else step * np.eye(len(here))[:, [place]]
        ahead, behind = (value(self.given(name, here + sign * direction)) for sign in (1, -1))
        return (ahead - behind) / (2 * step)

    def hessian(self, tree):
        """A difference of differences; the wider step leaves about 1e-7."""
        once, twice, function = tree.children
        return self.slope(lambda at: at.slope(lambda there: there.visit(function), twice, 1e-3), once, 1e-3)

    def derivative_in_front(self, tree):
        variable, function = tree.children
        return self.derivative(type(tree)("derivative", [function, variable]))


def _product(left, right):
    if np.ndim(left) == np.ndim(right) == 2 and left.shape[1] == right.shape[0]:
        result = left @ right
        return result.item() if result.size == 1 else result
    return left * right


def _related(left, right, relation):
    if relation == r"\in":  # the line of constant vectors is the only set that is tested
        return np.ptp(left) <= 1e-9
    difference = np.asarray(left - right)
    slack = 1e-6 * (1 + np.max(np.abs(left)))  # central differences leave about 1e-9
    match str(relation):
        case "=":
            return bool(np.all(abs(difference) <= slack))
        case r"\ne":
            return bool(np.any(abs(difference) > slack))
        case r"\le":
            return bool(np.all(difference <= slack))
        case r"\ge":
            return bool(np.all(difference >= -slack))
        case "<":
            return bool(np.all(difference < 0))
        case ">":
            return bool(np.all(difference > 0))
