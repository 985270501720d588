"""Results as text: one row of data a line, so that a diff shows what changed. No imports beyond Python's.

A notebook reads them with `load`, or where this file is not at hand with `json` alone.
"""

import json
import math
import os
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


def digits(number, significant=3):
    """A number as it is kept: three digits, since the next one differs from run to run.

    JSON knows no inf and no nan: inf is kept as text, which float() reads, and nan as null.
    """
    if math.isnan(number):
        return None
    return float(f"{number:.{significant}g}") if math.isfinite(number) else str(number)


def load(path):
    """(what it was measured on, the rows as a list of dicts) of one file of results."""
    data = json.loads(Path(path).read_text(encoding="utf-8"))
    return data["measured"], data["rows"]


def save(path, measured, rows):
    """Write one file of results. It is renamed into place: there is never half a file."""
    lines = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    header = json.dumps(measured, indent=4).replace("\n", "\n  ")
    text = f'{{\n  "measured": {header},\n  "rows": [\n{lines}\n  ]\n}}\n'
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)  # mkstemp's files are for their owner alone
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def select(rows, **wanted):
    """The rows with the given values: select(rows, function="softmax", dtype="float32")."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def label(row):
    """What a row was measured on, for the first column of a table."""
    if "shape" not in row:
        return row["family"]
    shape = "(" + ", ".join(str(n) for n in row["shape"]) + ("," if len(row["shape"]) == 1 else "") + ")"
    axis = "" if row["axis"] == -1 else f", axis {row['axis']}"
    return shape + axis + ("" if row["family"] == "3 normal" else f", {row['family']}")


def table(rows, value):
    """A header and the lines of a table: a line an input, a column a library, `value` in the cells."""
    libraries = list(dict.fromkeys(row["library"] for row in rows))
    lines = {}
    for row in rows:
        lines.setdefault((label(row), row["dtype"]), {})[row["library"]] = row[value]
    header = ["input", "dtype", *libraries]
    return header, [[*key, *(cells.get(name) for name in libraries)] for key, cells in lines.items()]


def markdown(header, lines):
    """A table as Markdown, empty where a library was not measured."""

    def text(cell):
        return "" if cell is None else f"{cell:.3g}" if isinstance(cell, float) else str(cell)

    rows = [header, ["---"] * len(header), *([text(cell) for cell in line] for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
