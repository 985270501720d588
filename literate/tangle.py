"""Write the package from the chapters: each `#| export MODULE` cell goes to `softlit/MODULE.py`.

    python -m literate.tangle

All files are composed and checked before the first one is written, so a refusal leaves the package
as it was. Files below `softlit/` that no chapter exports any more are removed.
"""

import ast
import keyword
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from literate.chapters import ROOT, BookError, Cell, number_of, read_book

BANNER = "# Tangled from the chapters in book/ by `make tangle`: edit the chapter, never this file."
INIT_DOC = "Modules that the chapters of the book build and use; they need the packages of softlit[book]."


@dataclass(frozen=True)
class Definition:
    """A top-level name of the package and the cell that defines it."""

    module: str
    name: str
    cell: Cell
    node: ast.stmt

    @property
    def public(self):
        return not self.name.startswith("_")


def exported_cells(book):
    """The cells of each module in reading order, keyed by the module's name."""
    modules = {}
    for chapter in book:
        for cell in chapter.code_cells:
            if cell.module:
                modules.setdefault(cell.module, []).append(cell)
    for module, cells in modules.items():
        parts = module.split(".")
        if any(keyword.iskeyword(part) or part.startswith("__") or part == "version" for part in parts):
            raise BookError(f"{cells[0].where}: '{module}' cannot be the name of a module.")
        if any(other.startswith(f"{module}.") for other in modules):
            raise BookError(f"{cells[0].where}: '{module}' is a module here and a package elsewhere.")
    return modules


def _defined_names(node):
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        names = (part for target in node.targets for part in ast.walk(target))
        return [part.id for part in names if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
    return []


def _plain(node):
    """Docstrings, imports, functions, classes and assignments: what the other rules can see."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.Assign | ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)


def definitions(book):
    """Every top-level definition of the package; refuses a second one of the same name.

    Public names are unique among the modules that `softlit` re-exports, all others in their module.
    """
    found, seen = [], {}
    for module, cells in exported_cells(book).items():
        for cell in cells:
            for node in cell.tree.body:
                if not _plain(node):
                    line = f"line {node.lineno} is neither an import, a definition nor an assignment"
                    raise BookError(f"{cell.where}: {line}.")
                for name in _defined_names(node):
                    shared = reexported(module) and not name.startswith("_")
                    key = name if shared else (module, name)
                    if key in seen:
                        raise BookError(
                            f"{cell.where}: '{name}' is already defined in {seen[key].cell.where}."
                        )
                    seen[key] = Definition(module, name, cell, node)
                    found.append(seen[key])
    return found


def _check_docstrings(found):
    for definition in found:
        node = definition.node
        if definition.public and not isinstance(node, ast.Assign) and not ast.get_docstring(node):
            raise BookError(f"{definition.cell.where}: '{definition.name}' is public and has no docstring.")


def _package_imports(cell):
    """What each local name that a cell imports from the package stands for, as a dotted name."""
    for node in cell.nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "softlit":
            yield from ((name.asname or name.name, f"{node.module}.{name.name}") for name in node.names)
        elif isinstance(node, ast.Import):
            whole = [name for name in node.names if name.name.split(".")[0] == "softlit"]
            yield from ((name.asname, name.name) if name.asname else ("softlit", name.name) for name in whole)


def _package_uses(cell, imported):
    """The dotted names below `softlit` that a cell imports or reads as attributes."""
    yield from (dotted for _, dotted in _package_imports(cell) if dotted != "softlit")
    for node in cell.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            root, *rest = ast.unparse(node).split(".")
            if root in imported:
                yield ".".join([imported[root], *rest])


def _origins(book, found):
    """The cell that first builds each dotted name below `softlit`: packages, modules and definitions."""
    origins = {}
    for module, cells in exported_cells(book).items():
        parts = module.split(".")
        for depth in range(1, len(parts) + 1):
            name = ".".join(["softlit", *parts[:depth]])
            origins[name] = min(origins.get(name, cells[0]), cells[0], key=lambda cell: cell.position)
    for definition in found:
        origins[f"softlit.{definition.module}.{definition.name}"] = definition.cell
        if reexported(definition.module):
            origins[f"softlit.{definition.name}"] = definition.cell
    return origins


def _in_its_appendix(cell, origin):
    """Whether a cell that is not exported shows what an appendix of its own chapter builds, as 03a for 03.

    The chapter has a function at work whose plumbing stands at the back. What is exported, in either, rests
    on earlier cells alone.
    """
    own = re.fullmatch(rf"{number_of(cell.notebook)}[a-z]", number_of(origin.notebook))
    return bool(own) and not cell.module


def _check_order(book, found):
    """Refuse a cell that uses what no cell before it has built, and no appendix of its chapter."""
    origins = _origins(book, found)
    owners = {"softlit", *(f"softlit.{definition.module}" for definition in found)}
    for chapter in book:
        imported = {"softlit": "softlit"}
        for cell in chapter.code_cells:
            if any(isinstance(node, ast.ImportFrom) and node.level for node in cell.nodes):
                raise BookError(f"{cell.where}: a relative import; write 'from softlit.MODULE import ...'.")
            imported |= {name: dotted for name, dotted in _package_imports(cell) if name != "softlit"}
            for dotted in _package_uses(cell, imported):
                origin = origins.get(dotted)
                if origin and origin.position > cell.position and not _in_its_appendix(cell, origin):
                    raise BookError(f"{cell.where}: uses {dotted}, which is built later, in {origin.where}.")
                if not origin and dotted.rpartition(".")[0] in owners and not dotted.endswith("__"):
                    raise BookError(f"{cell.where}: uses {dotted}, which no chapter builds.")


@cache
def _settings():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def reexported(module):
    """Whether the public names of a module are also names of `softlit` itself.

    Subpackages and underscored modules are not; the others unless pyproject.toml excepts them.
    """
    private = "." in module or module.startswith("_")
    return not private and module not in _settings()["tool"]["softlit"]["not-reexported"]


def _all_line(names):
    body = "".join(f'    "{name}",\n' for name in sorted(names))
    return f"__all__ = [\n{body}]\n" if names else "__all__ = []\n"


def _module_text(module, cells, found):
    blocks = [f"# --- {cell.where}\n{cell.code.strip()}\n" for cell in cells]
    public = [d.name for d in found if d.module == module and d.public]
    return "\n\n".join([f"{BANNER}\n" + blocks[0], *blocks[1:], _all_line(public)])


def _package_init(found):
    lines = [BANNER, f'"""{_settings()["project"]["description"]}"""', ""]
    exported = {}
    for definition in found:
        if definition.public and reexported(definition.module):
            exported.setdefault(definition.module, []).append(definition.name)
    for module in sorted(exported):
        lines.append(f"from softlit.{module} import (")
        lines += [f"    {name}," for name in sorted(exported[module])]
        lines.append(")")
    # Written out, so that a copy of the folder imports without the metadata of an installation.
    lines += ["", f'__version__ = "{_settings()["project"]["version"]}"', ""]
    return "\n".join(lines) + "\n" + _all_line([name for names in exported.values() for name in names])


def tangle(book):
    """The text of every file of the package, keyed by its path below `softlit/`."""
    found = definitions(book)
    _check_docstrings(found)
    _check_order(book, found)
    files = {"__init__.py": _package_init(found)}
    for module, cells in exported_cells(book).items():
        *parents, _ = module.split(".")
        for depth in range(1, len(parents) + 1):
            files["/".join(parents[:depth]) + "/__init__.py"] = f'{BANNER}\n"""{INIT_DOC}"""\n'
        files[module.replace(".", "/") + ".py"] = _module_text(module, cells, found)
    return files


def package_files(folder):
    """What lies in a package folder: relative path to bytes, byte-code caches left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def problems(book, root=ROOT):
    """One sentence for each file of the package that is not byte for byte what the chapters tangle to."""
    wanted = {name: text.encode() for name, text in tangle(book).items()}
    present = package_files(root / "softlit")
    for name in sorted(wanted.keys() | present.keys()):
        if wanted.get(name) != present.get(name):
            yield f"softlit/{name}: not what the chapters export; edit the chapter and run `make tangle`."


def write(files, folder):
    """Make `folder` hold exactly these files; returns the paths that changed, and those that went."""
    folder = Path(folder)
    before = package_files(folder) if folder.exists() else {}
    after = {name: text.encode() for name, text in files.items()}
    changed = [name for name, content in after.items() if before.get(name) != content]
    for name in changed:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(after[name])
    gone = sorted(before.keys() - after.keys())
    for name in gone:
        (folder / name).unlink()
    return sorted(changed), gone


def main():
    try:
        changed, gone = write(tangle(read_book()), ROOT / "softlit")
    except BookError as error:
        sys.exit(f"tangle: {error}")
    except OSError as error:
        sys.exit(f"tangle: {error}; softlit/ may be incomplete, run it again.")
    told = [*changed, *(f"{name} (removed)" for name in gone)]
    print(f"tangle: {', '.join(told) or 'softlit/ is up to date'}")


if __name__ == "__main__":
    main()
