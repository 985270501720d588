"""Style of the code: what ruff finds in chapters, machinery and tests, as sentences that name the cell."""

import json
import re
import subprocess
from pathlib import Path

from literate.chapters import ROOT, BookError

CHANGED = re.compile(
    r"^--- (?P<file>[^\n]+?)(?::cell (?P<cell>\d+))?\n\+\+\+ [^\n]*\n@@ -(?P<line>\d+)", re.M
)


def ruff(root, *options):
    """What ruff prints; its cache is left out of a copy."""
    try:
        from ruff import find_ruff_bin
    except ImportError:
        raise BookError("ruff is not installed; `make check` installs it with the tests' packages.") from None
    command = [find_ruff_bin(), *options, "."]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    # 1 says that something was found; what cannot be parsed is told by the linter, and no matter of the form.
    if done.returncode > 1 and "Failed to parse" not in done.stderr:
        raise BookError(f"ruff cannot run: {' '.join(done.stderr.split())}")
    return done.stdout


def problems(book, root=ROOT):
    """One sentence for each place that ruff's linter or its formatter would change."""
    cells = {chapter.name: [cell.where for cell in chapter.cells] for chapter in book}

    def where(file, cell, line):
        return cells[file][int(cell) - 1] if cell and file in cells else f"{file}, line {line}"

    for found in json.loads(ruff(root, "check", "--no-cache", "--output-format", "json")):
        file = Path(found["filename"]).relative_to(root.resolve()).as_posix()
        line = found["location"]["row"]
        within = f", line {line}" if found["cell"] else ""
        place = where(file, found["cell"], line)
        safe = found["fix"] and found["fix"]["applicability"] == "safe"
        mend = "; `.venv/bin/ruff check --fix` mends it" if safe else ""
        yield f"{place}{within}: {found['message']} ({found['code']}{mend})."
    for found in CHANGED.finditer(ruff(root, "format", "--no-cache", "--diff")):
        file, *place = found.group("file", "cell", "line")
        place = where(Path(file).as_posix(), *place)
        yield f"{place}: not formatted; `.venv/bin/ruff format` does it."
