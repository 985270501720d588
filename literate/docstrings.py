"""Docstrings of public names: all that a reader of the API page needs, told from the cells.

`softlit`'s own functions carry everything, a class what is not of its arguments; modules whose names are not
`softlit`'s own (pyproject.toml lists them) less, and the workbench what its chapter shows.
"""

import ast
import re
import warnings

from numpydoc.docscrape import NumpyDocString

from literate import ledger
from literate.chapters import ROOT, short_number
from literate.references import BIBLIOGRAPHY, known_dois
from literate.tangle import definitions, reexported

DERIVED = re.compile(r"Derived in chapter (\d\d[a-z]?), :prf:ref:`((?:thm|def)-[\w-]+)`")
DOI = re.compile(r"https://doi\.org/(\S+?)(?=[.,;)]*(?:\s|$))")


class Docstring:
    """A docstring by its parts, each of them a text; what is missing is empty."""

    def __init__(self, definition, labels, dois):
        self.node, self.name = definition.node, definition.name
        self.text = ast.get_docstring(self.node) or ""
        self.labels, self.dois = labels, dois
        with warnings.catch_warnings(action="error"):
            self.parts = NumpyDocString(self.text)

    def words(self, section):
        """All that stands in a section such as Returns."""
        return "\n".join([part.type + " ".join(part.desc) for part in self.parts[section]])

    # What may be missing: each is true if it is there.

    def formula(self):
        return ".. math::" in self.text

    def parameters(self):
        return described(self.node, self.parts)

    def shapes(self):
        return re.search(r"[Ss]hape|axes reduced|axes gone", self.words("Returns"))

    def dtypes(self):
        return re.search(r"float64|dtype|typed", self.words("Returns"))

    def errors(self):
        raised = self.words("Raises")
        return "TypeError" in raised and ("AxisError" in raised or "axis" not in arguments(self.node))

    def example(self):
        code = "\n".join(self.parts["Examples"])
        return ">>> " in code and f"{self.name}(" in code

    def see_also(self):
        return self.parts["See Also"]

    def doi(self):
        found = DOI.findall(self.text)
        return found and all(one.lower() in self.dois for one in found)

    def derivation(self):
        found = DERIVED.findall(self.text)
        return found and all(self._stated(chapter, label) for chapter, label in found)

    def _stated(self, chapter, label):
        return label in self.labels and self.labels[label].chapter.number == short_number(chapter)


# What is said of a docstring that lacks it.
LACKS = {
    Docstring.formula: "no formula ('.. math::')",
    Docstring.parameters: "no description of each argument under Parameters",
    Docstring.shapes: "no word on shapes under Returns",
    Docstring.dtypes: "no word on dtypes under Returns",
    Docstring.errors: "no TypeError under Raises, or no AxisError although there is an axis",
    Docstring.example: "no example that calls it",
    Docstring.see_also: "no section See Also",
    Docstring.doi: f"no reference with a DOI, 'https://doi.org/...', that {BIBLIOGRAPHY} has too",
    Docstring.derivation: "no 'Derived in chapter NN, :prf:ref:`thm-...`' with a statement of that chapter",
}
TEXTBOOK = (Docstring.formula, Docstring.example, Docstring.see_also, Docstring.derivation)
CLASS = (*TEXTBOOK, Docstring.doi)
FUNCTION = (*CLASS, Docstring.parameters, Docstring.shapes, Docstring.dtypes, Docstring.errors)
DATA = (Docstring.example, Docstring.see_also, Docstring.parameters)  # of files and of dask


def wanted(definition):
    """What the docstring of a definition must have."""
    is_class = isinstance(definition.node, ast.ClassDef)
    if reexported(definition.module):
        return CLASS if is_class else FUNCTION
    kept = {"textbook": TEXTBOOK, "files": DATA, "dask": DATA}.get(definition.module, ())
    return [part for part in kept if part is not Docstring.parameters or not is_class]


def arguments(node):
    """The names of the arguments of a function, `self` and `cls` aside."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [argument.arg for argument in every if argument.arg not in ("self", "cls")]


def described(node, parts):
    """Whether Parameters has each argument of a function, in order and no other."""
    named = [name for part in parts["Parameters"] for name in re.split(r",\s*", part.name)]
    starred = [star.arg for star in (node.args.vararg, node.args.kwarg) if star]
    return [name.lstrip("*") for name in named] == [*arguments(node), *starred]


def public(book):
    """The public functions and classes that the chapters export, private modules aside."""
    for definition in definitions(book):
        named = isinstance(definition.node, ast.FunctionDef | ast.ClassDef)
        if named and definition.public and "._" not in f".{definition.module}":
            yield definition


def problems(book, root=ROOT):
    """One sentence for each part that the docstring of a public name lacks."""
    labels, dois = ledger.statements(book), known_dois(root)
    for definition in public(book):
        where = f"{definition.cell.where}: the docstring of {definition.name}"
        try:
            docstring = Docstring(definition, labels, dois)
        except (ValueError, UserWarning) as error:  # a section twice, or one that numpydoc does not know
            yield f"{where} is not in numpydoc's form ({' '.join(str(error).split())})."
            continue
        yield from (f"{where} has {LACKS[part]}." for part in wanted(definition) if not part(docstring))
        if isinstance(definition.node, ast.ClassDef):
            named = f"{definition.cell.where}: {definition.name}"
            yield from (f"{named}.{words}." for words in _methods(definition))


def _methods(definition):
    for node in definition.node.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            text = ast.get_docstring(node)
            if not text:
                yield f"{node.name} has no docstring"
            elif "Parameters\n---" in text and not described(node, NumpyDocString(text)):
                yield f"{node.name} does not describe each of its arguments"
