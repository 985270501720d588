"""The wings of the machinery: reading knows nothing of Sphinx, nothing imports upwards, the map is whole."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

import literate
from literate.chapters import ROOT

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "literate").rglob("*.py"))
}
UPPER = ("literate.site", "literate.paper")


def imports(source):
    """What a module imports, as dotted names; of `from a import b` both a and a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph(sources):
    """The modules among `sources` that each of them imports, apart from the packages that it is in."""
    arrows = {name: set(imports(source)) & sources.keys() for name, source in sources.items()}
    own = {
        name: {goal for goal in goals if f"{name}.".startswith(f"{goal}.")} for name, goals in arrows.items()
    }
    return {name: goals - own[name] - {*UPPER} for name, goals in arrows.items()}


SOURCES = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}


def test_the_reading_wing_imports_neither_sphinx_nor_what_is_built_on_it():
    reading = [name for name in FILES if not name.startswith(UPPER)]
    command = f"import sys, {', '.join(reading)}; print(*sorted(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    assert set(reading) <= loaded
    assert not [
        name for name in loaded if re.match(r"(sphinx|docutils|myst_nb|literate\.(site|paper))\b", name)
    ]


def test_the_book_is_built_without_the_packages_of_its_tests():
    """`make check` has them; `make book`, `make pdf`, `make run`, `make new` and `make tangle` have not."""
    modules = "build, execute, new, tangle, addresses, paper.__main__, " + ", ".join(
        f"site.{path.stem}" for path in sorted((ROOT / "literate/site").glob("*.py"))
    )
    command = "import sys; from importlib import import_module as load\n"
    command += "for name in sys.argv[1].split(', '): load(f'literate.{name}')\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", command, modules], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert not {"lark", "ruff"} & set(
        run.stdout.split()
    )  # the others are tried for by matplotlib and fontTools


def test_no_module_imports_itself_by_way_of_others():
    order = [*TopologicalSorter(graph(SOURCES)).static_order()]
    assert len(order) == len(FILES)
    with pytest.raises(CycleError):
        planted = SOURCES["literate.chapters"] + "\nfrom literate import rules\n"
        TopologicalSorter(graph(SOURCES | {"literate.chapters": planted})).prepare()


def test_the_map_has_every_module_of_the_reading_wing_below_those_that_it_imports():
    named = re.findall(r"^    (\w+)/?  +\S", literate.__doc__, re.M)
    assert {f"literate.{name}" for name in named} == {n for n in FILES if n.count(".") == 1} - {*UPPER}
    arrows = graph(SOURCES)
    for name in named:
        others = {goal.split(".")[1] for goal in arrows[f"literate.{name}"]} - {name}
        for goal in others:
            assert named.index(goal) < named.index(name), f"{name} imports {goal}"


def test_no_room_is_too_large():
    lengths = {name: source.count("\n") for name, source in SOURCES.items()}
    assert max(lengths.values()) <= 350, max(lengths, key=lengths.get)
