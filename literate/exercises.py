"""The exercises of a chapter: text, specification, solution."""

import ast
import re
from dataclasses import dataclass, field
from functools import cached_property

from literate.chapters import BookError, Cell, Chapter
from literate.directives import directives_of
from literate.references import numbered

# What opens or closes the places of an exercise, in which order.
ORDER = {
    None: "exercise-start",
    "text": "exercise-end",
    "specification": "solution-start",
    "solution": "solution-end",
}
STARS = re.compile(r"\*\*[^*]+\*\* \$(?P<stars>(\\star){1,3})\$ ")  # behind the name with which a text begins
FOLLOWS = dict(zip(ORDER, [*[*ORDER][1:], None], strict=True))


@dataclass
class Exercise:
    """An exercise as it stands in a chapter: its text, its specification, its solution."""

    label: str
    number: str
    chapter: Chapter
    text: str = ""
    specification: list = field(default_factory=list)  # cells
    solution: list = field(default_factory=list)  # cells, and texts between them

    @property
    def where(self):
        return f"{self.chapter.name}, exercise {self.label}"

    @property
    def first_cell(self):
        """The cell with which its specification begins."""
        if not self.specification:
            raise BookError(f"{self.where}: no cell between its text and its solution specifies it.")
        return self.specification[0]

    @property
    def answer(self):
        """The cell that solves the exercise and calls the specification on its last line."""
        found = [part for part in self.solution if isinstance(part, Cell)]
        if not found:
            raise BookError(f"{self.where}: no cell solves it.")
        return found[0]

    @cached_property
    def call(self):
        """The last line of the answer: the name of the specification, and that of the answer."""
        match self.answer.tree.body[-1:]:
            case [ast.Expr(ast.Call(ast.Name(specification), [ast.Name(answer)], []))]:
                return specification, answer
        raise BookError(f"{self.answer.where}: does not end with a call 'specification(answer)'.")

    @property
    def stars(self):
        """How hard it is: one star for the class, two for home, three for those who want more."""
        match = STARS.match(self.text)
        if match is None:
            raise BookError(
                rf"{self.where}: its text begins with no name and stars, as in '**A mean.** $\star$ '."
            )
        return match["stars"].count("star")

    @property
    def signature(self):
        """How the text writes the function that is asked for, such as ``centre(x)``."""
        match = re.search(rf"`({self.call[1]}\([^`]*\))`", self.text)
        if match is None:
            raise BookError(f"{self.where}: its text does not show the signature of {self.call[1]}.")
        return match[1]


def _signposts(cell):
    """The directives that open and close the places of an exercise."""
    for directive in directives_of(cell):
        if (kind := directive.kind) in ("exercise", "solution"):
            raise BookError(
                f"{cell.where}: write {{{kind}-start}} and {{{kind}-end}} in place of {{{kind}}}, "
                "so that cells can stand between them."
            )
        if kind in ORDER.values():
            if directive.lines is None:
                raise BookError(f"{cell.where}: {{{kind}}} inside another directive.")
            yield directive


def exercises(chapter):
    """The exercises of a chapter, in order.

    Each is opened and closed by four directives in a fixed order: `exercise-start`, `exercise-end`, then the
    cells of the specification, `solution-start`, `solution-end`.
    """
    found, place = [], None
    for cell in chapter.cells:
        if cell.kind == "code":
            if place in ("specification", "solution"):
                getattr(found[-1], place).append(cell)
            continue
        lines, start = cell.text.splitlines(), 0
        for sign in [*_signposts(cell), None]:
            text = "\n".join(lines[start : sign.lines[0] if sign else None]).strip()
            if place == "text":
                found[-1].text += text
            elif place == "solution" and text:
                found[-1].solution.append(text)
            if sign is None:
                break
            start = sign.lines[1]
            if sign.kind != ORDER[place]:
                raise BookError(f"{cell.where}: {{{sign.kind}}} where {{{ORDER[place]}}} should come.")
            if place is None:
                if sign.label is None:
                    raise BookError(f"{cell.where}: an exercise without a label.")
                found.append(Exercise(sign.label, numbered(chapter, len(found) + 1), chapter))
            place = FOLLOWS[place]
    if place is not None:
        raise BookError(f"{found[-1].where}: {{{ORDER[place]}}} is missing.")
    return found
